"""The balances of a CSV: what rows state, and what a running balance proves, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.payments.feeds.csv_file_table import Row
from services.payments.feeds.csv_profile import Profile, StatedBalances, fits
from services.payments.feeds.model import BadFile, Balance, Entry, Statement
from shared import currency
from shared.money import Minor


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry, and the account's balance behind it where the row states one."""

    entry: Entry
    balance: int | None


@dataclass(frozen=True, slots=True)
class Stated:
    """A row that states a balance: of one account, or where none is named, of the only one."""

    row: Row
    is_opening: bool


@dataclass(slots=True)
class Book:
    """One account in one currency: its entries in the order in which they happened, and the balances stated for it."""

    account: str
    currency: str
    line: int
    shown: list[Shown] = field(default_factory=list)
    opening: tuple[int, int] | None = None  # minor units, and the line that states them
    closing: tuple[int, int] | None = None

    def state(self, stated: Stated, minor: int) -> None:
        """Takes a stated balance; a second one of its kind is refused."""
        before = self.opening if stated.is_opening else self.closing
        if before is not None:
            kind = "opening" if stated.is_opening else "closing"
            raise BadFile(stated.row.line, f"the {kind} balance is stated a second time; line {before[1]} has it first")
        if stated.is_opening:
            self.opening = minor, stated.row.line
        else:
            self.closing = minor, stated.row.line


def is_stated(label: str, stated: StatedBalances, row: Row) -> Stated | None:
    """The stated balance that a row's label says it is; None for any other row."""
    for words, is_opening in ((stated.opening, True), (stated.closing, False)):
        if fits(" ".join(label.split()), words):
            return Stated(row, is_opening)
    return None


def statement_of(book: Book, profile: Profile) -> Statement:
    """The statement of an account, without identities yet; raises `BadFile` where its balances contradict its rows."""
    stated = profile.balances
    for kind, words, given in (
        ("opening", stated and stated.opening, book.opening),
        ("closing", stated and stated.closing, book.closing),
    ):
        if words and given is None:
            labels = " or ".join(repr(word) for word in words)
            raise BadFile(book.line, f"no line states the {kind} balance: its label would be {labels}")
    opening, closing = book.opening and book.opening[0], book.closing and book.closing[0]
    if profile.columns.balance is not None and (run := _run(book)):
        _check_run(book, *run)
        opening = run[0] if opening is None else opening
        closing = run[1] if closing is None else closing
    days = [day for one in book.shown if one.entry.booked and (day := one.entry.booking_date or one.entry.value_date)]
    first, last = (min(days), max(days)) if days else (None, None)
    balances = [("opening", opening, first), ("closing", closing, last)]
    return Statement(
        id="" if first is None else str(first) if first == last else f"{first}/{last}",
        account=book.account,
        currency=book.currency,
        opening=None if opening is None else Minor(opening),
        closing=None if closing is None else Minor(closing),
        balances=tuple(
            Balance(code, Minor(minor), book.currency, day) for code, minor, day in balances if minor is not None
        ),
        entries=tuple(one.entry for one in book.shown),
        problems=(),
        line=book.line,
    )


def _run(book: Book) -> tuple[int, int] | None:
    """The balances before the first and after the last booked entry, each row's held against the one before."""
    booked = [one for one in book.shown if one.entry.booked]
    balance: int | None = None
    for one in booked:
        line = one.entry.line
        if one.balance is None:
            raise BadFile(line, "the row is booked, but states no balance")
        if balance is not None and balance + one.entry.signed != one.balance:
            text, code = currency.text, book.currency
            raise BadFile(
                line,
                f"the balance is {text(one.balance, code)} {code}, but the balance before, {text(balance, code)}, and "
                f"this row's {text(one.entry.signed, code)} come to {text(balance + one.entry.signed, code)}: "
                "a row is missing, or the rows are not in the order that the profile says",
            )
        balance = one.balance
    if balance is None or booked[0].balance is None:
        return None
    return booked[0].balance - booked[0].entry.signed, balance


def _check_run(book: Book, opening: int, closing: int) -> None:
    for kind, stated, reached in (("opening", book.opening, opening), ("closing", book.closing, closing)):
        if stated is not None and stated[0] != reached:
            told, found = currency.text(stated[0], book.currency), currency.text(reached, book.currency)
            raise BadFile(stated[1], f"the {kind} balance is {told}, but the rows' own balances make it {found}")


def unclaimed(stated: Sequence[Stated], books: Sequence[Book]) -> BadFile:
    """Why a stated balance cannot be given to an account."""
    shown = ", ".join(f"{book.account} ({book.currency})" for book in books) or "none"
    return BadFile(stated[0].row.line, f"a balance is stated here, but not of which account; the file shows: {shown}")
