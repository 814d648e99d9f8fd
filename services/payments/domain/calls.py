"""Issued calls as receivables: what is demanded, what has been paid, and the status that follows from it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from shared.ids import AllocationId, CallId, DealId, FundId
from shared.money import Minor
from shared.refusal import Refused
from shared.value import value

ZERO: Final = Minor(0)


class Status(StrEnum):
    """What people see of an issued call."""

    CALLED = "called"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    OVERDUE = "overdue"
    DEFAULTED = "defaulted"
    CANCELLED = "cancelled"


def status_of(*, amount: int, paid: int, cancelled: bool, defaulted: bool, past_due: bool) -> Status:
    """The status of a call; the first line that holds wins. A CHECK of the table says the same."""
    if cancelled:
        return Status.CANCELLED
    if paid == amount:
        return Status.PAID
    if defaulted:
        return Status.DEFAULTED
    if past_due:
        return Status.OVERDUE
    return Status.PARTIALLY_PAID if paid > 0 else Status.CALLED


class Stage(StrEnum):
    """Where a call stands with allocations before it is issued."""

    PENDING_APPROVAL = "pending_approval"
    REJECTED = "rejected"
    SCHEDULED = "scheduled"
    WITHDRAWN = "withdrawn"
    ISSUED = "issued"


CLOSED_STAGES: Final = frozenset({Stage.REJECTED, Stage.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Terms:
    """What allocations says of a call; grace and cure are calendar days, frozen when it is issued."""

    id: CallId
    allocation_id: AllocationId
    fund_id: FundId
    deal_id: DealId
    seq_no: int
    reference: str
    currency: str
    amount: Minor
    due_on: date
    grace_days: int
    cure_days: int
    terms_version: int
    stage: Stage
    time_zone: str


@value
class Call:
    """A receivable; always ``0 <= paid <= amount`` and ``amount == original - released``."""

    id: CallId
    allocation_id: AllocationId
    fund_id: FundId
    deal_id: DealId
    seq_no: int
    reference: str
    currency: str
    original: Minor
    due_on: date
    grace_days: int
    cure_days: int
    terms_version: int
    business_date: date  # the fund's date that the status was computed with
    watch_on: date | None = None  # the next business date on which the clock alone may change the status
    released: Minor = ZERO
    paid: Minor = ZERO
    postings: int = 0  # ever made, undone ones and their undoing included
    last_paid_on: date | None = None
    cancelled: bool = False
    defaulted: bool = False
    version: int = 1

    def __post_init__(self) -> None:
        assert 0 <= self.paid <= self.original - self.released <= self.original, self

    @property
    def amount(self) -> Minor:
        """What is demanded, after what was released."""
        return Minor(self.original - self.released)

    @property
    def outstanding(self) -> Minor:
        """What is still to come; a cancelled call waits for nothing."""
        return ZERO if self.cancelled else Minor(self.original - self.released - self.paid)

    @property
    def overdue_from(self) -> date:
        """The first business date on which an unpaid call is overdue."""
        return _later(self.due_on, self.grace_days + 1)

    @property
    def default_from(self) -> date:
        """The first business date on which the clock declares an unpaid call in default."""
        return _later(self.due_on, self.grace_days + self.cure_days + 1)

    @property
    def status(self) -> Status:
        """The status at the stored business date."""
        return status_of(
            amount=self.original - self.released,
            paid=self.paid,
            cancelled=self.cancelled,
            defaulted=self.defaulted,
            past_due=(self.business_date - self.due_on).days > self.grace_days,
        )


def _later(day: date, days: int) -> date:
    """The day so many days on, or the calendar's last one."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max


def issue(terms: Terms, business_date: date) -> Call:
    """The receivable at its issue: version 1, nothing paid; a zero call is paid at once.

    A call whose cure days are over already is looked at by the clock's next tick.
    """
    call = Call(
        id=terms.id,
        allocation_id=terms.allocation_id,
        fund_id=terms.fund_id,
        deal_id=terms.deal_id,
        seq_no=terms.seq_no,
        reference=terms.reference,
        currency=terms.currency,
        original=terms.amount,
        due_on=terms.due_on,
        grace_days=terms.grace_days,
        cure_days=terms.cure_days,
        terms_version=terms.terms_version,
        business_date=business_date,
    )
    return call if call.amount == 0 else replace(call, watch_on=_next_watch(call) or business_date)


