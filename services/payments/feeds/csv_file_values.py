"""What stands in the cells of a bank's CSV: amounts, days and marks, read in the one way that the profile knows."""

import re
from collections.abc import Callable
from datetime import date
from typing import Final, NamedTuple

from services.payments.feeds import fields
from services.payments.feeds.csv_profile import (
    DATE_PART,
    Columns,
    Decimals,
    Minus,
    MinusAt,
    Numbers,
    Profile,
    SignRule,
    Signs,
)
from services.payments.feeds.model import BadFile, Mark
from shared import currency
from shared.money import Minor

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PARTS: Final = {
    "%Y": "(?P<year>[0-9]{4})", "%y": "(?P<short>[0-9]{2})",
    "%m": "(?P<month>[0-9]{2})", "%-m": "(?P<month>[0-9]{1,2})", "%b": f"(?P<name>(?i:{'|'.join(_MONTHS)}))",
    "%d": "(?P<day>[0-9]{2})", "%-d": "(?P<day>[0-9]{1,2})",
    "%H": "(?:[01][0-9]|2[0-3])", "%M": "[0-5][0-9]", "%S": "(?:[0-5][0-9]|60)",
}  # fmt: skip
_MINUS: Final = ("-", "\u2212")

Cell = Callable[[str | int], str]  # the text of a row's cell in that column


class Signed(NamedTuple):
    """A number with its minus taken off: nothing here is ever negative by itself."""

    negative: bool
    minor: Minor


class Movement(NamedTuple):
    """What a row does to the account."""

    amount: Minor
    mark: Mark
    taken_back: bool


class Days:
    """Reads days in the one way that a profile knows; whatever time of day stands beside them is not looked at."""

    def __init__(self, profile: Profile) -> None:
        ends = [match.span() for match in DATE_PART.finditer(profile.dates)]
        plain = [0, *(end for _, end in ends)], [*(start for start, _ in ends), len(profile.dates)]
        between = [re.escape(profile.dates[start:end]) for start, end in zip(*plain, strict=True)]
        parts = [_PARTS[profile.dates[start:end]] for start, end in ends]
        woven = "".join(text + part for text, part in zip(between, [*parts, ""], strict=True))
        self._pattern = re.compile(woven, re.ASCII)
        self._format = profile.dates

    def read(self, text: str, line: int, header: str) -> date | None:
        """The day of a cell; None where it is empty."""
        if not text:
            return None
        if found := self._pattern.fullmatch(text):
            parts = found.groupdict()
            year = int(parts["year"]) if parts.get("year") else 2000 + int(parts["short"])
            name = parts.get("name")
            month = _MONTHS.index(name.lower()) + 1 if name else int(parts["month"])
            try:
                return date(year, month, int(parts["day"]))
            except ValueError:  # such as 30 February
                pass
        raise BadFile(line, f"{header}: {text[:40]!r} is not a date in the form {self._format}")


def read_number(text: str, code: str, line: int, header: str, numbers: Numbers) -> Signed:
    """An amount of a cell and whether it has a minus; raises `BadFile` for any other way to write it."""
    bare = text.strip()
    negative = False
    if numbers.minus_at is MinusAt.PARENTHESES and bare.startswith("(") and bare.endswith(")"):
        negative, bare = True, bare[1:-1]
    symbol = numbers.symbol or ""
    negative_before, bare = _without_sign(bare, numbers)
    if symbol and (bare.startswith(symbol) or bare.endswith(symbol)):
        bare = (bare.removeprefix(symbol) if bare.startswith(symbol) else bare.removesuffix(symbol)).strip()
        if not negative_before:
            negative_before, bare = _without_sign(bare, numbers)
    if bare.startswith(numbers.decimal):  # .50, which says nothing else than 0.50
        bare = f"0{bare}"
    try:
        minor = fields.read_amount(bare, code, line, mark=numbers.decimal, grouping=numbers.thousands or "")
        _check_shape(bare, code, line, numbers)
    except BadFile as bad:
        shown = "" if text[:40] in bad.what else f" (the cell is {text[:40]!r})"
        raise BadFile(line, f"{header}: {bad.what}{shown}") from None
    return Signed(negative or negative_before, minor)


def _without_sign(text: str, numbers: Numbers) -> tuple[bool, str]:
    before = numbers.minus_at is MinusAt.BEFORE
    sign = text[:1] if before else text[-1:] if numbers.minus_at is MinusAt.BEHIND else ""
    if not sign or sign not in {*_MINUS, "+"}:
        return False, text
    return sign in _MINUS, (text[1:] if before else text[:-1]).strip()


