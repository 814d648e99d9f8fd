"""Field :86: of MT940, which every bank fills in its own way: numbered parts (``?20``), codes of SEPA (``EREF+``),
codes between slashes (``/REMI/``), or plain text, broken into lines wherever a line was full.

What a payer wrote may look like a bank's code; so of each code only the first counts, and the rest stays text.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mt940.processors import GVC_KEYS

_LINE: Final = 65
_SHORTEST_LINE: Final = 50  # of banks that cut numbered parts into lines of their own width
_PART: Final = 27
_NUMBERED: Final = re.compile(r"([0-9]{3})?\s*([?~^<>|@])[0-6][0-9]")

# Not IBAN and BIC: those stand in parts of their own, and people write "IBAN+BIC" too.
_SEPA_CODES: Final = sorted({key.strip() for key in GVC_KEYS} - {"", "IBAN", "BIC"})
# A line may end within a code, and leave a blank there.
_SEPA: Final = re.compile("(" + "|".join(" ?".join(code) for code in _SEPA_CODES) + r") ?\+")
_SLASHED_CODES: Final = (
    "ACCW", "ADDR", "ADDITIONAL INFORMATION", "BENM", "BIC", "BUSP", "CHGS", "CNTP", "CREF", "CSID", "EREF", "EXCH",
    "IBAN", "INFO", "IREF", "ISDT", "KREF", "MARF", "NAME", "NRTX", "OCMT", "OAMT", "ORDP", "PREF", "PURP", "REFERENCE",
    "REJT", "REMI", "RETN", "RREF", "RTRN", "SVCL", "TRCD", "TRTP", "UETR", "ULTB", "ULTC", "ULTD",
)  # fmt: skip
_SLASHED: Final = re.compile("/(" + "|".join(_SLASHED_CODES) + ")(?=/)")
_STRUCTURED: Final = re.compile(r"STRD/(?:CUR|ISO)/([^/]+)(?:/(.*))?", re.DOTALL)

_RETURNED_CODES: Final = frozenset({"RTRN", "RETN", "REJT"})
# The bank's business codes for what comes back: direct debits, transfers, cheques.
_RETURNED_BUSINESS: Final = frozenset({"108", "109", "159", "181", "184"})
_RETURNED_POSTING: Final = re.compile(
    r"R(?:UE|Ü|U)CK(?:LAST|BEL|GABE|UEB|ÜB|RECH|BUCH)|RETOURE|\bRETURN", re.IGNORECASE
)
_RETURNED_TEXT: Final = re.compile(
    r"\b(?:RETURN|RETOURE|R(?:UE|Ü|U)CKLASTSCHRIFT|R(?:UE|Ü|U)CKGABE)[ /:+-]{1,3}(?:[A-Z]{2}[0-9]{2}|RCKS|NARR)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Details:
    """What an :86: says. `returned`: the bank's own codes say that money came back; `returned_in_text`: only its text
    does, with the reason's code beside the word."""

    end_to_end_id: str | None = None
    creditor_reference: str | None = None
    customer_reference: str | None = None
    uetr: str | None = None
    free: tuple[str, ...] = ()
    name: str | None = None
    account: str | None = None
    method: str | None = None
    returned: bool = False
    returned_in_text: bool = False


def read_details(lines: Sequence[str]) -> Details:
    """The details of an entry, of the lines of its :86: fields; without any, all is open."""
    lines = [line for line in lines if line.strip()]
    if not lines:
        return Details()
    if form := _NUMBERED.match(lines[0]):
        longest = max(map(len, lines))
        full = min(longest, _LINE) if longest >= _SHORTEST_LINE else _LINE
        return _numbered(_joined(lines, full, unless=form[2]), form[1], form[2])
    if any(_SLASHED.match(line) for line in lines):
        return _slashed(_joined(_continued(lines), _LINE, unless="/"))
    return _plain(_joined(lines, _LINE))


def coded_text(line: str) -> str | None:
    """What a person wrote into the second line of :61:, which may be codes of the bank's only."""
    if not _SLASHED.match(line):
        return line
    values = _values(line)
    return values.get("REMI") or values.get("")


