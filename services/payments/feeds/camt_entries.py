"""An entry of a camt message: the movements that it books, one for each detail of a batch.

The reversal table: a plain credit is money in; a debit that the bank marks as a reversal or a return takes an earlier
credit back; a credit so marked is a payment of our own that came back, and never investors' money; other debits are
not ours to post. The bank's mark already shows the direction of the booking and is never flipped.
"""

import re
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from services.payments.feeds import fields
from services.payments.feeds.fields import clean
from services.payments.feeds.model import BadFile, Entry, Kind, Mark, WhyNot
from services.payments.feeds.xml import Node
from shared import currency
from shared.money import Minor

_DAY: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[TZ+\-].*)?", re.ASCII)
_MARKS: Final = {"CRDT": Mark.CREDIT, "DBIT": Mark.DEBIT}
_METHOD_OF_FAMILY: Final = {"RCHQ": "check", "ICHQ": "check"}
_METHOD_OF_SUBFAMILY: Final = {"ESCT": "sepa", "ACDT": "ach", "BOOK": "book", "XBCT": "wire", "XBNR": "wire"}

# Sub-families of ISO's transaction codes that say "back": returns, recalls, unpaid cheques and direct debits.
_BACK: Final = {"RRTN", "RPCR", "UPCQ", "UPDD", "PRDD"}


@dataclass(frozen=True, slots=True)
class Amount:
    """Minor units and the code of their currency."""

    minor: Minor
    currency: str


class Told(NamedTuple):
    """An amount as it stands in the file; it is read once it is known whether it counts."""

    text: str
    currency: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One payment of an entry, as far as it speaks for itself.

    `stated` are its amounts as booked, in each currency given; `instructed` what may be told besides, before charges or
    an exchange. `charged` is what the bank kept of it, of which the currency is that of the first such record.
    """

    line: int
    stated: tuple[Told, ...] = ()
    instructed: tuple[Told, ...] = ()
    charged: Amount | None = None
    mark: Mark | None = None
    taken_back: bool = False
    bank_reference: str | None = None
    end_to_end_id: str | None = None
    uetr: str | None = None
    references: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    remitter_name: str | None = None
    remitter_account: str | None = None
    method: str | None = None
    original: str | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """What one detail comes to, in the currency of its entry."""

    minor: Minor
    mark: Mark


def read_detail(node: Node) -> Detail:
    """A detail by itself; raises `BadFile` where it cannot be understood."""
    parties = node.first("RltdPties")
    mark = node.value("CdtDbtInd")
    returned = node.first("RtrInf") is not None
    structured = node.all("RmtInf/Strd")
    return Detail(
        line=node.line,
        stated=_one_of_each_currency(node, "Amt", "AmtDtls/TxAmt/Amt"),
        instructed=_one_of_each_currency(node, "AmtDtls/CntrValAmt/Amt", "AmtDtls/InstdAmt/Amt"),
        charged=_charges(node),
        mark=None if mark is None else _MARKS[mark],
        taken_back=returned or _says_back(node),
        bank_reference=_own_reference(node, "Refs/AcctSvcrRef"),
        end_to_end_id=_own_reference(node, "Refs/EndToEndId"),
        uetr=_own_reference(node, "Refs/UETR"),
        references=_texts(structured, "CdtrRefInf/Ref", "CdtrRefInf/CdtrRef"),
        texts=(
            *_texts([node], "RmtInf/Ustrd"),
            *_texts(structured, "RfrdDocInf/Nb", "AddtlRmtInf"),
            *_texts([node], "AddtlTxInf"),
        ),
        remitter_name=None if parties is None else _name(parties),
        remitter_account=None if parties is None else _account(parties),
        method=_method(node),
        original=_named_original(node),
    )


def read_entry(ntry: Node, details: deque[Detail]) -> list[Entry]:
    """The movements of one entry, without identity yet; raises `BadFile` where one cannot be understood.

    Takes the details away as it goes, so that a large batch is not kept twice.
    """
    total = read_amount(_must(ntry, "Amt"))
    mark = _MARKS[_must(ntry, "CdtDbtInd").text]
    taken_back = ntry.value("RvslInd") in {"true", "1"} or _says_back(ntry)
    booking_date, value_date = read_day(ntry.first("BookgDt")), read_day(ntry.first("ValDt"))
    unbooked, method, notes = _unbooked(ntry), _method(ntry), _texts([ntry], "AddtlNtryInf")
    batch = len(details) > 1  # what is said of a batch as a whole is said of none of its details
    parts, bank_references = _parts(ntry, details, total, mark), _bank_references(ntry, details)
    entries = []
    for part, bank_reference in zip(parts, bank_references, strict=True):
        detail = details.popleft() if details else Detail(line=ntry.line)
        verdict = fields.judge(part.mark, taken_back=taken_back or detail.taken_back)
        why_not = unbooked or (WhyNot.ZERO_AMOUNT if part.minor == 0 else None)
        if why_not is None and isinstance(verdict, WhyNot):
            why_not = verdict
        if why_not is None and value_date is None and booking_date is None:
            raise BadFile(ntry.line, "the entry has neither a value date nor a booking date")
        reference, remittance = fields.choose_reference(
            (*detail.references, detail.end_to_end_id), detail.texts if batch else (*detail.texts, *notes)
        )
        entries.append(
            Entry(
                payment_id="",
                mark=part.mark,
                kind=verdict if isinstance(verdict, Kind) else None,
                amount=part.minor,
                currency=total.currency,
                booking_date=booking_date,
                value_date=value_date or booking_date,
                posted=why_not is None,
                why_not=why_not,
                line=detail.line,
                bank_reference=bank_reference,
                end_to_end_id=detail.end_to_end_id,
                uetr=detail.uetr,
                reference=reference,
                remittance=remittance,
                remitter_name=detail.remitter_name,
                remitter_account=detail.remitter_account,
                method=detail.method or method,
                reverses=detail.original if verdict is Kind.REVERSAL else None,
            )
        )
    return entries


def keeps_its_details(ntry: Node) -> bool:
    """Whether an entry without details is a batch, or refers to another message for them."""
    payments = ntry.value("NtryDtls/Btch/NbOfTxs", "Btch/NbOfTxs") or "1"
    return payments.lstrip("0") != "1" or ntry.first("AddtlInfInd") is not None


def read_amount(node: Node) -> Amount:
    """An amount as its bank wrote it: plain digits, to the currency's decimals; raises `BadFile`."""
    told = _told(node)
    return Amount(fields.read_amount(told.text, told.currency, told.line), told.currency)


