"""What most teams write: FastStream, one message per transaction, row by row, the event published after the commit.

Four services in four processes, payments to allocations to metrics with audit beside them, as in the product.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from bench.contender import PeerResult, Servers, Workload
from bench.peers import ground
from bench.peers.programs.naive_service import PAYMENT_RECEIVED, SERVICES, TOPICS

NAME = "naive FastStream"
GIVES_NOT = (
    "no outbox (a crash loses events, and totals stay wrong), no positions in the transaction, no chain in the audit, "
    "no identity conflicts, no HTTP; knows late calls from the start"
)
LIMIT_EVENTS = 4_000  # its rate hardly depends on how many: one after the other, each is a commit in every service

_QUIET_SECONDS: Final = 1.0  # nothing may move for so long before the result is believed

FUND_TOTALS: Final = "select fund_id, funded_minor from metrics.fund_total"
CALL_TOTALS: Final = "select id, paid_minor from payments.call"
ENTRIES: Final = "select count(*) from audit.entry"


async def run(workload: Workload, servers: Servers, work: Path) -> PeerResult:
    """One run, one message at a time in each of the four processes."""
    return await run_with(workload, servers, work, handlers=1)


async def run_with(workload: Workload, servers: Servers, work: Path, *, handlers: int) -> PeerResult:
    """One run, each service with so many handlers at a time."""
    name = ground.new_name(f"naive{handlers}")
    prefix = f"{name}."
    names = [prefix + topic for topic in TOPICS]
    program = (sys.executable, "-m", "bench.peers.programs.naive_service")
    async with (
        ground.database(servers, name) as url,
        ground.topics(servers.kafka, name, dict.fromkeys(names, ground.PARTITIONS)),
    ):
        db = await asyncpg.connect(url)
        try:
            await _set_up(db, workload)
            commands = {one: [*program, one, servers.kafka, url, prefix, str(handlers)] for one in SERVICES}
            with ground.running(work / name, commands) as services:
                await services.wait_until_said("ready")
                books = _Books(db, workload, servers.kafka, names)
                return await ground.measure(
                    workload, servers, prefix + PAYMENT_RECEIVED, services, books.right, books.still_right
                )
        finally:
            await db.close()


async def _set_up(db: "asyncpg.Connection[asyncpg.Record]", workload: Workload) -> None:
    """Tables, and the book in all of them."""
    await db.execute(Path(__file__).with_name("naive.sql").read_text())
    calls = workload.calls()
    allocations = list({call.allocation_id: call.fund_id for call in calls}.items())
    tables: Sequence[tuple[str, str, Sequence[str], Sequence[tuple[Any, ...]]]] = [
        (
            *("payments", "call", ["id", "allocation_id", "fund_id", "amount_minor"]),
            [(call.id, call.allocation_id, call.fund_id, call.amount_minor) for call in calls],
        ),
        ("allocations", "call", ["id", "allocation_id"], [(call.id, call.allocation_id) for call in calls]),
        ("allocations", "allocation", ["id", "fund_id"], allocations),
        ("metrics", "allocation", ["id", "fund_id"], allocations),
        ("metrics", "fund_total", ["fund_id"], [(fund_id,) for fund_id in {call.fund_id for call in calls}]),
    ]
    for schema, table, columns, rows in tables:
        await db.copy_records_to_table(table, schema_name=schema, columns=columns, records=rows)
    await db.execute("vacuum analyze")


@dataclass(frozen=True, slots=True)
class _Books:
    """What the services have come to, beside what they must."""

    db: "asyncpg.Connection[asyncpg.Record]"
    workload: Workload
    kafka: str
    topics: Sequence[str]

    async def right(self) -> bool:
        """Every fund's total is the model's, and the audit holds every record of every topic."""
        if not ground.same(await ground.totals(self.db, FUND_TOTALS), self.workload.expected.fund_minor):
            return False
        return int(await self.db.fetchval(ENTRIES)) == sum((await ground.ends(self.kafka, self.topics)).values())

    async def still_right(self) -> bool:
        """Nothing that came later made it wrong, and every call is right too."""
        await asyncio.sleep(_QUIET_SECONDS)
        calls = await ground.totals(self.db, CALL_TOTALS)
        return ground.same(calls, self.workload.expected.paid_minor) and await self.right()
