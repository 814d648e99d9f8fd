"""The check of a stage at rest: the product's own checker, the judge of the load's history, and how long rest took."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from drawdown.addresses import SERVICES
from drawdown.check.quiet import READERS, wait_until_quiet
from drawdown.check.run import ALWAYS, Asked, Target, check
from drawdown.check.snapshot import ask, snapshot_of
from drawdown.check.topics import open_topics
from tests.faults import books, journal, planned
from tests.faults.journal import History
from tests.faults.judge import Memory, judge
from tests.faults.stage import Stage
from tests.faults.tally import Tally

_SHOWN: Final = 10


async def at_rest(
    stage: Stage, tally: Tally, path: Path, memory: Memory, *, last_fault: float, patience: float
) -> None:
    """Waits for rest and asks everything; what is wrong is added to the tally's violations. Raises TimeoutError where
    there is no rest."""
    async with open_topics(stage.addresses.kafka, "") as topics, stage.admin() as db:
        await wait_until_quiet(db, topics, wait_seconds=max(int(last_fault + patience - time.monotonic()), 1))
    tally.rest_seconds.append(time.monotonic() - last_fault)
    history = journal.read(path)
    await _product_checks(stage, tally, path, history)
    await _judge(stage, tally, history, memory)
    tally.checks["at rest"] += 1


async def _product_checks(stage: Stage, tally: Tally, path: Path, history: History) -> None:
    lines = path.with_suffix(".identities.jsonl")
    lines.write_text("".join(json.dumps(line) + "\n" for line in _identities(history)))
    target = Target(stage.addresses.admin_url, stage.addresses.kafka)
    for verdict in await check(target, Asked(60, lines), lambda _line: None):
        for finding in verdict.findings:
            tally.checks["rows of the product's checker"] += finding.rows
            if finding.found or finding.not_checked:
                says = "; ".join(f"{one.id} {one.says}" for one in finding.offenders[:_SHOWN]) or finding.not_checked
                tally.violations.append(
                    f"{verdict.invariant} {finding.what}: {finding.found} of {finding.rows}: {says}"
                )


async def _judge(stage: Stage, tally: Tally, history: History, memory: Memory) -> None:
    async with stage.admin() as db:
        told = await books.read(db, heads_before=memory.heads)
    told.capital = await _capital(stage, {call.fund_id for call in history.calls.values()})
    for ruling in [*judge(history, told, memory), *planned.judge(history, told, memory)]:
        tally.checks["rows of the judge"] += ruling.rows
        if ruling.broken:
            says = "; ".join(ruling.broken[:_SHOWN])
            tally.violations.append(f"{ruling.invariant} {ruling.what}: {len(ruling.broken)} of {ruling.rows}: {says}")
    tally.seen["over-payment held"] = max(
        tally.seen["over-payment held"], sum(reason == "over_payment" for reason in told.held.values())
    )
    for name, times in planned.sightings(history, told).items():
        tally.seen[name] = max(tally.seen[name], times)
    tally.seen["unreadable record quarantined"] = max(tally.seen["unreadable record quarantined"], len(told.dead))


async def _capital(stage: Stage, funds: set[int]) -> dict[int, Mapping[str, Any]]:
    url = stage.copies["metrics-1"].program.url
    async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as http:
        return {fund: (await http.get(f"/api/funds/{fund}/capital")).json() for fund in funds}


def _identities(history: History) -> Iterator[Mapping[str, object]]:
    """The history as `drawdown check --history` reads it."""
    for identity in history.acked.keys() | history.unsure.keys():
        yield {"source": identity[0], "payment_id": identity[1], "acked": identity in history.acked}
    for upload in history.of("bank_statement.upload"):
        done = upload.status is not None and upload.status < 300
        for entry in upload.facts["entries"]:
            yield {"source": entry["source"], "payment_id": entry["payment_id"], "acked": done}


async def under_way(stage: Stage, tally: Tally) -> None:
    """What must hold in every committed snapshot, asked in the middle of the faults."""
    async with snapshot_of(stage.addresses.admin_url) as db:
        for finding in await ask(db, ALWAYS):
            if finding.found:
                says = "; ".join(f"{one.id} {one.says}" for one in finding.offenders[:_SHOWN])
                tally.violations.append(f"{finding.invariant} under way: {finding.what}: {finding.found}: {says}")
    tally.checks["under way"] += 1


async def replayed(stage: Stage, tally: Tally) -> None:
    """I11: a replay of the read model beside the live one gives the same bytes."""
    code, said = await stage.command("metrics", "rebuild", "--verify")
    if code:
        tally.violations.append(f"I11 the read model and its replay differ: {said[-1000:]}")
    tally.checks["replay beside the read model"] += 1


async def published_twice(stage: Stage, tally: Tally) -> None:
    """How many events stand on the topics more than once."""
    ids: Counter[str] = Counter()
    async with open_topics(stage.addresses.kafka, "") as topics:
        bounds = await topics.bounds([topic for topic in READERS if topic != "payment.received"])
        async for batch in topics.records(bounds):
            ids.update(record.event_id for record in batch if record.event_id)
    tally.seen["outbox event published twice"] += sum(times > 1 for times in ids.values())
    tally.checks["events read for doubles"] += len(ids)


def services_of(stage: Stage) -> Mapping[str, list[str]]:
    """The URLs of every copy of every service; the second ones answer only while they run."""
    return {service: [stage.copies[f"{service}-{number}"].program.url for number in (1, 1, 2)] for service in SERVICES}
