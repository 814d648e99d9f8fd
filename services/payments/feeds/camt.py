"""camt.052, camt.053 and camt.054 of ISO 20022: intraday report, statement and notification of an account.

Every version from .01 to .12 is read, bare or in an envelope.
"""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

from services.payments.feeds.camt_entries import (
    Detail,
    keeps_its_details,
    read_amount,
    read_day,
    read_detail,
    read_entry,
)
from services.payments.feeds.fields import clean, imbalance, read_currency
from services.payments.feeds.identity import identify, name_originals
from services.payments.feeds.model import BadFile, Balance, BankFile, Entry, Limits, NotTaken, Problem, Statement
from services.payments.feeds.raw import Raw
from services.payments.feeds.schema import Schema, schema
from services.payments.feeds.xml import Node, Reader
from shared.money import Minor

_MESSAGE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:((\w+\.\d{3})\.(\d{3})\.(\d{2}))")
_VERSIONS: Final = frozenset(f"{number:02}" for number in range(1, 13))
_READ: Final = "camt.052, camt.053 and camt.054"
_STATEMENT_OF: Final = {"camt.052": "Rpt", "camt.053": "Stmt", "camt.054": "Ntfctn"}
_PIECES: Final = [
    statement + path
    for statement in _STATEMENT_OF.values()
    for path in ("", "/Ntry", "/Ntry/TxDtls", "/Ntry/NtryDtls/TxDtls")
]

# What else banks and their customers exchange in files of ISO 20022.
_OTHERS: Final = {
    "pain.001": "an order to pay",
    "pain.002": "the bank's answer to an order",
    "pain.008": "an order to collect direct debits",
    "pacs.004": "a return between banks",
    "pacs.008": "a payment between banks",
    "camt.029": "the answer to a question about a payment",
    "camt.056": "a request to cancel a payment",
    "camt.060": "a request for a statement",
    "camt.086": "a bill for the bank's services",
}


class _Message(NamedTuple):
    """Which message a file is: such as ``camt.053.001.08``, ``camt.053``, and its schema."""

    name: str
    kind: str
    schema: Schema


def claims(head: bytes) -> bool:
    """Whether a file is XML, and not OFX, which some write so too."""
    text = head.decode(_encoding(head), "ignore").lstrip("\ufeff \t\r\n")
    return text.startswith("<") and "<OFX" not in text and "<?OFX" not in text


def read(raw: Raw, limits: Limits) -> BankFile | NotTaken:
    """The statements of a file, or every reason why it is not taken (up to a limit)."""
    reader = Reader(root="Document", pieces=_PIECES, limits=limits)
    taking = _Taking(limits)
    try:
        for node in reader.pieces(raw):
            taking.take(node, _message(reader.root))
        message = _message(reader.root)
        taking.finish(reader.root, message)
    except BadFile as bad:
        taking.problems.append(bad.problem)
    if taking.problems:
        return NotTaken(_format(reader.root), tuple(taking.problems))
    statements, taking.statements = taking.statements, []
    return BankFile(_format(reader.root), tuple(name_originals(identify(statements))))


class _Taking:
    """Takes a file's pieces in the order in which they end: details make an entry, and entries a statement.

    What is wrong with a piece is noted, and the next one is looked at; after too many the file is given up.
    """

    def __init__(self, limits: Limits) -> None:
        self.problems: list[Problem] = []
        self.statements: list[Statement] = []
        self._limits = limits
        self._count = 0
        self._details: deque[Detail] = deque()
        self._entries: list[Entry] = []
        self._untold_lines: list[int] = []  # of batches whose details are not here
        self._sound_entry = self._sound_statement = True  # no problem yet in any part of the one that is open
        self._pages: set[tuple[str, str, str, int]] = set()

    def take(self, node: Node, message: _Message) -> None:
        """Takes one piece."""
        self._cap(node)
        try:
            match node.name:
                case "TxDtls":
                    message.schema.check_detail(node)
                    self._details.append(read_detail(node))
                case "Ntry":
                    message.schema.check_entry(node)
                    self._take_entry(node)
                case _:
                    message.schema.check_statement(node)
                    self._take_statement(node, message.kind)
        except BadFile as bad:
            if len(self.problems) >= self._limits.problems:
                raise
            self.problems.append(bad.problem)
            self._sound_entry = self._sound_statement = False
        if node.name != "TxDtls":
            self._details, self._sound_entry = deque(), True
        if node.name not in {"TxDtls", "Ntry"}:
            self._entries, self._untold_lines, self._sound_statement = [], [], True

    def finish(self, root: Node | None, message: _Message) -> None:
        """Looks at what stands around the statements; there must be one."""
        assert root is not None  # or there would be no message
        message.schema.check_document(root)
        if not self.statements and not self.problems:
            raise BadFile(root.line, f"the file has no statement ({_STATEMENT_OF[message.kind]}) at all")

    def _cap(self, node: Node) -> None:
        if node.name == "TxDtls" or (node.name == "Ntry" and not self._details):
            self._count += 1
        if self._count > self._limits.entries:
            raise BadFile(node.line, f"the file has more than {self._limits.entries} entries: send it in parts")

    def _take_entry(self, node: Node) -> None:
        if not self._sound_entry:
            return  # without one of its details, its sum would be wrong too
        if not self._details and keeps_its_details(node):
            self._untold_lines.append(node.line)
        self._entries += read_entry(node, self._details)

    def _take_statement(self, node: Node, kind: str) -> None:
        if not self._sound_statement:
            return
        statement = _statement(node, self._entries, kind)
        page = statement.account, statement.currency, statement.id, statement.page
        said = _of_the_whole(statement, node)
        if page in self._pages:
            said.append("it is in the file once more: what it shows again keeps its identity, and is posted once")
        if self._untold_lines:
            said.append(
                "entries that keep their details back, or refer to another message for them: "
                f"{len(self._untold_lines)}, the first on line {self._untold_lines[0]}; "
                "where that is sent in too, the same money shows twice"
            )
        self._pages.add(page)
        where = f"line {statement.line}, statement {statement.id}"
        self.statements.append(replace(statement, problems=tuple(Problem(where, what) for what in said)))


