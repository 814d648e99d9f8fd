"""What formats share: the reversal table, amounts with any decimal mark, days, lines, references, balances that meet.

Whatever cannot be understood raises `BadFile` with its line; nothing is guessed and nothing is rounded.
"""

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Final

from services.payments.feeds.model import BadFile, Kind, Mark, Statement, WhyNot
from shared import currency, reference
from shared.money import Minor, NotAnAmount

LARGEST_MINOR: Final = 10**18 - 1
BANK_REFERENCE_MAX: Final = 140
REFERENCE_MAX: Final = 64
REMITTANCE_MAX: Final = 2_000
TEXT_MAX: Final = 200

# What banks write where they have no reference to give.
_PLACEHOLDERS: Final = {
    "NOTPROVIDED", "NOTAVAILABLE", "NONREF", "NOREF", "NONE", "NULL", "UNKNOWN", "NOTAPPLICABLE", "N/A", "NA", "-", "0",
}  # fmt: skip
_BLANKS_AND_CONTROLS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)


def clean(text: str | None, limit: int = TEXT_MAX) -> str | None:
    """Text without control characters and repeated blanks, cut to the limit; None where nothing is left."""
    return (_BLANKS_AND_CONTROLS.sub(" ", text).strip()[:limit].rstrip() or None) if text else None


def lines_of(text: str) -> list[str]:
    """The lines of a text, whatever ends them: CR LF, LF or CR. Nothing else does: `str.splitlines` would also cut at
    characters that stand inside a name or a remittance."""
    lines = _LINE_END.split(text)
    return lines[:-1] if lines[-1] == "" else lines


def read_currency(code: str, line: int) -> str:
    """The code, if it is a currency that has minor units."""
    try:
        currency.exponent(code)
    except currency.UnknownCurrency:
        raise BadFile(line, f"{code[:10] or 'nothing'} is no currency that ISO 4217 lists") from None
    return code


def read_amount(text: str, code: str, line: int, *, mark: str = ".", grouping: str = "") -> Minor:
    """Minor units of an amount without sign, as its bank wrote it: digits, the decimal `mark`, decimals.

    Zeros beyond the currency's decimals say nothing else; any other digit there would need rounding. A `grouping`
    character may stand before every third digit from the mark, or nowhere.
    """
    read_currency(code, line)
    decimals = currency.exponent(code)
    plain = _shape(mark, grouping).fullmatch(text)
    if plain is None:
        example = f"400000{mark}00" if decimals else "400000"
        raise BadFile(line, f"{text[:40]!r} is not an amount: plain digits, such as {example}")
    whole, fraction = plain[1].replace(grouping, "") if grouping else plain[1], plain[2] or ""
    if fraction[decimals:].strip("0"):
        raise BadFile(line, f"{text} has more than the {decimals} decimals of {code}; nothing is rounded")
    kept = fraction[:decimals]
    try:
        minor = currency.parse(f"{whole}.{kept}" if kept else whole, code)
    except NotAnAmount:  # more than fifteen digits
        raise BadFile(line, f"{text[:40]!r} is not an amount of {code}") from None
    if minor > LARGEST_MINOR:
        raise BadFile(line, f"{text} {code} is more than can be kept")
    return minor


def read_day(digits: str, line: int) -> date:
    """The day of ``YYYYMMDD`` or ``YYMMDD``, where years from 80 on are of the last century, as SWIFT has it."""
    if len(digits) in {6, 8} and _DIGITS.fullmatch(digits):
        year = int(digits[:-4])
        if len(digits) == 6:
            year += 1900 if year >= 80 else 2000
        try:
            return date(year, int(digits[-4:-2]), int(digits[-2:]))
        except ValueError:  # such as 30 February
            pass
    example = "20260302" if len(digits) == 8 else "260302"
    raise BadFile(line, f"{digits[:40]!r} is not a date, such as {example}")


def own_reference(text: str | None, line: int, name: str = "a reference") -> str | None:
    """A reference that says something; a placeholder is none, and one that is too long is refused, never cut."""
    cleaned = clean(text, BANK_REFERENCE_MAX + 1)
    if cleaned is None or cleaned.upper().replace(" ", "") in _PLACEHOLDERS or not cleaned.strip("0- "):
        return None
    if len(cleaned) > BANK_REFERENCE_MAX:
        raise BadFile(line, f"{name} is longer than the {BANK_REFERENCE_MAX} characters we take")
    return cleaned


def choose_reference(given: Iterable[str | None], free: Iterable[str | None]) -> tuple[str | None, str | None]:
    """Reference and remittance, of the references that a bank gives, best first, and its free texts.

    A valid reference of ours wins. Others of ours stay in the remittance, so that two which contradict each other are
    both seen; and so does one that is too long to be a reference.
    """
    cleaned = [text for text in map(clean, given) if text]
    ours = [text for text in cleaned if reference.find(text)]
    chosen = next(iter([*ours, *cleaned]), None)
    texts = [text for text in free if text]
    if chosen and len(chosen) > REFERENCE_MAX:
        texts, chosen = [chosen, *texts], None
    return chosen, clean(" ".join([*texts, *(text for text in ours if text != chosen)]), REMITTANCE_MAX)


def judge(mark: Mark, *, taken_back: bool) -> Kind | WhyNot:
    """The reversal table: what a booking is to us, or why it is nothing that we post."""
    match mark, taken_back:
        case Mark.CREDIT, False:
            return Kind.CREDIT
        case Mark.CREDIT, True:
            return WhyNot.OWN_PAYMENT_RETURNED
        case Mark.DEBIT, True:
            return Kind.REVERSAL
        case _:
            return WhyNot.NOT_OURS


def imbalance(statement: Statement) -> str | None:
    """How far opening balance and entries are from the closing balance, in words; None where nothing is wrong."""
    if statement.proven is not False or statement.opening is None or statement.closing is None:
        return None
    code = statement.currency
    reached, closing = currency.text(statement.opening + statement.booked, code), currency.text(statement.closing, code)
    return f"opening balance and booked entries come to {reached} {code}, but the closing balance is {closing}"


@lru_cache(maxsize=64)
def _shape(mark: str, grouping: str) -> re.Pattern[str]:
    grouped = rf"|[0-9]{{1,3}}(?:{re.escape(grouping)}[0-9]{{3}})+" if grouping else ""
    return re.compile(rf"([0-9]+{grouped})(?:{re.escape(mark)}([0-9]+))?", re.ASCII)
