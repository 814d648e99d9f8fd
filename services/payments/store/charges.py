"""SQL of what banks' charges left missing of calls."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from services.payments.store.writing import copy
from shared.ids import CallId, PaymentId
from shared.money import Minor
from shared.postgres import Connection

# Partly paid calls of the funds with a tolerance, which are few: nothing that payments change is in an index.
SHORT_CALLS: Final = """
select c.id, f.short_tolerance_minor
  from payments.fund_policy f
 cross join lateral (select own.id
                       from payments.call own
                      where own.fund_id = f.fund_id and own.paid_minor > 0 and own.released_minor = 0
                        and not own.cancelled
                        and own.original_minor - own.paid_minor between 1 and f.short_tolerance_minor
                     offset 0) c
 where f.short_tolerance_minor > 0
 order by c.id
 limit $1
"""


async def short_calls(db: Connection, *, limit: int) -> dict[CallId, Minor]:
    """Some of the calls that are short by no more than their fund tolerates, with that."""
    return {row[0]: row[1] for row in await db.fetch(SHORT_CALLS, limit)}


LAST_APPLIED: Final = """
select distinct on (o.call_id) o.call_id, o.payment_id, o.value_date
  from payments.posting o
 where o.call_id = any($1::bigint[]) and o.kind = 'applied'
   and not exists (select from payments.later_posting u where u.undoes = o.id)
 order by o.call_id, o.call_version desc, o.id desc
"""


async def last_applied(db: Connection, call_ids: Collection[CallId]) -> dict[CallId, tuple[PaymentId, date]]:
    """The payment that was applied to each call last, and its value date."""
    return {row[0]: (row[1], row[2]) for row in await db.fetch(LAST_APPLIED, sorted(call_ids))}


@dataclass(frozen=True, slots=True)
class Charge:
    """What was missing of a call, and released; `payment_id` is the payment that was short."""

    call_id: CallId
    payment_id: PaymentId
    value_date: date
    amount: Minor
    currency: str
    recorded_at: datetime


_CHARGE_COLUMNS: Final = ("call_id", "payment_id", "amount_minor", "currency", "value_date", "recorded_at")


async def add_charges(db: Connection, charges: Sequence[Charge]) -> None:
    """Puts charges on record."""
    rows = [(c.call_id, c.payment_id, c.amount, c.currency, c.value_date, c.recorded_at) for c in charges]
    await copy(db, "charge", _CHARGE_COLUMNS, rows)


CHARGES_OF_CALL: Final = """
select g.payment_id, p.external_id, g.amount_minor, g.currency, g.value_date
  from payments.charge g
  join payments.payment p on p.id = g.payment_id
 where g.call_id = $1
"""


@dataclass(frozen=True, slots=True)
class ShownCharge:
    """A charge as people see it, with the bank's own reference of the payment that was short."""

    payment_id: PaymentId
    external_id: str
    amount: Minor
    currency: str
    value_date: date


async def charges_of_call(db: Connection, call_id: CallId) -> list[ShownCharge]:
    """What was released of a call for banks' charges."""
    return [ShownCharge(*row) for row in await db.fetch(CHARGES_OF_CALL, call_id)]
