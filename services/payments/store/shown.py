"""SQL of what people look at: calls, payments and conflicts, page by page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from services.payments.domain import Call, Conflict, Hold, Payment, PaymentStatus, Posting, Reason, Status
from services.payments.store.calls import CALL
from services.payments.store.holds import HOLD, hold_of, open_holds
from services.payments.store.payments import PAYMENT, entry_of, payment_of
from services.payments.store.postings import POSTING, live_applications, posting_of
from shared.ids import CallId, FundId, PaymentId
from shared.postgres import Connection, Record


@dataclass(frozen=True, slots=True)
class ShownCall:
    """A call with when it last changed, and what it was before."""

    call: Call
    previous_status: Status | None
    changed_at: datetime


GET_CALL: Final = f"""
select {CALL}, previous_status, changed_at
  from payments.call
 where id = $1
"""  # noqa: S608  (columns of ours)


async def get_call(db: Connection, call_id: CallId) -> ShownCall | None:
    """One call as it now is."""
    row = await db.fetchrow(GET_CALL, call_id)
    return None if row is None else _shown(row)


def _shown(row: Record) -> ShownCall:
    *call, previous, changed_at = row
    return ShownCall(Call(*call), None if previous is None else Status(previous), changed_at)


IS_CALL_HEARD_OF: Final = """
select exists (select from payments.call where id = $1)
    or exists (select from payments.plan where call_id = $1 and stage in ('rejected', 'withdrawn'))
"""


async def is_call_heard_of(db: Connection, call_id: CallId) -> bool:
    """Whether a call was issued, or never will be: nothing more about it needs to be waited for."""
    return bool(await db.fetchval(IS_CALL_HEARD_OF, call_id))


@dataclass(frozen=True, slots=True)
class CallsAsked:
    """Which calls to list: beyond `after` (due date and id), due until `due_to`, of one status or all."""

    after: tuple[date, int]
    due_to: date
    status: Status | None
    fund_id: FundId | None
    limit: int


LIST_CALLS: Final = f"""
select {CALL}, previous_status, changed_at
  from payments.call
 where (due_on, id) > ($1, $2) and due_on <= $3 and ($4::text is null or status = $4)
 order by due_on, id
 limit $5
"""  # noqa: S608  (columns of ours)

LIST_CALLS_OF_FUND: Final = f"""
select {CALL}, previous_status, changed_at
  from payments.call
 where fund_id = $6 and (due_on, id) > ($1, $2) and due_on <= $3 and ($4::text is null or status = $4)
 order by due_on, id
 limit $5
"""  # noqa: S608  (columns of ours)


async def list_calls(db: Connection, asked: CallsAsked) -> list[ShownCall]:
    """Calls by due date, then id."""
    status = None if asked.status is None else str(asked.status)
    given = (*asked.after, asked.due_to, status, asked.limit)
    if asked.fund_id is None:
        return [_shown(row) for row in await db.fetch(LIST_CALLS, *given)]
    return [_shown(row) for row in await db.fetch(LIST_CALLS_OF_FUND, *given, asked.fund_id)]


APPLICATIONS_OF_CALL: Final = f"""
select {POSTING}
  from payments.posting o
  join payments.payment p on p.id = o.payment_id
  join payments.source s on s.id = p.source_id
 where o.call_id = $1 and o.kind = 'applied'
   and not exists (select from payments.later_posting u where u.undoes = o.id)
 order by o.call_version desc, o.id desc
 limit $2
"""  # noqa: S608  (columns of ours)


async def applications_of_call(db: Connection, call_id: CallId, *, limit: int) -> list[Posting]:
    """The money that counts towards a call, the last applied first."""
    return [posting_of(row) for row in await db.fetch(APPLICATIONS_OF_CALL, call_id, limit)]


@dataclass(frozen=True, slots=True)
class ShownPayment:
    """A payment, or a conflict that is shown like one, with its last hold and the fund that its account pays for."""

    id: PaymentId
    payment: Payment | None
    conflict: Conflict | None
    hold: Hold | None
    account_fund_id: FundId | None


# Payments and conflicts share one range of ids, so one cursor goes through both.
LIST_PAYMENTS: Final = """
select p.id, false as is_conflict
  from payments.payment p
 where p.id < $1 and ($2::text is null or p.status = $2)
 order by p.id desc
 limit $3
"""

# Everything but what is applied is rare, and has an index of its own.
LIST_PAYMENTS_ELSEWHERE: Final = """
select p.id, false as is_conflict
  from payments.payment p
 where p.status <> 'applied' and p.status = any($2::text[]) and p.id < $1
   and ($4::text is null
        or exists (select from payments.hold h
                    where h.payment_id = p.id and h.resolution is null and h.reason = $4))
 order by p.id desc
 limit $3
