"""OFX and QFX, what banks offer for download: bank and credit-card statements of versions 1.x (SGML) and 2.x (XML).

No opening balance is ever stated, so nothing is proven. No flag marks a return; see `_paired`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, TypeAlias

from services.payments.feeds.fields import clean, read_currency
from services.payments.feeds.identity import identify, name_originals
from services.payments.feeds.model import (
    BadFile,
    Balance,
    BankFile,
    Entry,
    Kind,
    Limits,
    Mark,
    NotTaken,
    Problem,
    Statement,
    WhyNot,
)
from services.payments.feeds.ofx_content import Line, day, line_of, signed
from services.payments.feeds.ofx_tags import Element, document
from services.payments.feeds.raw import Raw, whole
from shared.money import Minor

FORMAT: Final = "ofx"
_STARTS: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:OFXHEADER\s*:|(?:<\?xml\b[^>]*\?>\s*|<!--.*?-->\s*|<![^>\[]*(?:\[.*?\])?>\s*)*<\??OFX\b)",
    re.IGNORECASE | re.DOTALL,
)
_WRAPPERS: Final = {"STMTTRNRS": ("STMTRS", "BANKACCTFROM"), "CCSTMTTRNRS": ("CCSTMTRS", "CCACCTFROM")}
_MESSAGES: Final = ("BANKMSGSRSV1", "CREDITCARDMSGSRSV1")
_SIZE_MAX_BYTES: Final = 48 * 1024 * 1024  # it is read as a whole
_PLACED: Final = {"STMTRS", "CCSTMTRS", "BANKTRANLIST", "BANKTRANLISTP", "STMTTRN", "STMTTRNP"}
_What: TypeAlias = tuple[str | None, Mark, Minor, str, date | None]
_BALANCES: Final = ("LEDGERBAL", "AVAILBAL")


def claims(head: bytes) -> bool:
    """Whether a file begins as OFX does: with its header, its instruction, or its outermost element."""
    return _STARTS.match(head[:4096]) is not None


def read(raw: Raw, limits: Limits) -> BankFile | NotTaken:
    """A statement for each account of the file, or every reason why it is not taken (up to a limit)."""
    problems: list[Problem] = []
    drafts: list[_Draft] = []
    try:
        for found in _drafts(document(whole(raw, _SIZE_MAX_BYTES), limits), limits):
            if isinstance(found, _Draft):
                drafts.append(found)
                continue
            problems.append(found.problem)
            if len(problems) >= limits.problems:
                break
    except BadFile as bad:
        problems.append(bad.problem)
    if problems:
        return NotTaken(FORMAT, tuple(problems))
    _compare(drafts)
    return BankFile(FORMAT, tuple(name_originals(identify([draft.statement() for draft in drafts]))))


@dataclass(slots=True)
class _Draft:
    """A statement while its entries are compared with each other; `lines` and `entries` have the same order."""

    id: str
    account: str
    currency: str
    balances: tuple[Balance, ...]
    lines: list[Line]
    line: int
    entries: list[Entry] = field(default_factory=list)
    said: list[Problem] = field(default_factory=list)

    def note(self, entry: Entry, what: str) -> None:
        self.said.append(Problem(f"line {entry.line}", what))

    def statement(self) -> Statement:
        problems = sorted(self.said, key=lambda one: int(one.where.removeprefix("line ")))
        if others := sorted({entry.currency for entry in self.entries if entry.currency != self.currency}):
            what = f"it has entries in {', '.join(others)}, so its balances in {self.currency} prove nothing"
            problems.insert(0, Problem(f"line {self.line}, statement {self.id}", what))
        closing = next((one.amount for one in self.balances if one.code == "LEDGERBAL"), None)
        return Statement(
            id=self.id,
            account=self.account,
            currency=self.currency,
            opening=None,
            closing=closing,
            balances=self.balances,
            entries=tuple(self.entries),
            problems=tuple(problems),
            line=self.line,
        )


def _drafts(root: Element, limits: Limits) -> Iterator[_Draft | BadFile]:
    """The statements as they stand, and whatever is wrong anywhere."""
    places: set[int] = set()
    found, told = 0, False
    for wrapper, element, account in _statements(root):
        found += 1
        places.add(id(element))
        bank_list, pending = element.all("BANKTRANLIST"), element.all("BANKTRANLISTP")
        booked = [one for its_list in bank_list for one in its_list.all("STMTTRN")]
        awaited = [one for its_list in pending for one in its_list.all("STMTTRNP")]
        places.update(id(one) for one in (*bank_list, *pending, *booked, *awaited))
        if len(bank_list) > 1:
            yield BadFile(bank_list[1].line, f"{wrapper.tag} has a second list of entries")
        yield from _draft(element, account, [(one, False) for one in booked] + [(one, True) for one in awaited], limits)
    for element in root.within():
        if element.tag in _PLACED and id(element) not in places:
            yield BadFile(element.line, f"{element.tag} stands where none belongs, so nobody knows whose it is")
        if element.tag == "INVSTMTRS":
            told = True
            yield BadFile(element.line, "there is a statement of investments; only bank and credit-card ones are read")
        if element.tag == "STATUS" and element.text("SEVERITY").upper() == "ERROR":
            told = True
            message = clean(element.text("MESSAGE")) or "without a message"
            yield BadFile(element.line, f"the bank answers with error {element.text('CODE')[:10]}: {message}")
    if not found and not told:
        yield BadFile(root.line, "the file has no bank or credit-card statement")


def _statements(root: Element) -> Iterator[tuple[Element, Element, str]]:
    """Each answer with its statement, and the name of the element that tells its account."""
    for message in root.children:
        for wrapper in message.children if message.tag in _MESSAGES else ():
            name, account = _WRAPPERS.get(wrapper.tag, ("", ""))
            for element in wrapper.all(name):
                yield wrapper, element, account


def _draft(
    element: Element, account: str, entries: Sequence[tuple[Element, bool]], limits: Limits
) -> Iterator[_Draft | BadFile]:
    try:
        number, currency = _owner(element, account)
        balances = [_balance(one, currency) for tag in _BALANCES for one in element.all(tag)]
        its_id = _id(element)
    except BadFile as bad:
        yield bad
        return
    if len(entries) > limits.entries:
        raise BadFile(element.line, f"the file has more than {limits.entries} entries: send it in parts")
    lines = []
    for one, pending in entries:
        try:
            lines.append(line_of(one, currency, limits, pending=pending))
        except BadFile as bad:
            yield bad
    yield _Draft(its_id, number, currency, tuple(balances), lines, element.line)


def _owner(element: Element, account: str) -> tuple[str, str]:
    """The account of a statement, and its currency."""
    owner, code = element.first(account), element.first("CURDEF")
    number = clean(owner.text("ACCTID")) if owner else None
    if number is None:
        raise BadFile(element.line, "the statement names no account")
    if code is None or not code.value:
        raise BadFile(element.line, "the statement names no currency (CURDEF)")
    return number, read_currency(code.value, code.line)


def _id(element: Element) -> str:
    """OFX names no statement, but the days it goes over."""
    listed = element.first("BANKTRANLIST")
    days = [day(listed, tag) for tag in ("DTSTART", "DTEND")] if listed else []
    return "/".join(f"{one}" for one in days if one)


def _balance(element: Element, currency: str) -> Balance:
    mark, minor = signed(element, "BALAMT", currency)
    return Balance(element.tag, minor if mark is Mark.CREDIT else Minor(-minor), currency, day(element, "DTASOF"))


def _compare(drafts: Sequence[_Draft]) -> None:
    """Settles what only other entries of the file can tell: repetitions, corrections and returns."""
    accounts: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for draft in drafts:
        accounts[draft.account, draft.currency] += draft.lines
    indexes = {account: _Index(lines) for account, lines in accounts.items()}
    for draft in drafts:
        seen: dict[_What, int] = {}
        index = indexes[draft.account, draft.currency]
        for line in draft.lines:
            draft.entries.append(_settled(line, index, seen, draft))


class _Index:
    """The entries of an account by their references."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.corrected = {line.corrects for line in lines if line.corrects}
        self._lines: defaultdict[str, list[Line]] = defaultdict(list)
        for line in lines:
            for key in line.keys:
                self._lines[key].append(line)

    def others(self, line: Line) -> list[Entry]:
        """Booked entries of the other direction, not later, with the same amount and a reference in common."""
        entry = line.entry
        found = {id(other): other.entry for key in line.keys for other in self._lines[key]}
        return [
            other
            for other in found.values()
            if other.mark is not entry.mark
            and (other.amount, other.currency) == (entry.amount, entry.currency)
            and other.booking_date is not None
            and entry.booking_date is not None
            and other.booking_date <= entry.booking_date
            and other.booked
            and other.bank_reference not in self.corrected
        ]


