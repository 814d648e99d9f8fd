"""camt.053, the end-of-day statement of ISO 20022, in every version from .01 to .12, bare or in an envelope."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from services.payments.feeds import schema
from services.payments.feeds.camt_entries import clean, read_amount, read_day, read_entry
from services.payments.feeds.identity import identify, name_originals
from services.payments.feeds.model import BadFile, Balance, BankFile, Entry, Limits, NotTaken, Problem, Statement
from services.payments.feeds.raw import Raw
from services.payments.feeds.xml import Node, Reader
from shared import currency
from shared.money import Minor

_MESSAGE: Final = re.compile(r"urn:iso:std:iso:20022:tech:xsd:((\w+\.\d{3})\.(\d{3})\.(\d{2}))")
_VERSIONS: Final = frozenset(f"{number:02}" for number in range(1, 13))
_OPENING: Final = ("OPBD", "PRCD", "ITBD")  # in order of preference
_CLOSING: Final = ("CLBD", "ITBD")


_XML_STARTS: Final = (b"<", b"\xef\xbb\xbf<", b"\xff\xfe<\x00", b"\xfe\xff\x00<")


def claims(head: bytes) -> bool:
    """Whether a file is XML."""
    return head.lstrip(b" \t\r\n").startswith(_XML_STARTS)


def read(raw: Raw, limits: Limits) -> BankFile | NotTaken:
    """The statements of a file, or every reason why it is not taken (up to a limit)."""
    reader = Reader(root="Document", piece="Ntry", limits=limits)
    problems: list[Problem] = []
    statements: list[Statement] = []
    try:
        entries = _entries(reader, raw, limits, problems)
        statements = _statements(reader.root, entries)
    except BadFile as bad:
        problems.append(_problem(bad))
    if problems:
        return NotTaken(_format(reader.root), tuple(problems))
    return BankFile(_format(reader.root), tuple(name_originals(identify(statements))))


def _entries(reader: Reader, raw: Raw, limits: Limits, problems: list[Problem]) -> dict[int, list[Entry]]:
    """Entries by the identity of their statement's node; what is wrong with one is noted, and the next one is read."""
    entries: dict[int, list[Entry]] = {}
    count = 0
    for parent, ntry in reader.pieces(raw):
        its_schema = _schema(reader.root)
        if parent.name != "Stmt":
            continue  # a bank's own supplement may use the word for something else
        try:
            its_schema.check_entry(ntry)
            found = read_entry(ntry)
        except BadFile as bad:
            if len(problems) >= limits.problems:
                raise
            problems.append(_problem(bad))
            continue
        count += len(found)
        _cap(count, ntry.line, limits)
        entries.setdefault(id(parent), []).extend(found)
    return entries


def _cap(count: int, line: int, limits: Limits) -> None:
    if count > limits.entries:
        raise BadFile(line, f"the file has more than {limits.entries} entries: send it in parts")


def _format(root: Node | None) -> str:
    """What the file is, as far as its namespace tells."""
    message = None if root is None else _MESSAGE.fullmatch(root.namespace)
    return "camt.053" if message is None else message[1]


def _schema(root: Node | None) -> schema.Schema:
    """The schema of the message; raises `BadFile` for any message that is not read here."""
    if root is None:
        raise BadFile(1, "there is no Document element in this XML")
    message = _MESSAGE.fullmatch(root.namespace)
    if message is None:
        namespace = root.namespace[:80] or "missing"
        raise BadFile(root.line, f"the namespace of Document is {namespace}; it must be that of a camt.053 message")
    full, kind, variant, version = message.groups()
    if kind != "camt.053" or variant != "001" or version not in _VERSIONS:
        raise BadFile(root.line, f"this is {full}; only camt.053.001 in versions .01 to .12 is read")
    return schema.camt053(version)


