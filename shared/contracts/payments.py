"""What the payments service says: the state of issued calls with their postings, and money on hold."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.contracts.base import (
    RECORD_LIMIT_BYTES,
    AmountText,
    BankReference,
    Contract,
    Count,
    CurrencyCode,
    Day,
    Id,
    Moment,
    Part,
    Reference,
    Source,
    Version,
)

POSTINGS_LIMIT = 200  # postings in one version of a call; more make more versions

CallStatus = Literal["called", "partially_paid", "paid", "overdue", "defaulted", "cancelled"]
Resolution = Literal["applied", "returned", "dismissed", "reversed"]
PaymentKind = Literal["credit", "reversal"]
HoldReason = Literal[
    "unknown_call",
    "no_match",
    "ambiguous_match",
    "over_payment",
    "currency_mismatch",
    "call_closed",
    "wrong_account",
    "identity_conflict",
    "possible_duplicate",
    "original_not_found",
    "reversal_mismatch",
    "already_reversed",
    "unapplied",
]


class Posting(Part):
    """One fact about a call's money: a part of a payment applied to it, or such an application undone."""

    posting_id: Id
    kind: Literal["applied", "undone"]
    undoes: Id | None = Field(description="The posting that this one takes back.")
    source: Source
    payment_id: BankReference
    amount: AmountText
    value_date: Day
    recorded_at: Moment


class CallState(Contract):
    """An issued call as it now is: as much of `CallStatusChanged` as those read who do not follow its postings.

    Half of a batch's reading is spent on these.
    """

    topic: ClassVar[str] = "call.status_changed"
    keyed_by: ClassVar[str] = "allocation id"
    limit_bytes: ClassVar[int] = 2 * RECORD_LIMIT_BYTES  # room for the longest names of 200 postings

    call_id: Id
    allocation_id: Id
    fund_id: Id
    deal_id: Id
    seq_no: Version
    reference: Reference
    currency: CurrencyCode
    original_amount: AmountText
    released: AmountText
    amount: AmountText = Field(description="`original_amount` less `released`.")
    paid: AmountText
    outstanding: AmountText
    due_date: Day
    last_paid_on: Day | None = Field(description="The greatest value date among applications not undone.")
    status: CallStatus
    previous_status: CallStatus | None
    postings: Count = Field(description="How many postings the call has ever had, these included.")
    version: Version
    occurred_at: Moment


class CallStatusChanged(CallState):
    """An issued call as it now is, with the postings that this version adds."""

    applied: Annotated[tuple[Posting, ...], Field(strict=False, max_length=POSTINGS_LIMIT)] = Field(
        description="The postings of this version, each inserted once by its id."
    )


class PaymentHeld(Contract):
    """Money that could not be applied, or a hold that was resolved."""

    topic: ClassVar[str] = "payment.held"
    keyed_by: ClassVar[str] = "payment's id"

    hold_id: Id
    source: Source
    payment_id: BankReference
    kind: PaymentKind
    amount: AmountText
    currency: CurrencyCode
    value_date: Day
    fund_id: Id | None
    call_id: Id | None
    reason: HoldReason
    state: Literal["open", "resolved"]
    resolution: Resolution | None = Field(description="What became of the money; null while the hold is open.")
    version: Version
    occurred_at: Moment