def _settled(line: Line, index: _Index, seen: dict[_What, int], draft: _Draft) -> Entry:
    entry = line.entry
    if entry.why_not in {WhyNot.PENDING, WhyNot.ZERO_AMOUNT}:
        return entry
    if line.corrects:
        does = "replaces" if line.action == "REPLACE" else "deletes"
        draft.note(entry, f"the bank {does} its entry {line.corrects} by this one: undo that and record this by hand")
        return _shown(entry, WhyNot.NOT_BOOKED)
    if entry.bank_reference in index.corrected:
        draft.note(entry, "a later entry of the file corrects this one: record what is right by hand")
        return _shown(entry, WhyNot.NOT_BOOKED)
    if entry.bank_reference and (first := _repeated(entry, seen)):
        draft.note(entry, f"it is line {first} once more, with the same FITID, amount and day: it is not posted")
        return _shown(entry, WhyNot.NOT_BOOKED)
    return _paired(line, index, draft) if line.says_return else entry


def _repeated(entry: Entry, seen: dict[_What, int]) -> int | None:
    """The line of an earlier entry that is the same in all that tells entries apart."""
    key = (entry.bank_reference, entry.mark, entry.amount, entry.currency, entry.booking_date)
    first = seen.get(key)
    seen.setdefault(key, entry.line)
    return first


def _paired(line: Line, index: _Index, draft: _Draft) -> Entry:
    """An entry that is called a return. With exactly one entry of the other direction, of its amount and with its FITID
    or REFNUM, it is one; else a person has to look."""
    entry, others = line.entry, index.others(line)
    if entry.mark is Mark.CREDIT:
        if len(others) == 1:
            return _shown(entry, WhyNot.OWN_PAYMENT_RETURNED)
        if entry.posted:
            draft.note(entry, "the bank calls this credit a return: it may be a payment of our own that came back")
        return entry
    if len(others) == 1:
        original = others[0].bank_reference
        return replace(entry, kind=Kind.REVERSAL, posted=True, why_not=None, reverses=original)
    what = "the bank calls this debit a return, and no one credit of the file has its amount and its FITID or REFNUM"
    draft.note(entry, f"{what}: look for what it takes back")
    return entry


def _shown(entry: Entry, why_not: WhyNot) -> Entry:
    kind = entry.kind if why_not is WhyNot.NOT_BOOKED else None
    return replace(entry, kind=kind, posted=False, why_not=why_not)
