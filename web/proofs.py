"""The proof of a bank statement as a page to print: balances that meet, where the money is, and every line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from web.pages import Ledger, filled, readable, template

_PROOF: Final = template("proof")
_PLACE: Final = template("proof_place")
_LINE: Final = template("proof_line")
_NONE: Final = template("proof_none").substitute()

_PAGE: Final = 200
_MOST_LINES: Final = 20_000  # of one page for people; what is beyond stands in the API

_PLACES: Final[Mapping[str, str]] = {
    "applied": "applied to capital calls",
    "held": "on hold, for a person to decide",
    "returned": "returned to the sender",
    "dismissed": "dismissed as a duplicate",
    "taken_back": "taken back by a later reversal",
    "reversals": "reversals that took an earlier credit back",
    "not_ours": "not investors’ money",
    "on_the_way": "on the way to being booked",
}
_FOLLOWS: Final[Mapping[str, str]] = {
    "first": "the first statement of this account",
    "continues": "begins where the one before it ended",
    "gap": "does not begin where the one before it ended",
    "unknown": "states no balances, so it proves no chain",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """A statement as the API tells it, with its lines; None where there is none, or nobody could be asked."""

    statement: Mapping[str, Any] | None
    lines: Sequence[Mapping[str, Any]] = ()


async def find(ledger: Ledger, statement_id: int) -> Proof:
    """The statement, and its lines up to what one page takes."""
    path = f"/api/bank-statements/{statement_id}"
    statement = await ledger.ask("payments", path)
    if statement is None or "proof" not in statement:
        return Proof(None)
    lines: list[Mapping[str, Any]] = []
    cursor = ""
    while len(lines) < _MOST_LINES:
        page = await ledger.ask("payments", f"{path}/entries?limit={_PAGE}{cursor}")
        lines += (page or {}).get("items", [])
        if page is None or not page.get("next"):
            break
        cursor = f"&cursor={page['next']}"
    return Proof(statement, lines)


def page(proof: Proof) -> str:
    """The page as HTML."""
    if proof.statement is None:
        return _NONE
    statement, proven = proof.statement, proof.statement["proof"]
    texts = {
        "statement": statement["statement_id"] or f"number {statement['id']}",
        "source": statement["source"],
        "account": statement["account"],
        "currency": statement["currency"],
        "days": _days(statement),
        "opening": readable(proven["opening"]),
        "booked": readable(proven["booked"]),
        "closing": readable(proven["closing"]),
        "difference": readable(proven["difference"]),
        "unaccounted": readable(proven["unaccounted"]),
        "verdict": _verdict(proven),
        "state": "ready" if proven["complete"] else "away",
        "chain": _chain(proven["chain"], statement["currency"]),
        "sha256": statement["file"]["sha256"],
        "format": statement["file"]["format"],
        "received_at": statement["file"]["received_at"],
        "uploaded_by": statement["file"]["uploaded_by"],
        "file_id": str(statement["file"]["id"]),
        "id": str(statement["id"]),
        "shown": f"{len(proof.lines):,} of {statement['sums']['entries']:,}",
    }
    safe = {name: escape(text) for name, text in texts.items()}
    return _PROOF.substitute(
        safe,
        places="".join(map(_place, proven["places"])),
        problems="".join(f"<li>{escape(one['where'])}: {escape(one['what'])}</li>" for one in statement["problems"]),
        lines="".join(map(_line, proof.lines)),
    )


def _days(statement: Mapping[str, Any]) -> str:
    first, last = statement["first_day"], statement["last_day"]
    return "no day stated" if first is None else first if first == last else f"{first} to {last}"


def _verdict(proven: Mapping[str, Any]) -> str:
    if proven["complete"]:
        return "Complete: every entry is accounted for" + (
            ", to the cent." if proven["difference"] is not None else "; the bank states no balances to compare with."
        )
    return "Not complete: see the differences, and what is on the way."


def _chain(chain: Mapping[str, Any], currency: str) -> str:
    said = _FOLLOWS.get(chain["follows"], chain["follows"])
    missing = f": {readable(chain['missing'])} {currency} lie between them" if chain["missing"] else ""
    return f"{said}{missing}"


def _place(place: Mapping[str, Any]) -> str:
    name = _PLACES.get(place["place"], place["place"])
    return filled(_PLACE, name=name, entries=f"{place['entries']:,}", amount=readable(place["amount"]))


def _line(line: Mapping[str, Any]) -> str:
    became = line["became"]
    what = "on the way" if line["posted"] else str(line["why_not"]).replace("_", " ")
    if became is not None:
        reason = f": {became['hold_reason']}" if became["hold_reason"] else ""
        what = f"{became['status']}{reason}".replace("_", " ")
    sign = "−" if line["mark"] == "debit" else ""
    return filled(
        _LINE,
        line=str(line["line"]),
        day=line["booking_date"] or line["value_date"] or "",
        amount=f"{sign}{readable(line['amount'])}",
        payment_id=line["payment_id"],
        text=line["remittance"] or line["reference"] or "",
        remitter=(line["remitter"] or {}).get("name") or "",
        what=what,
    )
