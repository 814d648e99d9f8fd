"""An entry of a camt statement: the movements that it books, one for each detail of a batch.

The reversal table: a plain credit is money in; a debit that the bank marks as a reversal or a return takes an earlier
credit back; a credit so marked is a payment of our own that came back, and never investors' money; other debits are
not ours to post. The bank's mark already shows the direction of the booking and is never flipped.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Final

from services.payments.feeds.model import BadFile, Entry, Kind, Mark, WhyNot
from services.payments.feeds.xml import Node
from shared import currency, reference
from shared.money import Minor, NotAnAmount

_PLAIN: Final = re.compile(r"[0-9]{1,15}(?:\.([0-9]{1,5}))?", re.ASCII)
_DAY: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[TZ+\-].*)?", re.ASCII)
_BLANKS_AND_CONTROLS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_LARGEST_MINOR: Final = 10**18 - 1

# What banks write where they have no reference to give.
_PLACEHOLDERS: Final = {
    "NOTPROVIDED", "NOTAVAILABLE", "NONREF", "NOREF", "NONE", "NULL", "UNKNOWN", "NOTAPPLICABLE", "N/A", "NA", "-", "0",
}  # fmt: skip
_BANK_REFERENCE_MAX: Final = 140
_REFERENCE_MAX: Final = 64
_REMITTANCE_MAX: Final = 2_000
_TEXT_MAX: Final = 200

_MARKS: Final = {"CRDT": Mark.CREDIT, "DBIT": Mark.DEBIT}
_METHOD_OF_FAMILY: Final = {"RCHQ": "check", "ICHQ": "check"}
_METHOD_OF_SUBFAMILY: Final = {"ESCT": "sepa", "ACDT": "ach", "BOOK": "book", "XBCT": "wire", "XBNR": "wire"}


@dataclass(frozen=True, slots=True)
class _Amount:
    minor: Minor
    currency: str


def read_entry(ntry: Node) -> list[Entry]:
    """The movements of one entry, without identity yet; raises `BadFile` where one cannot be understood."""
    total = read_amount(_must(ntry, "Amt"))
    mark = _MARKS[_must(ntry, "CdtDbtInd").text]
    details = [*ntry.all("NtryDtls/TxDtls"), *ntry.all("TxDtls")]  # version .01 has them directly in the entry
    if not details:
        return [_movement(ntry, None, total, mark, _own_reference(ntry, "AcctSvcrRef"))]
    amounts = _amounts_of(ntry, details, total, mark)
    bank_references = _bank_references(ntry, details)
    return [
        _movement(ntry, detail, amount, detail_mark, bank_reference, alone=len(details) == 1)
        for detail, (amount, detail_mark), bank_reference in zip(details, amounts, bank_references, strict=True)
    ]


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


def read_amount(node: Node) -> _Amount:
    """An amount as its bank wrote it: plain digits, to the currency's decimals; raises `BadFile`.

    Some banks fill up with zeros (8.850 for euros), which says nothing else; any other digit there would need rounding.
    """
    code = node.attributes.get("Ccy", "")
    try:
        decimals = currency.exponent(code)
    except currency.UnknownCurrency:
        raise BadFile(node.line, f"{code or 'nothing'} is no currency that ISO 4217 lists") from None
    plain = _PLAIN.fullmatch(node.text)
    if plain is None:
        raise BadFile(node.line, f"{node.text[:40]!r} is not an amount: plain digits, such as 400000.00")
    fraction = plain[1] or ""
    if fraction[decimals:].strip("0"):
        raise BadFile(node.line, f"{node.text} has more than the {decimals} decimals of {code}; nothing is rounded")
    surplus = max(len(fraction) - decimals, 0)
    try:
        minor = currency.parse(node.text[: len(node.text) - surplus].rstrip("."), code)
    except NotAnAmount:  # what the pattern let through and money does not
        raise BadFile(node.line, f"{node.text[:40]!r} is not an amount of {code}") from None
    if minor > _LARGEST_MINOR:
        raise BadFile(node.line, f"{node.text} {code} is more than can be kept")
    return _Amount(minor, code)


def read_day(node: Node | None) -> date | None:
    """The day of a `Dt` or `DtTm` choice, as the bank's own calendar has it."""
    given = None if node is None else node.first("Dt", "DtTm")
    if given is None:
        return None
    if day := _DAY.fullmatch(given.text):
        with suppress(ValueError):  # such as 30 February
            return date.fromisoformat(day[1])
    raise BadFile(given.line, f"{given.text[:40]!r} is not a date, such as 2026-03-02")


