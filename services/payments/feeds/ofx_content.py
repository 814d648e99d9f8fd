"""What the elements of OFX say: amounts whose sign is the mark, days as the bank's calendar has them, and an entry."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from bankfile.transaction_types import FROM_OFX

from services.payments.feeds.fields import (
    choose_reference,
    clean,
    judge,
    own_reference,
    read_amount,
    read_currency,
    read_day,
)
from services.payments.feeds.model import BadFile, Entry, Kind, Limits, Mark, WhyNot
from services.payments.feeds.ofx_tags import Element
from shared import reference
from shared.money import Minor

_AMOUNT: Final = re.compile(r"([+-]?)([0-9]{0,15})(?:([.,])([0-9]{1,5}))?", re.ASCII)
_DAY: Final = re.compile(
    r"([0-9]{8})(?:([01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9]|60)?(?:\.[0-9]{1,3})?)?"
    r"\s?(?:\[[+-]?[0-9]{1,2}(?:\.[0-9]{1,2})?(?::[^\]]*)?\])?",
    re.ASCII,
)
_RETURN: Final = re.compile(
    r"\b(?:RETURN(?:ED|S)?|RETD|RTN|REVERS(?:AL|ED|E)|CHARGE ?BACK|NSF|BOUNCED?|RECALL(?:ED)?|REJECT(?:ED)?|"
    r"DISHONOU?RED|UNPAID)\b",
    re.IGNORECASE,
)
_FEES: Final = {"FEE", "SRVCHG"}
_MONEY_IN: Final = {"CREDIT", "DEP", "DIRECTDEP"}
_MONEY_OUT: Final = {"DEBIT", "DIRECTDEBIT"}
_METHODS: Final = {"CHECK": "check", "DIRECTDEP": "ach", "DIRECTDEBIT": "ach"}
_ONCE: Final = {
    "TRNTYPE", "DTPOSTED", "DTTRAN", "DTUSER", "DTAVAIL", "TRNAMT", "FITID", "CORRECTFITID", "CORRECTACTION",
    "CHECKNUM", "CHKNUM", "REFNUM", "NAME", "EXTDNAME", "MEMO", "CURRENCY", "ORIGCURRENCY", "PAYEE",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as its element says, before it is compared with others of the file."""

    entry: Entry
    says_return: bool
    corrects: str | None
    action: str

    @property
    def keys(self) -> set[str]:
        """The references by which a return names its original."""
        return {key for key in (self.entry.bank_reference, self.entry.end_to_end_id) if key}


def line_of(element: Element, currency: str, limits: Limits, *, pending: bool) -> Line:
    """The entry of a `STMTTRN`, or of a `STMTTRNP`, which is pending; raises `BadFile`."""
    for child in element.children:
        if child.tag in _ONCE and len(element.all(child.tag)) > 1:
            raise BadFile(child.line, f"{child.tag} stands more than once in this entry")
        if len(child.value) > limits.text_characters:
            raise BadFile(child.line, f"a text is longer than {limits.text_characters} characters")
    kind = _kind(element)
    code = _currency(element, currency)
    mark, minor = signed(element, "TRNAMT", code)
    if kind in _MONEY_OUT and mark is Mark.CREDIT and minor:
        line = _must(element, "TRNAMT").line
        raise BadFile(line, f"TRNTYPE is {kind}, but TRNAMT has no minus: the signs of this file cannot be relied on")
    posted_on = day(element, "DTTRAN" if pending else "DTPOSTED")
    if posted_on is None:
        raise BadFile(element.line, f"the entry lacks {'DTTRAN' if pending else 'DTPOSTED'}")
    says_return = _says_return(element, kind, mark)
    why_not = _why_not(kind, minor, pending=pending)
    verdict = judge(mark, taken_back=mark is Mark.CREDIT and kind in _FEES)
    if isinstance(verdict, WhyNot):
        why_not = why_not or verdict
    end_to_end_id, chosen, remittance = _texts(element)
    entry = Entry(
        payment_id="",
        mark=mark,
        kind=verdict if isinstance(verdict, Kind) else None,
        amount=minor,
        currency=code,
        booking_date=None if pending else posted_on,
        value_date=day(element, "DTAVAIL") or posted_on,
        posted=why_not is None,
        why_not=why_not,
        line=element.line,
        bank_reference=_reference(element, "FITID"),
        end_to_end_id=end_to_end_id,
        reference=chosen,
        remittance=remittance,
        remitter_name=_name(element),
        method=_METHODS.get(kind),
    )
    corrects, action = _reference(element, "CORRECTFITID"), element.text("CORRECTACTION").upper()
    if (corrects or action) and action not in {"REPLACE", "DELETE"}:
        raise BadFile(element.line, f"{action[:20] or 'nothing'} is no CORRECTACTION: REPLACE and DELETE are")
    return Line(entry, says_return, corrects or (action and "that it does not name") or None, action)


