"""Snapshots for tests: each function gives one version of one entity, plain but for what the caller asks."""

from datetime import UTC, date, datetime, timedelta

from services.metrics.domain import Allocation, Deal, Fund, Hold, Receivable, Reserves, Terms
from shared.money import Minor

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DUE = date(2026, 3, 15)


def at(version: int) -> datetime:
    return START + timedelta(minutes=version)


def fund(fund_id: int = 1, version: int = 1, *, currency: str = "USD", time_zone: str = "America/New_York") -> Fund:
    return Fund(fund_id, f"Fund {fund_id}.{version}", currency, time_zone, Minor(50_000_000_00), version)


def deal(deal_id: int = 1, version: int = 1) -> Deal:
    return Deal(deal_id, f"Deal {deal_id}.{version}", "prospect", version)


def allocation(
    allocation_id: int = 1,
    version: int = 1,
    *,
    fund_id: int = 1,
    committed: int = 1_000_000_00,
    called: int = 0,
    funded: int = 0,
) -> Allocation:
    return Allocation(
        id=allocation_id,
        fund_id=fund_id,
        deal_id=allocation_id,
        currency="USD",
        committed=Minor(committed),
        planned=Minor(called),
        called=Minor(called),
        funded=Minor(funded),
        status="committed",
        funding_status="committed",
        occurred_at=at(version),
        version=version,
    )


def terms(
    call_id: int = 1,
    version: int = 1,
    *,
    allocation_id: int = 1,
    fund_id: int = 1,
    stage: str = "issued",
    amount: int = 400_000_00,
    due_date: date = DUE,
) -> Terms:
    return Terms(
        id=call_id,
        allocation_id=allocation_id,
        fund_id=fund_id,
        deal_id=allocation_id,
        seq_no=1,
        reference=f"RF{call_id}",
        currency="USD",
        due_date=due_date,
        planned=Minor(amount),
        notice_date=None,
        issued_on=date(2026, 3, 1) if stage == "issued" else None,
        priority="normal",
        stage=stage,
        occurred_at=at(version),
        version=version,
    )


def receivable(
    call_id: int = 1,
    version: int = 1,
    *,
    allocation_id: int = 1,
    fund_id: int = 1,
    status: str = "called",
    amount: int = 400_000_00,
    paid: int = 0,
    due_date: date = DUE,
) -> Receivable:
    return Receivable(
        id=call_id,
        allocation_id=allocation_id,
        fund_id=fund_id,
        deal_id=allocation_id,
        seq_no=1,
        reference=f"RF{call_id}",
        currency="USD",
        due_date=due_date,
        original=Minor(amount),
        released=Minor(0),
        amount=Minor(amount),
        paid=Minor(paid),
        last_paid_on=date(2026, 3, 2) if paid else None,
        status=status,
        postings=1 if paid else 0,
        occurred_at=at(version),
        version=version,
    )


def hold(hold_id: int = 1, version: int = 1, *, state: str = "open") -> Hold:
    return Hold(
        id=hold_id,
        source="bank/acme-usd-1",
        payment_id=f"entry-{hold_id}",
        kind="credit",
        amount=Minor(100),
        currency="USD",
        value_date=DUE,
        fund_id=None,
        call_id=None,
        reason="no_match",
        state=state,
        resolution=None if state == "open" else "returned",
        occurred_at=at(version),
        version=version,
    )


def reserves(fund_id: int = 1, version: int = 1, *, currency: str = "USD", planned: int = 0) -> Reserves:
    return Reserves(
        id=fund_id,
        currency=currency,
        planned=Minor(planned or version * 1_000_00),
        companies=version,
        occurred_at=at(version),
        version=version,
    )