def clean(text: str | None, limit: int = _TEXT_MAX) -> str | None:
    """Text without control characters and repeated blanks, cut to the limit; None where nothing is left."""
    return (_BLANKS_AND_CONTROLS.sub(" ", text).strip()[:limit].rstrip() or None) if text else None


def _movement(
    ntry: Node,
    detail: Node | None,
    amount: _Amount,
    mark: Mark,
    bank_reference: str | None,
    *,
    alone: bool = True,
) -> Entry:
    source = ntry if detail is None else detail
    verdict = judge(
        mark, taken_back=_flag(ntry, "RvslInd") or (detail is not None and detail.first("RtrInf") is not None)
    )
    booking_date, value_date = read_day(ntry.first("BookgDt")), read_day(ntry.first("ValDt"))
    why_not = _why_not(ntry, amount) or (verdict if isinstance(verdict, WhyNot) else None)
    if why_not is None and value_date is None and booking_date is None:
        raise BadFile(ntry.line, "the entry has neither a value date nor a booking date")
    end_to_end_id = _own_reference(source, "Refs/EndToEndId")
    given_reference, remittance = _texts(ntry, detail, end_to_end_id, alone=alone)
    return Entry(
        payment_id="",
        mark=mark,
        kind=verdict if isinstance(verdict, Kind) else None,
        amount=amount.minor,
        currency=amount.currency,
        booking_date=booking_date,
        value_date=value_date or booking_date,
        posted=why_not is None,
        why_not=why_not,
        line=source.line,
        bank_reference=bank_reference,
        end_to_end_id=end_to_end_id,
        uetr=_own_reference(source, "Refs/UETR"),
        reference=given_reference,
        remittance=remittance,
        remitter_name=clean(source.value("RltdPties/Dbtr/Nm", "RltdPties/Dbtr/Pty/Nm", "RltdPties/UltmtDbtr/Nm",
                                         "RltdPties/UltmtDbtr/Pty/Nm")),
        remitter_account=clean(source.value("RltdPties/DbtrAcct/Id/IBAN", "RltdPties/DbtrAcct/Id/Othr/Id",
                                            "RltdPties/DbtrAcct/Id/BBAN", "RltdPties/DbtrAcct/Id/PrtryAcct/Id")),
        method=_method(ntry, detail),
        reverses=_named_original(detail) if verdict is Kind.REVERSAL else None,
    )  # fmt: skip


def _why_not(ntry: Node, amount: _Amount) -> WhyNot | None:
    status = ntry.value("Sts/Cd", "Sts/Prtry", "Sts")
    if status != "BOOK":
        return WhyNot.PENDING if status == "PDNG" else WhyNot.NOT_BOOKED
    return WhyNot.ZERO_AMOUNT if amount.minor == 0 else None


