"""Reallocation: previews and commits of all of a fund's reserves over HTTP, one after the other, and the bare SQL of
the same beside them.

Turn by turn on the same rows of the same database: a preview and its query alone; then a commit and its statements
alone in one transaction, each of which has come to rest before the next. Who is first in one turn is second in the
next, so that neither always finds the pages warm.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeVar

import httpx
import orjson

from bench import bare, feed, frames, gates, model
from bench import book as books
from bench.contender import Workload
from bench.freshness import WARM_UP_SHARE, percentile
from bench.gates import Gate
from bench.stack import Stack, Watch, watching
from bench.throughput import TOPIC, release_late, until_right
from bench.wire import NotDone, Wire
from shared.ids import FundId
from shared.postgres import LIMITS, Connection, connect

Operation = Literal["preview", "commit"]
T = TypeVar("T")

_MAKERS: Final = 8  # companies made at once
_PREVIEWS_SHARE: Final = 0.2  # of the time: they take so much less of it
# After a commit, so that what it causes in other services is not in the figure of the next one.
_REST_SECONDS: Final = 0.1
_REST_TIMES: Final = 2  # as long as the commit took
_SIZE: Final = "10000000000"  # of a fund: more than any reserves measured here come to

HISTORY: Final = """
select baseline_version, new_version, changes_json::text as changes
  from allocations.reallocation_audit
 where fund_id = $1
 order by new_version
