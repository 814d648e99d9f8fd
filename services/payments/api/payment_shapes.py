"""What people are shown of payments: where the money is, why it is there, and what held money may be for."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from services.payments.api.shapes import Amount, ApplicationOut, CallOut, application_out
from services.payments.domain import Action, Call, Entry, Hold, Kind, Part, PaymentStatus, Posting, Reason, Rule, Status
from services.payments.domain.explaining import explain
from services.payments.matching import Candidate
from services.payments.store import Recorded, ShownPayment
from shared.currency import text
from shared.ids import CallId


class InputOut(BaseModel):
    """One thing that spoke for a call."""

    rule: str = Field(description="what kind of thing it is", examples=["exact_amount"])
    points: int | None = Field(description="how much it counts, of a hundred; null where it decides alone")
    told: str = Field(description="what the payment says", examples=["400000.00 on hold"])
    matched: str = Field(description="what that meets", examples=["400000.00 outstanding on call 17"])


class CandidatePart(BaseModel):
    """Some of the held money, and the call that it may be for."""

    call_id: int
    amount: Amount
    fund_id: int
    allocation_id: int
    reference: str
    outstanding: Amount
    due_date: date
    status: Status


class CandidateOut(BaseModel):
    """A way to apply all of the held money: `parts` are what `resolve` takes. Nothing is applied by itself."""

    rule: str = Field(description="what speaks for it most")
    score: int = Field(description="of a hundred; the sum of the points of its inputs")
    inputs: list[InputOut]
    parts: list[CandidatePart]
    with_payments: list[int] = Field(description="ids of other payments on hold that belong to the same call")


class RivalPart(BaseModel):
    """Some of the money, and the call that it might have gone to."""

    call_id: int
    amount: Amount


class RivalOut(BaseModel):
    """A candidate that was not chosen."""

    rule: str
    score: int
    parts: list[RivalPart]
    with_payments: list[int]


class PassedOverOut(BaseModel):
    """Something in the payment that names a call, or looks as if it did, and why it did not decide."""

    where: str
    text: str
    call_id: int | None
    why: str


class ExplanationOut(BaseModel):
    """Why money counts where it does: the rule, what it met, and what was refused."""

    by: str | None = Field(description="the set of rules that decided; null where a person did")
    rule: str
    score: int | None
    inputs: list[InputOut]
    passed_over: list[PassedOverOut]
    with_payments: list[int]
    rivals: list[RivalOut]
    decided_by: str | None
    reason: str | None = Field(description="the reason that the person gave")


class ExplainedApplication(ApplicationOut):
    """The same, with why it counts there; lists leave that out."""

    explanation: ExplanationOut | None


class PaymentOut(BaseModel):
    """A bank's entry, and where its money is. An identity conflict is shown like a payment, and holds no money."""

    id: int
    source: str
    payment_id: str = Field(description="the bank's own reference of the entry")
    kind: Kind
    amount: Amount
    currency: str
    value_date: date
    status: PaymentStatus
    reason: Reason | None = Field(description="why money is on hold")
    held_amount: Amount
    hold_id: int | None
    fund_id: int | None = Field(description="the fund that held money is meant for, as far as known")
    call_id: int | None = Field(description="the call that the bank named")
    reference: str | None
    remittance: str | None = Field(description="its first 500 characters")
    remitter_name: str | None
    account_last4: str | None
    method: str | None
    booked_at: datetime | None
    recorded_at: datetime
    reverses: str | None = Field(description="of a reversal: the payment_id that it takes back")
    original: int | None = Field(description="of a reversal: the id of the payment that it took back")
    conflicts_with: int | None = Field(description="of a conflict: the id of the payment that has its identity")
    resembles: int | None = Field(description="of a possible duplicate: the id of the payment that came first")
    applications: list[ExplainedApplication]
    candidates: list[CandidateOut]


class PaidOut(BaseModel):
    """A payment, and the call after it."""

    payment: PaymentOut
    call: CallOut


class PaymentPage(BaseModel):
    """One page of payments, newest first."""

    items: list[PaymentOut]
    next: str | None


StatusAsked = Literal["applied", "held", "partly_held", "returned", "dismissed", "reversed"]


def candidate_out(candidate: Candidate) -> CandidateOut:
    """A candidate as people see it."""
    calls = {call.id: call for call in candidate.calls}
    return CandidateOut(
        rule=str(candidate.rule),
        score=candidate.score,
        inputs=[
            InputOut(rule=str(one.rule), points=one.points, told=one.told, matched=one.matched)
            for one in candidate.inputs
        ],
        parts=[_candidate_part(part, calls) for part in candidate.parts],
        with_payments=list(candidate.with_payments),
    )