def _amounts_of(ntry: Node, details: list[Node], total: _Amount, mark: Mark) -> list[tuple[_Amount, Mark]]:
    """Each detail's amount and mark; together they are the entry, to the cent, or the file is not taken."""
    if len(details) == 1:
        stated = _detail_amount(details[0], "Amt", "AmtDtls/TxAmt/Amt")  # what was instructed may be before charges
        if stated is None or stated.currency != total.currency:
            return [(total, mark)]
    found: list[tuple[_Amount, Mark]] = []
    for detail in details:
        stated = _detail_amount(detail, "Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
        if stated is None:
            raise BadFile(detail.line, "a detail of a batch states no amount, so the batch cannot be taken apart")
        if stated.currency != total.currency:
            raise BadFile(detail.line, f"a detail is in {stated.currency} and its entry in {total.currency}")
        found.append((stated, _MARKS[detail.value("CdtDbtInd") or _must(ntry, "CdtDbtInd").text]))
    together = sum(amount.minor if its_mark is mark else -amount.minor for amount, its_mark in found)
    if together != total.minor:
        parts, whole = currency.text(together, total.currency), currency.text(total.minor, total.currency)
        raise BadFile(ntry.line, f"the details sum to {parts} {total.currency}, but the entry says {whole}")
    return found


def _detail_amount(detail: Node, *paths: str) -> _Amount | None:
    node = detail.first(*paths)
    return None if node is None else read_amount(node)


def _bank_references(ntry: Node, details: list[Node]) -> list[str | None]:
    """The bank's own reference of each detail: the entry's where there is one detail, else the details' own where they
    tell the details apart, else the entry's with the detail's number."""
    of_entry = _own_reference(ntry, "AcctSvcrRef")
    of_details = [_own_reference(detail, "Refs/AcctSvcrRef") for detail in details]
    if len(details) == 1:
        return [of_entry or of_details[0]]
    if None not in of_details and of_entry not in of_details and len(set(of_details)) == len(details):
        return of_details
    return [of_entry and f"{of_entry}/{number}" for number in range(1, len(details) + 1)]


def _own_reference(node: Node, path: str) -> str | None:
    """A reference that says something; a placeholder is none."""
    found = node.first(path)
    text = clean(found.text, _TEXT_MAX) if found is not None else None
    if found is None or text is None or text.upper().replace(" ", "") in _PLACEHOLDERS:
        return None
    if len(text) > _BANK_REFERENCE_MAX:
        raise BadFile(found.line, f"{found.name} is longer than the {_BANK_REFERENCE_MAX} characters we take")
    return text


def _texts(ntry: Node, detail: Node | None, end_to_end_id: str | None, *, alone: bool) -> tuple[str | None, str | None]:
    """Reference and remittance. A reference of ours wins where a bank gives several; others of ours stay in the text,
    so that two which contradict each other are both seen."""
    source = ntry if detail is None else detail
    structured = source.all("RmtInf/Strd/CdtrRefInf/Ref") + source.all("RmtInf/Strd/CdtrRefInf/CdtrRef")
    given = [text for text in (*(node.text for node in structured), end_to_end_id) if text]
    ours = [text for text in given if reference.find(text)]
    chosen = clean(next(iter([*ours, *given]), None), _TEXT_MAX)
    free = [
        node.text for path in ("RmtInf/Ustrd", "RmtInf/Strd/AddtlRmtInf", "AddtlTxInf") for node in source.all(path)
    ]
    if alone:  # what is said of a batch as a whole is said of none of its details
        free += [node.text for node in ntry.all("AddtlNtryInf")]
    if chosen and len(chosen) > _REFERENCE_MAX:
        free, chosen = [chosen, *free], None
    return chosen, clean(" ".join([*free, *(text for text in ours if clean(text) != chosen)]), _REMITTANCE_MAX)


def _named_original(detail: Node | None) -> str | None:
    """The entry that a reversal takes back, where the bank names it. camt has no element for that: some banks use a
    proprietary reference whose type says so."""
    for proprietary in () if detail is None else detail.all("Refs/Prtry"):
        kind = (proprietary.value("Tp") or "").upper()
        if "ORGNL" in kind or "ORIGINAL" in kind:
            return clean(proprietary.value("Ref"))
    return None


def _method(ntry: Node, detail: Node | None) -> str | None:
    """How the money travelled, where the bank's transaction code tells."""
    for node in (detail, ntry):
        code = None if node is None else node.first("BkTxCd/Domn/Fmly")
        if code is not None:
            by_subfamily = _METHOD_OF_SUBFAMILY.get(code.value("SubFmlyCd") or "")
            return by_subfamily or _METHOD_OF_FAMILY.get(code.value("Cd") or "")
    return None


def _flag(node: Node, path: str) -> bool:
    return node.value(path) in {"true", "1"}


def _must(node: Node, name: str) -> Node:
    found = node.first(name)
    if found is None:
        raise BadFile(node.line, f"{node.name} lacks {name}")
    return found
