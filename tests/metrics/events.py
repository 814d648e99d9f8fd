"""Events as their writers publish them, for tests that read bytes."""

import itertools
from datetime import UTC, date, datetime

from shared.contracts import (
    AllocationStatusChanged,
    CallStatusChanged,
    CallTermsChanged,
    Contract,
    DealChanged,
    FundChanged,
    PaymentHeld,
    ReserveChange,
    ReserveReallocated,
    encode,
)
from shared.kafka.records import Arrival

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DUE = date(2026, 3, 15)

_offsets = itertools.count()


def arrival(topic: str, value: bytes | Contract) -> Arrival:
    """A record of a topic at the next offset."""
    data = value if isinstance(value, bytes) else encode(value)
    return Arrival(topic, 0, 1, next(_offsets), b"1", data, (), 0)


def arrivals(*events: Contract) -> list[Arrival]:
    return [arrival(event.topic, event) for event in events]


def fund(fund_id: int = 1, version: int = 1, *, currency: str = "USD") -> FundChanged:
    size = "50000000" if currency == "JPY" else "50000000.00"
    return FundChanged(
        id=fund_id,
        name="Meridian",
        currency=currency,
        time_zone="America/New_York",
        size=size,
        version=version,
    )


def deal(deal_id: int = 1, version: int = 1) -> DealChanged:
    return DealChanged(id=deal_id, name="Balerion", stage="prospect", version=version)


def allocation(
    version: int = 1, *, called: str = "0.00", funded: str = "0.00", allocation_id: int = 1
) -> AllocationStatusChanged:
    return AllocationStatusChanged(
        allocation_id=allocation_id,
        fund_id=1,
        deal_id=1,
        currency="USD",
        committed="1000000.00",
        planned=called,
        called=called,
        funded=funded,
        uncalled="0.00",
        outstanding="0.00",
        status="committed",
        previous_status=None,
        funding_status="committed",
        cause="ALLOCATE",
        version=version,
        occurred_at=NOW,
    )


def terms(version: int = 1, *, call_id: int = 1, allocation_id: int = 1) -> CallTermsChanged:
    return CallTermsChanged(
        call_id=call_id,
        allocation_id=allocation_id,
        fund_id=1,
        deal_id=1,
        seq_no=1,
        reference="RF00",
        currency="USD",
        amount="400000.00",
        due_date=DUE,
        notice_date=None,
        issued_on=date(2026, 3, 1),
        priority="normal",
        time_zone="America/New_York",
        grace_days=0,
        cure_days=10,
        stage="issued",
        previous_stage=None,
        terms_version=version,
        occurred_at=NOW,
    )


def receivable(version: int = 1, *, paid: str = "0.00", call_id: int = 1, allocation_id: int = 1) -> CallStatusChanged:
    return CallStatusChanged(
        call_id=call_id,
        allocation_id=allocation_id,
        fund_id=1,
        deal_id=1,
        seq_no=1,
        reference="RF00",
        currency="USD",
        original_amount="400000.00",
        released="0.00",
        amount="400000.00",
        paid=paid,
        outstanding="0.00",
        due_date=DUE,
        last_paid_on=None if paid == "0.00" else date(2026, 3, 2),
        status="called" if paid == "0.00" else "paid",
        previous_status=None,
        postings=version - 1,
        version=version,
        occurred_at=NOW,
        applied=(),
    )


def held(version: int = 1, *, hold_id: int = 1) -> PaymentHeld:
    return PaymentHeld(
        hold_id=hold_id,
        source="bank/acme-usd-1",
        payment_id="entry-1",
        kind="credit",
        amount="12.50",
        currency="USD",
        value_date=DUE,
        fund_id=None,
        call_id=None,
        reason="no_match",
        state="open",
        resolution=None,
        version=version,
        occurred_at=NOW,
    )


def reserves(
    version: int = 1, *, fund_id: int = 1, total: str = "9000000.00", companies: int = 2, reason: str | None = None
) -> ReserveReallocated:
    return ReserveReallocated(
        fund_id=fund_id,
        kind="set_up" if version == 1 else "reallocation",
        audit_id=f"0199d2c4-7a10-7c55-8d1f-{version:012x}",
        currency="USD",
        baseline_version=version - 1,
        version=version,
        total_before="0.00",
        total_after=total,
        companies=companies,
        changes=[ReserveChange(company_id=n, before="0.00", after="1500000.00") for n in range(1, companies + 1)],
        reason=reason,
        user_id=None,
        occurred_at=NOW,
    )


def the_required_example() -> list[Contract]:
    """Commit 1,000,000, call 400,000, and 400,000 arrives."""
    return [
        fund(),
        deal(),
        allocation(1),
        terms(),
        allocation(2, called="400000.00"),
        receivable(1),
        receivable(2, paid="400000.00"),
        allocation(3, called="400000.00", funded="400000.00"),
    ]
