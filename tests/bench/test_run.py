"""One small run on real servers, end to end, and gates that can refuse it."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from bench import gates, throughput, workload
from bench.contender import Workload
from bench.gates import Gate, Refused
from bench.model import Expected
from bench.stack import Stack, watching
from bench.throughput import Run
from bench.workload import Recipe
from tests.support.servers import directory

pytestmark = pytest.mark.timeout(900)  # it starts servers and four services

RECIPE: Final = Recipe(2_000, scale=0.002)


@pytest.fixture(scope="module")
def done() -> Iterator[tuple[Stack, Workload, Run]]:
    """A stack that a workload went through, still up."""
    with directory() as home:
        made = workload.prepare(RECIPE, home.path / "workloads")
        (home.path / "round").mkdir(mode=0o711)
        with throughput.loaded(made, home.path / "round") as stack:
            yield stack, made, asyncio.run(throughput.measure(stack, made))


def found(stack: Stack, expected: Expected, *, one_more_record: bool = False) -> dict[str, str]:
    """What each gate complains of."""

    async def ask() -> list[Gate]:
        async with watching(stack.addresses) as watch:
            records = await watch.records()
            if one_more_record:
                records = {topic: n + 1 for topic, n in records.items()}
            return await gates.of_run(watch.db, expected, records, stack.addresses, stack.directory.path)

    return {gate.promise: gate.wrong for gate in asyncio.run(ask()) if gate.wrong}


def test_a_run_is_measured_and_right(done: tuple[Stack, Workload, Run]) -> None:
    """From the first record to every total: a rate, the cost of every process, and no complaint of any gate."""
    _, made, run = done
    assert run.right
    assert run.events == made.count
    assert run.rate > 0
    assert set(run.cost.cpu_seconds) == {"postgres", "kafka", "allocations", "payments", "metrics", "audit"}
    assert all(seconds > 0 for seconds in run.cost.cpu_seconds.values())
    assert run.cost.wal_bytes > 0
    assert run.cost.fsyncs > 0
    assert run.emitted["call.status_changed"] > 0
    assert run.early > 0


def test_the_gates_refuse_wrong_figures(done: tuple[Stack, Workload, Run]) -> None:
    """One cent, one identity, one hold, one dead letter or one audit entry off, and the run has no score."""
    stack, made, _ = done
    right = made.expected
    call = next(call for call in made.calls() if not call.late)
    cent = replace(
        right,
        paid_minor={**right.paid_minor, call.id: right.paid_minor[call.id] + 1},
        funded_minor={**right.funded_minor, call.allocation_id: right.funded_minor[call.allocation_id] + 1},
        fund_minor={**right.fund_minor, call.fund_id: right.fund_minor[call.fund_id] + 1},
    )
    totals = {"paid per call", "funded per allocation", "metrics = ledger, per allocation", "fund totals over HTTP"}
    assert found(stack, cent).keys() == totals
    others = replace(right, booked=right.booked + 1, conflicts=right.conflicts + 1, dead_letters=right.dead_letters + 1)
    assert found(stack, others, one_more_record=True).keys() == {
        "each identity once",
        "each payment once",
        "holds",
        "dead letters",
        "audit = what was published",
    }
    with pytest.raises(Refused, match="paid per call"):
        gates.insist([Gate("holds"), Gate("paid per call", "1 differ")])


def test_the_gates_see_a_cent_in_the_tables(done: tuple[Stack, Workload, Run]) -> None:
    """A read model that is a cent off is found by the totals and by the checker; a chain that was touched is, too."""
    stack, made, _ = done

    async def change(*statements: str) -> None:
        async with watching(stack.addresses) as watch:
            for statement in statements:
                await watch.db.execute(statement)

    asyncio.run(change(*SPOIL))
    try:
        complaints = found(stack, made.expected)
    finally:
        asyncio.run(change(*MEND))
    assert {"metrics = ledger, per allocation", "drawdown check", "audit chains verify"} <= complaints.keys()
    assert found(stack, made.expected) == {}


SPOIL: Final = (
    "update metrics.allocation set funded_minor = funded_minor + 1 where id = 1",
    "update audit.chain set hash = set_byte(hash, 0, get_byte(hash, 0) # 1)",
)
MEND: Final = (
    "update metrics.allocation set funded_minor = funded_minor - 1 where id = 1",
    "update audit.chain set hash = set_byte(hash, 0, get_byte(hash, 0) # 1)",
)


def test_logs_are_kept_where_they_are_said_to_be(done: tuple[Stack, Workload, Run]) -> None:
    """One file for every process."""
    folder: Path = throughput.logs(done[0])
    assert {f"{name}.log" for name in done[0].pids} <= {file.name for file in folder.iterdir()}
