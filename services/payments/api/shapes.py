"""What people send and are shown: each entity's `id` and the other members of its event, and what led to it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.payments.domain import Action, Call, Hold, Kind, PaymentStatus, Posting, Reason, Status
from services.payments.store import ShownCall, ShownPayment
from shared.currency import text
from shared.http import Body, Day, Id, PositiveAmount, Reference, Text

Amount = Annotated[str, Field(description="major units with all decimals of the currency", examples=["400000.00"])]


class NewPayment(Body):
    """Money that a person saw arrive; `tx_ref` names it for ever among the call's payments."""

    amount: PositiveAmount
    tx_ref: Reference
    value_date: Day | None = Field(None, description="the bank's effective date; today in the fund's time zone")


class ResolvedPart(Body):
    """Some of the money on hold, and the call it is for."""

    call_id: Id
    amount: PositiveAmount


class Resolve(Body):
    """What becomes of money on hold. `parts`, for `apply` alone, sum to the held amount."""

    action: Action
    parts: Annotated[list[ResolvedPart], Field(max_length=200)] | None = None
    reason: Text


class Why(Body):
    """Why a person does it."""

    reason: Text


class MaybeWhy(Body):
    """Why a person does it, if they say so."""

    reason: Text | None = None


class Reversal(Body):
    """Money that left again, with a reference of its own."""

    tx_ref: Reference
    reason: Text


class NewAccount(Body):
    """A source that pays one fund's calls only, such as ``bank/acme-usd-1``."""

    alias: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[!-~]+$")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["USD"])]


class AccountOut(BaseModel):
    """A registered source."""

    alias: str
    fund_id: int
    currency: str


class ApplicationOut(BaseModel):
    """The part of a payment that counts towards a call."""

    posting_id: int
    payment: int = Field(description="the payment's id, as in /api/payments/{id}")
    source: str
    payment_id: str = Field(description="the bank's own reference of the entry")
    call_id: int
    amount: Amount
    currency: str
    value_date: date
    recorded_at: datetime
    rule: str = Field(description="why it counts there: call_id, reference, or person")


class CallOut(BaseModel):
    """An issued call as it now is."""

    id: int
    allocation_id: int
    fund_id: int
    deal_id: int
    seq_no: int
    reference: str
    currency: str
    original_amount: Amount
    released: Amount
    amount: Amount = Field(description="original_amount less released")
    paid: Amount
    outstanding: Amount
    due_date: date
    last_paid_on: date | None
    status: Status
    previous_status: Status | None
    postings: int
    business_date: date = Field(description="the fund's date that the status was last computed with")
    version: int
    occurred_at: datetime


class CallDetail(CallOut):
    """The same with the money that counts towards it, the last applied first; at most 1,000."""

    applications: list[ApplicationOut]


class CandidateOut(BaseModel):
    """A call that held money may be for."""

    call_id: int
    fund_id: int
    allocation_id: int
    reference: str
    outstanding: Amount
    due_date: date
    status: Status


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
    applications: list[ApplicationOut]
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


def _members(shown: ShownCall) -> dict[str, object]:
    call = shown.call
    return {
        "id": call.id,
        "allocation_id": call.allocation_id,
        "fund_id": call.fund_id,
        "deal_id": call.deal_id,
        "seq_no": call.seq_no,
        "reference": call.reference,
        "currency": call.currency,
        "original_amount": text(call.original, call.currency),
        "released": text(call.released, call.currency),
        "amount": text(call.amount, call.currency),
        "paid": text(call.paid, call.currency),
        "outstanding": text(call.outstanding, call.currency),
        "due_date": call.due_on,
        "last_paid_on": call.last_paid_on,
        "status": call.status,
        "previous_status": shown.previous_status,
        "postings": call.postings,
        "business_date": call.business_date,
        "version": call.version,
        "occurred_at": shown.changed_at,
    }


def call_out(shown: ShownCall) -> CallOut:
    """A call as lists show it."""
    return CallOut.model_validate(_members(shown))


def call_detail(shown: ShownCall, applications: Sequence[Posting]) -> CallDetail:
    """A call with its applications."""
    return CallDetail.model_validate({**_members(shown), "applications": [application_out(a) for a in applications]})


def application_out(posting: Posting) -> ApplicationOut:
    """An application, seen from its call or from its payment."""
    return ApplicationOut(
        posting_id=posting.id,
        payment=posting.payment_id,
        source=posting.source,
        payment_id=posting.external_id,
        call_id=posting.call_id,
        amount=text(posting.amount, posting.currency),
        currency=posting.currency,
        value_date=posting.value_date,
        recorded_at=posting.recorded_at,
        rule=str(posting.rule),
    )


def candidate_out(call: Call) -> CandidateOut:
    """A call as a suggestion."""
    return CandidateOut(
        call_id=call.id,
        fund_id=call.fund_id,
        allocation_id=call.allocation_id,
        reference=call.reference,
        outstanding=text(call.outstanding, call.currency),
        due_date=call.due_on,
        status=call.status,
    )


def payment_out(shown: ShownPayment, candidates: Sequence[Call] = ()) -> PaymentOut:
    """A payment, or a conflict, as people see it."""
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
        applications=[application_out(a) for a in payment.applications] if payment else [],
        candidates=[candidate_out(call) for call in candidates],
    )


def _status_of_conflict(open_hold: Hold | None) -> PaymentStatus:
    return PaymentStatus.DISMISSED if open_hold is None else PaymentStatus.HELD
