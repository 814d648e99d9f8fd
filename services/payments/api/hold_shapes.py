"""What people send about holds, and what they are shown of the queue."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from services.payments.api.payment_shapes import CandidateOut, ExplanationOut, candidate_out, recorded_explanation
from services.payments.api.shapes import Amount, ResolvedPart
from services.payments.domain import Action, Kind, Reason, Resolution
from services.payments.matching import Candidate
from services.payments.store import HoldTotal, QueuedHold, Recorded, ShownPayment
from shared.currency import text
from shared.http import Body, Id, Text

State = Literal["open", "resolved"]
Parts = Annotated[list[ResolvedPart], Field(max_length=200)]

_DAY: Final = timedelta(days=1)


class Assign(Body):
    """Who looks after a hold from now on; null for nobody."""

    owner: Text | None


class HoldDecision(Body):
    """What becomes of one payment's money on hold, as in ``POST /api/payments/{id}/resolve``."""

    payment_id: Id
    action: Action
    parts: Parts | None = None
    reason: Text


class HoldDecisions(Body):
    """Decisions about up to 500 payments, each by itself."""

    items: Annotated[list[HoldDecision], Field(min_length=1, max_length=500)]
    dry_run: Annotated[bool, Field(strict=True, description="only say what would become of each, by itself")] = False


class DecidedOut(BaseModel):
    """What became of one decision."""

    payment_id: int
    result: str = Field(description="`done`, or the code of the problem: then nothing was changed", examples=["done"])
    detail: str | None
    recommendation: str | None


class DecisionsOut(BaseModel):
    """What became of each decision, in the order of payments, which is the order in which they were done."""

    dry_run: bool
    done: int
    refused: int
    results: list[DecidedOut]


class HoldOut(BaseModel):
    """Money on hold, or a conflict, with what it may be for; `candidates` are the best three."""

    id: int
    payment: int = Field(description="id of the payment or conflict, as in /api/payments/{id}")
    source: str
    payment_id: str = Field(description="the bank's own reference of the entry")
    kind: Kind
    amount: Amount = Field(description="what is on hold; of a conflict, what was told and not booked")
    currency: str
    value_date: date
    reason: Reason
    state: State
    resolution: Resolution | None
    opened_at: datetime
    resolved_at: datetime | None
    age_days: int = Field(description="whole days that it has been open, or was")
    owner: str | None
    owned_since: datetime | None
    fund_id: int | None
    call_id: int | None = Field(description="the call that the bank named")
    reference: str | None
    remittance: str | None
    remitter_name: str | None
    resembles: int | None = Field(description="of a possible duplicate: the id of the payment that came first")
    conflicts_with: int | None = Field(description="of a conflict: the id of the payment that has its identity")
    candidates: list[CandidateOut]


class DecisionOut(BaseModel):
    """What a person decided about the payment."""

    hold_id: int | None
    action: str
    reason: str
    actor: str
    recorded_at: datetime
    explanation: ExplanationOut | None


class HoldDetail(HoldOut):
    """The same with all candidates, and all that was decided about its payment so far."""

    decisions: list[DecisionOut]


class TotalOut(BaseModel):
    """Open holds of one currency; nothing is ever added across currencies."""

    currency: str
    holds: int
    amount: Amount
    oldest: datetime
    oldest_age_days: int


class ReasonTotalOut(TotalOut):
    """The same for one reason and kind of entry."""

    reason: Reason
    kind: Kind


class SummaryOut(BaseModel):
    """The queue in numbers: all open holds by reason, and investors' money among them by currency."""

    holds: int
    oldest: datetime | None
    oldest_age_days: int | None
    by_reason: list[ReasonTotalOut]
    by_currency: list[TotalOut] = Field(description="credits alone: neither reversals nor conflicts hold money")


def hold_out(
    queued: QueuedHold, shown: ShownPayment, candidates: Sequence[Candidate], now: datetime
) -> dict[str, object]:
    """The members of a hold in the queue."""
    hold = queued.hold
    told = shown.payment or shown.conflict
    assert told is not None
    entry = told.entry
    return {
        "id": hold.id,
        "payment": shown.id,
        "source": entry.source,
        "payment_id": entry.external_id,
        "kind": entry.kind,
        "amount": text(hold.amount, entry.currency),
        "currency": entry.currency,
        "value_date": entry.value_date,
        "reason": hold.reason,
        "state": "open" if hold.is_open else "resolved",
        "resolution": hold.resolution,
        "opened_at": hold.opened_at,
        "resolved_at": queued.resolved_at,
        "age_days": days_between(hold.opened_at, queued.resolved_at or now),
        "owner": queued.owner,
        "owned_since": queued.owned_since,
        "fund_id": hold.fund_id or shown.account_fund_id,
        "call_id": hold.call_id,
        "reference": entry.reference,
        "remittance": entry.remittance,
        "remitter_name": entry.remitter,
        "resembles": hold.resembles_id,
        "conflicts_with": shown.conflict.payment_id if shown.conflict else None,
        "candidates": [candidate_out(candidate) for candidate in candidates] if hold.is_open else [],
    }


def decision_out(decision: Recorded) -> DecisionOut:
    """A decision, with what it was chosen from."""
    told = decision.explanation
    return DecisionOut(
        hold_id=decision.hold_id,
        action=decision.action,
        reason=decision.reason,
        actor=decision.actor,
        recorded_at=decision.recorded_at,
        explanation=None if told is None else recorded_explanation(decision, told),
    )


def summary_out(totals: Sequence[HoldTotal], now: datetime) -> SummaryOut:
    """The queue in numbers."""
    oldest = min((total.oldest for total in totals), default=None)
    money = [total for total in totals if total.kind is Kind.CREDIT and total.reason is not Reason.IDENTITY_CONFLICT]
    return SummaryOut(
        holds=sum(total.count for total in totals),
        oldest=oldest,
        oldest_age_days=None if oldest is None else days_between(oldest, now),
        by_reason=[
            ReasonTotalOut(reason=total.reason, kind=total.kind, **_total([total], now).model_dump())
            for total in totals
        ],
        by_currency=[
            _total([total for total in money if total.currency == currency], now)
            for currency in sorted({total.currency for total in money})
        ],
    )


def _total(totals: Sequence[HoldTotal], now: datetime) -> TotalOut:
    currency, oldest = totals[0].currency, min(total.oldest for total in totals)
    return TotalOut(
        currency=currency,
        holds=sum(total.count for total in totals),
        amount=text(sum(total.amount for total in totals), currency),
        oldest=oldest,
        oldest_age_days=days_between(oldest, now),
    )


def days_between(opened: datetime, until: datetime) -> int:
    """Whole days; none where a clock was set back."""
    return max(0, (until - opened) // _DAY)
