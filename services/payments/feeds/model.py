"""What every bank format comes to: statements with balances and entries, or the reasons why a file is not taken."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.money import Minor


class Mark(StrEnum):
    """The direction of a booking, as the bank marks it. Amounts carry no sign; the mark is never flipped."""

    CREDIT = "credit"
    DEBIT = "debit"


class Kind(StrEnum):
    """What an entry is to us."""

    CREDIT = "credit"
    REVERSAL = "reversal"


class WhyNot(StrEnum):
    """Why an entry is shown, and never posted."""

    PENDING = "pending"
    NOT_BOOKED = "not_booked"
    NOT_OURS = "not_ours"
    OWN_PAYMENT_RETURNED = "own_payment_returned"
    ZERO_AMOUNT = "zero_amount"
    NAMES_NO_ORIGINAL = "names_no_original"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person should look at: `where` it stands in the file, and `what` it is."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance that the bank states; `amount` is negative where the account is overdrawn."""

    code: str
    amount: Minor
    currency: str
    on: date | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement: a booking, or one detail of a batch booking.

    `payment_id` is its identity at this account, the same in every statement that shows it. `amount` is never negative.
    `reverses` names the entry that a reversal takes back; `original_found` says that this entry was seen, while
    otherwise it is only the best reference that the bank gave.
    """

    payment_id: str
    mark: Mark
    kind: Kind | None
    amount: Minor
    currency: str
    booking_date: date | None
    value_date: date | None
    posted: bool
    why_not: WhyNot | None
    line: int
    bank_reference: str | None = None
    end_to_end_id: str | None = None
    uetr: str | None = None
    reference: str | None = None
    remittance: str | None = None
    remitter_name: str | None = None
    remitter_account: str | None = None
    method: str | None = None
    reverses: str | None = None
    original_found: bool = False

    @property
    def booked(self) -> bool:
        """Whether the bank's balance contains it."""
        return self.why_not not in {WhyNot.PENDING, WhyNot.NOT_BOOKED}

    @property
    def signed(self) -> int:
        """Minor units as the balance sees them."""
        return int(self.amount) if self.mark is Mark.CREDIT else -int(self.amount)


@dataclass(frozen=True, slots=True)
class Statement:
    """One account over one period, as its bank tells it; `id` is the bank's own, `line` where it begins in the file."""

    id: str
    account: str
    currency: str
    opening: Minor | None
    closing: Minor | None
    balances: tuple[Balance, ...]
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    line: int
    page: int = 1

    @property
    def booked(self) -> int:
        """Sum of the booked entries, in minor units, credits less debits."""
        return sum(entry.signed for entry in self.entries if entry.booked)

    @property
    def proven(self) -> bool | None:
        """Whether opening + booked entries = closing, to the cent; None where the bank states no such balances, or an
        entry is in another currency."""
        if self.opening is None or self.closing is None:
            return None
        if any(entry.currency != self.currency for entry in self.entries if entry.booked):
            return None
        return self.opening + self.booked == self.closing


@dataclass(frozen=True, slots=True)
class BankFile:
    """A file that is taken, as a whole."""

    format: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A file that is refused, as a whole; `format` is what it seems to be, or ``unknown``."""

    format: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file we are willing to read."""

    size_bytes: int = 128 * 1024 * 1024
    depth: int = 48
    entries: int = 200_000
    text_characters: int = 16_384
    problems: int = 50  # after so many the rest of the file is not looked at


class BadFile(ValueError):
    """This place of the file cannot be understood; the file is not taken."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line
        self.what = what

    @property
    def problem(self) -> Problem:
        """It, as the answer to whoever sent the file says it."""
        return Problem(f"line {self.line}", self.what)