def _next_watch(call: Call) -> date | None:
    """When the clock should look again: when the call may become overdue, then when it may fall into default."""
    if call.cancelled or call.defaulted:
        return None
    return next((day for day in (call.overdue_from, call.default_from) if day > call.business_date), None)


def tick(call: Call, business_date: date) -> Call:
    """The call on a later business date; a new version only where the status changes.

    The clock is looked at until the call could have fallen into default, whether it is paid meanwhile or not.
    """
    today = max(call.business_date, business_date)
    lapsed = call.outstanding > 0 and not call.cancelled and today >= call.default_from
    seen = replace(call, business_date=today, defaulted=call.defaulted or lapsed)
    seen = replace(seen, watch_on=_next_watch(seen))
    return seen if seen.status is call.status else replace(seen, version=call.version + 1)


def after_postings(call: Call, *, paid: Minor, postings: int, last_paid_on: date | None) -> Call:
    """The next version of a call, with other sums. Written out: `replace` costs a hot path twice as much."""
    after = Call(
        call.id,
        call.allocation_id,
        call.fund_id,
        call.deal_id,
        call.seq_no,
        call.reference,
        call.currency,
        call.original,
        call.due_on,
        call.grace_days,
        call.cure_days,
        call.terms_version,
        call.business_date,
        call.watch_on,
        call.released,
        paid,
        postings,
        last_paid_on,
        call.cancelled,
        call.defaulted,
        call.version + 1,
    )
    return after if paid >= call.paid else replace(after, watch_on=_reopened_watch(after))


def _reopened_watch(call: Call) -> date | None:
    """When the clock should look at a call from which money went away: at once, if it had stopped looking."""
    if call.watch_on is not None or call.cancelled or call.defaulted or call.outstanding == 0:
        return call.watch_on
    return call.default_from


def cancel(call: Call) -> Call | Refused:
    """Takes the call back; only while nothing is paid, and never a zero call."""
    if call.cancelled:
        return closed(call)
    if call.amount == 0:
        return Refused("invalid_transition", "a call of zero is paid at once and cannot be cancelled")
    if call.paid > 0:
        return Refused(
            "invalid_transition",
            f"call {call.id} has money applied to it and cannot be cancelled",
            "Unapply or reverse its payments first, or release the remainder.",
        )
    return replace(call, cancelled=True, watch_on=None, version=call.version + 1)


def release_remainder(call: Call) -> Call | Refused:
    """Closes a partly paid call at what was paid; once."""
    if call.cancelled:
        return closed(call)
    if call.released > 0:
        return Refused("invalid_transition", f"the remainder of call {call.id} was released already")
    if call.paid == 0:
        return Refused("invalid_transition", f"nothing is paid of call {call.id}", "Cancel the call instead.")
    if call.outstanding == 0:
        return Refused("invalid_transition", f"call {call.id} is paid; nothing remains to release")
    return replace(call, released=call.outstanding, version=call.version + 1)


def close_short(call: Call, tolerance: Minor) -> Call | None:
    """Closes a call of which no more than `tolerance` is missing, as banks' charges leave it; None for any other.

    It is released like any remainder: once, and only of a call that was paid in part.
    """
    if call.outstanding > tolerance:
        return None
    closed_at_paid = release_remainder(call)
    return closed_at_paid if isinstance(closed_at_paid, Call) else None


def declare_default(call: Call) -> Call | Refused:
    """Flags an unpaid call as in default, as a person may before the clock does."""
    if call.cancelled:
        return closed(call)
    if call.outstanding == 0:
        return Refused("invalid_transition", f"call {call.id} is paid; it cannot be in default")
    if call.defaulted:
        return Refused("invalid_transition", f"call {call.id} is in default already")
    return replace(call, defaulted=True, watch_on=None, version=call.version + 1)


def closed(call: Call) -> Refused:
    """Why nothing more can be done with a cancelled call."""
    return Refused("call_closed", f"call {call.id} is cancelled", "Issue a new call for what is still needed.")


@dataclass(frozen=True, slots=True)
class Plan:
    """A call that is not issued, as last heard of."""

    id: CallId
    stage: Stage
    terms_version: int


def newest_terms(told: Iterable[Terms]) -> list[Terms]:
    """The newest word on each call, in id order."""
    newest: dict[CallId, Terms] = {}
    for terms in told:
        known = newest.get(terms.id)
        if known is None or terms.terms_version > known.terms_version:
            newest[terms.id] = terms
    return [newest[call_id] for call_id in sorted(newest)]