"""

LIST_CONFLICTS: Final = """
select h.conflict_id as id, true as is_conflict
  from payments.hold h
 where h.conflict_id < $1 and ($2::boolean is null or (h.resolution is null) = $2)
 order by h.conflict_id desc
 limit $3
"""


@dataclass(frozen=True, slots=True)
class PaymentsAsked:
    """Which payments to list: with ids below `before`, of one status or all, on hold for one reason or any."""

    before: int
    status: PaymentStatus | None
    reason: Reason | None
    limit: int


async def list_payments(db: Connection, asked: PaymentsAsked) -> list[ShownPayment]:
    """Payments and conflicts, newest first. Asking for what is held also gives what is partly held."""
    ids = [row["id"] for row in await _payments_asked(db, asked)]
    conflicts = await _conflicts_asked(db, asked)
    newest = sorted([*ids, *conflicts], reverse=True)[: asked.limit]
    shown = await show_payments(db, newest)
    return [shown[payment_id] for payment_id in newest if payment_id in shown]


async def _payments_asked(db: Connection, asked: PaymentsAsked) -> list[Record]:
    if asked.status in {None, PaymentStatus.APPLIED} and asked.reason is None:
        return await db.fetch(LIST_PAYMENTS, asked.before, asked.status and str(asked.status), asked.limit)
    if asked.status in {None, PaymentStatus.HELD}:
        statuses = [str(PaymentStatus.HELD), str(PaymentStatus.PARTLY_HELD)]
    else:
        statuses = [str(asked.status)]
    reason = None if asked.reason is None else str(asked.reason)
    return await db.fetch(LIST_PAYMENTS_ELSEWHERE, asked.before, statuses, asked.limit, reason)


async def _conflicts_asked(db: Connection, asked: PaymentsAsked) -> list[int]:
    if asked.reason not in {None, Reason.IDENTITY_CONFLICT}:
        return []
    shown_as = {None: None, PaymentStatus.HELD: True, PaymentStatus.DISMISSED: False}
    if asked.status not in shown_as:
        return []
    is_open = True if asked.reason is not None and asked.status is None else shown_as[asked.status]
    return [row["id"] for row in await db.fetch(LIST_CONFLICTS, asked.before, is_open, asked.limit)]


SHOW_PAYMENTS: Final = f"""
select {PAYMENT}, a.fund_id as account_fund_id
  from payments.payment p
  join payments.source s on s.id = p.source_id
  left join payments.account a on a.alias = s.name
 where p.id = any($1::bigint[])
"""  # noqa: S608  (columns of ours)

SHOW_CONFLICTS: Final = """
select c.id, c.payment_id, c.recorded_at, s.name as source, c.external_id, c.kind, c.amount_minor,
       c.currency, c.value_date, c.call_id, c.reference, c.remittance, c.reverses, c.remitter_name, c.account_hash,
       c.account_last4, c.method, c.booked_at, a.fund_id as account_fund_id
  from payments.conflict c
  join payments.source s on s.id = c.source_id
  left join payments.account a on a.alias = s.name
 where c.id = any($1::bigint[])
"""

HOLDS_OF_CONFLICTS: Final = f"""
select {HOLD}
  from payments.hold
 where conflict_id = any($1::bigint[])
"""  # noqa: S608  (columns of ours)


async def show_payments(db: Connection, ids: Collection[int]) -> dict[int, ShownPayment]:
    """Payments and conflicts by id, with their live applications and open holds."""
    if not ids:
        return {}
    rows = await db.fetch(SHOW_PAYMENTS, list(ids))
    found = [row["id"] for row in rows]
    applications, holds = await live_applications(db, found), await open_holds(db, found)
    shown: dict[int, ShownPayment] = {}
    for row in rows:
        payment = payment_of(row, applications.get(row["id"], ()), holds.get(row["id"]))
        shown[row["id"]] = ShownPayment(payment.id, payment, None, payment.hold, row["account_fund_id"])
    missing = [payment_id for payment_id in ids if payment_id not in shown]
    if missing:
        of_conflict = {row["conflict_id"]: hold_of(row) for row in await db.fetch(HOLDS_OF_CONFLICTS, missing)}
        for row in await db.fetch(SHOW_CONFLICTS, missing):
            conflict = Conflict(row["id"], row["payment_id"], entry_of(row), row["recorded_at"])
            hold = of_conflict.get(row["id"])
            shown[row["id"]] = ShownPayment(conflict.id, None, conflict, hold, row["account_fund_id"])
    return shown
