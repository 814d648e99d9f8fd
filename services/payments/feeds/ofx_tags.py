"""The tags of an OFX document, 1.x (SGML) and 2.x (XML), as a tree with line numbers.

The library `bankfile` reads headers, encodings and tags. It is made to go on where a file is wrong, and knows no lines;
so the order of tags is settled here first, and then any warning of its own stops the file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bankfile.ofx.header import Header, read_header
from bankfile.ofx.sgml import Node, parse_tags

from services.payments.feeds.model import BadFile, Limits
from services.payments.feeds.raw import InMemory
from services.payments.feeds.xml import Reader

# Elements that hold a text or nothing. OFX 1.x may leave out their ends, and then an empty one looks like a group.
_LEAVES: Final = (
    "ACCTID|ACCTKEY|ACCTTYPE|ADDR1|ADDR2|ADDR3|BALAMT|BANKID|BRANCHID|CHECKNUM|CHKNUM|CITY|CODE|CORRECTACTION|"
    "CORRECTFITID|COUNTRY|CURDEF|CURRATE|CURSYM|DTACCTUP|DTASOF|DTAVAIL|DTEND|DTEXPIRE|DTPOSTED|DTPROFUP|DTSERVER|"
    "DTSTART|DTTRAN|DTUSER|EXTDNAME|FID|FITID|INTU\\.BID|INTU\\.ORG|INTU\\.USERID|LANGUAGE|MEMO|MESSAGE|NAME|ORG|"
    "PAYEEID|PHONE|POSTALCODE|REFNUM|SEVERITY|SIC|SRVRTID|STATE|TRNAMT|TRNTYPE|TRNUID|USERKEY"
)
_EMPTY_LEAF: Final = re.compile(rf"<({_LEAVES})>(\s*)(?=<(?!/\1>))", re.IGNORECASE)
_TAG: Final = re.compile(r"<(/?)([A-Za-z_][\w.:-]*)([^<>]*)>", re.ASCII)
_HIDDEN: Final = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>", re.DOTALL)
_NEVER: Final = re.compile(r"<!(?!--|\[CDATA\[)")
_SEEN: Final = re.compile(r"\S")
_TAGS_PER_ENTRY: Final = 24
_TAGS_MAX: Final = 600_000  # each is kept, in a tree

# What OFX 1.x calls ASCII is one byte for each character; CHARSET says which.
_BYTE_CHARSETS: Final = {"1252", "8859-1", "ISO-8859-1"}
_WIDE_ASCII: Final = re.compile(rb"^(\s*)ENCODING:\s*USASCII[ \t]*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Element:
    """A tag: its text, or what stands inside it."""

    tag: str
    value: str
    children: tuple["Element", ...]
    line: int

    def all(self, tag: str) -> list["Element"]:
        """The tags of a name directly inside this one."""
        return [child for child in self.children if child.tag == tag]

    def first(self, tag: str) -> "Element | None":
        return next((child for child in self.children if child.tag == tag), None)

    def text(self, tag: str) -> str:
        """The text of the first tag of a name directly inside this one; empty where there is none."""
        found = self.first(tag)
        return found.value if found else ""

    def within(self) -> Iterator["Element"]:
        """Every tag inside this one, in the order of the document."""
        ahead = list(reversed(self.children))
        while ahead:
            element = ahead.pop()
            yield element
            ahead.extend(reversed(element.children))


def document(data: bytes, limits: Limits) -> Element:
    """The OFX element of a file; raises `BadFile`."""
    data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    most = min(limits.entries * _TAGS_PER_ENTRY, _TAGS_MAX)
    if data.count(b"<") - data.count(b"</") > most:
        raise BadFile(1, f"the file has more than {most} tags: send it in parts")
    header = _header(data)
    if header.is_xml:
        _check_xml(data, limits)
    above = _above(data, header)
    body = header.body if header.is_xml else _EMPTY_LEAF.sub(r"<\1></\1>\2", header.body)
    opened = list(_opened(body, above, limits))
    root, warnings = parse_tags(body)
    for warning in warnings:
        raise BadFile(above + 1, warning.message)
    tree = _with_lines(root, iter(opened))
    if [element.tag for element in tree.children] != ["OFX"]:
        raise BadFile(above + 1, "there must be one OFX element, and nothing beside it")
    return tree.children[0]


def _header(data: bytes) -> Header:
    try:
        header = read_header(data)
        if not header.is_xml and header.values.get("CHARSET", "").upper() in _BYTE_CHARSETS:
            header = read_header(_WIDE_ASCII.sub(rb"\1ENCODING:", data, count=1))
    except (ValueError, LookupError):  # from the codecs of Python, which the library asks for any name
        raise BadFile(1, "the encoding that the file declares is not known") from None
    for warning in header.warnings:
        raise BadFile(1, f"the header: {warning.message}")
    said = header.values
    if header.is_xml:
        if said.get("SECURITY", "NONE").upper() != "NONE":
            raise BadFile(1, f"the header says SECURITY {said['SECURITY'][:20]}; only plain files are read")
        return header
    for name, wanted in (("DATA", "OFXSGML"), ("SECURITY", "NONE"), ("COMPRESSION", "NONE")):
        if said.get(name, wanted).upper() not in {wanted, ""}:
            raise BadFile(1, f"the header says {name}:{said[name][:20]}; only {name}:{wanted} is read")
    if said.get("ENCODING", "").upper().replace("-", "") not in {"", "USASCII", "UTF8"}:
        raise BadFile(1, f"the header says ENCODING:{said['ENCODING'][:20]}; only USASCII and UTF-8 are read")
    return header


def _above(data: bytes, header: Header) -> int:
    """How many lines stand above the body."""
    text = data.decode(header.encoding)
    return text.count("\n") - header.body.count("\n")


def _check_xml(data: bytes, limits: Limits) -> None:
    """Refuses what is not well-formed XML, and any DOCTYPE, before an entity could be defined; keeps nothing of it."""
    for _ in Reader(root="(none)", pieces=(), limits=limits).pieces(InMemory(data)):
        pass


def _opened(body: str, above: int, limits: Limits) -> Iterator[tuple[str, int]]:
    """Every tag that opens, with its line; raises `BadFile` where tags are not in order."""
    if found := _NEVER.search(body):
        line = above + 1 + body.count("\n", 0, found.start())
        raise BadFile(line, "a DOCTYPE or a declaration is never taken: bank statements need none, and attacks do")
    plain = _HIDDEN.sub(_masked, body)
    groups: list[tuple[str, int]] = []
    leaf = ""  # what was opened last, if a text stands in it
    line, at = above + 1, 0
    for match in _TAG.finditer(plain):
        if not leaf and _SEEN.search(plain, at, match.start()):
            raise BadFile(line, "there is text between tags, where none belongs")
        line += plain.count("\n", at, match.start())
        at, name = match.end(), match[2].upper()
        if match[1]:
            _close(groups, leaf, name, line)
            leaf = ""
        else:
            yield name, line
            leaf = ""
            if match[3].endswith("/"):
                continue
            if _holds_text(plain, at):
                leaf = name
            else:
                groups.append((name, line))
                if len(groups) > limits.depth:
                    raise BadFile(line, f"elements are nested more than {limits.depth} deep")
        line += plain.count("\n", match.start(), at)
    if groups:
        name, opened_at = groups[-1]
        raise BadFile(opened_at, f"{name} is opened here and never closed: the file was cut off, or damaged")
    if plain[at:].strip():
        raise BadFile(line, "there is text behind the last tag")


def _close(groups: list[tuple[str, int]], leaf: str, name: str, line: int) -> None:
    if name == leaf:
        return
    if not groups or groups[-1][0] != name:
        inside = f"{groups[-1][0]} of line {groups[-1][1]} is still open" if groups else "nothing is open"
        raise BadFile(line, f"</{name}> closes nothing: {inside}")
    groups.pop()


def _holds_text(plain: str, at: int) -> bool:
    found = _SEEN.search(plain, at)
    return found is not None and (found[0] != "<" or not _TAG.match(plain, found.start()))


def _masked(match: re.Match[str]) -> str:
    """What hides markup, without its markup and as long as it was: a comment is nothing, CDATA is text."""
    filler = "x" if match[0].startswith("<![CDATA[") and match[0] != "<![CDATA[]]>" else " "
    return re.sub(r"[^\n]", filler, match[0])


def _with_lines(node: Node, opened: Iterator[tuple[str, int]], line: int = 1) -> Element:
    """The library's tree with the lines of its tags; both list them in the order of the document."""
    children = []
    for child in node.children:
        name, its_line = next(opened, ("", line))
        if name != child.tag:
            raise BadFile(its_line, "the tags cannot be told apart here")
        children.append(_with_lines(child, opened, its_line))
    return Element(node.tag, node.value or "", tuple(children), line)