def read_day(node: Node | None) -> date | None:
    """The day of a `Dt` or `DtTm` choice, as the bank's own calendar has it."""
    given = None if node is None else node.first("Dt", "DtTm")
    if given is None:
        return None
    day = _DAY.fullmatch(given.text)
    found = day and _date(day[1])
    if not found:
        raise BadFile(given.line, f"{given.text[:40]!r} is not a date, such as 2026-03-02")
    return found


@lru_cache(maxsize=4096)
def _date(text: str) -> date | None:
    """The date, one object for each day; None for one such as 30 February."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _unbooked(ntry: Node) -> WhyNot | None:
    status = ntry.value("Sts/Cd", "Sts/Prtry", "Sts")
    if status == "BOOK":
        return None
    return WhyNot.PENDING if status == "PDNG" else WhyNot.NOT_BOOKED


def _says_back(node: Node) -> bool:
    return node.value("BkTxCd/Domn/Fmly/SubFmlyCd") in _BACK


def _parts(ntry: Node, details: Sequence[Detail], total: Amount, mark: Mark) -> list[_Part]:
    """Each detail's amount and mark; together they are the entry, to the cent, or the file is not taken.

    Some banks state a detail before the charges that they kept and list: then it counts for what is left of it.
    """
    if not details or (len(details) == 1 and not _in_currency(details[0].stated, total.currency)):
        return [_Part(total.minor, mark)]  # what was instructed may be before charges
    parts = [_Part(_part_minor(detail, total), detail.mark or mark) for detail in details]
    if _sum(parts, mark) == total.minor:
        return parts
    charges = [*(detail.charged for detail in details)]
    if len(details) == 1:
        charges = [charges[0] or _charges(ntry)]
    after = [
        _Part(Minor(part.minor - _charged(one, total, part.mark)), part.mark)
        for part, one in zip(parts, charges, strict=True)
    ]
    if _sum(after, mark) == total.minor and all(part.minor >= 0 for part in after):
        return after
    together, whole = (currency.text(one, total.currency) for one in (_sum(parts, mark), total.minor))
    raise BadFile(ntry.line, f"the details sum to {together} {total.currency}, but the entry says {whole}")


def _part_minor(detail: Detail, total: Amount) -> Minor:
    given = (*detail.stated, *detail.instructed)
    if not given:
        raise BadFile(detail.line, "a detail of a batch states no amount, so the batch cannot be taken apart")
    told = _in_currency(given, total.currency)
    if told is None:
        code = fields.read_currency(given[0].currency, given[0].line)
        raise BadFile(detail.line, f"a detail is in {code} and its entry in {total.currency}")
    return fields.read_amount(told.text, told.currency, told.line)


def _in_currency(those: Sequence[Told], code: str) -> Told | None:
    return next((one for one in those if one.currency == code), None)


def _sum(parts: Sequence[_Part], mark: Mark) -> int:
    return sum(part.minor if part.mark is mark else -part.minor for part in parts)


def _charged(charges: Amount | None, total: Amount, mark: Mark) -> int:
    """What charges take from a credit; they add to a debit."""
    if charges is None or charges.currency != total.currency:
        return 0
    return charges.minor if mark is Mark.CREDIT else -charges.minor


def _charges(node: Node) -> Amount | None:
    """What the bank kept, as records of charges say it; versions up to .03 have them one step higher."""
    records = [one for one in (*node.all("Chrgs/Rcrd"), *node.all("Chrgs")) if one.first("Amt") is not None]
    records = [one for one in records if one.value("ChrgInclInd") not in {"false", "0"}]
    if not records:
        return None
    amounts = [read_amount(_must(one, "Amt")) for one in records]
    kept = sum(
        -amount.minor if one.value("CdtDbtInd") == "CRDT" else amount.minor
        for one, amount in zip(records, amounts, strict=True)
        if amount.currency == amounts[0].currency
    )
    return Amount(Minor(kept), amounts[0].currency)


def _one_of_each_currency(node: Node, *paths: str) -> tuple[Told, ...]:
    found: dict[str, Told] = {}
    for given in map(node.first, paths):
        if given is not None:
            found.setdefault(given.attributes.get("Ccy", ""), _told(given))
    return tuple(found.values())


def _told(node: Node) -> Told:
    return Told(node.text, sys.intern(node.attributes.get("Ccy", "")), node.line)  # thousands share a currency


def _bank_references(ntry: Node, details: Sequence[Detail]) -> list[str | None]:
    """The bank's own reference of each detail: the entry's where there is one detail, else the details' own where they
    tell the details apart, else the entry's with the detail's number. `NtryRef` is none: most banks just count."""
    of_entry = _own_reference(ntry, "AcctSvcrRef")
    of_details = [detail.bank_reference for detail in details]
    if len(details) < 2:
        return [of_entry or next(iter(of_details), None)]
    if None not in of_details and of_entry not in of_details and len(set(of_details)) == len(details):
        return of_details
    return [of_entry and f"{of_entry}/{number}" for number in range(1, len(details) + 1)]


def _own_reference(node: Node, path: str) -> str | None:
    found = node.first(path)
    return None if found is None else fields.own_reference(found.text, found.line, found.name)


def _texts(nodes: Sequence[Node], *paths: str) -> tuple[str, ...]:
    return tuple(found.text for path in paths for node in nodes for found in node.all(path) if found.text)


def _name(parties: Node) -> str | None:
    """Who paid: in newer versions a party or an agent."""
    return clean(parties.value("Dbtr/Nm", "Dbtr/Pty/Nm", "Dbtr/Agt/FinInstnId/Nm", "UltmtDbtr/Nm", "UltmtDbtr/Pty/Nm"))


def _account(parties: Node) -> str | None:
    account = parties.first("DbtrAcct/Id")
    return None if account is None else clean(account.value("IBAN", "Othr/Id", "BBAN", "PrtryAcct/Id"))


def _named_original(detail: Node) -> str | None:
    """The entry that a reversal takes back, where the bank names it. camt has no element for that: some banks use a
    proprietary reference whose type says so."""
    for proprietary in detail.all("Refs/Prtry"):
        kind = (proprietary.value("Tp") or "").upper()
        if "ORGNL" in kind or "ORIGINAL" in kind:
            return clean(proprietary.value("Ref"))
    return None


def _method(node: Node) -> str | None:
    """How the money travelled, where the bank's transaction code tells."""
    code = node.first("BkTxCd/Domn/Fmly")
    if code is None:
        return None
    return _METHOD_OF_SUBFAMILY.get(code.value("SubFmlyCd") or "") or _METHOD_OF_FAMILY.get(code.value("Cd") or "")


def _must(node: Node, name: str) -> Node:
    found = node.first(name)
    if found is None:
        raise BadFile(node.line, f"{node.name} lacks {name}")
    return found
