"""The metrics service's only SQL. One static statement above the one function that runs it.

Writes take whole batches, one statement per writer of a table, with the rows in id order, so batches never deadlock.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import Final, Protocol

from services.metrics.domain import (
    Allocation,
    Call,
    CallGroup,
    Deal,
    Fund,
    Hold,
    Receivable,
    Reserves,
    Snapshot,
    Terms,
    Totals,
)
from shared.money import Minor
from shared.postgres import Connection


class Writes(Protocol):
    """Where a batch is written: a connection, or one that writes to tables beside the live ones."""

    async def execute(self, query: str, *args: object) -> str: ...


# --- writes: the newest version wins ---------------------------------------------------------------------------------

# A snapshot goes as one value of its row's type, and a batch as one array of these: it costs half of what an array for
# each column does, at both ends. The due date is the terms' to change; a receivable says it too, for the row that it
# may have to begin.
SAVES: Final[Mapping[type[Snapshot], str]] = {
    Fund: """
insert into metrics.fund as mine
select *
  from unnest($1::metrics.fund[])
    on conflict (id) do update
   set name        = excluded.name,
       currency    = excluded.currency,
       time_zone   = excluded.time_zone,
       size_minor  = excluded.size_minor,
       version     = excluded.version
 where mine.version < excluded.version
""",
    Deal: """
insert into metrics.deal as mine
select *
  from unnest($1::metrics.deal[])
    on conflict (id) do update
   set name    = excluded.name,
       stage   = excluded.stage,
       version = excluded.version
 where mine.version < excluded.version
""",
    Terms: """
insert into metrics.call as mine
       (id, allocation_id, fund_id, deal_id, seq_no, reference, currency, due_date,
        planned_minor, notice_date, issued_on, priority, stage, terms_occurred_at, terms_version)
select *
  from unnest($1::metrics.call_terms[])
    on conflict (id) do update
   set due_date          = excluded.due_date,
       planned_minor     = excluded.planned_minor,
       notice_date       = excluded.notice_date,
       issued_on         = excluded.issued_on,
       priority          = excluded.priority,
       stage             = excluded.stage,
       terms_occurred_at = excluded.terms_occurred_at,
       terms_version     = excluded.terms_version
 where mine.terms_version < excluded.terms_version
""",
    Receivable: """
insert into metrics.call as mine
       (id, allocation_id, fund_id, deal_id, seq_no, reference, currency, due_date,
        original_minor, released_minor, amount_minor, paid_minor, last_paid_on, status, postings, occurred_at, version)
select *
  from unnest($1::metrics.call_receivable[])
    on conflict (id) do update
   set original_minor = excluded.original_minor,
       released_minor = excluded.released_minor,
       amount_minor   = excluded.amount_minor,
       paid_minor     = excluded.paid_minor,
       last_paid_on   = excluded.last_paid_on,
       status         = excluded.status,
       postings       = excluded.postings,
       occurred_at    = excluded.occurred_at,
       version        = excluded.version
 where mine.version < excluded.version
""",
    Allocation: """
insert into metrics.allocation as mine
select *
  from unnest($1::metrics.allocation[])
    on conflict (id) do update
   set committed_minor = excluded.committed_minor,
       planned_minor   = excluded.planned_minor,
       called_minor    = excluded.called_minor,
       funded_minor    = excluded.funded_minor,
       status          = excluded.status,
       funding_status  = excluded.funding_status,
       occurred_at     = excluded.occurred_at,
       version         = excluded.version
 where mine.version < excluded.version
""",
    Hold: """
insert into metrics.hold as mine
select *
  from unnest($1::metrics.hold[])
    on conflict (id) do update
   set amount_minor = excluded.amount_minor,
       value_date   = excluded.value_date,
       fund_id      = excluded.fund_id,
       call_id      = excluded.call_id,
       reason       = excluded.reason,
       state        = excluded.state,
       resolution   = excluded.resolution,
       occurred_at  = excluded.occurred_at,
       version      = excluded.version
 where mine.version < excluded.version
""",
    Reserves: """
insert into metrics.fund_reserves as mine
select *
  from unnest($1::metrics.fund_reserves[])
    on conflict (id) do update
   set currency      = excluded.currency,
       planned_minor = excluded.planned_minor,
       companies     = excluded.companies,
       occurred_at   = excluded.occurred_at,
       version       = excluded.version
 where mine.version < excluded.version
