"""SQL of calls, plans, funds and accounts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from services.payments.domain import CLOSED_STAGES, Call, Plan, Status
from services.payments.store.writing import column, copy, day, expect
from shared.ids import CallId, FundId
from shared.postgres import Connection

# In the order of Call's fields, which are filled by position.
CALL: Final = """
       id, allocation_id, fund_id, deal_id, seq_no, reference, currency, original_minor, due_on, grace_days, cure_days,
       terms_version, business_date, watch_on, released_minor, paid_minor, postings, last_paid_on, cancelled,
       defaulted, version
"""

# Locked in id order, so two batches that share calls wait for each other instead of deadlocking.
LOCK_CALLS: Final = f"""
select {CALL}
  from payments.call
 where id = any(string_to_array($1, E'\\x1f')::bigint[])
 order by id
   for no key update
"""  # noqa: S608  (columns of ours)


async def lock_calls(db: Connection, ids: Iterable[CallId]) -> dict[CallId, Call]:
    """The calls that there are, locked until the transaction ends."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    return {row[0]: Call(*row) for row in await db.fetch(LOCK_CALLS, column(wanted))}


CLOSED_PLANS: Final = """
select call_id
  from payments.plan
 where call_id = any($1::bigint[]) and stage = any($2::text[])
"""


async def closed_plans(db: Connection, ids: Collection[CallId]) -> frozenset[CallId]:
    """Those of the calls that will never be issued."""
    if not ids:
        return frozenset()
    rows = await db.fetch(CLOSED_PLANS, sorted(ids), sorted(CLOSED_STAGES))
    return frozenset(row[0] for row in rows)


GET_PLAN: Final = """
select call_id, stage, terms_version from payments.plan where call_id = $1
"""


async def get_plan(db: Connection, call_id: CallId) -> Plan | None:
    """What was last heard of a call that is not issued."""
    row = await db.fetchrow(GET_PLAN, call_id)
    return None if row is None else Plan(*row)


SAVE_PLANS: Final = """
insert into payments.plan as p (call_id, stage, terms_version)
select * from unnest($1::bigint[], $2::text[], $3::bigint[])
    on conflict (call_id) do update
   set stage = excluded.stage, terms_version = excluded.terms_version
 where p.terms_version < excluded.terms_version
"""


async def save_plans(db: Connection, plans: Sequence[Plan]) -> None:
    """Remembers the newest word on calls that are not issued; `plans` in id order."""
    if plans:
        await db.execute(
            SAVE_PLANS, [p.id for p in plans], [str(p.stage) for p in plans], [p.terms_version for p in plans]
        )


_ADDED: Final = (
    *("id", "allocation_id", "fund_id", "deal_id", "seq_no", "reference", "currency", "original_minor", "due_on"),
    *("grace_days", "cure_days", "terms_version", "business_date", "watch_on", "released_minor", "paid_minor"),
    *("postings", "last_paid_on", "cancelled", "defaulted", "version", "status", "changed_at"),
)


async def add_calls(db: Connection, calls: Sequence[Call], now: datetime) -> None:
    """Adds calls that are new; raises `Retry` where another transaction has just added one of them."""
    rows = [
        (
            *(c.id, c.allocation_id, c.fund_id, c.deal_id, c.seq_no, c.reference, c.currency, c.original, c.due_on),
            *(c.grace_days, c.cure_days, c.terms_version, c.business_date, c.watch_on, c.released, c.paid),
            *(c.postings, c.last_paid_on, c.cancelled, c.defaulted, c.version, str(c.status), now),
        )
        for c in calls
    ]
    await copy(db, "call", _ADDED, rows)


