"""What each record of a BAI2 file says: fields read strictly, amounts as the whole numbers that the bank wrote."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from bai2.constants import FundsType, GroupStatus  # type: ignore[import-untyped]  # the library ships no types

from services.payments.feeds.bai2_records import Fields, Record
from services.payments.feeds.fields import own_reference, read_currency, read_day
from services.payments.feeds.model import BadFile

_COUNT: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_NUMBER: Final = re.compile(r"([+-]?)([0-9]{1,30})", re.ASCII)
_TYPE_CODE: Final = re.compile(r"[0-9]{3}", re.ASCII)
_TIME: Final = re.compile(r"([01][0-9]|2[0-3])[0-5][0-9]|2400|9999|([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]", re.ASCII)
_END_OF_DAY: Final = {"2400", "9999"}
_MODIFIERS: Final = {"", "1", "2", "3", "4"}
_INTERIM: Final = {"1", "3"}
_SAME_DAY: Final = {"3", "4"}
_MAX_DISTRIBUTIONS: Final = 99


@dataclass(frozen=True, slots=True)
class GroupHead:
    """What a group says of all its accounts."""

    as_of: date
    time: str  # within the day; empty for its end, or where none is given
    currency: str
    interim: bool
    same_day: bool
    correction: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """A balance, or a sum of bookings, of the account."""

    code: str
    amount: int | None
    line: int


@dataclass(frozen=True, slots=True)
class AccountHead:
    number: str
    currency: str
    summaries: tuple[Summary, ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """A transaction; `amount` is as written, in the smallest unit of the currency."""

    code: str
    amount: int
    value_date: date | None
    bank_reference: str | None
    customer_reference: str | None
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What a trailer states: the control total, how many parts, how many records."""

    total: int
    parts: int | None
    records: int
    line: int


def check_version(header: Record) -> None:
    """Refuses what is not version 2 of the format."""
    fields = Fields(header)
    *_, version = (fields.take() for _ in range(8))
    if version != "2":
        raise BadFile(header.line, f"the file header gives {version or 'no'} version; only version 2 of BAI is read")


def group_head(header: Record) -> GroupHead:
    """What the group is about; raises `BadFile` for a deletion and for a test."""
    fields = Fields(header)
    _receiver, _originator, status, day, time, code, modifier = (fields.take() for _ in range(7))
    if status == GroupStatus.deletion.value:
        raise BadFile(header.line, "the bank deletes this group (status 2): undo what it told before, entry by entry")
    if status == GroupStatus.test_only.value:
        raise BadFile(header.line, "the bank marks this group as a test (status 4): nothing of it is money")
    if status not in {GroupStatus.update.value, GroupStatus.correction.value}:
        raise BadFile(header.line, f"{status or 'nothing'} is no group status: 1 to 4 are")
    if len(day) != 6:
        raise BadFile(header.line, f"{day[:20]!r} is not an as-of date, such as 260302")
    if time and not _TIME.fullmatch(time):
        raise BadFile(header.line, f"{time[:20]!r} is not a time, such as 1430, or 2400 for the end of the day")
    if modifier not in _MODIFIERS:
        raise BadFile(header.line, f"{modifier[:20]!r} is no as-of-date modifier: 1 to 4 are")
    return GroupHead(
        as_of=read_day(day, header.line),
        time="" if time in _END_OF_DAY else time,
        currency=read_currency(code or "USD", header.line),
        interim=modifier in _INTERIM,
        same_day=modifier in _SAME_DAY,
        correction=status == GroupStatus.correction.value,
    )


def account_head(header: Record, currency: str) -> AccountHead:
    """The account, its currency (else that of its group), and what is said of it as a whole."""
    fields = Fields(header)
    number, code = fields.take(), fields.take()
    if not number:
        raise BadFile(header.line, "the account has no number")
    return AccountHead(number, read_currency(code or currency, header.line), tuple(_summaries(fields)))