def _check_shape(bare: str, code: str, line: int, numbers: Numbers) -> None:
    """Refuses what may be an amount in another way of writing than the profile's: 1.234 is not 1.23 and a bit."""
    whole, _, fraction = bare.partition(numbers.decimal)
    if numbers.thousands and re.match(rf"0[0-9]*{re.escape(numbers.thousands)}", whole):
        raise BadFile(line, f"{bare[:40]!r} is not an amount: a group of thousands begins with 0")
    decimals = currency.exponent(code)
    if numbers.decimals is Decimals.EXACT and len(fraction) != decimals:
        raise BadFile(line, f"{bare[:40]!r} does not have exactly the {decimals} decimals of {code}")
    if numbers.decimals is Decimals.AT_MOST and len(fraction) > decimals:
        raise BadFile(line, f"{bare[:40]!r} has more than the {decimals} decimals of {code}")


class Movements:
    """Reads a row's amount and direction by the profile's rule of signs."""

    def __init__(self, profile: Profile) -> None:
        self._signs: Signs = profile.signs
        self._columns: Columns = profile.columns
        self._numbers: Numbers = profile.numbers
        signs = profile.signs
        lists = (
            (signs.credit, (Mark.CREDIT, False)),
            (signs.debit, (Mark.DEBIT, False)),
            (signs.credit_taken_back, (Mark.DEBIT, True)),
            (signs.debit_taken_back, (Mark.CREDIT, True)),
        )
        self._marks = {word: meaning for words, meaning in lists for word in words}

    def read(self, cell: Cell, code: str, line: int) -> Movement:
        """What the row does; raises `BadFile` where it cannot be told without a doubt."""
        by_rule = {SignRule.MARK: self._marked, SignRule.TWO_COLUMNS: self._of_two}.get(self._signs.rule, self._signed)
        movement = by_rule(cell, code, line)
        column = self._columns.taken_back
        if column is not None and cell(column) in self._signs.taken_back:
            if movement.taken_back:
                raise BadFile(line, "the row is taken back twice: by its own word, and by its mark or minus")
            return movement._replace(taken_back=True)
        return movement

    def _signed(self, cell: Cell, code: str, line: int) -> Movement:
        number = self._number(cell, self._columns.amount, code, line)
        is_out = number.negative is (self._signs.rule is SignRule.SIGNED)
        return Movement(number.minor, Mark.DEBIT if is_out and number.minor else Mark.CREDIT, taken_back=False)

    def _marked(self, cell: Cell, code: str, line: int) -> Movement:
        assert self._columns.mark is not None  # `check` saw to it
        word = cell(self._columns.mark)
        if word not in self._marks:
            known = ", ".join(repr(one) for one in self._marks)
            raise BadFile(line, f"{self._columns.mark}: {word[:40]!r} is none of the profile's marks: {known}")
        mark, taken_back = self._marks[word]
        number = self._number(cell, self._columns.amount, code, line)
        self._check_minus(number, mark, line)
        return Movement(number.minor, mark, taken_back)

    def _of_two(self, cell: Cell, code: str, line: int) -> Movement:
        """One of the two columns has an amount; the other is empty or zero."""
        found = {}
        for mark, column in ((Mark.CREDIT, self._columns.credit), (Mark.DEBIT, self._columns.debit)):
            assert column is not None  # `check` saw to it
            if cell(column):
                found[mark] = self._number(cell, column, code, line)
        filled = {mark: number for mark, number in found.items() if number.minor} or dict(list(found.items())[:1])
        names = f"{self._columns.credit} and {self._columns.debit}"
        if len(filled) != 1:
            raise BadFile(
                line, f"{names}: {'both have' if filled else 'neither has'} an amount; it must be one of them"
            )
        ((mark, number),) = filled.items()
        if self._signs.minus is Minus.TAKES_BACK and number.negative and number.minor:
            return Movement(number.minor, Mark.DEBIT if mark is Mark.CREDIT else Mark.CREDIT, taken_back=True)
        if self._signs.minus is not Minus.TAKES_BACK:
            self._check_minus(number, mark, line)
        return Movement(number.minor, mark, taken_back=False)

    def _check_minus(self, number: Signed, mark: Mark, line: int) -> None:
        if not number.minor:
            return
        if number.negative and self._signs.minus is Minus.REFUSED:
            raise BadFile(line, "the amount has a minus, of which the profile does not say what it means")
        if self._signs.minus is Minus.ON_DEBITS and number.negative is not (mark is Mark.DEBIT):
            has = "has a minus" if number.negative else "has no minus"
            raise BadFile(line, f"the row is a {mark}, but its amount {has}")

    def _number(self, cell: Cell, column: str | int | None, code: str, line: int) -> Signed:
        assert column is not None  # `check` saw to it
        text = cell(column)
        if not text:
            raise BadFile(line, f"{column}: the amount is missing")
        return read_number(text, code, line, str(column), self._numbers)
