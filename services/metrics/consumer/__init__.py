"""Kafka in: records become snapshots, snapshots become rows, and what nobody can read goes to the dead letters."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from services.metrics.domain import Allocation, Deal, Fund, Hold, Receivable, Snapshot, Terms
from services.metrics.handlers import keep
from shared import currency, dead_letters
from shared.clock import is_time_zone
from shared.contracts import (
    AllocationStatusChanged,
    CallState,
    CallTermsChanged,
    DealChanged,
    FundChanged,
    PaymentHeld,
)
from shared.contracts.base import Contract
from shared.currency import UnknownCurrency
from shared.dead_letters import DeadLetter
from shared.kafka.records import Arrival
from shared.kafka.sorting import sort_out
from shared.money import NotAnAmount, parse
from shared.postgres import Connection


class UnknownTimeZone(ValueError):
    """The name is none of the IANA database."""


async def apply(db: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
    """One batch, inside the caller's transaction."""
    said, unreadable = read(arrivals)
    await keep(db, said)
    await dead_letters.add(db, unreadable, now)


def read(arrivals: Sequence[Arrival]) -> tuple[list[Snapshot], list[DeadLetter]]:
    """What the records say, and those that say nothing anybody could understand."""
    found = sort_out(arrivals, READS)
    said: list[Snapshot] = []
    unreadable = list(found.unreadable)
    for topic, contract in READS.items():
        snapshot_of = _SNAPSHOTS[contract]
        for arrival, event in found.of(topic, contract):
            try:
                said.append(snapshot_of(event))
            except (NotAnAmount, UnknownCurrency, UnknownTimeZone) as wrong:
                unreadable.append(DeadLetter(arrival, *_reason(wrong)))
    return said, unreadable


def _reason(wrong: NotAnAmount | UnknownCurrency | UnknownTimeZone) -> tuple[str, str]:
    if isinstance(wrong, UnknownTimeZone):
        return "bad_time_zone", f"{str(wrong)!r} is no IANA time zone, and every business date is reckoned by it"
    if isinstance(wrong, UnknownCurrency):
        return "bad_currency", f"{wrong} is no currency of ISO 4217 with minor units"
    return "bad_amount", f"{wrong} is no amount of its currency; write plain digits with at most its decimals"


# --- events to snapshots: the only place where their amounts become integers -----------------------------------------


def fund_of(event: FundChanged) -> Fund:
    if not is_time_zone(event.time_zone):
        raise UnknownTimeZone(event.time_zone)
    return Fund(
        id=event.id,
        name=event.name,
        currency=event.currency,
        time_zone=event.time_zone,
        size=currency.parse(event.size, event.currency),
        version=event.version,
    )


def deal_of(event: DealChanged) -> Deal:
    return Deal(event.id, event.name, event.stage, event.version)


def terms_of(event: CallTermsChanged) -> Terms:
    return Terms(
        id=event.call_id,
        allocation_id=event.allocation_id,
        fund_id=event.fund_id,
        deal_id=event.deal_id,
        seq_no=event.seq_no,
        reference=event.reference,
        currency=event.currency,
        due_date=event.due_date,
        planned=currency.parse(event.amount, event.currency),
        notice_date=event.notice_date,
        issued_on=event.issued_on,
        priority=event.priority,
        stage=event.stage,
        occurred_at=event.occurred_at,
        version=event.terms_version,
    )


def receivable_of(event: CallState) -> Receivable:
    decimals = currency.exponent(event.currency)
    return Receivable(
        id=event.call_id,
        allocation_id=event.allocation_id,
        fund_id=event.fund_id,
        deal_id=event.deal_id,
        seq_no=event.seq_no,
        reference=event.reference,
        currency=event.currency,
        due_date=event.due_date,
        original=parse(event.original_amount, exponent=decimals),
        released=parse(event.released, exponent=decimals),
        amount=parse(event.amount, exponent=decimals),
        paid=parse(event.paid, exponent=decimals),
        last_paid_on=event.last_paid_on,
        status=event.status,
        postings=event.postings,
        occurred_at=event.occurred_at,
        version=event.version,
    )


def allocation_of(event: AllocationStatusChanged) -> Allocation:
    decimals = currency.exponent(event.currency)
    return Allocation(
        id=event.allocation_id,
        fund_id=event.fund_id,
        deal_id=event.deal_id,
        currency=event.currency,
        committed=parse(event.committed, exponent=decimals),
        planned=parse(event.planned, exponent=decimals),
        called=parse(event.called, exponent=decimals),
        funded=parse(event.funded, exponent=decimals),
        status=event.status,
        funding_status=event.funding_status,
        occurred_at=event.occurred_at,
        version=event.version,
    )


def hold_of(event: PaymentHeld) -> Hold:
    return Hold(
        id=event.hold_id,
        source=event.source,
        payment_id=event.payment_id,
        kind=event.kind,
        amount=currency.parse(event.amount, event.currency),
        currency=event.currency,
        value_date=event.value_date,
        fund_id=event.fund_id,
        call_id=event.call_id,
        reason=event.reason,
        state=event.state,
        resolution=event.resolution,
        occurred_at=event.occurred_at,
        version=event.version,
    )


# A contract's function takes that contract's events alone, which no annotation of a mapping can say.
_SNAPSHOTS: Final[Mapping[type[Contract], Callable[[Any], Snapshot]]] = {
    FundChanged: fund_of,
    DealChanged: deal_of,
    CallTermsChanged: terms_of,
    CallState: receivable_of,
    AllocationStatusChanged: allocation_of,
    PaymentHeld: hold_of,
}
READS: Final[Mapping[str, type[Contract]]] = {contract.topic: contract for contract in _SNAPSHOTS}
