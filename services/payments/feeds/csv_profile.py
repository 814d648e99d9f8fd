"""How one bank writes its CSV: a saved, versioned profile that says all of it, so that nothing is ever guessed.

`check` tells in words what is wrong with a profile; one without complaint can be read by.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final, TypeAlias

from services.payments.feeds.model import Problem
from shared import currency

Column: TypeAlias = str | int  # a header's text, or a column's number, the first being 1

NAME: Final = "[a-z0-9][a-z0-9-]{0,62}"
ENCODINGS: Final = (
    *("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "ascii", "latin-1", "iso8859-15", "cp1252", "cp1250"),
    *("cp1251", "mac-roman", "shift_jis", "cp932", "euc-jp", "gb18030", "big5", "euc-kr"),
)
DELIMITERS: Final = (",", ";", "\t", "|", "^", "~")
QUOTES: Final = ('"', "'")
DECIMAL_MARKS: Final = (".", ",")
THOUSANDS_MARKS: Final = (",", ".", " ", "'", "\u2019", "\u00a0", "\u202f")
_MOST_COLUMNS: Final = 500
_MOST_SKIPPED: Final = 200


class Header(StrEnum):
    """Where the row of headers stands: first after the skipped lines, or wherever all of them are, or nowhere."""

    FIRST = "first"
    SEARCH = "search"
    NONE = "none"


class SignRule(StrEnum):
    """What tells money in from money out."""

    SIGNED = "signed"  # money out has a minus
    SIGNED_REVERSED = "signed_reversed"  # money in has a minus
    MARK = "mark"  # a column of words
    TWO_COLUMNS = "two_columns"


class Minus(StrEnum):
    """What a minus means where marks or two columns show the direction already."""

    REFUSED = "refused"
    ON_DEBITS = "on_debits"  # every debit has one as well
    TAKES_BACK = "takes_back"  # it takes back what its column holds


class MinusAt(StrEnum):
    """How a negative number is written."""

    BEFORE = "before"
    BEHIND = "behind"
    PARENTHESES = "parentheses"


class Decimals(StrEnum):
    """How many decimals an amount has: those of its currency, at most those, or surplus zeros besides."""

    EXACT = "exact"
    AT_MOST = "at_most"
    PADDED = "padded"


class Order(StrEnum):
    """Which row is the earlier one."""

    OLDEST_FIRST = "oldest_first"
    NEWEST_FIRST = "newest_first"


class Place(StrEnum):
    """Where a bank states its balances: in rows of the table, or in the skipped lines around it."""

    TABLE = "table"
    AROUND = "around"


@dataclass(frozen=True, slots=True)
class Layout:
    """The file as a table. Where there is no header, `width` is the number of its columns.

    `trailing_empty`: rows may end in surplus empty cells. `line_breaks`: a quoted text may run over several lines.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str | None = '"'
    header: Header = Header.FIRST
    width: int | None = None
    skip_top: int = 0
    skip_bottom: int = 0
    trailing_empty: bool = False
    line_breaks: bool = False


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what. `taken_back` is one whose words say that a booking is a reversal, `original` names the
    bank reference of what a reversal takes back, `balance` is the account's balance after the row."""

    booking_date: Column | None = None
    value_date: Column | None = None
    amount: Column | None = None
    credit: Column | None = None
    debit: Column | None = None
    mark: Column | None = None
    taken_back: Column | None = None
    status: Column | None = None
    currency: Column | None = None
    account: Column | None = None
    bank_reference: Column | None = None
    end_to_end_id: Column | None = None
    uetr: Column | None = None
    reference: Column | None = None
    original: Column | None = None
    remittance: tuple[Column, ...] = ()
    remitter_name: Column | None = None
    remitter_account: Column | None = None
    balance: Column | None = None

    def all(self) -> Iterator[tuple[str, Column]]:
        """Each member that has a column, with it."""
        for one in fields(self):
            given = getattr(self, one.name)
            for column in given if isinstance(given, tuple) else (given,):
                if column is not None:
                    yield one.name, column


@dataclass(frozen=True, slots=True)
class Numbers:
    """How amounts are written. `symbol` is a text such as ``$`` or ``EUR`` that may stand before or behind them."""

    decimal: str = "."
    thousands: str | None = None
    minus_at: MinusAt = MinusAt.BEFORE
    decimals: Decimals = Decimals.EXACT
    symbol: str | None = None


