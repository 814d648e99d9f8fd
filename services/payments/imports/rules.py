"""What became of each row: said from what the ledger holds once the chunk is booked. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from services.payments.domain import Content, Entry, Identity
from shared.ids import PaymentId


class Result(StrEnum):
    """What became of a row."""

    CREATED = "created"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"


class RowResult(NamedTuple):
    """What became of the row with this number: its payment's id and status, or why it was refused.

    Of a payment whose money is on hold, `code` and `detail` say why.
    """

    row: int
    outcome: Result
    id: int | None = None
    status: str | None = None
    code: str | None = None
    detail: str | None = None


def refused(row: int, code: str, detail: str) -> RowResult:
    """The refusal of a row."""
    shown = detail.encode("utf-8", "replace").decode()  # it may quote what no answer can carry
    return RowResult(row, Result.REFUSED, code=code, detail=shown)


class Read(NamedTuple):
    """A row that can be booked: the entry it tells of, and the event that tells others of it."""

    row: int
    entry: Entry
    event: bytes


class Booking(NamedTuple):
    """What is booked under an identity, and why its money is on hold, if it is.

    `content` is what was booked before; None where this very chunk has booked it.
    """

    id: PaymentId
    status: str
    reason: str | None
    content: "Content | None"


def results(reads: Sequence[Read], booked: Mapping[Identity, Booking]) -> list[RowResult]:
    """What became of each row: of those with one identity, the first one in the chunk made the payment."""
    found: list[RowResult] = []
    made: dict[Identity, Entry] = {}
    for row, entry, _ in reads:
        identity = entry.identity
        booking = booked[identity]
        outcome = Result.CREATED
        if booking.content is not None or made.setdefault(identity, entry) is not entry:
            before = booking.content or made[identity].content
            if before != entry.content:
                found.append(_contradiction(row, entry, booking))
                continue
            outcome = Result.ALREADY_THERE
        why = None if booking.reason is None else WHY_HELD.get(booking.reason, "the money is on hold")
        found.append(RowResult(row, outcome, booking.id, booking.status, booking.reason, why))
    return found


def _contradiction(row: int, entry: Entry, booking: Booking) -> RowResult:
    detail = (
        f"payment {entry.external_id} of {entry.source} is booked as payment {booking.id} with another content; "
        "this one is on record as a conflict, for a person to look at"
    )
    return RowResult(row, Result.REFUSED, booking.id, booking.status, "identity_conflict", detail)


WHY_HELD: Final[Mapping[str, str]] = {
    "unknown_call": "the money is on hold: the call that it names is not issued",
    "no_match": "the money is on hold: it names no call",
    "ambiguous_match": "the money is on hold: it names more than one call",
    "over_payment": "the money is on hold: it is more than its call has outstanding",
    "currency_mismatch": "the money is on hold: its call is in another currency",
    "call_closed": "the money is on hold: its call was rejected, withdrawn or cancelled",
    "wrong_account": "the money is on hold: its account pays another fund's calls",
    "possible_duplicate": "the money is on hold: it looks like a payment that another source reported",
    "original_not_found": "on hold: the payment that it takes back is not there",
    "reversal_mismatch": "on hold: the payment that it takes back has another amount or currency",
    "already_reversed": "on hold: the payment that it takes back was taken back before",
    "unapplied": "the money is on hold: a person has taken its match back",
}
