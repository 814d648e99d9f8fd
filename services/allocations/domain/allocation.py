"""Allocations: what a fund has promised to a deal, called and paid, and the state that follows from it.

The state is one pure function of four amounts and a flag.
Commands may be refused; what payments reports are facts, and only folded.
"""

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared import currency
from shared.ids import AllocationId, DealId, FundId
from shared.money import Minor
from shared.refusal import Refused
from shared.value import value

LARGEST_COMMITMENT_MAJOR: Final = 10**13
NOTHING: Final = Minor(0)


class Status(StrEnum):
    """Where an allocation stands between promise and money."""

    COMMITTED = "committed"
    PARTIALLY_CALLED = "partially_called"
    CALLED = "called"
    PARTIALLY_FUNDED = "partially_funded"
    FUNDED = "funded"


class FundingStatus(StrEnum):
    """The coarse view, for people who only ask whether it is paid."""

    COMMITTED = "committed"
    PARTIALLY_PAID = "partially_paid"
    FUNDED = "funded"


class Cause(StrEnum):
    """Why an allocation has a new version."""

    ALLOCATE = "ALLOCATE"
    CREATE_CALL = "CREATE_CALL"
    CALL_PLANNED = "CALL_PLANNED"
    CALL_WITHDRAWN = "CALL_WITHDRAWN"
    PAYMENT_RECEIVED = "PAYMENT_RECEIVED"
    PAYMENT_REVERSED = "PAYMENT_REVERSED"
    CALL_CANCELLED = "CALL_CANCELLED"


def status_of(*, committed: int, called: int, funded: int, fresh: bool) -> Status:
    """The state of an allocation; `fresh` says that the last thing that happened was a call, not money."""
    if called == 0:
        return Status.COMMITTED
    if funded == committed:
        return Status.FUNDED
    if funded > 0 and not fresh:
        return Status.PARTIALLY_FUNDED
    return Status.CALLED if called == committed else Status.PARTIALLY_CALLED


@value
class Allocation:
    """One fund's commitment to one deal; always ``0 <= funded <= called <= planned <= committed``, in minor units.

    `previous_status`, `cause` and `changed_at` tell of the step that led to this `version`.
    """

    id: AllocationId
    fund_id: FundId
    deal_id: DealId
    currency: str
    committed: Minor
    changed_at: datetime
    planned: Minor = NOTHING
    called: Minor = NOTHING
    funded: Minor = NOTHING
    fresh: bool = False  # the last thing that happened was a call, not money
    previous_status: Status | None = None
    cause: Cause = Cause.ALLOCATE
    version: int = 1

    def __post_init__(self) -> None:
        assert 0 <= self.funded <= self.called <= self.planned <= self.committed, self

    @property
    def status(self) -> Status:
        """Where it stands: a function of the amounts and `fresh`, never stored apart from them."""
        return status_of(committed=self.committed, called=self.called, funded=self.funded, fresh=self.fresh)

    @property
    def funding_status(self) -> FundingStatus:
        """Whether it is paid."""
        if self.funded == 0:
            return FundingStatus.COMMITTED
        return FundingStatus.FUNDED if self.funded == self.committed else FundingStatus.PARTIALLY_PAID

    @property
    def free(self) -> Minor:
        """What may still be planned or called."""
        return Minor(self.committed - self.planned)

    @property
    def uncalled(self) -> Minor:
        """What was promised and not called yet."""
        return Minor(self.committed - self.called)

    @property
    def outstanding(self) -> Minor:
        """What was called and not paid yet."""
        return Minor(self.called - self.funded)


def unfit_commitment(committed: int, code: str) -> Refused | None:
    """Why a fund may not commit this amount in the currency `code` (it is nothing, or beyond all sense), or None."""
    most = LARGEST_COMMITMENT_MAJOR * 10 ** currency.exponent(code)
    if 0 < committed <= most:
        return None
    bounds = f"must be above 0 and at most {currency.text(most, code)}"
    return Refused(
        "invalid_committed",
        f"{currency.text(committed, code)} {code} cannot be committed: it {bounds}.",
        "Commit an amount within these bounds.",
        {"errors": [{"loc": ["body", "committed"], "msg": bounds}]},
    )


def over_commitment(allocation: Allocation, amount: int) -> Refused | None:
    """The guard over P ≤ K, in every state: why `amount` more may not be planned, or None where it may."""
    if amount <= allocation.free:
        return None
    asked, free = (currency.text(each, allocation.currency) for each in (amount, allocation.free))
    return Refused(
        "over_commitment",
        f"{asked} {allocation.currency} is more than the {free} {allocation.currency} still free.",
        f"Call at most {free} {allocation.currency}, or withdraw a planned call first.",
        {"free": free, "currency": allocation.currency},
    )


def moved(allocation: Allocation, *, planned_by: int, called_by: int) -> Allocation:
    """The amounts once our own command plans, calls or gives back; it makes no version yet (`advance` does)."""
    return replace(
        allocation,
        planned=Minor(allocation.planned + planned_by),
        called=Minor(allocation.called + called_by),
        fresh=allocation.fresh or called_by > 0,
    )


# The next two are done thousands of times in a batch, and name every field: `replace` takes five times as long.


def fold(allocation: Allocation, *, called_by: int = 0, funded_by: int = 0, new_postings: int = 0) -> Allocation:
    """The amounts after a batch of reports: `called_by` is never a rise and moves P with C; `funded_by` is either."""
    return Allocation(
        id=allocation.id,
        fund_id=allocation.fund_id,
        deal_id=allocation.deal_id,
        currency=allocation.currency,
        committed=allocation.committed,
        changed_at=allocation.changed_at,
        planned=Minor(allocation.planned + called_by),
        called=Minor(allocation.called + called_by),
        funded=Minor(allocation.funded + funded_by),
        fresh=allocation.fresh and called_by == 0 and new_postings == 0,
        previous_status=allocation.previous_status,
        cause=allocation.cause,
        version=allocation.version,
    )


def advance(before: Allocation, after: Allocation, *, now: datetime) -> Allocation:
    """The next version, with its cause; `before` itself where nothing changed, so an empty step is no version."""
    cause = _cause(before, after)
    if cause is None:
        return before
    return Allocation(
        id=after.id,
        fund_id=after.fund_id,
        deal_id=after.deal_id,
        currency=after.currency,
        committed=after.committed,
        changed_at=now,
        planned=after.planned,
        called=after.called,
        funded=after.funded,
        fresh=after.fresh,
        previous_status=before.status,
        cause=cause,
        version=before.version + 1,
    )


def _cause(before: Allocation, after: Allocation) -> Cause | None:
    """The first that is true; commands and reports never share a step, so each amount tells who moved it."""
    if after.funded != before.funded:
        return Cause.PAYMENT_RECEIVED if after.funded > before.funded else Cause.PAYMENT_REVERSED
    if after.called != before.called:
        return Cause.CREATE_CALL if after.called > before.called else Cause.CALL_CANCELLED
    if after.planned != before.planned:
        return Cause.CALL_PLANNED if after.planned > before.planned else Cause.CALL_WITHDRAWN
    if after.fresh != before.fresh:
        return Cause.PAYMENT_RECEIVED
    return None