def _encoding(head: bytes) -> str:
    """As XML tells it from the first bytes."""
    if head.startswith((b"\xff\xfe", b"<\x00")):
        return "utf-16-le"
    return "utf-16-be" if head.startswith((b"\xfe\xff", b"\x00<")) else "utf-8"


def _format(root: Node | None) -> str:
    """What the file is, as far as its namespace tells."""
    message = None if root is None else _MESSAGE.fullmatch(root.namespace)
    return "camt" if message is None else message[1]


def _message(root: Node | None) -> _Message:
    """The message that the document is; raises `BadFile` for any that is not read here."""
    if root is None:
        raise BadFile(1, "there is no Document element in this XML")
    found = _known(root.namespace)
    if isinstance(found, str):
        raise BadFile(root.line, found)
    return found


@lru_cache(maxsize=64)
def _known(namespace: str) -> _Message | str:
    """The message of a namespace, or why it is none that is read."""
    message = _MESSAGE.fullmatch(namespace)
    if message is None:
        return f"the namespace of Document is {namespace[:80] or 'missing'}; it must be that of {_READ} in ISO 20022"
    name, kind, variant, version = message.groups()
    if kind in _STATEMENT_OF and variant == "001" and version in _VERSIONS:
        return _Message(name, kind, schema(name, _STATEMENT_OF[kind]))
    other = f", {_OTHERS[kind]}" if kind in _OTHERS else ""
    return f"this is {name}{other}; only {_READ} are read, in versions .001.01 to .001.12"


def _statement(node: Node, entries: Sequence[Entry], kind: str) -> Statement:
    account = clean(
        node.value("Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Id/BBAN", "Acct/Id/UPIC", "Acct/Id/PrtryAcct/Id")
    )
    if account is None:
        raise BadFile(node.line, "the statement names no account")
    balances = [_balance(one) for one in node.all("Bal")]
    code = node.value("Acct/Ccy") or next(iter([b.currency for b in balances] + [e.currency for e in entries]), None)
    if code is None:
        raise BadFile(node.line, "the statement names no currency, and has no balance or entry to take it from")
    read_currency(code, node.line)
    opening, closing = _opening_and_closing([one for one in balances if one.currency == code], kind)
    return Statement(
        id=clean(node.value("Id")) or "",
        account=account,
        currency=code,
        opening=opening,
        closing=closing,
        balances=tuple(balances),
        entries=tuple(entries),
        problems=(),
        line=node.line,
        page=_page(node),
    )


def _balance(node: Node) -> Balance:
    amount_node = node.first("Amt")
    if amount_node is None:
        raise BadFile(node.line, "a balance lacks its amount")
    amount = read_amount(amount_node)
    signed = amount.minor if node.value("CdtDbtInd") == "CRDT" else Minor(-amount.minor)
    code = node.value("Tp/CdOrPrtry/Cd", "Tp/Cd", "Tp/CdOrPrtry/Prtry", "Tp/Prtry") or ""
    return Balance(code, signed, amount.currency, read_day(node.first("Dt")))


def _opening_and_closing(balances: Sequence[Balance], kind: str) -> tuple[Minor | None, Minor | None]:
    """The balances between which the entries stand; of an account over several days, the first and the last.

    Pages of a statement pass on an interim balance, so one that ends in a closing balance opens with it. An intraday
    report states the day's opening even where it shows only what is new: between that and an interim balance it proves
    nothing.
    """
    of_day, closing = _with_code(balances, "OPBD") or _with_code(balances, "PRCD"), _with_code(balances, "CLBD")
    interim = _with_code(balances, "ITBD")
    ends_interim = not closing
    if kind == "camt.052" and ends_interim:
        of_day = []
    if ends_interim:
        opens_interim, ends = len(interim) > 1, interim
    else:
        opens_interim, ends = bool(interim), closing
    opening = of_day or (interim if opens_interim else [])
    return (opening[0] if opening else None), (ends[-1] if ends else None)


def _with_code(balances: Sequence[Balance], code: str) -> list[Minor]:
    return [one.amount for one in balances if one.code == code]


def _page(node: Node) -> int:
    number = node.value("StmtPgntn/PgNb", "RptPgntn/PgNb", "NtfctnPgntn/PgNb") or "1"
    return int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1


def _of_the_whole(statement: Statement, node: Node) -> list[str]:
    """What a person should know about a statement; none of these stop it from being taken."""
    said: list[str] = []
    code = statement.currency
    if wrong := imbalance(statement):
        said.append(wrong)
    if others := sorted({entry.currency for entry in statement.entries if entry.booked and entry.currency != code}):
        said.append(f"it has entries in {', '.join(others)}, so its balances in {code} prove nothing")
    last = node.value("StmtPgntn/LastPgInd", "RptPgntn/LastPgInd", "NtfctnPgntn/LastPgInd") in {None, "true", "1"}
    nameless = any(entry.posted and entry.bank_reference is None for entry in statement.entries)
    if nameless and (statement.page > 1 or not last):
        said.append(
            "it is one page of several, with entries that have no bank reference: upload all pages in one file, "
            "or equal entries on two pages are taken for one"
        )
    return said
