"""The limit that PostgreSQL itself sets: rows that already lie in a table, and one statement that books all of them."""

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import asyncpg

from bench import model
from bench.contender import PeerResult, Servers, Workload
from bench.peers import ground

NAME = "the SQL limit"
GIVES_NOT = (
    "no Kafka, no reading of events (rows are staged before the clock starts), no services, no outbox, no audit, "
    "no holds as records, no identity conflicts, no HTTP, nothing while it runs; knows late calls from the start"
)

# Generous to it: no spill to disk, and no time lost to a plan that is compiled.
_SETTINGS: Final = {"jit": "off", "work_mem": "512MB", "synchronous_commit": "on", "application_name": "sql-limit"}

BOOK: Final = """
with entered as (
    -- Each identity once, the first of them; sorted by the key, for which `on conflict` would write half as much again.
    insert into payment (id, source_id, payment_id, kind, amount_minor, call_id, reverses, value_date)
    select distinct on (source.id, staged.payment_id)
           staged.id, source.id, staged.payment_id, staged.kind, staged.amount_minor, staged.call_id, staged.reverses,
           staged.value_date
      from staged
      join source on source.name = staged.source
     where not exists (
           select from payment where payment.source_id = source.id and payment.payment_id = staged.payment_id
           )
     order by source.id, staged.payment_id, staged.id
    returning id, source_id, payment_id, kind, amount_minor, call_id, reverses
),
credit as materialized (
    select entered.*, call.amount_minor - call.paid_minor as room
      from entered
      join call on call.id = entered.call_id
     where entered.kind = 'credit' and entered.amount_minor <= call.amount_minor - call.paid_minor
),
wanted as (
    select call_id, room, sum(amount_minor)::bigint as amount_minor from credit group by call_id, room
),
taken as (
    select call_id, amount_minor from wanted where amount_minor <= room
    union all
    select credit.call_id, fitting(credit.amount_minor, credit.room order by credit.id)
      from credit
      join wanted using (call_id)
     where wanted.amount_minor > wanted.room
     group by credit.call_id
),
undone as (
    select credit.call_id, sum(credit.amount_minor)::bigint as amount_minor
      from entered as reversal
      join credit on credit.source_id = reversal.source_id
                 and credit.payment_id = reversal.reverses
                 and credit.amount_minor = reversal.amount_minor
     where reversal.kind = 'reversal'
     group by credit.call_id
),
paid as (
    update call
       set paid_minor = call.paid_minor + taken.amount_minor - coalesce(undone.amount_minor, 0),
           version = call.version + 1
      from taken
      left join undone using (call_id)
     where call.id = taken.call_id
    returning call.allocation_id, taken.amount_minor - coalesce(undone.amount_minor, 0) as change_minor
),
funded as (
    update allocation
       set funded_minor = allocation.funded_minor + change.minor, version = allocation.version + 1
      from (select allocation_id, sum(change_minor)::bigint as minor from paid group by allocation_id) as change
     where allocation.id = change.allocation_id
    returning allocation.fund_id, change.minor
)
update fund_total
   set funded_minor = fund_total.funded_minor + change.minor
  from (select fund_id, sum(minor)::bigint as minor from funded group by fund_id) as change
 where fund_total.fund_id = change.fund_id
"""
CALL_TOTALS: Final = "select id, paid_minor from call"
FUND_TOTALS: Final = "select fund_id, funded_minor from fund_total"
SOURCES: Final = "insert into source (name) select distinct source from staged order by source"


async def run(workload: Workload, servers: Servers, work: Path) -> PeerResult:  # noqa: ARG001 (every peer has this shape)
    """One statement over every row of the workload that can be read; `work` is not needed."""
    async with ground.database(servers, ground.new_name("sql")) as url:
        db = await asyncpg.connect(url, server_settings=_SETTINGS)
        try:
            await db.execute(Path(__file__).with_name("sql_limit.sql").read_text())
            await _stage(db, workload)
            await db.execute("checkpoint")  # what was staged is not written on the statement's time
            first = time.monotonic()
            await db.execute(BOOK)
            seconds = time.monotonic() - first
            right = await _right(db, workload)
        finally:
            await db.close()
    return PeerResult(workload.count, seconds, right, note="rows staged before the clock starts")


async def _stage(db: "asyncpg.Connection[asyncpg.Record]", workload: Workload) -> None:
    """The book and the rows, as they would lie there after a COPY."""
    calls = workload.calls()
    allocations = list({call.allocation_id: call.fund_id for call in calls}.items())
    await db.copy_records_to_table(
        "call",
        columns=["id", "allocation_id", "amount_minor"],
        records=[(call.id, call.allocation_id, call.amount_minor) for call in calls],
    )
    await db.copy_records_to_table("allocation", columns=["id", "fund_id"], records=allocations)
    await db.copy_records_to_table(
        "fund_total", columns=["fund_id"], records=[(id,) for id in {a[1] for a in allocations}]
    )
    await db.copy_records_to_table("staged", records=_rows(workload))
    await db.execute(SOURCES)
    await db.execute("vacuum analyze")


def _rows(workload: Workload) -> Iterator[tuple[Any, ...]]:
    """The entries that can be read, numbered in their order."""
    for n, (_, value) in enumerate(workload.frames()):
        if (entry := model.readable(value)) is not None:
            amount_minor = int(entry["amount"].replace(".", ""))
            day = date.fromisoformat(entry["value_date"])
            kind, call_id, reverses = entry["kind"], entry["call_id"], entry.get("reverses")
            yield n, entry["source"], entry["payment_id"], kind, amount_minor, call_id, reverses, day


async def _right(db: "asyncpg.Connection[asyncpg.Record]", workload: Workload) -> bool:
    """Every call and every fund is the model's, to the cent."""
    expected = workload.expected
    return ground.same(await ground.totals(db, CALL_TOTALS), expected.paid_minor) and ground.same(
        await ground.totals(db, FUND_TOTALS), expected.fund_minor
    )
