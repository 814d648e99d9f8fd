"""What people do to payments: resolve a hold, take a match back, record that money left. Each is one transaction."""

from collections.abc import Sequence
from datetime import date, datetime

from services.payments import store
from services.payments.domain import (
    Action,
    Book,
    Conflict,
    Entry,
    Hold,
    Kind,
    Part,
    Payment,
    Worksheet,
    apply_held,
    dismiss_conflict,
    dismiss_held,
    return_held,
)
from services.payments.domain import reverse as taken_back
from services.payments.domain import unapply as unapplied
from services.payments.handlers.matching import explained
from services.payments.handlers.receiving import load
from services.payments.handlers.saving import save
from services.payments.handlers.telling import payment_held
from services.payments.store import Decision, Numbers
from shared import currency, outbox
from shared.clock import business_date
from shared.ids import CallId, PaymentId
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused


async def resolve(
    db: Connection,
    numbers: Numbers,
    payment_id: PaymentId,
    *,
    action: Action,
    parts: Sequence[tuple[CallId, str]],
    reason: str,
    now: datetime,
    origin: Origin,
) -> Payment | tuple[Conflict, Hold] | Refused:
    """Settles a hold as a person decided: all its money is applied to calls, returned or dismissed.

    `parts` name calls and amounts in major units of the payment's currency. A conflict can be dismissed only.
    """
    locked = await store.lock_payments_by_id(db, [payment_id])
    conflict = None if locked else await store.lock_conflict(db, payment_id)
    if not locked and conflict is None:
        return payment_not_found(payment_id)
    if (action is Action.APPLY) != bool(parts):
        return Refused("invalid_parts", "parts: say where the money goes for apply, and leave it out otherwise")
    if conflict is not None:
        return await _resolve_conflict(db, conflict, action, reason, now, origin)
    payment = locked[0]
    money = payment.entry.currency
    wanted = [Part(call_id, currency.parse(amount, money)) for call_id, amount in parts]
    accounts = await store.get_accounts(db, [payment.entry.source])
    book = await load(db, payments=locked, calls=[part.call_id for part in wanted], accounts=accounts)
    ids = await numbers.draw(db, payments=0, postings=len(wanted), holds=0)
    sheet = Worksheet(book, ids, now)
    done = _settle(sheet, payment, action, wanted)
    numbers.give_back(ids)
    if isinstance(done, Payment):
        why = await explained(db, payment, wanted, accounts.get(payment.entry.source)) if wanted else None
        decision = Decision(payment.id, None, payment.hold, action, reason, origin.actor, why)
        await _save(db, sheet, decision, now, origin)
    return done


def _settle(sheet: Worksheet, payment: Payment, action: Action, parts: Sequence[Part]) -> Payment | Refused:
    match action:
        case Action.APPLY:
            return apply_held(sheet, payment, parts)
        case Action.RETURN:
            return return_held(sheet, payment)
        case Action.DISMISS:
            return dismiss_held(sheet, payment)


async def _save(db: Connection, sheet: Worksheet, decision: Decision, now: datetime, origin: Origin) -> None:
    outcome = sheet.finish()
    sources = await store.number_sources(db, {payment.entry.source for payment in outcome.booked})
    await save(db, outcome, sources, now, origin)
    await store.add_resolution(db, decision, now)


async def _resolve_conflict(
    db: Connection, found: tuple[Conflict, Hold], action: Action, reason: str, now: datetime, origin: Origin
) -> tuple[Conflict, Hold] | Refused:
    conflict, hold = found
    done = dismiss_conflict(conflict, hold, action)
    if isinstance(done, Refused):
        return done
    await store.save_holds(db, [done], now)
    await outbox.add(db, [payment_held(done, conflict.entry, conflict.payment_id, now)], origin)
    await store.add_resolution(db, Decision(None, conflict.id, hold, action, reason, origin.actor), now)
    return conflict, done


def payment_not_found(payment_id: PaymentId) -> Refused:
    """There is no payment under an id."""
    return Refused("payment_not_found", f"there is no payment {payment_id}")


async def unapply(
    db: Connection, numbers: Numbers, payment_id: PaymentId, *, reason: str, now: datetime, origin: Origin
) -> Payment | Refused:
    """Takes a wrong match back: the money is on hold again."""
    locked = await store.lock_payments_by_id(db, [payment_id])
    if not locked:
        return payment_not_found(payment_id)
    payment = locked[0]
    book = await load(db, payments=locked, accounts=await store.get_accounts(db, [payment.entry.source]))
    ids = await numbers.draw(db, payments=0, postings=len(payment.applications), holds=1)
    sheet = Worksheet(book, ids, now)
    done = unapplied(sheet, payment)
    numbers.give_back(ids)
    if isinstance(done, Payment):
        await _save(db, sheet, Decision(payment.id, None, done.hold, "unapply", reason, origin.actor), now, origin)
    return done


async def reverse(
    db: Connection,
    numbers: Numbers,
    payment_id: PaymentId,
    *,
    tx_ref: str,
    reason: str,
    now: datetime,
    origin: Origin,
) -> Payment | Refused:
    """Records that a payment's money left again; the same `tx_ref` again changes nothing and answers the same."""
    locked = await store.lock_payments_by_id(db, [payment_id])
    if not locked:
        return payment_not_found(payment_id)
    payment = locked[0]
    book = await load(db, payments=locked, accounts=await store.get_accounts(db, [payment.entry.source]))
    reversal = Entry(
        source=f"manual/reversal/{payment_id}",
        external_id=tx_ref,
        kind=Kind.REVERSAL,
        amount=payment.entry.amount,
        currency=payment.entry.currency,
        value_date=await _today(db, book, now),
        reverses=payment.entry.external_id,
    )
    sources = await store.number_sources(db, [reversal.source])
    if await store.lock_payments(db, sources, [reversal.identity]):
        return payment
    ids = await numbers.draw(db, payments=1, postings=len(payment.applications), holds=0)
    sheet = Worksheet(book, ids, now)
    done = taken_back(sheet, payment, reversal)
    numbers.give_back(ids)
    if isinstance(done, Payment):
        decision = Decision(payment.id, None, payment.hold, "reverse", reason, origin.actor)
        await _save(db, sheet, decision, now, origin)
    return done


async def _today(db: Connection, book: Book, now: datetime) -> date:
    """The business date of the fund that the money was applied to; that of UTC where it was applied to none."""
    fund_ids = sorted({call.fund_id for call in book.calls.values()})
    funds = await store.get_funds(db, fund_ids)
    return business_date(now, funds[fund_ids[0]].time_zone if fund_ids else "UTC")
