"""Funds, allocations, calls and reports to test with, each as plain as can be."""

from dataclasses import replace
from datetime import UTC, date, datetime

from services.allocations.domain import (
    Allocation,
    Call,
    FundingStatus,
    Policy,
    ReceivableStatus,
    Report,
    Reported,
    Stage,
    Status,
    advance,
    fold_reports,
    moved,
    new_call,
)
from shared.ids import AllocationId, CallId, DealId, FundId
from shared.money import Minor

NOW = datetime(2026, 2, 2, 15, tzinfo=UTC)
TODAY = date(2026, 2, 2)
DUE = date(2026, 3, 15)
K = Minor(1_000_000_00)
POLICY = Policy()


def allocation(committed: int = K, allocation_id: int = 1) -> Allocation:
    """A promise of nothing but its amount."""
    return Allocation(AllocationId(allocation_id), FundId(1), DealId(1), "USD", Minor(committed), changed_at=NOW)


def call(call_id: int, amount: int, stage: Stage = Stage.ISSUED, *, allocation_id: int = 1) -> Call:
    """A call of some amount in some stage."""
    return new_call(
        CallId(call_id),
        AllocationId(allocation_id),
        seq_no=call_id,
        amount=Minor(amount),
        due_date=DUE,
        stage=stage,
        policy=POLICY,
        today=TODAY,
        now=NOW,
        from_schedule=amount == 0,
    )


def report(
    of: Call,
    version: int,
    *,
    paid: int = 0,
    postings: int = 0,
    released: int = 0,
    cancelled: bool = False,
    place: int = 0,
) -> Report:
    """What payments says of a call at some version, in an order that the clock cannot disturb."""
    amount = of.amount - released
    if cancelled:
        status = ReceivableStatus.CANCELLED
    elif paid == amount:
        status = ReceivableStatus.PAID
    else:
        status = ReceivableStatus.PARTIALLY_PAID if paid else ReceivableStatus.CALLED
    return Report(
        place=place,
        call_id=of.id,
        allocation_id=of.allocation_id,
        currency="USD",
        original=of.amount,
        released=Minor(released),
        amount=Minor(amount),
        paid=Minor(paid),
        status=status,
        postings=postings,
        last_paid_on=TODAY if paid else None,
        version=version,
    )


class Book:
    """One allocation and its calls in memory, moved only by the rules: what the store is in the database."""

    def __init__(self, committed: int = K) -> None:
        self.allocation = allocation(committed)
        self.calls: dict[CallId, Call] = {}
        self.doubts: list[str] = []

    def issue(self, amount: int) -> Call:
        """Makes and issues a call; the caller knows that it is free."""
        made = call(len(self.calls) + 1, amount)
        self.calls[made.id] = made
        self._advance(moved(self.allocation, planned_by=made.planned, called_by=made.called))
        return made

    def hear(self, *reports: Report) -> None:
        """Folds one batch of reports."""
        known = {c.id: Reported(c.id, c.allocation_id, c.stage, c.amount, c.receivable) for c in self.calls.values()}
        folded = fold_reports({self.allocation.id: self.allocation}, known, reports, now=NOW)
        for call_id, receivable in folded.receivables.items():
            self.calls[call_id] = replace(self.calls[call_id], receivable=receivable)
        self.allocation = folded.allocations.get(self.allocation.id, self.allocation)
        self.doubts += [doubt.reason for doubt in folded.doubts]

    def pay(self, of: Call, amount: int) -> None:
        """Money arrives for a call, and payments says so."""
        known = self.calls[of.id].receivable
        self.hear(report(of, known.version + 1, paid=known.paid + amount, postings=known.postings + 1))

    def _advance(self, after: Allocation) -> None:
        self.allocation = advance(self.allocation, after, now=NOW)

    def status(self) -> Status:
        """Where the allocation stands now."""
        return self.allocation.status

    def funding_status(self) -> FundingStatus:
        """Whether it is paid."""
        return self.allocation.funding_status

    @property
    def state(self) -> tuple[object, ...]:
        """All that may not depend on how facts were batched: everything but versions and their causes."""
        a = self.allocation
        calls = [(c.id, c.receivable) for c in self.calls.values()]
        return a.planned, a.called, a.funded, a.fresh, a.status, a.funding_status, calls