def signed(element: Element, tag: str, code: str) -> tuple[Mark, Minor]:
    """The direction and the amount; the sign is the mark, and OFX has no other."""
    found = _must(element, tag)
    amount = _AMOUNT.fullmatch(found.value)
    if amount is None or not (amount[2] or amount[4]) or (amount[3] == "," and len(amount[4]) == 3):
        what = f"{tag} is {found.value[:40]!r}, which is not an amount: digits with a sign, such as -400000.00"
        raise BadFile(found.line, what)
    whole = amount[2] or "0"
    minor = read_amount(f"{whole}.{amount[4]}" if amount[4] else whole, code, found.line)
    return (Mark.DEBIT if amount[1] == "-" else Mark.CREDIT), minor


def day(element: Element, tag: str) -> date | None:
    """The day of a date, as the bank's own calendar has it, whatever the hour and the zone; None where none stands."""
    found = element.first(tag)
    if found is None or not found.value:
        return None
    match = _DAY.fullmatch(found.value)
    if match is None:
        raise BadFile(found.line, f"{tag} is {found.value[:40]!r}, which is not a date, such as 20260302120000[-5:EST]")
    return read_day(match[1], found.line)


def _must(element: Element, tag: str) -> Element:
    found = element.first(tag)
    if found is None or not found.value:
        raise BadFile(element.line, f"{element.tag} lacks {tag}")
    return found


def _kind(element: Element) -> str:
    found = _must(element, "TRNTYPE")
    kind = found.value.upper()
    if kind not in FROM_OFX:
        raise BadFile(found.line, f"{found.value[:20]!r} is no TRNTYPE that OFX lists")
    return kind


def _currency(element: Element, default: str) -> str:
    """The currency of the amount. ORIGCURRENCY only says what it was converted from."""
    own = element.first("CURRENCY")
    if own is None:
        return default
    symbol = _must(own, "CURSYM")
    return read_currency(symbol.value, symbol.line)


def _why_not(kind: str, minor: Minor, *, pending: bool) -> WhyNot | None:
    if pending or kind == "HOLD":
        return WhyNot.PENDING
    return WhyNot.ZERO_AMOUNT if minor == 0 else None


def _says_return(element: Element, kind: str, mark: Mark) -> bool:
    """Whether a text calls it a return, or its type is the opposite of its sign. Fees for a return are none."""
    if kind in _FEES:
        return False
    if kind in _MONEY_IN and mark is Mark.DEBIT:
        return True
    return any(_RETURN.search(element.text(tag)) for tag in ("NAME", "EXTDNAME", "MEMO"))


def _name(element: Element) -> str | None:
    payee = element.first("PAYEE")
    return clean(element.text("NAME")) or (clean(payee.text("NAME")) if payee else None)


def _texts(element: Element) -> tuple[str | None, str | None, str | None]:
    """The other side's reference, the best reference, and the free text, which begins with the name where a reference
    of ours stands in that: banks cut long texts into NAME and MEMO."""
    number = _reference(element, "REFNUM")
    check = _reference(element, "CHECKNUM") or _reference(element, "CHKNUM")
    free = [element.text("EXTDNAME"), element.text("MEMO")]
    together = [element.text("NAME"), *free]
    if len(reference.find(" ".join(together))) > len(reference.find(" ".join(free))):
        free = together
    return number, *choose_reference([number, check], free)


def _reference(element: Element, tag: str) -> str | None:
    text = element.text(tag)
    return own_reference(text, element.line, tag) if text.strip("0 ") else None