def detail(record: Record, text_characters: int) -> Detail:
    """One transaction."""
    fields = Fields(record)
    code = _type_code(fields.take(), record.line)
    written = fields.take()
    if written.startswith("-"):
        raise BadFile(record.line, f"the amount is {written[:40]}; the direction stands in the type code, never here")
    amount = _number(written, record.line)
    value_date = _availability(fields, amount)
    bank_reference, customer_reference, text = fields.take(), fields.take(), fields.text()
    if len(text) > text_characters:
        raise BadFile(record.line, f"a text is longer than {text_characters} characters")
    return Detail(
        code=code,
        amount=amount,
        value_date=value_date,
        bank_reference=_reference(bank_reference, record.line, "the bank reference"),
        customer_reference=_reference(customer_reference, record.line, "the customer reference"),
        text=text,
        line=record.line,
    )


def totals(trailer: Record, *, parts: bool) -> Totals:
    """What a trailer states; an account's trailer counts no parts."""
    fields = Fields(trailer)
    total = _number(fields.take(), trailer.line)
    return Totals(total, _count(fields, "parts") if parts else None, _count(fields, "records"), trailer.line)


def _summaries(fields: Fields) -> Iterator[Summary]:
    while fields.more():
        line = fields.line
        code = _type_code(fields.take(), line)
        written = fields.take()
        amount = _number(written, line) if written else None
        items = fields.take()
        if items and not _COUNT.fullmatch(items):
            raise BadFile(line, f"{items[:40]!r} is not a number of items")
        _availability(fields, None)
        yield Summary(code, amount, line)


def _availability(fields: Fields, amount: int | None) -> date | None:
    """Reads the funds type and what belongs to it; gives the value date where the bank states one.

    The other types say when money can be used, which is not when it counts.
    """
    line = fields.line
    funds = fields.take()
    match funds:
        case FundsType.value_dated.value:
            day, time = fields.take(), fields.take()
            if len(day) != 6:
                raise BadFile(line, f"{day[:20]!r} is not a value date, such as 260302")
            if time and not _TIME.fullmatch(time):
                raise BadFile(line, f"{time[:20]!r} is not a time, such as 1430")
            return read_day(day, line)
        case FundsType.distributed_availability_simple.value:
            _check_parts([_number(fields.take(), line) for _ in range(3)], amount, line)
        case FundsType.distributed_availability.value:
            number = fields.take()
            if not _COUNT.fullmatch(number) or int(number) > _MAX_DISTRIBUTIONS:
                raise BadFile(line, f"{number[:20]!r} is not a number of distributions")
            parts = []
            for _ in range(int(number)):
                if not _COUNT.fullmatch(days := fields.take()):
                    raise BadFile(line, f"{days[:20]!r} is not a number of days")
                parts.append(_number(fields.take(), line))
            _check_parts(parts, amount, line)
        case "" | "0" | "1" | "2" | "Z":
            pass
        case _:
            raise BadFile(line, f"{funds[:20]!r} is no funds type: 0, 1, 2, S, V, D and Z are")
    return None


def _check_parts(parts: list[int], amount: int | None, line: int) -> None:
    if amount is not None and any(parts) and sum(parts) != amount:
        raise BadFile(line, f"the amount is {amount}, but the parts that become available sum to {sum(parts)}")


def _type_code(text: str, line: int) -> str:
    if not _TYPE_CODE.fullmatch(text):
        raise BadFile(line, f"{text[:20]!r} is not a type code: three digits, such as 195")
    return text


def _number(text: str, line: int) -> int:
    """A whole number with a sign or none; what is left out is zero, as the standard has it."""
    if not text:
        return 0
    number = _NUMBER.fullmatch(text)
    if number is None:
        raise BadFile(line, f"{text[:40]!r} is not an amount: digits without a decimal point, such as 40000000")
    return -int(number[2]) if number[1] == "-" else int(number[2])


def _count(fields: Fields, of: str) -> int:
    line, text = fields.line, fields.take()
    if not _COUNT.fullmatch(text):
        raise BadFile(line, f"{text[:20]!r} is not a number of {of}")
    return int(text)


def _reference(text: str, line: int, name: str) -> str | None:
    return own_reference(text, line, name) if text.strip("0 ") else None