def _statements(root: Node | None, entries: dict[int, list[Entry]]) -> list[Statement]:
    its_schema = _schema(root)
    assert root is not None  # or it would have no schema
    its_schema.check_document(root)
    stmts = [stmt for body in root.children for stmt in body.all("Stmt")]
    if not stmts:
        raise BadFile(root.line, "the file has no statement (Stmt) at all")
    return [_statement(stmt, entries.get(id(stmt), [])) for stmt in stmts]


def _statement(stmt: Node, entries: Sequence[Entry]) -> Statement:
    account = clean(
        stmt.value("Acct/Id/IBAN", "Acct/Id/Othr/Id", "Acct/Id/BBAN", "Acct/Id/UPIC", "Acct/Id/PrtryAcct/Id")
    )
    if account is None:
        raise BadFile(stmt.line, "the statement names no account")
    balances = [_balance(node) for node in stmt.all("Bal")]
    code = stmt.value("Acct/Ccy") or next(iter([b.currency for b in balances] + [e.currency for e in entries]), None)
    if code is None:
        raise BadFile(stmt.line, "the statement names no currency, and has no balance or entry to take it from")
    try:
        currency.exponent(code)
    except currency.UnknownCurrency:
        raise BadFile(stmt.line, f"{code} is no currency that ISO 4217 lists") from None
    in_currency = [one for one in balances if one.currency == code]
    statement = Statement(
        id=clean(stmt.value("Id")) or "",
        account=account,
        currency=code,
        opening=_opening(in_currency),
        closing=_closing(in_currency),
        balances=tuple(balances),
        entries=tuple(entries),
        problems=(),
        line=stmt.line,
        page=_page(stmt),
    )
    return _with_problems(statement, last_page=stmt.value("StmtPgntn/LastPgInd") in {None, "true", "1"})


def _balance(node: Node) -> Balance:
    amount_node = node.first("Amt")
    if amount_node is None:
        raise BadFile(node.line, "a balance lacks its amount")
    amount = read_amount(amount_node)
    signed = amount.minor if node.value("CdtDbtInd") == "CRDT" else Minor(-amount.minor)
    code = node.value("Tp/CdOrPrtry/Cd", "Tp/Cd", "Tp/CdOrPrtry/Prtry", "Tp/Prtry") or ""
    return Balance(code, signed, amount.currency, read_day(node.first("Dt")))


def _opening(balances: Sequence[Balance]) -> Minor | None:
    """The first balance of the best kind for it; an account over several days states one for each."""
    for code in _OPENING:
        if those := [one for one in balances if one.code == code]:
            return those[0].amount if code != "ITBD" or len(those) > 1 else None
    return None


def _closing(balances: Sequence[Balance]) -> Minor | None:
    for code in _CLOSING:
        if those := [one for one in balances if one.code == code]:
            return those[-1].amount
    return None


def _page(stmt: Node) -> int:
    number = stmt.value("StmtPgntn/PgNb") or "1"
    return int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1


def _with_problems(statement: Statement, *, last_page: bool) -> Statement:
    """The statement with what a person should know about it; none of these stop it from being taken."""
    said: list[str] = []
    code = statement.currency
    if statement.proven is False and statement.opening is not None and statement.closing is not None:
        reached, closing = statement.opening + statement.booked, statement.closing
        said.append(
            f"opening balance and booked entries come to {currency.text(reached, code)} {code}, "
            f"but the closing balance is {currency.text(closing, code)}"
        )
    if others := sorted({entry.currency for entry in statement.entries if entry.currency != code}):
        said.append(f"it has entries in {', '.join(others)}, so its balances in {code} prove nothing")
    nameless = any(entry.posted and entry.bank_reference is None for entry in statement.entries)
    if nameless and (statement.page > 1 or not last_page):
        said.append(
            "it is one page of several, with entries that have no bank reference: upload all pages in one file, "
            "or equal entries on two pages are taken for one"
        )
    where = f"line {statement.line}, statement {statement.id}"
    return replace(statement, problems=tuple(Problem(where, what) for what in said))


def _problem(bad: BadFile) -> Problem:
    return Problem(f"line {bad.line}", bad.what)
