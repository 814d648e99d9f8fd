"""Holds what was seen against what a table says. It is silent only where verdict, money and good event are right."""

import hashlib
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from tests.corpus.cases import (
    Applied,
    Case,
    Conflict,
    Dead,
    Held,
    Reversed,
    Same,
    Say,
    Spot,
    Unwritten,
    zero,
)
from tests.corpus.seen import Identity, Json, Place, Seen

if TYPE_CHECKING:
    from tests.corpus.events import Ran

ACCOUNT: Final = "DE89370400440532013000"  # of remitters in the tables: nothing but a record's own bytes may show it

# What belongs to us and to nobody else: traces, files, statements, libraries.
INTERNAL: Final = re.compile(
    r"Traceback|\.py\b|File \"|\bselect .* from\b|insert into|asyncpg|pydantic|psycopg|Error:|0x[0-9a-f]{6}",
    re.IGNORECASE,
)


def complaints(case: Case, ran: "Ran") -> list[str]:
    """Everything that is wrong with a case after its rounds."""
    found: list[str] = []
    for number, seen in enumerate(ran.rounds):
        found += [f"round {number + 1}: {each}" for each in _of_round(case, ran, number, seen)]
    if len(ran.rounds) == 2:
        found += [f"the second round changed {each}" for each in _changed(case, ran, *ran.rounds)]
    return found


def _of_round(case: Case, ran: "Ran", number: int, seen: Seen) -> Iterator[str]:
    spot, places = ran.spots[case.id], list(ran.places[number][case.id])
    good = places.pop()
    yield from _of_good_event(spot, ran, seen, good)
    written = iter(places)
    for said, value in zip(case.said, ran.sent[case.id], strict=True):
        if not isinstance(said.verdict, Unwritten):
            yield from _of_record(said, value, spot, seen, next(written))
    call = seen.calls.get(spot.call_id)
    shown = (call["paid"], call["postings"]) if call else (zero(case.currency), 0)
    expected = (_with_cents(case), case.postings + _postings_given(case))
    if shown != expected:
        yield f"the call has (paid, postings) {shown}, not {expected}"


def _with_cents(case: Case) -> str:
    """What is paid in the end, as the currency writes it."""
    decimals = len(zero(case.currency).partition(".")[2])
    return f"{Decimal(case.paid):.{decimals}f}"


def _postings_given(case: Case) -> int:
    """A call that was paid before its story has that posting besides."""
    return 1 if case.given in {"paid", "released"} else 0


def _of_good_event(spot: Spot, ran: "Ran", seen: Seen, place: Place | None) -> Iterator[str]:
    good = seen.payments.get((f"{spot.source}-good", spot.case))
    if place is None or place in seen.letters:
        yield f"the good event at {place} is a dead letter"
    if good is None:
        yield "the good event is not booked"
    elif [(a["call_id"], a["amount"]) for a in good["applications"]] != [(ran.good_call_id, "1.00")]:
        yield f"the good event is {good['status']}, applied to {good['applications']}"


def _of_record(said: Say, value: bytes | None, spot: Spot, seen: Seen, place: Place | None) -> Iterator[str]:
    letter = seen.letters.get(place) if place else None
    if isinstance(said.verdict, Dead):
        if letter is None:
            yield f"{place} is no dead letter"
        else:
            yield from of_letter(said.verdict, value or b"", letter)
        return
    if letter is not None:
        yield f"{place} is a dead letter: {letter['reason']}, {letter['detail']}"
        return
    identity = _identity(value)
    payment = seen.payments.get(identity)
    if payment is None:
        yield f"{identity} is not booked"
        return
    yield from _of_booked(said, payment, spot, seen)
    for member, shown in (said.shows or {}).items():
        if payment[member] != shown:
            yield f"{member} is shown as {payment[member]!r}, not {shown!r}"


