"""An entry of MT940: its :61: and the :86: behind it.

The mark tells everything about direction: C and D are bookings; RC takes a credit back, so it is money out; RD takes a
debit back, so it is a payment of our own that came back; EC and ED are expected, and not booked. A booking that the
bank's own codes call a return is one as well; a text alone makes only a debit a return, and only with a reason's code.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from stdnum import iban

from services.payments.feeds.fields import choose_reference, clean, judge, own_reference, read_amount, read_day
from services.payments.feeds.model import BadFile, Entry, Kind, Mark, WhyNot
from services.payments.feeds.mt940_details import Details, coded_text, read_details
from services.payments.feeds.mt940_lines import Field
from shared.money import Minor

_PARTS: Final = re.compile(
    r"([0-9]{6})([0-9]{4}|[ ]{4})?([^0-9,.]*)([0-9.,']*)(?:([A-Z][A-Z0-9 ]{3})(.*))?(.*)", re.ASCII
)
_MARK: Final = re.compile(r"([RE]?)([CD])([A-Z])?")
_WITH_COMMA: Final = re.compile(r"[0-9]+,[0-9]*", re.ASCII)
_CUSTOMER_REFERENCE: Final = 16
_POINTERS: Final = {"EREF", "KREF", "MARF", "PREF"}  # "look into :86:", with a plus or without
_RETURNED_ITEM: Final = "RTI"
_CHEQUE: Final = "CHK"


@dataclass(frozen=True, slots=True)
class _Line:
    """A :61: taken apart."""

    value_date: date
    entry_date: date | None
    mark: Mark
    taken_back: bool
    expected: bool
    amount: Minor
    kind: str
    customer_reference: str | None
    bank_reference: str | None
    supplement: str


def read_entry(line: Field, details: list[str], code: str) -> Entry:
    """The movement of a :61: and the lines of its :86:, without identity yet; raises `BadFile`."""
    booked, said = _line(line, code), read_details(details)
    verdict = judge(booked.mark, taken_back=_taken_back(booked, said))
    why_not = _why_not(booked) or (verdict if isinstance(verdict, WhyNot) else None)
    end_to_end_id = own_reference(said.end_to_end_id, line.line, "the end-to-end id")
    account, given, supplement = said.account, booked.customer_reference, booked.supplement
    if given and iban.is_valid(given):  # banks that put the other side's account there, or into the second line
        account, given = account or given, None
    if iban.is_valid(supplement):
        account, supplement = account or supplement, ""
    customer_reference = own_reference(said.customer_reference, line.line)
    references = (said.creditor_reference, end_to_end_id or given, customer_reference)
    reference, remittance = choose_reference(
        [own_reference(one, line.line) for one in references], [*said.free, coded_text(supplement)]
    )
    is_ours = verdict is not WhyNot.NOT_OURS  # else the other side is a payee
    return Entry(
        payment_id="",
        mark=booked.mark,
        kind=verdict if isinstance(verdict, Kind) else None,
        amount=booked.amount,
        currency=code,
        booking_date=booked.entry_date,
        value_date=booked.value_date,
        posted=why_not is None,
        why_not=why_not,
        line=line.line,
        bank_reference=booked.bank_reference,
        end_to_end_id=end_to_end_id or given,
        uetr=own_reference(said.uetr, line.line),
        reference=reference,
        remittance=remittance,
        remitter_name=clean(said.name) if is_ours else None,
        remitter_account=clean(account) if is_ours else None,
        method="check" if booked.kind[1:] == _CHEQUE else said.method,
    )


def read_comma_amount(text: str, code: str, line: int) -> Minor:
    """An amount as SWIFT writes it: with a decimal comma even where no decimals follow, such as ``1234,``."""
    if not _WITH_COMMA.fullmatch(text):
        raise BadFile(line, f"{text[:40]!r} is not an amount with a decimal comma, such as 400000,00")
    return read_amount(text.removesuffix(","), code, line, mark=",")


def funds_of(line: Field) -> str | None:
    """The letter between mark and amount: the last one of the currency, where a bank writes it."""
    parts = _PARTS.fullmatch(line.lines[0].rstrip())
    mark = _MARK.fullmatch(parts[3].strip()) if parts else None
    return mark[3] if mark else None


def _taken_back(booked: _Line, said: Details) -> bool:
    by_code = said.returned or booked.kind[1:] == _RETURNED_ITEM
    return booked.taken_back or by_code or (booked.mark is Mark.DEBIT and said.returned_in_text)


def _why_not(booked: _Line) -> WhyNot | None:
    if booked.expected:
        return WhyNot.PENDING
    return WhyNot.ZERO_AMOUNT if booked.amount == 0 else None


def _line(given: Field, code: str) -> _Line:
    number, (first, *others) = given.line, given.lines
    parts = _PARTS.fullmatch(first.rstrip())
    if parts is None:
        raise BadFile(number, f"{first[:40]!r} does not begin with a value date, such as 260302")
    value, entered, letters, amount, kind, references, _ = parts.groups()
    mark = _MARK.fullmatch(letters.strip())
    if mark is None:
        raise BadFile(number, f"{letters[:10]!r} is no mark of an entry: C, D, RC, RD, EC or ED")
    minor = read_comma_amount(amount, code, number)
    if kind is None:
        raise BadFile(number, "there is no type of transaction behind the amount, such as NTRF")
    value_date = read_day(value, number)
    customer, bank, supplement = _references(references, others)
    own = own_reference(customer, number, "the customer's reference")
    return _Line(
        value_date=value_date,
        entry_date=_entry_date(entered.strip(), value_date, number) if entered and entered.strip() else None,
        mark=Mark.CREDIT if (mark[2] == "C") is (mark[1] != "R") else Mark.DEBIT,
        taken_back=mark[1] == "R",
        expected=mark[1] == "E",
        amount=minor,
        kind=kind,
        customer_reference=None if own and own.rstrip("+") in _POINTERS else own,
        bank_reference=own_reference(bank, number, "the bank's reference"),
        supplement=supplement,
    )


def _references(text: str, others: list[str]) -> tuple[str, str, str]:
    """The customer's reference, the bank's, and what else stands there."""
    customer, given, bank = text.partition("//")
    extra: list[str] = []
    if not given:
        customer, beyond = customer[:_CUSTOMER_REFERENCE], customer[_CUSTOMER_REFERENCE:]
        extra = [beyond]
        if others and others[0].startswith("//") and others[0][2:3] not in {"", "/"}:
            bank, others = others[0][2:], others[1:]
    return customer, bank, " ".join(part.strip() for part in [*extra, *others] if part.strip())


def _entry_date(month_and_day: str, value_date: date, line: int) -> date:
    """The day of an entry date, which has no year: the one nearest to the value date, so that an entry of 2 January
    valued on 31 December is of the new year."""
    days = []
    for year in (value_date.year, value_date.year - 1, value_date.year + 1):
        try:
            days.append(read_day(f"{year:04}{month_and_day}", line))
        except BadFile:  # 29 February, of which a neighbouring year may have one
            continue
    nearest = min(days, key=lambda day: abs((day - value_date).days), default=None)
    if nearest is None or abs((nearest - value_date).days) > 183:
        raise BadFile(line, f"{month_and_day!r} is no day near {value_date}, as an entry date must be")
    return nearest