@dataclass(frozen=True, slots=True)
class Signs:
    """What a booking is. The first four lists are words of the mark column, `taken_back` those of its own column."""

    rule: SignRule
    minus: Minus = Minus.REFUSED
    credit: tuple[str, ...] = ()
    debit: tuple[str, ...] = ()
    credit_taken_back: tuple[str, ...] = ()
    debit_taken_back: tuple[str, ...] = ()
    taken_back: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statuses:
    """Words of the status column; without such a column all rows are booked."""

    booked: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatedBalances:
    """Rows that state a balance: their label is one of these words, or begins with one that ends in ``*``."""

    place: Place
    label: Column
    amount: Column
    opening: tuple[str, ...] = ()
    closing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """One version of how one bank writes. `dates` is made of ``%Y %y %m %-m %b %d %-d %H %M %S`` and plain text;
    ``%b`` are the English months. Currency and account are fixed here, or have a column.

    `yearly_references`: the bank begins its references anew each year.
    """

    name: str
    version: int
    dates: str
    signs: Signs
    columns: Columns
    layout: Layout = field(default_factory=Layout)
    numbers: Numbers = field(default_factory=Numbers)
    statuses: Statuses = field(default_factory=Statuses)
    balances: StatedBalances | None = None
    order: Order = Order.OLDEST_FIRST
    currency: str | None = None
    account: str | None = None
    yearly_references: bool = False


def check(profile: Profile) -> tuple[Problem, ...]:
    """Everything for which a profile cannot be used: the member, such as ``columns.amount``, and what is wrong."""
    rules = (_of_name, _of_layout, _of_columns, _of_signs, _of_words, _of_numbers, _of_dates, _of_account, _of_balances)
    return tuple(Problem(where, what) for rule in rules for where, what in rule(profile))


_Found: TypeAlias = "Iterator[tuple[str, str]]"


def _of_name(profile: Profile) -> _Found:
    if not re.fullmatch(NAME, profile.name):
        yield "name", "must be small letters, digits and hyphens, such as bank-of-example-usd; at most 63"
    if profile.version < 1:
        yield "version", "must be 1 or more"


def _of_layout(profile: Profile) -> _Found:
    layout = profile.layout
    if layout.encoding not in ENCODINGS:
        yield "layout.encoding", f"must be one of {', '.join(ENCODINGS)}"
    if layout.delimiter not in DELIMITERS:
        yield "layout.delimiter", "must be one of , ; tab | ^ ~"
    if layout.quote is not None and layout.quote not in QUOTES:
        yield "layout.quote", "must be \" or ' or null"
    for name, lines in (("skip_top", layout.skip_top), ("skip_bottom", layout.skip_bottom)):
        if not 0 <= lines <= _MOST_SKIPPED:
            yield f"layout.{name}", f"must be 0 to {_MOST_SKIPPED}"
    if layout.header is Header.SEARCH and layout.skip_top:
        yield "layout.skip_top", "has no meaning where the row of headers is searched for"
    if layout.header is Header.NONE and not 1 <= (layout.width or 0) <= _MOST_COLUMNS:
        yield "layout.width", f"must say how many columns there are, 1 to {_MOST_COLUMNS}, where there is no header"
    if layout.header is not Header.NONE and layout.width is not None:
        yield "layout.width", "is only for files without a header: the header says how many columns there are"


def _of_columns(profile: Profile) -> _Found:
    columns = profile.columns
    for name, column in columns.all():
        yield from _of_column(profile, f"columns.{name}", column)
    if columns.booking_date is None and columns.value_date is None:
        yield "columns", "must name a booking_date or a value_date"
    money = [(name, column) for name, column in columns.all() if name in {"amount", "credit", "debit", "balance"}]
    for place, (name, column) in enumerate(money):
        if column in [other for _, other in money[:place]]:
            yield f"columns.{name}", "is the column of another amount already"
    if profile.yearly_references and (columns.bank_reference is None or columns.booking_date is None):
        yield "yearly_references", "needs a column for bank_reference and one for booking_date"
    if profile.yearly_references and columns.original is not None:
        yield "columns.original", "cannot say of which year the original is, where references begin anew each year"


def _of_column(profile: Profile, where: str, column: Column) -> _Found:
    layout = profile.layout
    if isinstance(column, int):
        if not 1 <= column <= (layout.width or _MOST_COLUMNS):
            yield where, f"must be a number from 1 to {layout.width or _MOST_COLUMNS}; the first column is 1"
    elif layout.header is Header.NONE:
        yield where, "must be a number: the file has no headers"
    elif not column or column != " ".join(column.split()):
        yield where, "must be a header's text, without blanks around it"


def _of_signs(profile: Profile) -> _Found:
    rule, columns = profile.signs.rule, profile.columns
    needed = {SignRule.MARK: ("amount", "mark"), SignRule.TWO_COLUMNS: ("credit", "debit")}.get(rule, ("amount",))
    for name in ("amount", "credit", "debit", "mark"):
        given = getattr(columns, name) is not None
        if given is not (name in needed):
            yield f"columns.{name}", f"{'has no meaning' if given else 'is needed'} where the rule of signs is {rule}"
    minus = profile.signs.minus
    if minus is not Minus.REFUSED and rule in {SignRule.SIGNED, SignRule.SIGNED_REVERSED}:
        yield "signs.minus", f"has no meaning where the rule of signs is {rule}: a minus shows the direction"
    if minus is Minus.TAKES_BACK and rule is SignRule.MARK:
        yield "signs.minus", "takes_back is only for two columns: list the words that take back instead"