"""
RESERVES: Final = """
select company_id, planned_reserves_minor, allocation_version from allocations.reserve where fund_id = $1
"""


@dataclass(frozen=True, slots=True)
class Reallocated:
    """One operation on a fund of so many companies, in milliseconds: over HTTP, and its SQL alone.

    `offered_per_second` payments came meanwhile, 0 where the stack was idle; `reached_per_second` of them were done,
    and `held` is false where payments fell behind by more than a second of traffic.
    """

    operation: Operation
    companies: int
    offered_per_second: int
    reached_per_second: float
    held: bool
    times: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    sql_p50_ms: float
    sql_p95_ms: float
    sql_p99_ms: float


@dataclass(slots=True)
class Fund:
    """A fund whose reserves are moved, and the version that they must be at."""

    id: FundId
    companies: Sequence[int]
    chance: random.Random
    version: int = 1
    turns: int = 0

    def body(self) -> bytes:
        """A proposal of new reserves for every company, made for the version as it is."""
        new = bare.amounts(self.chance, len(self.companies))
        proposed = [
            {"company_id": company, "planned_reserves_cents": minor}
            for company, minor in zip(self.companies, new, strict=True)
        ]
        return orjson.dumps({"current_version": self.version, "proposed_allocations": proposed})


@dataclass(slots=True)
class _Took:
    """Milliseconds of each, turn by turn."""

    http: dict[Operation, list[float]] = field(default_factory=lambda: {"preview": [], "commit": []})
    sql: dict[Operation, list[float]] = field(default_factory=lambda: {"preview": [], "commit": []})

    def told(self, operation: Operation) -> tuple[int, list[float]]:
        """How many, and p50, p95, p99 of both."""
        both = sorted(self.http[operation]), sorted(self.sql[operation])
        return len(both[0]), [percentile(side, share) for side in both for share in (0.5, 0.95, 0.99)]


async def measure(
    stack: Stack,
    workload: Workload,
    *,
    companies: Sequence[int],
    rates: Sequence[int],
    seconds: float,
    say: Callable[[str], None],
) -> list[Reallocated]:
    """On a furnished stack that has read no payment yet: each size at each rate of payments (0: at rest) for so long,
    each part of the workload once. Raises `Refused` where a gate fails afterwards."""
    await release_late(stack)
    known = books.read(stack.book).deals
    funds = [await set_up(stack.addresses.services["allocations"], count, known=known) for count in companies]
    found: list[Reallocated] = []
    fed = 0
    async with watching(stack.addresses) as watch, _session(stack) as db:
        await watch.settle()
        await watch.db.execute("vacuum analyze allocations.reserve")
        for rate in rates:
            for fund in funds:
                some = await _beside(stack, workload, watch, db, fund, rate=rate, seconds=seconds, skip=fed)
                found += some
                for one in some:
                    say(f"{in_words(one)}: p50 {one.p50_ms:.1f} ms, p99 {one.p99_ms:.1f} ms, SQL {one.sql_p50_ms:.1f}")
                fed += int(rate * seconds)
                await watch.until_read(fed)
                await watch.settle()
        expected = model.run(frames.read(workload.events, fed), workload.calls())
        await until_right(watch, expected)
        checked = [gate for fund in funds for gate in await of_reserves(watch.db, fund)]
        records = await watch.records()
        checked += await gates.of_run(watch.db, expected, records, stack.addresses, stack.directory.path)
        gates.insist(checked)
    return found


def in_words(one: Reallocated) -> str:
    """What was measured, beside how much."""
    beside = f"beside {one.offered_per_second:,}/s" if one.offered_per_second else "idle"
    if one.offered_per_second and not one.held:
        beside += f" offered, {one.reached_per_second:,.0f}/s reached"
    return f"{one.operation} of {one.companies:,} companies, {beside}"


async def set_up(url: str, count: int, *, known: int) -> Fund:
    """A new fund with reserves for so many companies, all by HTTP; of these the first `known` are there already."""
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        new = {"name": f"Reserves of {count}", "currency": "USD", "time_zone": "UTC", "size": _SIZE}
        fund_id = int((await _post(http, "/api/funds", new))["id"])
        there = list(range(1, min(known, count) + 1))
        names = iter([f"Company {n} of fund {fund_id}" for n in range(len(there) + 1, count + 1)])

        async def make() -> list[int]:
            return [int((await _post(http, "/api/deals", {"name": name}))["id"]) for name in names]

        made = await asyncio.gather(*(make() for _ in range(_MAKERS)))
        fund = Fund(FundId(fund_id), sorted([*there, *(one for some in made for one in some)]), random.Random(count))
        proposed = orjson.loads(fund.body())["proposed_allocations"]
        answer = await _put(http, f"/api/funds/{fund_id}/reserves", {"reserves": proposed})
        if answer["version"] != fund.version or len(answer["companies"]) != count:
            raise NotDone(f"fund {fund_id} has version {answer['version']} and {len(answer['companies'])} companies")
        return fund


async def _post(http: httpx.AsyncClient, path: str, body: object) -> Any:
    return _done(path, await http.post(path, json=body))


async def _put(http: httpx.AsyncClient, path: str, body: object) -> Any:
    return _done(path, await http.put(path, json=body))


def _done(path: str, answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise NotDone(f"{path}: {answer.status_code} {answer.text[:400]}")
    return answer.json()


# ---- one size at one rate


async def _beside(
    stack: Stack,
    workload: Workload,
    watch: Watch,
    db: Connection,
    fund: Fund,
    *,
    rate: int,
    seconds: float,
    skip: int,
) -> list[Reallocated]:
    """Turns for so many seconds, those of the first third not counted."""
    source = None
    if rate:
        source = await asyncio.to_thread(
            feed.start, stack.addresses.kafka, TOPIC, workload.events, int(rate * seconds), rate=rate, skip=skip
        )
    try:
        async with aclosing(Wire(stack.addresses.services["allocations"])) as wire:
            begun = source.go() if source else time.monotonic()
            await _turns(fund, wire, db, until=begun + seconds * WARM_UP_SHARE)
            counted, read = time.monotonic(), await watch.payments_read()
            took = await _turns(fund, wire, db, until=begun + seconds)
            reached = (await watch.payments_read() - read) / (time.monotonic() - counted)
            behind = max(n for (_, topic), n in (await watch.behind()).items() if topic == TOPIC)
        if source:
            await asyncio.to_thread(source.wait)
    finally:
        if source:
            source.stop()
    operations: tuple[Operation, ...] = ("preview", "commit")
    told = {operation: took.told(operation) for operation in operations}
    return [
        Reallocated(operation, len(fund.companies), rate, reached, behind <= rate, times, *milliseconds)
        for operation, (times, milliseconds) in told.items()
    ]


async def _turns(fund: Fund, wire: Wire, db: Connection, *, until: float) -> _Took:
    """Previews and then commits up to that moment, and at least two turns of each: one in which HTTP is first, one in
    which SQL is."""
    took, begun = _Took(), time.monotonic()
    while time.monotonic() < begun + (until - begun) * _PREVIEWS_SHARE or len(took.http["preview"]) < 2:
        for by_http in _sides(fund):
            one = await (_preview(fund, wire) if by_http else _preview_alone(fund, db))
            (took.http if by_http else took.sql)["preview"].append(one)
    while time.monotonic() < until or len(took.http["commit"]) < 2:
        for by_http in _sides(fund):
            one = await (_commit(fund, wire) if by_http else _commit_alone(fund, db))
            (took.http if by_http else took.sql)["commit"].append(one)
            await asyncio.sleep(max(_REST_SECONDS, _REST_TIMES * one / 1000))
    return took


def _sides(fund: Fund) -> tuple[bool, bool]:
    """Whether HTTP is asked first, and whether it is second: turn about."""
    fund.turns += 1
    return fund.turns % 2 == 1, fund.turns % 2 == 0


async def _preview(fund: Fund, wire: Wire) -> float:
    path, body = f"/api/funds/{fund.id}/reallocation/preview", fund.body()
    answer, took = await _timed(wire.insist(path, body))
    deltas = orjson.loads(answer)["deltas"]
    if len(deltas) != len(fund.companies):
        raise NotDone(f"{path} names {len(deltas)} companies of {len(fund.companies)}")
    return took


async def _preview_alone(fund: Fund, db: Connection) -> float:
    _, took = await _timed(bare.preview(db, fund.id))
    return took


async def _commit(fund: Fund, wire: Wire) -> float:
    path, body = f"/api/funds/{fund.id}/reallocation/commit", fund.body()
    answer, took = await _timed(wire.insist(path, body))
    done = orjson.loads(answer)
    fund.version += 1
    if (done["new_version"], done["updated_count"]) != (fund.version, len(fund.companies)):
        raise NotDone(f"{path} should have made version {fund.version}: {answer[:400]!r}")
    return took


async def _commit_alone(fund: Fund, db: Connection) -> float:
    prepared = await bare.prepare(db, fund.id, bare.amounts(fund.chance, len(fund.companies)))
    _, took = await _timed(bare.commit(db, prepared))
    fund.version += 1
    return took


async def _timed(work: Awaitable[T]) -> tuple[T, float]:
    begun = time.perf_counter()
    done = await work
    return done, (time.perf_counter() - begun) * 1000


@asynccontextmanager
async def _session(stack: Stack) -> AsyncIterator[Connection]:
    """A session as the service has them, with its role and its settings."""
    db = await connect(stack.addresses.database_urls["allocations"], application="bench-sql", settings=LIMITS)
    try:
        yield db
    finally:
        await db.close()


# ---- gates


async def of_reserves(db: Connection, fund: Fund) -> list[Gate]:
    """One version for each commit that was made, and a history that comes to the reserves as they are."""
    versions: list[tuple[int, int]] = []
    folded: dict[int, int] = {}
    broken: list[str] = []
    async with db.transaction():
        async for row in db.cursor(HISTORY, fund.id):
            versions.append((row["baseline_version"], row["new_version"]))
            for change in orjson.loads(row["changes"]):
                company = change["company_id"]
                if change["from_cents"] != folded.get(company, 0):
                    broken.append(f"version {row['new_version']} moves company {company} from what it did not have")
                folded[company] = change["to_cents"]
        rows = await db.fetch(RESERVES, fund.id)
    wanted = [(n, n + 1) for n in range(fund.version)]
    counted = "" if versions == wanted else f"{len(versions)} versions, {fund.version} were made: {versions[-3:]}"
    if odd := {row["allocation_version"] for row in rows} - {fund.version}:
        counted += f" reserves stand at {sorted(odd)}, not at {fund.version}"
    shown = {row["company_id"]: row["planned_reserves_minor"] for row in rows}
    differs = gates.differ(folded, shown) or ("" if shown.keys() == set(fund.companies) else "other companies")
    return [
        Gate(f"fund {fund.id}: versions count up by one for each commit", counted.strip()),
        Gate(f"fund {fund.id}: history folds to the reserves", "; ".join(filter(None, [differs, *broken[:3]]))),
    ]
