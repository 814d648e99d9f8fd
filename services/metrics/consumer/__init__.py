"""Kafka in: records become snapshots, snapshots become rows, and what nobody can read goes to the dead letters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.metrics.domain import Allocation, Deal, Fund, Hold, Receivable, Terms
from services.metrics.handlers import News, keep
from shared import currency, dead_letters, topics
from shared.clock import is_time_zone
from shared.contracts import (
    AllocationStatusChanged,
    CallStatusChanged,
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
from shared.money import NotAnAmount
from shared.postgres import Connection

READS: Final[dict[str, type[Contract]]] = {
    topics.FUND_CHANGED: FundChanged,
    topics.DEAL_CHANGED: DealChanged,
    topics.CALL_TERMS_CHANGED: CallTermsChanged,
    topics.CALL_STATUS_CHANGED: CallStatusChanged,
    topics.ALLOCATION_STATUS_CHANGED: AllocationStatusChanged,
    topics.PAYMENT_HELD: PaymentHeld,
}


class UnknownTimeZone(ValueError):
    """The name is none of the IANA database."""


async def apply(db: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
    """One batch, inside the caller's transaction."""
    news, unreadable = read(arrivals)
    await keep(db, news)
    await dead_letters.add(db, unreadable, now)


def read(arrivals: Sequence[Arrival]) -> tuple[News, list[DeadLetter]]:
    """What the records say, and those that say nothing anybody could understand."""
    found = sort_out(arrivals, READS)
    news, unreadable = News(), list(found.unreadable)
    for topic, contract in READS.items():
        for arrival, event in found.of(topic, contract):
            try:
                _take(news, event)
            except (NotAnAmount, UnknownCurrency, UnknownTimeZone) as wrong:
                unreadable.append(DeadLetter(arrival, *_reason(wrong)))
    return news, unreadable


def _take(news: News, event: Contract) -> None:
    match event:
        case FundChanged():
            news.funds.append(fund_of(event))
        case DealChanged():
            news.deals.append(Deal(event.id, event.name, event.stage, event.version))
        case CallTermsChanged():
            news.terms.append(terms_of(event))
        case CallStatusChanged():
            news.receivables.append(receivable_of(event))
        case AllocationStatusChanged():
            news.allocations.append(allocation_of(event))
        case PaymentHeld():
            news.holds.append(hold_of(event))
        case _:
            raise AssertionError(f"{type(event).__name__} is in READS, but nobody takes it")


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


def receivable_of(event: CallStatusChanged) -> Receivable:
    return Receivable(
        id=event.call_id,
        allocation_id=event.allocation_id,
        fund_id=event.fund_id,
        deal_id=event.deal_id,
        seq_no=event.seq_no,
        reference=event.reference,
        currency=event.currency,
        due_date=event.due_date,
        original=currency.parse(event.original_amount, event.currency),
        released=currency.parse(event.released, event.currency),
        amount=currency.parse(event.amount, event.currency),
        paid=currency.parse(event.paid, event.currency),
        last_paid_on=event.last_paid_on,
        status=event.status,
        postings=event.postings,
        occurred_at=event.occurred_at,
        version=event.version,
    )


def allocation_of(event: AllocationStatusChanged) -> Allocation:
    return Allocation(
        id=event.allocation_id,
        fund_id=event.fund_id,
        deal_id=event.deal_id,
        currency=event.currency,
        committed=currency.parse(event.committed, event.currency),
        planned=currency.parse(event.planned, event.currency),
        called=currency.parse(event.called, event.currency),
        funded=currency.parse(event.funded, event.currency),
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