def _joined(pieces: Iterable[str], full: int, unless: str = "\n") -> str:
    """Pieces of a text that was cut at `full` characters: a full piece goes on in the middle of a word."""
    text, last = "", full
    for piece in pieces:
        text += piece if last >= full or piece.startswith(unless) else " " + piece
        last = len(piece)
    return text


def _numbered(text: str, code: str | None, separator: str) -> Details:
    start = text.index(separator)
    parts: dict[str, list[str]] = {}
    for number, part in re.findall(
        rf"{re.escape(separator)}([0-6][0-9])((?:(?!{re.escape(separator)}[0-6][0-9]).)*)", text[start:], re.DOTALL
    ):
        parts.setdefault(number, []).append(part)
    purpose = [part for number in sorted(parts) if number[0] in "26" for part in parts[number]]
    details = _plain(_joined(purpose, _PART))
    name = _joined([part for number in ("32", "33") for part in parts.get(number, [])], _PART)
    posting = "".join(parts.get("00", []))
    return Details(
        end_to_end_id=details.end_to_end_id,
        customer_reference=details.customer_reference,
        free=details.free,
        name=name or details.name,
        account="".join(parts.get("38") or parts.get("31") or []).replace(" ", "") or None,
        method="sepa" if code and "104" <= code <= "199" else None,
        returned=code in _RETURNED_BUSINESS or bool(_RETURNED_POSTING.search(posting)),
        returned_in_text=details.returned_in_text,
    )


def _plain(text: str) -> Details:
    """Free text, with the codes of SEPA where the bank uses them."""
    values: dict[str, str] = {}
    code, start = "", 0
    for match in _SEPA.finditer(text):
        found = match[1].replace(" ", "")
        if found not in values and found != code:
            values[code] = text[start : match.start()]
            code, start = found, match.end()
    values[code] = text[start:]
    return Details(
        end_to_end_id=values.get("EREF"),
        customer_reference=values.get("KREF"),
        free=tuple(part for part in (values.get(""), values.get("SVWZ")) if part),
        name=values.get("ABWA"),
        returned_in_text=bool(_RETURNED_TEXT.search(text)),
    )


def _slashed(text: str) -> Details:
    values = _values(text)
    remittance, creditor_reference = values.get("REMI", ""), None
    if structured := _STRUCTURED.match(remittance):
        creditor_reference, remittance = structured[1], structured[2] or ""
    party = [part.strip() for part in values.get("CNTP", "").split("/")]
    account = values.get("IBAN") or party[0] or values.get("ACCW", "").partition(",")[0]
    texts = (
        values.get(""),
        remittance.removeprefix("USTD//"),
        values.get("INFO"),
        values.get("ADDITIONAL INFORMATION"),
    )
    return Details(
        end_to_end_id=values.get("EREF"),
        creditor_reference=creditor_reference or values.get("CREF"),
        customer_reference=values.get("KREF") or values.get("REFERENCE"),
        uetr=values.get("UETR"),
        free=tuple(part.strip("/ ") for part in texts if part and part.strip("/ ")),
        name=values.get("NAME") or values.get("ORDP") or "".join(party[2:3]) or values.get("ULTD"),
        account=account.replace(" ", "") or None,
        method="sepa" if values.get("TRTP", "").upper().startswith("SEPA") else None,
        returned=bool(_RETURNED_CODES & values.keys()),
        returned_in_text=bool(_RETURNED_TEXT.search(text)),
    )


def _values(text: str) -> dict[str, str]:
    """The text behind each code; before the first code is what has none."""
    values: dict[str, str] = {}
    code, start = "", 0
    for match in _SLASHED.finditer(text):
        if match[1] not in values and match[1] != code:
            values[code] = text[start : match.start()].strip("/ ")
            code, start = match[1], match.end() + 1
    values[code] = text[start:].strip("/ ")
    return values


def _continued(lines: Iterable[str]) -> list[str]:
    """Lines of codes, without the two slashes by which SWIFT marks a line that goes on."""
    return [line[2:] if line.startswith("//") and not _SLASHED.match(line, 1) else line for line in lines]