def _of_words(profile: Profile) -> _Found:
    signs, statuses, columns = profile.signs, profile.statuses, profile.columns
    marks = (signs.credit, signs.debit, signs.credit_taken_back, signs.debit_taken_back)
    if signs.rule is SignRule.MARK and not (signs.credit or signs.debit):
        yield "signs.credit", "must list the words of the mark column for money in, or signs.debit those for money out"
    if signs.rule is not SignRule.MARK and any(marks):
        yield "signs", "words for credit and debit have no meaning without a mark column"
    lists = (
        ("signs", marks),
        ("signs.taken_back", (signs.taken_back,)),
        ("statuses", (statuses.booked, statuses.pending)),
    )
    for where, groups in lists:
        words = [word for group in groups for word in group]
        if len(set(words)) < len(words):
            yield where, f"{_twice(words)!r} is listed twice"
        if any(word != " ".join(word.split()) for word in words):
            yield where, "words must have no blanks around them"
    if (columns.taken_back is None) is not (not signs.taken_back):
        yield "signs.taken_back", "the words and their column, columns.taken_back, go together"
    if (columns.status is None) is not (not statuses.booked):
        yield "statuses.booked", "the words and their column, columns.status, go together"
    if statuses.pending and columns.status is None:
        yield "statuses.pending", "needs a column, columns.status"


def _twice(words: Iterable[str]) -> str:
    seen: set[str] = set()
    return next(word for word in words if word in seen or seen.add(word))  # type: ignore[func-returns-value]  # adds it


def _of_numbers(profile: Profile) -> _Found:
    numbers = profile.numbers
    if numbers.decimal not in DECIMAL_MARKS:
        yield "numbers.decimal", "must be . or ,"
    if numbers.thousands is not None and numbers.thousands not in THOUSANDS_MARKS:
        yield "numbers.thousands", "must be null, or one of , . ' ’ or a blank (plain, no-break or narrow no-break)"
    if numbers.thousands == numbers.decimal:
        yield "numbers.thousands", "is the decimal mark already"
    symbol = numbers.symbol
    if symbol is not None and not re.fullmatch(r"[^\s0-9.,'’+\-−()]{1,5}", symbol):
        yield "numbers.symbol", "must be 1 to 5 characters, none of which can be part of a number"


_DATE_PARTS: Final = {
    "%Y": "year", "%y": "year", "%m": "month", "%-m": "month", "%b": "month", "%d": "day", "%-d": "day",
    "%H": "hour", "%M": "minute", "%S": "second",
}  # fmt: skip
DATE_PART: Final = re.compile(r"%-?.?", re.DOTALL)


def _of_dates(profile: Profile) -> _Found:
    parts = DATE_PART.findall(profile.dates)
    for unknown in (part for part in parts if part not in _DATE_PARTS):
        yield "dates", f"{unknown} is not known: there are {' '.join(_DATE_PARTS)}"
    names = [_DATE_PARTS[part] for part in parts if part in _DATE_PARTS]
    if not {"year", "month", "day"} <= set(names):
        yield "dates", "must have a year, a month and a day, such as %d.%m.%Y"
    if len(set(names)) < len(names):
        yield "dates", "names one part twice"
    if re.search(r"%-[md](?=%|[0-9])", profile.dates) or re.search(r"[0-9]", profile.dates.replace("%", "")):
        yield "dates", "digits must not touch parts of any length: write a separator between them"


def _of_account(profile: Profile) -> _Found:
    for name in ("currency", "account"):
        if (getattr(profile, name) is None) is (getattr(profile.columns, name) is None):
            yield name, f"must be fixed here or have a column, columns.{name}: one of the two"
    if profile.currency is not None:
        try:
            currency.exponent(profile.currency)
        except currency.UnknownCurrency:
            yield "currency", f"{profile.currency[:20]} is no currency that ISO 4217 lists"
    account = profile.account
    if account is not None and (not account or len(account) > 100 or account != " ".join(account.split())):
        yield "account", "must be the account's number, at most 100 characters, without blanks around it"


def _of_balances(profile: Profile) -> _Found:
    stated = profile.balances
    if stated is None:
        return
    for name, column in (("label", stated.label), ("amount", stated.amount)):
        if stated.place is Place.TABLE:
            yield from _of_column(profile, f"balances.{name}", column)
        elif not isinstance(column, int) or not 1 <= column <= _MOST_COLUMNS:
            yield f"balances.{name}", "must be a number: lines around the table have no headers"
    if not stated.opening and not stated.closing:
        yield "balances", "must list the labels of the opening balance, or of the closing balance"
    words = [*stated.opening, *stated.closing]
    if any(not word.strip("*") or word != " ".join(word.split()) for word in words):
        yield "balances", "labels must not be empty, and have no blanks around them"
    if any(a is not b and fits(a.rstrip("*"), (b,)) for a in words for b in words):
        yield "balances", "one label must not fit what another one is for"


def fits(label: str, words: Iterable[str]) -> bool:
    """Whether a label is one of the words, or begins with one that ends in ``*``."""
    return any(label.startswith(word[:-1]) if word.endswith("*") else label == word for word in words)
