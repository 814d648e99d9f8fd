"""Writes OFX documents of our own making, as SGML without end tags (1.x) or as XML (2.x)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

_XML_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\n'
)


@dataclass(frozen=True)
class Entry:
    """A `STMTTRN`: its elements in their order, such as ``{"TRNTYPE": "CREDIT"}``; `inside` is written as it is."""

    elements: dict[str, str]
    inside: str = ""


@dataclass(frozen=True)
class Statement:
    account: str = "4000123456"
    currency: str = "USD"
    entries: Sequence[Entry] = ()
    pending: Sequence[Entry] = ()
    card: bool = False
    balance: str | None = "100.00"
    days: tuple[str, str] = ("20260302", "20260302")


@dataclass(frozen=True)
class Manner:
    """How a bank writes: `xml` or not, line ends, what is between two elements, and its header."""

    xml: bool = False
    between: str = "\n"
    line_end: str = "\n"
    charset: str = "1252"
    encoding: str = "USASCII"
    headers: dict[str, str] = field(default_factory=dict)


def entry(amount: str = "500.00", kind: str = "CREDIT", fitid: str = "T-1", /, **elements: str) -> Entry:
    """An entry of 2 March 2026, with further elements or other ones; an empty one is left out."""
    given = {"TRNTYPE": kind, "DTPOSTED": "20260302", "TRNAMT": amount, "FITID": fitid} | elements
    return Entry({name: value for name, value in given.items() if value})


def document(*statements: Statement, manner: Manner | None = None) -> bytes:
    """A whole document, header and all."""
    manner = manner or Manner()
    answers = {True: "", False: ""}
    for one in statements:
        answers[one.card] += _answer(one, manner)
    body = "".join(
        _group(name, text, manner)
        for name, text in (("BANKMSGSRSV1", answers[False]), ("CREDITCARDMSGSRSV1", answers[True]))
        if text
    )
    sign_on = _group(
        "SIGNONMSGSRSV1", _group("SONRS", _status(manner) + _leaf("LANGUAGE", "ENG", manner), manner), manner
    )
    text = _head(manner) + _group("OFX", sign_on + body, manner)
    codec = "utf-8" if manner.xml or manner.encoding.upper() == "UTF-8" else "cp1252"
    return text.replace("\n", manner.line_end).encode(codec)


def _answer(one: Statement, manner: Manner) -> str:
    owner = _group("CCACCTFROM" if one.card else "BANKACCTFROM", _leaf("ACCTID", one.account, manner), manner)
    start, end = one.days
    inner = _leaf("DTSTART", start, manner) + _leaf("DTEND", end, manner)
    inner += "".join(_entry("STMTTRN", each, manner) for each in one.entries)
    text = _leaf("CURDEF", one.currency, manner) + owner + _group("BANKTRANLIST", inner, manner)
    if one.pending:
        text += _group("BANKTRANLISTP", "".join(_entry("STMTTRNP", each, manner) for each in one.pending), manner)
    if one.balance is not None:
        amounts = _leaf("BALAMT", one.balance, manner) + _leaf("DTASOF", end, manner)
        text += _group("LEDGERBAL", amounts, manner)
    prefix = "CC" if one.card else ""
    answer = _leaf("TRNUID", "1", manner) + _status(manner) + _group(f"{prefix}STMTRS", text, manner)
    return _group(f"{prefix}STMTTRNRS", answer, manner)


def _entry(name: str, one: Entry, manner: Manner) -> str:
    return _group(name, "".join(_leaf(tag, text, manner) for tag, text in one.elements.items()) + one.inside, manner)


def _status(manner: Manner) -> str:
    return _group("STATUS", _leaf("CODE", "0", manner) + _leaf("SEVERITY", "INFO", manner), manner)


def _group(name: str, text: str, manner: Manner) -> str:
    return f"<{name}>{manner.between}{text}</{name}>{manner.between}"


def _leaf(name: str, text: str, manner: Manner) -> str:
    end = f"</{name}>" if manner.xml else ""
    return f"<{name}>{escape(text)}{end}{manner.between}"


def _head(manner: Manner) -> str:
    if manner.xml:
        return _XML_HEAD
    headers = {
        "OFXHEADER": "100", "DATA": "OFXSGML", "VERSION": "102", "SECURITY": "NONE", "ENCODING": manner.encoding,
        "CHARSET": manner.charset, "COMPRESSION": "NONE", "OLDFILEUID": "NONE", "NEWFILEUID": "NONE",
    } | manner.headers  # fmt: skip
    return "".join(f"{name}:{value}\n" for name, value in headers.items()) + "\n"
