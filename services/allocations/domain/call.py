"""Capital calls as plans: their stages, who may move them, and the terms that are frozen when they are issued.

From issue on a call is a receivable of payments; what payments last reported is kept here to derive C and F from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from services.allocations.domain.allocation import NOTHING
from shared.ids import AllocationId, CallId
from shared.money import Minor
from shared.refusal import Refused


class Stage(StrEnum):
    """How far a plan has come; `pending_approval`, `scheduled` and `issued` count as planned."""

    PENDING_APPROVAL = "pending_approval"
    REJECTED = "rejected"
    SCHEDULED = "scheduled"
    WITHDRAWN = "withdrawn"
    ISSUED = "issued"


class Command(StrEnum):
    """What a person, or for `issue` the clock, may ask of a plan."""

    ISSUE = "issue"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"


# Everything about the stages is in this table; a pair that is not in it is refused.
TRANSITIONS: Final[Mapping[tuple[Stage, Command], Stage]] = {
    (Stage.PENDING_APPROVAL, Command.APPROVE): Stage.SCHEDULED,
    (Stage.PENDING_APPROVAL, Command.REJECT): Stage.REJECTED,
    (Stage.PENDING_APPROVAL, Command.WITHDRAW): Stage.WITHDRAWN,
    (Stage.SCHEDULED, Command.WITHDRAW): Stage.WITHDRAWN,
    (Stage.SCHEDULED, Command.ISSUE): Stage.ISSUED,
    (Stage.ISSUED, Command.ISSUE): Stage.ISSUED,  # the clock may have been first
}

PLANNED: Final = frozenset({Stage.PENDING_APPROVAL, Stage.SCHEDULED, Stage.ISSUED})


class ReceivableStatus(StrEnum):
    """How payments sees an issued call."""

    CALLED = "called"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    OVERDUE = "overdue"
    DEFAULTED = "defaulted"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Policy:
    """Business settings of calls; `notice_days` are business days, grace and cure calendar days."""

    notice_days: int = 10
    grace_days: int = 0
    cure_days: int = 10


class Receivable(NamedTuple):
    """What payments last reported of an issued call; version 0 says that nothing was heard yet.

    A tuple, for a batch makes thousands; its members stand in the order of the columns.
    """

    version: int = 0
    released: Minor = NOTHING
    paid: Minor = NOTHING
    postings: int = 0
    status: ReceivableStatus | None = None
    last_paid_on: date | None = None


UNHEARD: Final = Receivable()


@dataclass(frozen=True, slots=True)
class Call:
    """A demand for part of a commitment; `amount` is fixed at creation, everything else when it is issued."""

    id: CallId
    allocation_id: AllocationId
    seq_no: int  # its place among its allocation's calls, from 1
    amount: Minor
    due_date: date
    notice_date: date
    stage: Stage
    grace_days: int
    cure_days: int
    changed_at: datetime
    issued_on: date | None = None
    previous_stage: Stage | None = None
    from_schedule: bool = False
    priority: str = "normal"
    terms_version: int = 1
    receivable: Receivable = UNHEARD

    @property
    def cancelled(self) -> bool:
        """Whether payments took it back."""
        return self.receivable.status is ReceivableStatus.CANCELLED

    @property
    def planned(self) -> Minor:
        """Its part in P."""
        return planned_of(self.stage, self.amount, self.receivable)

    @property
    def called(self) -> Minor:
        """Its part in C: what is planned, once it is issued."""
        return self.planned if self.stage is Stage.ISSUED else NOTHING

    @property
    def outstanding(self) -> Minor:
        """What was demanded and not paid yet."""
        return Minor(self.called - self.receivable.paid)


def planned_of(stage: Stage, amount: Minor, receivable: Receivable) -> Minor:
    """What of a call may still become, or is, a demand: nothing once it is rejected, withdrawn or cancelled."""
    if stage not in PLANNED or receivable.status is ReceivableStatus.CANCELLED:
        return NOTHING
    return Minor(amount - receivable.released)


def notice_date(due_date: date, *, notice_days: int) -> date:
    """The last day on which notice may go out: `notice_days` business days (Monday to Friday) before the due date.

    A due date at a weekend counts from the Friday before, so notice is never shorter than promised.
    """
    friday_at_most = due_date - timedelta(days=max(0, due_date.weekday() - 4))
    weeks, days = divmod(notice_days, 5)
    over_a_weekend = 2 if days > friday_at_most.weekday() else 0
    return friday_at_most - timedelta(days=7 * weeks + days + over_a_weekend)


def new_call(
    call_id: CallId,
    allocation_id: AllocationId,
    *,
    seq_no: int,
    amount: Minor,
    due_date: date,
    stage: Stage,
    policy: Policy,
    today: date,
    now: datetime,
    from_schedule: bool = False,
) -> Call:
    """A call in its first stage, under the policy of the day; issued ones carry `today`, the fund's business date."""
    return Call(
        id=call_id,
        allocation_id=allocation_id,
        seq_no=seq_no,
        amount=amount,
        due_date=due_date,
        notice_date=notice_date(due_date, notice_days=policy.notice_days),
        stage=stage,
        grace_days=policy.grace_days,
        cure_days=policy.cure_days,
        changed_at=now,
        issued_on=today if stage is Stage.ISSUED else None,
        from_schedule=from_schedule,
    )