""",
}
KINDS: Final = tuple(SAVES)


async def save(db: Writes, kind: type[Snapshot], snapshots: Sequence[Snapshot]) -> None:
    """Snapshots of one kind, each of another entity, in id order."""
    await db.execute(SAVES[kind], snapshots)


# --- rebuild ---------------------------------------------------------------------------------------------------------

# Whole rows as PostgreSQL writes them, in id order: the same state gives the same bytes.
DUMPS: Final = {
    "fund": "select row_to_json(t)::text from metrics.fund t order by id",
    "deal": "select row_to_json(t)::text from metrics.deal t order by id",
    "allocation": "select row_to_json(t)::text from metrics.allocation t order by id",
    "call": "select row_to_json(t)::text from metrics.call t order by id",
    "hold": "select row_to_json(t)::text from metrics.hold t order by id",
    "fund_reserves": "select row_to_json(t)::text from metrics.fund_reserves t order by id",
}
TABLES: Final = tuple(DUMPS)
HALVES: Final = ("call_terms", "call_receivable")  # the types of what each writer says of a call


async def dump(db: Connection, table: str, *, schema: str = "metrics") -> AsyncIterator[str]:
    """One line of JSON per row, in id order; inside a transaction whose time zone is UTC."""
    async for row in db.cursor(_in_schema(DUMPS[table], schema), prefetch=5_000):
        yield row[0]


def _in_schema(query: str, schema: str) -> str:
    return query.replace("metrics.", f"{schema}.")


# As they stand they copy tables onto themselves; run, they copy from the tables beside: see `Beside.replace_live`.
COPIES: Final = (
    "insert into metrics.fund select * from metrics.fund",
    "insert into metrics.deal select * from metrics.deal",
    "insert into metrics.allocation select * from metrics.allocation",
    "insert into metrics.call select * from metrics.call",
    "insert into metrics.hold select * from metrics.hold",
    "insert into metrics.fund_reserves select * from metrics.fund_reserves",
)

# Not by truncate: a reader whose snapshot is older would then find tables without rows, and answer zeros.
EMPTY_TABLES: Final = """
with funds as (delete from metrics.fund),
     deals as (delete from metrics.deal),
     allocations as (delete from metrics.allocation),
     calls as (delete from metrics.call),
     holds as (delete from metrics.hold)
delete from metrics.fund_reserves
"""


class Beside:
    """A session's own empty tables of the same names: what is written there, nobody else ever sees.

    The statements are the live ones word for word but for the schema, so a replay proves them too.
    """

    schema: Final = "pg_temp"

    def __init__(self, db: Connection) -> None:
        self._db = db

    async def execute(self, query: str, *args: object) -> str:
        return await self._db.execute(_in_schema(query, self.schema), *args)

    async def make_tables(self) -> None:
        for name in (*TABLES, *HALVES):
            await self._db.execute(f"create temporary table {name} (like metrics.{name} including all)")

    async def replace_live(self) -> None:
        """The live tables hold what the tables beside hold, once the caller's transaction commits."""
        await self._db.execute(EMPTY_TABLES)
        for copy in COPIES:
            await self._db.execute(copy.replace("from metrics.", f"from {self.schema}."))


READ_TO: Final = """
select topic, partition, incarnation, next_offset
  from position
 where next_offset > 0
 order by topic, partition
"""


async def read_to(db: Connection) -> dict[tuple[str, int], tuple[int, int]]:
    """How far each (topic, partition) is in the tables: the log's incarnation, and the next offset to read."""
    rows = await db.fetch(READ_TO)
    return {(r["topic"], r["partition"]): (r["incarnation"], r["next_offset"]) for r in rows}


# The running service takes these rows first, in this order: a batch in flight is waited for, and the next one waits.
LOCK_POSITIONS: Final = """
select 1 from position order by topic, partition for update
"""


async def stand_still(db: Connection) -> None:
    """Until the caller's transaction ends, nobody reads on: tables and positions stay as they are."""
    await db.execute(LOCK_POSITIONS)


