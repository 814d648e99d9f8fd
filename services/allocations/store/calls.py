"""Capital calls: their terms, and what payments last reported of them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Final

from services.allocations.domain import Call, Receivable, ReceivableStatus, Stage
from services.allocations.domain.call import UNHEARD
from shared.ids import AllocationId, CallId
from shared.postgres import Connection, Record

ADD_CALLS: Final = """
insert into allocations.call (id, allocation_id, seq_no, amount_minor, due_date, notice_date, priority, from_schedule,
                              grace_days, cure_days, stage, previous_stage, issued_on, changed_at, terms_version)
select *
  from unnest($1::bigint[], $2::bigint[], $3::int[], $4::bigint[], $5::date[], $6::date[], $7::text[], $8::boolean[],
              $9::int[], $10::int[], $11::text[], $12::text[], $13::date[], $14::timestamptz[], $15::int[])
"""


async def add_calls(db: Connection, calls: Collection[Call]) -> None:
    """New calls, in any stage."""
    if calls:
        await db.execute(
            ADD_CALLS,
            [c.id for c in calls],
            [c.allocation_id for c in calls],
            [c.seq_no for c in calls],
            [c.amount for c in calls],
            [c.due_date for c in calls],
            [c.notice_date for c in calls],
            [c.priority for c in calls],
            [c.from_schedule for c in calls],
            [c.grace_days for c in calls],
            [c.cure_days for c in calls],
            [c.stage for c in calls],
            [c.previous_stage for c in calls],
            [c.issued_on for c in calls],
            [c.changed_at for c in calls],
            [c.terms_version for c in calls],
        )


NEXT_SEQ_NO: Final = """
select coalesce(max(seq_no), 0) + 1
  from allocations.call
 where allocation_id = $1
"""


async def next_seq_no(db: Connection, allocation_id: AllocationId) -> int:
    """The place of the next call of a locked allocation."""
    return int(await db.fetchval(NEXT_SEQ_NO, allocation_id))


# In id order, so that two batches which share calls wait for each other instead of deadlocking.
LOCK_CALLS: Final = """
select id, allocation_id, seq_no, amount_minor, due_date, notice_date, priority, from_schedule, grace_days, cure_days,
       stage, previous_stage, issued_on, changed_at, terms_version,
       report_version, released_minor, paid_minor, postings, receivable_status, last_paid_on
  from allocations.call
 where id = any($1::bigint[])
 order by id
   for no key update
"""


async def lock_calls(db: Connection, ids: Collection[CallId]) -> dict[CallId, Call]:
    """These calls, locked in id order; those that do not exist are missing."""
    return {row["id"]: _call(row) for row in await db.fetch(LOCK_CALLS, list(ids))}


SAVE_TERMS: Final = """
update allocations.call c
   set stage = new.stage, previous_stage = new.previous_stage, issued_on = new.issued_on,
       grace_days = new.grace_days, cure_days = new.cure_days, changed_at = new.changed_at,
       terms_version = new.terms_version
  from unnest($1::bigint[], $2::text[], $3::text[], $4::date[], $5::int[], $6::int[], $7::timestamptz[], $8::int[])
    as new (id, stage, previous_stage, issued_on, grace_days, cure_days, changed_at, terms_version)
 where c.id = new.id
"""


async def save_terms(db: Connection, calls: Collection[Call]) -> None:
    """The new stage of locked calls."""
    if calls:
        await db.execute(
            SAVE_TERMS,
            [c.id for c in calls],
            [c.stage for c in calls],
            [c.previous_stage for c in calls],
            [c.issued_on for c in calls],
            [c.grace_days for c in calls],
            [c.cure_days for c in calls],
            [c.changed_at for c in calls],
            [c.terms_version for c in calls],
        )


CALLS_OF: Final = """
select id, allocation_id, seq_no, amount_minor, due_date, notice_date, priority, from_schedule, grace_days, cure_days,
       stage, previous_stage, issued_on, changed_at, terms_version,
       report_version, released_minor, paid_minor, postings, receivable_status, last_paid_on
  from allocations.call
 where allocation_id = any($1::bigint[])
 order by allocation_id, seq_no
"""


async def calls_of(db: Connection, allocation_ids: Collection[AllocationId]) -> dict[AllocationId, list[Call]]:
    """Every call of these allocations, in their order."""
    found: dict[AllocationId, list[Call]] = {allocation_id: [] for allocation_id in allocation_ids}
    for row in await db.fetch(CALLS_OF, list(allocation_ids)):
        found[row["allocation_id"]].append(_call(row))
    return found


LIST_CALLS: Final = """
select id, allocation_id, seq_no, amount_minor, due_date, notice_date, priority, from_schedule, grace_days, cure_days,
       stage, previous_stage, issued_on, changed_at, terms_version,
       report_version, released_minor, paid_minor, postings, receivable_status, last_paid_on
  from allocations.call
 where allocation_id = $1
   and seq_no > $2::bigint -- a cursor may hold any number
 order by seq_no
 limit $3
"""


async def list_calls(db: Connection, allocation_id: AllocationId, *, after: int, limit: int) -> Sequence[Call]:
    """The calls of an allocation in their order, those with a `seq_no` above `after`."""
    return [_call(row) for row in await db.fetch(LIST_CALLS, allocation_id, after, limit)]


# The greatest of the dates bounds the index scan; each fund's own date decides.
DUE_CALLS: Final = """
select c.id, c.allocation_id
  from allocations.call c
  join allocations.allocation a on a.id = c.allocation_id
  join allocations.fund f on f.id = a.fund_id
  join unnest($1::text[], $2::date[]) as today (time_zone, day) on today.time_zone = f.time_zone
 where c.stage = 'scheduled'
   and c.notice_date <= $3::date
   and c.notice_date <= today.day
 order by c.notice_date, c.id
 limit $4
"""


async def due_calls(db: Connection, today: Mapping[str, date], *, limit: int) -> dict[CallId, AllocationId]:
    """Scheduled calls whose notice date has come, each with its allocation; `today` is the business date in each time
    zone."""
    if not today:
        return {}
    rows = await db.fetch(DUE_CALLS, list(today.keys()), list(today.values()), max(today.values()), limit)
    return {row["id"]: row["allocation_id"] for row in rows}


def _call(row: Record) -> Call:
    was = row["previous_stage"]
    return Call(
        id=row["id"],
        allocation_id=row["allocation_id"],
        seq_no=row["seq_no"],
        amount=row["amount_minor"],
        due_date=row["due_date"],
        notice_date=row["notice_date"],
        stage=Stage(row["stage"]),
        grace_days=row["grace_days"],
        cure_days=row["cure_days"],
        changed_at=row["changed_at"],
        issued_on=row["issued_on"],
        previous_stage=None if was is None else Stage(was),
        from_schedule=row["from_schedule"],
        priority=row["priority"],
        terms_version=row["terms_version"],
        receivable=_receivable(row),
    )


def _receivable(row: Record) -> Receivable:
    return receivable(row) if row["report_version"] else UNHEARD


def receivable(row: Record) -> Receivable:
    """What was last reported of a call of which something was."""
    return Receivable(
        row["report_version"],
        row["released_minor"],
        row["paid_minor"],
        row["postings"],
        _RECEIVABLE[row["receivable_status"]],
        row["last_paid_on"],
    )


_RECEIVABLE: Final = {status.value: status for status in ReceivableStatus}
