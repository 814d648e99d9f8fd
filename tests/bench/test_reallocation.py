"""One small measurement of reallocation on real servers, at rest and beside payments, and gates that can refuse it."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from bench import reallocation, throughput, workload
from bench.gates import Gate
from bench.reallocation import Fund, Reallocated
from bench.stack import Stack, watching
from bench.wire import NotDone, Wire
from bench.workload import Recipe
from shared.ids import FundId
from tests.support.servers import directory

pytestmark = pytest.mark.timeout(900)  # it starts servers and four services

COMPANIES: Final = (3, 20)
RATE: Final = 100
SECONDS: Final = 3


@pytest.fixture(scope="module")
def done() -> Iterator[tuple[Stack, list[Reallocated], list[str]]]:
    """A stack on which reallocation was measured, still up; what was measured, and what was said meanwhile."""
    with directory() as home:
        made = workload.prepare(Recipe(2 * RATE * SECONDS, scale=0.002), home.path / "workloads")
        (home.path / "round").mkdir(mode=0o711)
        with throughput.loaded(made, home.path / "round") as stack:
            said: list[str] = []
            measuring = reallocation.measure(
                stack, made, companies=COMPANIES, rates=(0, RATE), seconds=SECONDS, say=said.append
            )
            yield stack, asyncio.run(measuring), said


def fund_of(stack: Stack, companies: int) -> Fund:
    """The fund that was measured with so many companies, at the version that it now has."""

    async def ask() -> Fund:
        async with watching(stack.addresses) as watch:
            row = await watch.db.fetchrow(FUND, companies)
        assert row is not None
        return Fund(FundId(row["fund_id"]), row["companies"], random.Random(0), row["version"])

    return asyncio.run(ask())


FUND: Final = """
select fund_id, array_agg(company_id order by company_id) as companies, max(allocation_version) as version
  from allocations.reserve
 group by fund_id
having count(*) = $1
"""


def complaints(stack: Stack, fund: Fund, *spoil: str) -> list[Gate]:
    """The gates of that fund which do not hold while the tables are spoilt, which they are not afterwards."""

    async def ask() -> list[Gate]:
        async with watching(stack.addresses) as watch:
            spoiling = watch.db.transaction()
            await spoiling.start()
            try:
                await watch.db.execute("set local session_replication_role = replica")  # no trigger stands in the way
                for statement in spoil:
                    await watch.db.execute(statement)
                return [gate for gate in await reallocation.of_reserves(watch.db, fund) if gate.wrong]
            finally:
                await spoiling.rollback()

    return asyncio.run(ask())


def test_each_size_is_measured_at_rest_and_beside_payments(
    done: tuple[Stack, list[Reallocated], list[str]],
) -> None:
    """Preview and commit of each, with their SQL alone, and the rate of payments that was really reached."""
    _, found, said = done
    wanted = {(what, n, rate) for what in ("preview", "commit") for n in COMPANIES for rate in (0, RATE)}
    assert {(one.operation, one.companies, one.offered_per_second) for one in found} == wanted
    for one in found:
        assert one.times >= 2
        assert 0 < one.p50_ms <= one.p95_ms <= one.p99_ms
        assert 0 < one.sql_p50_ms <= one.sql_p95_ms <= one.sql_p99_ms
        assert (one.reached_per_second > 0) == (one.offered_per_second > 0)
    assert len(said) == len(found)


def test_what_was_measured_is_right(done: tuple[Stack, list[Reallocated], list[str]]) -> None:
    """Every commit, by the service or by its SQL alone, is one version, and history comes to the reserves."""
    stack, found, _ = done
    for companies in COMPANIES:
        fund = fund_of(stack, companies)
        counted = sum(one.times for one in found if one.operation == "commit" and one.companies == companies)
        assert fund.version > 2 * counted  # twice a turn, and there were turns that only warmed up
        assert complaints(stack, fund) == []


ONE_ROW: Final = " where (fund_id, company_id) = ({fund}, {company})"
LAST: Final = " where fund_id = {fund} and new_version = {version}"
A_CENT: Final = "update allocations.reserve set planned_reserves_minor = planned_reserves_minor + 1" + ONE_ROW
A_ROW_BEHIND: Final = "update allocations.reserve set allocation_version = allocation_version - 1" + ONE_ROW
A_ROW_LESS: Final = "delete from allocations.reserve" + ONE_ROW
A_GAP: Final = "update allocations.reallocation_audit set new_version = new_version + 7" + LAST
FROM_NOWHERE: Final = (
    "update allocations.reallocation_audit set changes_json = jsonb_set(changes_json, '{{0,from_cents}}', '7')" + LAST
)


@pytest.mark.parametrize(
    ("spoil", "promise"),
    [
        (A_CENT, "history folds to the reserves"),
        (FROM_NOWHERE, "history folds to the reserves"),
        (A_ROW_LESS, "history folds to the reserves"),
        (A_ROW_BEHIND, "versions count up by one for each commit"),
        (A_GAP, "versions count up by one for each commit"),
    ],
)
def test_the_gates_see_what_is_wrong_in_the_tables(
    done: tuple[Stack, list[Reallocated], list[str]], spoil: str, promise: str
) -> None:
    """One thing off in one row, and its gate says so."""
    stack, _, _ = done
    fund = fund_of(stack, COMPANIES[0])
    statement = spoil.format(fund=fund.id, company=fund.companies[0], version=fund.version)
    assert [gate.promise for gate in complaints(stack, fund, statement)] == [f"fund {fund.id}: {promise}"]


def test_a_commit_that_was_not_written_is_seen(done: tuple[Stack, list[Reallocated], list[str]]) -> None:
    """Whoever was told of one version more than there is has no figures."""
    stack, _, _ = done
    fund = fund_of(stack, COMPANIES[0])
    found = complaints(stack, replace(fund, version=fund.version + 1))
    assert [gate.promise for gate in found] == [f"fund {fund.id}: versions count up by one for each commit"]


def test_a_refused_request_is_no_measurement(done: tuple[Stack, list[Reallocated], list[str]]) -> None:
    """However quickly it was refused."""
    stack, _, _ = done
    fund = fund_of(stack, COMPANIES[0])
    stale = replace(fund, version=fund.version - 1).body()

    async def ask() -> None:
        wire = Wire(stack.addresses.services["allocations"])
        try:
            await wire.insist(f"/api/funds/{fund.id}/reallocation/commit", stale)
        finally:
            await wire.aclose()

    with pytest.raises(NotDone, match="409"):
        asyncio.run(ask())