# --- reads -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def one_moment(db: Connection) -> AsyncIterator[None]:
    """All reads inside see the same committed state, so figures from two statements belong together."""
    async with db.transaction(isolation="repeatable_read", readonly=True):
        yield


FIND_FUND: Final = """
select id, name, currency, time_zone, size_minor as size, version
  from metrics.fund
 where id = $1
"""


async def find_fund(db: Connection, fund_id: int) -> Fund | None:
    row = await db.fetchrow(FIND_FUND, fund_id)
    return Fund(**row) if row else None


FIND_RESERVES: Final = """
select id, currency, planned_minor as planned, companies, occurred_at, version
  from metrics.fund_reserves
 where id = $1
"""


async def find_reserves(db: Connection, fund_id: int) -> Reserves | None:
    row = await db.fetchrow(FIND_RESERVES, fund_id)
    return Reserves(**row) if row else None


# Allocations alone: no join, so nothing can be counted twice. Sums of bigint are numeric and cannot overflow.
SUM_ALLOCATIONS: Final = """
select coalesce(sum(committed_minor), 0) as committed,
       coalesce(sum(planned_minor), 0)   as planned,
       coalesce(sum(called_minor), 0)    as called,
       coalesce(sum(funded_minor), 0)    as funded
  from metrics.allocation
 where fund_id = $1
"""


async def sum_allocations(db: Connection, fund_id: int) -> Totals:
    row = await db.fetchrow(SUM_ALLOCATIONS, fund_id)
    assert row is not None, "an aggregate always answers one row"
    return Totals(**{name: Minor(int(total)) for name, total in row.items()})


GROUP_CALLS: Final = """
select stage, status, count(*) as calls, coalesce(sum(amount_minor - paid_minor), 0) as outstanding
  from metrics.call
 where fund_id = $1
 group by stage, status
 order by stage, status
"""


async def group_calls(db: Connection, fund_id: int) -> list[CallGroup]:
    rows = await db.fetch(GROUP_CALLS, fund_id)
    return [CallGroup(r["stage"], r["status"], r["calls"], Minor(int(r["outstanding"]))) for r in rows]


FIND_ALLOCATION: Final = """
select id, fund_id, deal_id, currency, committed_minor as committed, planned_minor as planned, called_minor as called,
       funded_minor as funded, status, funding_status, occurred_at, version
  from metrics.allocation
 where id = $1
"""


async def find_allocation(db: Connection, allocation_id: int) -> Allocation | None:
    row = await db.fetchrow(FIND_ALLOCATION, allocation_id)
    return Allocation(**row) if row else None


CALLS_OF_ALLOCATION: Final = """
select id, allocation_id, deal_id, seq_no, reference, due_date, stage, planned_minor as planned,
       status as receivable_status, amount_minor as receivable_amount, coalesce(paid_minor, 0) as paid, last_paid_on
  from metrics.call
 where allocation_id = $1
 order by id
"""


async def calls_of_allocation(db: Connection, allocation_id: int) -> list[Call]:
    return [Call(**row) for row in await db.fetch(CALLS_OF_ALLOCATION, allocation_id)]


# A page in the order of its index: fund, due date, id.
CALENDAR: Final = """
select c.id, c.allocation_id, c.deal_id, c.seq_no, c.reference, c.due_date, c.stage, c.planned_minor as planned,
       c.status as receivable_status, c.amount_minor as receivable_amount, coalesce(c.paid_minor, 0) as paid,
       c.last_paid_on, d.name as deal_name
  from metrics.call c
  left join metrics.deal d on d.id = c.deal_id
 where c.fund_id = $1
   and c.due_date between $2 and $3
   and (c.due_date, c.id) > ($4, $5)
   and coalesce(c.status, c.stage) <> all ($6::text[])
 order by c.due_date, c.id
 limit $7
"""


async def calendar(
    db: Connection,
    fund_id: int,
    *,
    first: date,
    last: date,
    after: tuple[date, int],
    leave_out: Sequence[str],
    limit: int,
) -> list[Call]:
    """At most `limit` calls due from `first` to `last`, behind `after` in the order of due date and id."""
    rows = await db.fetch(CALENDAR, fund_id, first, last, *after, list(leave_out), limit)
    return [Call(**row) for row in rows]
