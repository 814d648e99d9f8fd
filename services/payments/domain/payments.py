"""Payments and what became of their money: postings, holds, conflicts. Every unit of an amount is in one place."""

from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from services.payments.domain.entries import Content, Entry, Kind, Rule
from shared.ids import CallId, FundId, HoldId, PaymentId, PostingId
from shared.money import Minor
from shared.value import value

ZERO: Final = Minor(0)


class Reason(StrEnum):
    """Why money is on hold."""

    UNKNOWN_CALL = "unknown_call"
    NO_MATCH = "no_match"
    AMBIGUOUS_MATCH = "ambiguous_match"
    OVER_PAYMENT = "over_payment"
    CURRENCY_MISMATCH = "currency_mismatch"
    CALL_CLOSED = "call_closed"
    WRONG_ACCOUNT = "wrong_account"
    IDENTITY_CONFLICT = "identity_conflict"
    POSSIBLE_DUPLICATE = "possible_duplicate"
    ORIGINAL_NOT_FOUND = "original_not_found"
    REVERSAL_MISMATCH = "reversal_mismatch"
    ALREADY_REVERSED = "already_reversed"
    UNAPPLIED = "unapplied"


class Resolution(StrEnum):
    """What became of money that was on hold."""

    APPLIED = "applied"
    RETURNED = "returned"
    DISMISSED = "dismissed"
    REVERSED = "reversed"


class PostingKind(StrEnum):
    """Money applied to a call, or such an application taken back."""

    APPLIED = "applied"
    UNDONE = "undone"


@value
class Posting:
    """One fact about a call's money, with the payment whose money it is.

    The application of a whole payment in the moment it is booked has the payment's own number: nearly every payment has
    that one posting, and its row says all of it. Every later posting has a number of its own, from the same sequence.
    """

    id: PostingId
    payment_id: PaymentId
    source: str
    external_id: str
    call_id: CallId
    call_version: int  # the version of the call that tells of it
    kind: PostingKind
    amount: Minor
    currency: str
    value_date: date
    recorded_at: datetime
    rule: Rule
    undoes: PostingId | None = None

    @property
    def is_booking(self) -> bool:
        """Whether the payment was applied so when it was booked."""
        own: int = self.payment_id  # a posting's id to the type checker too, without a call
        return self.id == own


@value
class Hold:
    """Money that could not be applied, and why. A hold without a payment is a conflict's: it holds no booked money."""

    id: HoldId
    payment_id: PaymentId | None
    conflict_id: PaymentId | None
    reason: Reason
    amount: Minor
    opened_at: datetime
    call_id: CallId | None = None  # the call that the entry named
    fund_id: FundId | None = None
    resolution: Resolution | None = None
    version: int = 1
    resembles_id: PaymentId | None = None  # of a possible duplicate: the payment that came first

    @property
    def is_open(self) -> bool:
        return self.resolution is None

    def resolved(self, resolution: Resolution) -> "Hold":
        """The hold once its money has gone somewhere."""
        return replace(self, resolution=resolution, version=self.version + 1)

    def renamed(self, reason: Reason, fund_id: FundId | None) -> "Hold":
        """The same hold, for the reason that holds now."""
        return replace(self, reason=reason, fund_id=fund_id or self.fund_id, version=self.version + 1)


class PaymentStatus(StrEnum):
    """Where a payment's money is, in a word."""

    APPLIED = "applied"
    HELD = "held"
    PARTLY_HELD = "partly_held"
    RETURNED = "returned"
    DISMISSED = "dismissed"
    REVERSED = "reversed"


def payment_status_of(*, amount: int, applied: int, held: int, returned: int, taken_back: int) -> PaymentStatus:
    """Where the money is; the first line that holds wins. A generated column of the table says the same."""
    if held == amount:
        return PaymentStatus.HELD
    if held > 0:
        return PaymentStatus.PARTLY_HELD
    if applied > 0:
        return PaymentStatus.APPLIED
    if taken_back > 0:
        return PaymentStatus.REVERSED
    return PaymentStatus.RETURNED if returned > 0 else PaymentStatus.DISMISSED


@value
class Payment:
    """A booked entry; always ``amount == applied + held + returned + dismissed + reversed``.

    `applications` are its postings that are not undone, `hold` is its open one.
    """

    id: PaymentId
    entry: Entry
    recorded_at: datetime
    applied: Minor = ZERO
    held: Minor = ZERO
    returned: Minor = ZERO
    dismissed: Minor = ZERO
    reversed: Minor = ZERO
    original_id: PaymentId | None = None  # of a reversal: the payment that it took back
    applications: tuple[Posting, ...] = ()
    hold: Hold | None = None

    def __post_init__(self) -> None:
        parts = self.applied + self.held + self.returned + self.dismissed + self.reversed
        assert parts == self.entry.amount, self

    @property
    def content(self) -> Content:
        """What an entry must agree with that comes under the same identity."""
        return self.entry.content

    @property
    def status(self) -> PaymentStatus:
        """Where the money is."""
        return payment_status_of(
            amount=self.entry.amount,
            applied=self.applied,
            held=self.held,
            returned=self.returned,
            taken_back=self.reversed,
        )

    @property
    def is_whole(self) -> bool:
        """Whether all the money of a credit is still here, applied or on hold, so that it can be taken back."""
        return self.entry.kind is Kind.CREDIT and self.applied + self.held == self.entry.amount


@value
class Conflict:
    """An entry under an identity that is taken by another content: an alarm, not a payment."""

    id: PaymentId  # numbered like payments, so that people can ask for it as for one
    payment_id: PaymentId  # what is booked under the identity
    entry: Entry
    recorded_at: datetime

    @property
    def content(self) -> Content:
        """What the entry says, otherwise than what is booked."""
        return self.entry.content