def _candidate_part(part: Part, calls: Mapping[CallId, Call]) -> CandidatePart:
    call = calls[part.call_id]
    return CandidatePart(
        call_id=call.id,
        amount=text(part.amount, call.currency),
        fund_id=call.fund_id,
        allocation_id=call.allocation_id,
        reference=call.reference,
        outstanding=text(call.outstanding, call.currency),
        due_date=call.due_on,
        status=call.status,
    )


def explanation_out(entry: Entry, posting: Posting, decisions: Sequence[Recorded]) -> ExplanationOut:
    """Why a posting is where it is: by what the entry says, or by the person who decided in that same moment."""
    told = explain(entry, posting)
    passed_over = [
        PassedOverOut(where=str(one.where), text=one.text, call_id=one.call_id, why=one.why) for one in told.refused
    ]
    by_person = posting.rule is Rule.PERSON
    applied = (d for d in reversed(decisions) if d.action == Action.APPLY and d.recorded_at == posting.recorded_at)
    decision = next(applied, None)
    if by_person and decision is not None and decision.explanation is not None:
        return recorded_explanation(decision, decision.explanation, passed_over)
    inputs = [
        InputOut(
            rule=str(clue.where if posting.rule is Rule.CALL_ID else posting.rule),
            points=None,
            told=f"{clue.where}: {clue.text}",
            matched=f"call {clue.call_id}",
        )
        for clue in told.inputs
    ]
    return ExplanationOut(
        by=None if by_person else told.by,
        rule=str(posting.rule),
        score=None,
        inputs=inputs,
        passed_over=passed_over,
        with_payments=[],
        rivals=[],
        decided_by=decision.actor if by_person and decision else None,
        reason=decision.reason if by_person and decision else None,
    )


def recorded_explanation(
    decision: Recorded, explanation: Mapping[str, Any], passed_over: Sequence[PassedOverOut] = ()
) -> ExplanationOut:
    """What a person chose, and from what, as it was when they did."""
    return ExplanationOut.model_validate(
        {
            **explanation,
            "by": None,
            "passed_over": list(passed_over),
            "decided_by": decision.actor,
            "reason": decision.reason,
        }
    )


def payment_out(
    shown: ShownPayment, candidates: Sequence[Candidate] = (), decisions: Sequence[Recorded] | None = None
) -> PaymentOut:
    """A payment, or a conflict, as people see it; with its `decisions` each application is explained."""
    payment, conflict, hold = shown.payment, shown.conflict, shown.hold
    told = payment or conflict
    assert told is not None
    entry = told.entry
    open_hold = hold if hold is not None and hold.is_open else None
    return PaymentOut(
        id=shown.id,
        source=entry.source,
        payment_id=entry.external_id,
        kind=entry.kind,
        amount=text(entry.amount, entry.currency),
        currency=entry.currency,
        value_date=entry.value_date,
        status=payment.status if payment else _status_of_conflict(open_hold),
        reason=open_hold.reason if open_hold else None,
        held_amount=text(payment.held if payment else 0, entry.currency),
        hold_id=open_hold.id if open_hold else None,
        fund_id=(open_hold.fund_id if open_hold else None) or shown.account_fund_id,
        call_id=entry.call_id,
        reference=entry.reference,
        remittance=entry.remittance,
        remitter_name=entry.remitter,
        account_last4=entry.account_last4,
        method=entry.method,
        booked_at=entry.booked_at,
        recorded_at=told.recorded_at,
        reverses=entry.reverses,
        original=payment.original_id if payment else None,
        conflicts_with=conflict.payment_id if conflict else None,
        resembles=open_hold.resembles_id if open_hold else None,
        applications=[_applied(entry, posting, decisions) for posting in payment.applications] if payment else [],
        candidates=[candidate_out(candidate) for candidate in candidates],
    )


def _applied(entry: Entry, posting: Posting, decisions: Sequence[Recorded] | None) -> ExplainedApplication:
    why = None if decisions is None else explanation_out(entry, posting, decisions)
    return ExplainedApplication(**application_out(posting).model_dump(), explanation=why)


def _status_of_conflict(open_hold: Hold | None) -> PaymentStatus:
    return PaymentStatus.DISMISSED if open_hold is None else PaymentStatus.HELD
