"""What people do to calls: pay, cancel, release, declare in default. Each is one transaction."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

from services.payments import domain, store
from services.payments.domain import (
    CLOSED_STAGES,
    Book,
    Call,
    Entry,
    Kind,
    Payment,
    Worksheet,
    arrived,
    refused,
    take_in,
)
from services.payments.handlers.saving import save, save_call
from services.payments.store import Numbers
from shared import currency
from shared.clock import business_date
from shared.ids import CallId, FundId
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment that a person recorded, and the call after it."""

    payment: Payment
    call: Call


async def pay(
    db: Connection,
    numbers: Numbers,
    call_id: CallId,
    *,
    amount: str,
    tx_ref: str,
    value_date: date | None,
    now: datetime,
    origin: Origin,
) -> Paid | Refused:
    """Records money that a person saw arrive for a call; its identity is (``manual/<call id>``, `tx_ref`).

    `amount` is in major units of the call's currency. The same again changes nothing and answers the same; where the
    money does not fit, nothing is recorded. Locking the call first keeps a twin of the request waiting.
    """
    call = (await store.lock_calls(db, [call_id])).get(call_id)
    if call is None:
        return await not_issued(db, call_id)
    entry = Entry(
        source=f"manual/{call_id}",
        external_id=tx_ref,
        kind=Kind.CREDIT,
        amount=currency.parse(amount, call.currency),
        currency=call.currency,
        value_date=value_date or await _today(db, call.fund_id, now),
        call_id=call_id,
    )
    if entry.amount <= 0:
        return Refused("invalid_amount", "the amount must be more than 0")
    found = await store.look_up(db, [entry.identity])
    taken = found.known.get(entry.identity)
    before = None if taken is None else await store.get_payment(db, taken.id)
    if before is not None:
        return _again(before, replace(entry, value_date=value_date or before.entry.value_date), call)
    ids = await numbers.draw(db, payments=1, postings=1, holds=1)
    sheet = Worksheet(Book(calls={call_id: call}, accounts=found.accounts), ids, now)
    reason = sheet.why_not(entry, call_id, entry.amount)
    if reason is not None:
        numbers.give_back(ids)
        return refused(reason, call_id, entry, call.outstanding)
    take_in(sheet, arrived(entry))
    numbers.give_back(ids)
    outcome = sheet.finish()
    await save(db, outcome, found.sources, now, origin)
    return Paid(outcome.booked[0], outcome.calls[0])


def _again(payment: Payment, entry: Entry, call: Call) -> Paid | Refused:
    if payment.content == entry.content:
        return Paid(payment, call)
    booked = payment.entry
    return Refused(
        "identity_conflict",
        f"payment {entry.external_id} of call {call.id} is on record with another content",
        "Use another tx_ref for another payment.",
        {"amount": currency.text(booked.amount, booked.currency), "value_date": booked.value_date.isoformat()},
    )


async def not_issued(db: Connection, call_id: CallId) -> Refused:
    """Why there is no receivable under an id."""
    plan = await store.get_plan(db, call_id)
    if plan is None:
        return Refused("call_not_found", f"there is no capital call {call_id}")
    if plan.stage in CLOSED_STAGES:
        return Refused("call_closed", f"call {call_id} was {plan.stage}", "Choose a call that is issued.")
    return Refused("invalid_transition", f"call {call_id} is {plan.stage}, not issued", "Issue the call first.")


async def _today(db: Connection, fund_id: FundId, now: datetime) -> date:
    funds = await store.get_funds(db, [fund_id])
    return business_date(now, funds[fund_id].time_zone)


async def cancel(db: Connection, call_id: CallId, *, now: datetime, origin: Origin) -> Call | Refused:
    """Takes back a call on which nothing is paid."""
    return await _change(db, call_id, domain.cancel, now, origin)


async def release_remainder(db: Connection, call_id: CallId, *, now: datetime, origin: Origin) -> Call | Refused:
    """Closes a partly paid call at what was paid."""
    return await _change(db, call_id, domain.release_remainder, now, origin)


async def declare_default(db: Connection, call_id: CallId, *, now: datetime, origin: Origin) -> Call | Refused:
    """Flags an unpaid call as in default."""
    return await _change(db, call_id, domain.declare_default, now, origin)


async def _change(
    db: Connection, call_id: CallId, rule: Callable[[Call], Call | Refused], now: datetime, origin: Origin
) -> Call | Refused:
    call = (await store.lock_calls(db, [call_id])).get(call_id)
    if call is None:
        return await not_issued(db, call_id)
    after = rule(call)
    if isinstance(after, Call):
        await save_call(db, call, after, now, origin)
    return after