def decide(call: Call, command: Command, *, policy: Policy, today: date, now: datetime) -> Call | Refused:
    """The call after a command; the same call where it was there already, a refusal where it may not go.

    Grace and cure are frozen by issuing; `today` is the fund's business date.
    """
    stage = TRANSITIONS.get((call.stage, command))
    if stage is None or call.cancelled:
        return _refusal(call, command)
    if stage is call.stage:
        return call
    moved = replace(call, stage=stage, previous_stage=call.stage, changed_at=now, terms_version=call.terms_version + 1)
    if stage is not Stage.ISSUED:
        return moved
    return replace(moved, issued_on=today, grace_days=policy.grace_days, cure_days=policy.cure_days)


_DONE: Final = {
    Command.ISSUE: "issued",
    Command.APPROVE: "approved",
    Command.REJECT: "rejected",
    Command.WITHDRAW: "withdrawn",
}

_ADVICE: Final[Mapping[tuple[Stage, Command], str]] = {
    (Stage.PENDING_APPROVAL, Command.ISSUE): "Have it approved first.",
    (Stage.ISSUED, Command.REJECT): "Cancel the capital call instead, if nothing is paid on it.",
    (Stage.ISSUED, Command.WITHDRAW): "Cancel the capital call instead, if nothing is paid on it.",
    (Stage.SCHEDULED, Command.REJECT): "Withdraw it instead.",
    (Stage.SCHEDULED, Command.APPROVE): "It is approved already; issue it, or wait for its notice date.",
    (Stage.ISSUED, Command.APPROVE): "It is issued already; nothing is left to approve.",
}


def _refusal(call: Call, command: Command) -> Refused:
    """Closed calls stay closed; open ones say which way is open."""
    facts = {"call_id": call.id, "call_status": shown_status(call)}
    if call.cancelled or call.stage not in PLANNED:
        return Refused(
            "call_closed",
            f"Call {call.id} is {shown_status(call)} and cannot be {_DONE[command]}.",
            "Plan a new call for the amount.",
            facts,
        )
    return Refused(
        "invalid_transition",
        f"Call {call.id} is {shown_status(call)} and cannot be {_DONE[command]}.",
        _ADVICE[call.stage, command],
        facts,
    )


def shown_status(call: Call) -> str:
    """The one word for a call: the receivable's if one was seen, else the stage (`issued` shows as `called`)."""
    if call.receivable.status is not None:
        return call.receivable.status.value
    return ReceivableStatus.CALLED.value if call.stage is Stage.ISSUED else call.stage.value
