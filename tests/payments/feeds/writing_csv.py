"""Writes a bank's CSV as a profile says that the bank does: what the reader undoes, done the other way round."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.payments.feeds.csv_profile import (
    Column,
    Decimals,
    Header,
    Minus,
    MinusAt,
    Numbers,
    Order,
    Profile,
    SignRule,
)
from shared import currency

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Movement:
    """What happened: money in or out, or taken back; `pending` has no part in balances."""

    minor: int
    is_in: bool
    booked_on: date
    valued_on: date
    taken_back: bool = False
    pending: bool = False
    bank_reference: str | None = None
    text: str = ""
    name: str = ""

    @property
    def signed(self) -> int:
        return self.minor if self.is_in else -self.minor


def write(profile: Profile, movements: Sequence[Movement], *, opening: int, code: str, account: str) -> bytes:
    """A file with the movements, which are given oldest first."""
    layout = profile.layout
    headers = _headers(profile)
    rows = []
    balance = opening
    for one in movements:
        balance += 0 if one.pending else one.signed
        cells = _cells(profile, one, balance, code, account)
        rows.append([cells.get(header, "") for header in headers])
    if profile.order is Order.NEWEST_FIRST:
        rows.reverse()
    if layout.header is not Header.NONE:
        rows.insert(0, headers)
    text = io.StringIO(newline="")
    text.write("".join(f"Something else, line {number}\r\n" for number in range(layout.skip_top)))
    if layout.quote is None:
        writer = csv.writer(text, delimiter=layout.delimiter, quoting=csv.QUOTE_NONE, quotechar=None)
    else:
        writer = csv.writer(text, delimiter=layout.delimiter, quotechar=layout.quote)
    for row in rows:
        writer.writerow([*row, ""] if layout.trailing_empty else row)
    text.write("".join(f"The end, line {number}\r\n" for number in range(layout.skip_bottom)))
    return text.getvalue().encode(layout.encoding)


def _headers(profile: Profile) -> list[str]:
    """A header for each column; where they have numbers, the text is that number."""
    width = profile.layout.width
    if width is not None:
        return [str(number) for number in range(1, width + 1)]
    return list(dict.fromkeys(str(column) for _, column in profile.columns.all()))


def _cells(profile: Profile, one: Movement, balance: int, code: str, account: str) -> dict[str, str]:
    columns = profile.columns
    given: dict[Column | None, str] = {
        columns.booking_date: day(one.booked_on, profile.dates),
        columns.value_date: day(one.valued_on, profile.dates),
        columns.status: (profile.statuses.pending if one.pending else profile.statuses.booked or ("",))[0],
        columns.currency: code,
        columns.account: account,
        columns.bank_reference: one.bank_reference or "",
        columns.remitter_name: one.name,
        columns.balance: "" if one.pending else number(balance, code, profile.numbers),
        **_money(profile, one, code),
    }
    given[columns.remittance[0]] = one.text
    if columns.taken_back is not None:
        given[columns.taken_back] = profile.signs.taken_back[0] if one.taken_back else ""
    return {str(column): text for column, text in given.items() if column is not None}


def _money(profile: Profile, one: Movement, code: str) -> dict[Column | None, str]:
    columns, signs = profile.columns, profile.signs
    match signs.rule:
        case SignRule.SIGNED:
            return {columns.amount: number(one.signed, code, profile.numbers)}
        case SignRule.SIGNED_REVERSED:
            return {columns.amount: number(-one.signed, code, profile.numbers)}
        case SignRule.MARK:
            by_column = one.taken_back and columns.taken_back is None
            words = {
                (True, False): signs.credit,
                (False, False): signs.debit,
                (False, True): signs.credit_taken_back,
                (True, True): signs.debit_taken_back,
            }[one.is_in, by_column]
            minor = -one.minor if signs.minus is Minus.ON_DEBITS and not one.is_in else one.minor
            return {columns.amount: number(minor, code, profile.numbers), columns.mark: words[-1]}
        case SignRule.TWO_COLUMNS:
            if signs.minus is Minus.TAKES_BACK and one.taken_back:
                column, minor = (columns.debit if one.is_in else columns.credit), -one.minor
            else:
                column = columns.credit if one.is_in else columns.debit
                minor = -one.minor if signs.minus is Minus.ON_DEBITS and not one.is_in else one.minor
            return {column: number(minor, code, profile.numbers)}


def number(minor: int, code: str, numbers: Numbers) -> str:
    """A number as the bank writes it."""
    whole, _, fraction = currency.text(abs(minor), code).partition(".")
    if numbers.thousands:
        whole = f"{int(whole):,}".replace(",", numbers.thousands)
    if numbers.decimals is Decimals.PADDED:
        fraction = fraction.ljust(5, "0")
    if numbers.decimals is Decimals.AT_MOST:
        fraction = fraction.rstrip("0")
    text = f"{whole}{numbers.decimal}{fraction}" if fraction else whole
    text = f"{numbers.symbol}{text}" if numbers.symbol else text
    if minor >= 0:
        return text
    return {MinusAt.BEFORE: f"-{text}", MinusAt.BEHIND: f"{text}-", MinusAt.PARENTHESES: f"({text})"}[numbers.minus_at]


def day(on: date, dates: str) -> str:
    """A day as the bank writes it."""
    parts = {
        "%-m": str(on.month), "%-d": str(on.day), "%Y": f"{on.year:04}", "%y": f"{on.year % 100:02}",
        "%m": f"{on.month:02}", "%d": f"{on.day:02}", "%b": _MONTHS[on.month - 1], "%H": "09", "%M": "30", "%S": "59",
    }  # fmt: skip
    for part, text in parts.items():
        dates = dates.replace(part, text)
    return dates