# What was locked is what is changed: a version that moved meanwhile would show in the number of rows.
SAVE_CALLS: Final = """
update payments.call c
   set business_date = new.business_date, watch_on = new.watch_on, released_minor = new.released,
       paid_minor = new.paid, postings = new.postings, last_paid_on = new.last_paid_on, cancelled = new.cancelled,
       defaulted = new.defaulted, version = new.version, status = new.status, previous_status = new.previous,
       changed_at = $13
  from unnest(string_to_array($1, E'\\x1f')::bigint[], string_to_array($2, E'\\x1f')::date[],
              string_to_array($3, E'\\x1f', '')::date[], string_to_array($4, E'\\x1f')::bigint[],
              string_to_array($5, E'\\x1f')::bigint[], string_to_array($6, E'\\x1f')::bigint[],
              string_to_array($7, E'\\x1f', '')::date[], string_to_array($8, E'\\x1f')::boolean[],
              string_to_array($9, E'\\x1f')::boolean[], string_to_array($10, E'\\x1f')::bigint[],
              string_to_array($11, E'\\x1f'), string_to_array($12, E'\\x1f', ''))
    as new (id, business_date, watch_on, released, paid, postings, last_paid_on, cancelled, defaulted, version,
            status, previous)
 where c.id = new.id and c.version < new.version
"""


async def save_calls(db: Connection, calls: Sequence[tuple[Call, Status | None]], now: datetime) -> None:
    """Writes new versions of locked calls, each with the status it had before; all of them, or it raises."""
    if not calls:
        return
    changed = [call for call, _ in calls]
    done = await db.execute(
        SAVE_CALLS,
        column([c.id for c in changed]),
        column([day(c.business_date) for c in changed]),
        column([day(c.watch_on) for c in changed]),
        column([c.released for c in changed]),
        column([c.paid for c in changed]),
        column([c.postings for c in changed]),
        column([day(c.last_paid_on) for c in changed]),
        column([c.cancelled for c in changed]),
        column([c.defaulted for c in changed]),
        column([c.version for c in changed]),
        column([c.status for c in changed]),
        column([previous for _, previous in calls]),
        now,
    )
    expect(len(calls), done)


# A date that was looked at without a change of status: no version, but the next look is set.
SAVE_WATCHED: Final = """
update payments.call c
   set business_date = new.business_date, watch_on = new.watch_on
  from unnest($1::bigint[], $2::date[], $3::date[]) as new (id, business_date, watch_on)
 where c.id = new.id
"""


async def save_watched(db: Connection, calls: Sequence[Call]) -> None:
    """Stores the business date of locked calls whose status did not change."""
    if calls:
        columns = [c.id for c in calls], [c.business_date for c in calls], [c.watch_on for c in calls]
        expect(len(calls), await db.execute(SAVE_WATCHED, *columns))


CALLS_TO_WATCH: Final = """
select c.id
  from unnest($1::bigint[], $2::date[]) as today (fund_id, business_date)
  join payments.call c on c.fund_id = today.fund_id and c.watch_on <= today.business_date
 limit $3
"""


async def calls_to_watch(db: Connection, today: Mapping[FundId, date], *, limit: int) -> list[CallId]:
    """Some of the calls whose status the clock alone may change today, each fund by its own date."""
    rows = await db.fetch(CALLS_TO_WATCH, list(today), list(today.values()), limit)
    return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class Fund:
    """A fund as far as money needs to know it; version 0 is known from a call's terms only."""

    id: FundId
    currency: str
    time_zone: str
    version: int


SAVE_FUNDS: Final = """
insert into payments.fund as f (id, currency, time_zone, version)
select * from unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
    on conflict (id) do update
   set currency = excluded.currency, time_zone = excluded.time_zone, version = excluded.version
 where f.version < excluded.version
"""


async def save_funds(db: Connection, funds: Iterable[Fund]) -> None:
    """Remembers the newest word on funds."""
    newest: dict[FundId, Fund] = {}
    for fund in funds:
        known = newest.get(fund.id)
        if known is None or fund.version > known.version:
            newest[fund.id] = fund
    rows = [newest[fund_id] for fund_id in sorted(newest)]
    if rows:
        await db.execute(
            SAVE_FUNDS,
            [f.id for f in rows],
            [f.currency for f in rows],
            [f.time_zone for f in rows],
            [f.version for f in rows],
        )


GET_FUNDS: Final = """
select id, currency, time_zone, version from payments.fund where $1::bigint[] is null or id = any($1::bigint[])
"""


async def get_funds(db: Connection, ids: Collection[FundId] | None = None) -> dict[FundId, Fund]:
    """These funds, or all of them."""
    rows = await db.fetch(GET_FUNDS, None if ids is None else list(ids))
    return {row[0]: Fund(*row) for row in rows}
