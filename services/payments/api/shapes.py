"""What people send, and what they are shown of calls: each one's `id` and the other members of its event."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.payments.domain import Action, Posting, Status
from services.payments.store import ShownCall, ShownCharge
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


Alias = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[!-~]+$")]


class NewAccount(Body):
    """A source that pays one fund's calls only, such as ``bank/acme-usd-1``."""

    alias: Alias
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["USD"])]
    same_account_as: Alias | None = Field(
        None, description="another registered source of this fund that shows the same bank account"
    )


class AccountOut(BaseModel):
    """A registered source."""

    alias: str
    fund_id: int
    currency: str
    same_account_as: list[str] = Field(description="all other sources that show the same bank account")


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


class ChargeOut(BaseModel):
    """What banks' charges left missing of a call, and was released for it."""

    payment: int = Field(description="the id of the payment that was short, as in /api/payments/{id}")
    payment_id: str = Field(description="the bank's own reference of that payment")
    amount: Amount
    value_date: date


class CallDetail(CallOut):
    """The same with the money that counts towards it, the last applied first; at most 1,000."""

    applications: list[ApplicationOut]
    charges: list[ChargeOut]


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


def call_detail(shown: ShownCall, applications: Sequence[Posting], charges: Sequence[ShownCharge]) -> CallDetail:
    """A call with its applications and charges."""
    return CallDetail.model_validate(
        {
            **_members(shown),
            "applications": [application_out(a) for a in applications],
            "charges": [charge_out(charge) for charge in charges],
        }
    )


def charge_out(charge: ShownCharge) -> ChargeOut:
    """A charge, seen from its call."""
    return ChargeOut(
        payment=charge.payment_id,
        payment_id=charge.external_id,
        amount=text(charge.amount, charge.currency),
        value_date=charge.value_date,
    )


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