def _of_booked(said: Say, payment: Json, spot: Spot, seen: Seen) -> Iterator[str]:
    status, reason = payment["status"], payment["reason"]
    applications = [(a["call_id"], a["amount"]) for a in payment["applications"]]
    match said.verdict:
        case Held(expected, amount):
            if (status, reason, payment["held_amount"]) != ("held", expected, amount) or applications:
                yield f"is {status} for {reason} with {payment['held_amount']}, not held for {expected} with {amount}"
        case Applied(amount, to_other=to_other):
            wanted = [(spot.other_call_id if to_other else spot.call_id, amount)]
            if (status, reason) != ("applied", None) or applications != wanted:
                yield f"is {status} for {reason}, applied to {applications}, not to {wanted}"
        case Reversed(amount):
            if (status, reason, payment["amount"]) != ("reversed", None, amount) or applications:
                yield f"is {status} for {reason}, applied to {applications}; it was to be reversed"
        case Conflict(amount):
            found = seen.conflicts.get((payment["source"], payment["payment_id"]), [])
            shown = [(c["status"], c["reason"], c["amount"], Decimal(c["held_amount"])) for c in found]
            if shown != [("held", "identity_conflict", amount, Decimal(0))]:
                yield f"conflicts are {shown}, not one of {amount}"
        case _:
            assert isinstance(said.verdict, Same), said.verdict


def of_letter(verdict: Dead, value: bytes, letter: Json) -> Iterator[str]:
    """A letter says its reason, names the member, says how to write it, keeps the bytes, and gives nothing away."""
    if letter["reason"] != verdict.reason:
        yield f"the reason is {letter['reason']} ({letter['detail']}), not {verdict.reason}"
    yield from (
        f"the detail does not say {each!r}: {letter['detail']}" for each in verdict.says if each not in letter["detail"]
    )
    if INTERNAL.search(letter["detail"]):
        yield f"the detail shows what is internal: {letter['detail']}"
    if ACCOUNT in letter["detail"] or ACCOUNT[4:18] in letter["detail"]:
        yield f"the detail shows an account number: {letter['detail']}"
    if not letter["detail"].strip() or len(letter["detail"]) > 500:
        yield f"the detail is no sentence for people: {letter['detail'][:80]!r}…"
    if (letter["bytes"], letter["sha256"]) != (len(value), hashlib.sha256(value).hexdigest()):
        yield "the letter is not of these bytes"


def _identity(value: bytes | None) -> Identity:
    """Source and reference of a record that can be read, out of structured mode where it is in it."""
    data = json.loads(value or b"")
    data = data.get("data", data) if "specversion" in data else data
    return data["source"], data["payment_id"]


def _changed(case: Case, ran: "Ran", first: Seen, second: Seen) -> Iterator[str]:
    spot = ran.spots[case.id]
    if first.calls.get(spot.call_id) != second.calls.get(spot.call_id):
        yield f"the call: {first.calls.get(spot.call_id)} is now {second.calls.get(spot.call_id)}"
    for identity in booked(case, ran):
        if first.payments.get(identity) != second.payments.get(identity):
            yield f"{identity}: {first.payments.get(identity)} is now {second.payments.get(identity)}"


def booked(case: Case, ran: "Ran") -> set[Identity]:
    """The identities that a case's records are booked under, the good event's included."""
    spot = ran.spots[case.id]
    records = zip(case.said, ran.sent[case.id], strict=True)
    ours = {_identity(value) for said, value in records if not isinstance(said.verdict, Dead | Unwritten)}
    return {*ours, (f"{spot.source}-good", spot.case)}


def strays(ran: "Ran") -> list[str]:
    """What is booked under an identity that only bad records named, or nobody."""
    expected = {identity for case in ran.cases for identity in booked(case, ran)}
    return [f"{identity} is booked, and no case says so" for identity in ran.rounds[-1].payments.keys() - expected]


def totals(ran: "Ran") -> list[str]:
    """Each fund's total, as metrics says it, is what its cases sum to: nothing more came in anywhere."""
    seen, found = ran.rounds[-1], []
    for code, fund_id in ran.funds.items():
        cases = [case for case in ran.cases if case.currency == code]
        paid = sum((_in_all(case) for case in cases), Decimal(0))
        if code == "USD":
            paid += len(ran.cases) * Decimal("1.00")
        if Decimal(seen.funded[fund_id]) != paid:
            found.append(f"fund {fund_id} has {seen.funded[fund_id]} {code}, its cases sum to {paid}")
    return found


def _in_all(case: Case) -> Decimal:
    """What a case brings into its fund."""
    others = [s.verdict.amount for s in case.said if isinstance(s.verdict, Applied) and s.verdict.to_other]
    return Decimal(case.paid) + sum(map(Decimal, others), Decimal(0))


def changes(ran: "Ran") -> list[str]:
    """What the second round changed."""
    first, second = ran.rounds
    names = ("payments", "conflicts", "calls", "funded")
    return [f"the second round changed {name}" for name in names if getattr(first, name) != getattr(second, name)]
