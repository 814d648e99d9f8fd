"""The proof that the corpus can complain: what it must notice, shown to it with nothing else wrong."""

import copy
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import httpx
import pytest

from tests.corpus import asking, foreign, judging, topics
from tests.corpus.asking import Answered, Ask, Refuse, Take
from tests.corpus.cases import Applied, Case, Conflict, Held, Spot, case, dead, entry, story
from tests.corpus.events import Ran, good_event
from tests.corpus.seen import Json, Seen

SPOT: Final = Spot("c", "bank/x-usd", "USD", 7, "RF", 8, "RF8")
PLACES: Final = [("payment.received", 0, 4), ("payment.received", 0, 5)]
BAD: Final = case("c", entry(amount="1_0"), dead("bad_amount", "amount"))
GOOD: Final = case("c", entry(), Applied("100.00"))


def payment(source: str, call: int, amount: str) -> Json:
    applications = [{"call_id": call, "amount": amount}]
    status = {"status": "applied", "reason": None, "held_amount": "0.00", "amount": amount}
    return {"source": source, "payment_id": "c", "applications": applications, **status}


def seen(of: Case, paid: str, postings: int) -> Seen:
    """What a right house shows of a case of one record."""
    payments = {("bank/x-usd-good", "c"): payment("bank/x-usd-good", 9, "1.00")}
    letters = {}
    value = of.said[0].make(SPOT) or b""
    if isinstance(of.said[0].verdict, Applied):
        payments["bank/x-usd", "c"] = payment("bank/x-usd", 7, "100.00")
    else:
        detail = 'amount: write plain digits with at most the currency\'s decimals, such as "400000.00"'
        digest = hashlib.sha256(value).hexdigest()
        letters[PLACES[0]] = {"reason": "bad_amount", "detail": detail, "bytes": len(value), "sha256": digest}
    calls = {7: {"paid": paid, "postings": postings}}
    funded = str(int(paid[:-3]) + 1)
    return Seen(payments, {}, calls, letters, {1: funded})


def right(of: Case) -> Ran:
    paid = ("100.00", 1) if of is GOOD else ("0.00", 0)
    ran = Ran([of], "bank/x-", spots={"c": SPOT}, funds={"USD": 1}, good_call_id=9)
    ran.sent["c"] = [said.make(SPOT) for said in of.said]
    ran.places = [{"c": list(PLACES)}, {"c": list(PLACES)}]
    ran.rounds = [seen(of, *paid), seen(of, *paid)]
    return ran


def applied(of: Any) -> Json:
    """The one application of a good case's payment."""
    found: Json = of.payments["bank/x-usd", "c"]["applications"][0]
    return found


Spoil = Callable[[Any], object]  # of what was seen, whose mappings are dictionaries here

SPOILT: Final[dict[str, tuple[Case, Spoil]]] = {
    "the letter is missing": (BAD, lambda s: s.letters.clear()),
    "the letter has another reason": (BAD, lambda s: s.letters[PLACES[0]].update(reason="bad_json")),
    "the letter names nothing": (BAD, lambda s: s.letters[PLACES[0]].update(detail="wrong")),
    "the letter shows a trace": (BAD, lambda s: s.letters[PLACES[0]].update(detail="amount Traceback in x.py")),
    "the letter shows an account": (BAD, lambda s: s.letters[PLACES[0]].update(detail=f"amount {judging.ACCOUNT}")),
    "the letter is of other bytes": (BAD, lambda s: s.letters[PLACES[0]].update(sha256="0" * 64)),
    "the bad money is in the call": (BAD, lambda s: s.calls[7].update(paid="10.00", postings=1)),
    "the good event is not booked": (BAD, lambda s: s.payments.pop(("bank/x-usd-good", "c"))),
    "the good event is elsewhere": (BAD, lambda s: s.payments["bank/x-usd-good", "c"]["applications"].clear()),
    "the good event is dead": (BAD, lambda s: s.letters.update({PLACES[1]: s.letters[PLACES[0]]})),
    "the money is not booked": (GOOD, lambda s: s.payments.pop(("bank/x-usd", "c"))),
    "the money is on hold": (GOOD, lambda s: s.payments["bank/x-usd", "c"].update(status="held", reason="no_match")),
    "the money is in another call": (GOOD, lambda s: applied(s).update(call_id=8)),
    "the money is another amount": (GOOD, lambda s: applied(s).update(amount="1.00")),
    "the money counts twice": (GOOD, lambda s: s.calls[7].update(paid="200.00", postings=2)),
    "the good money is dead": (GOOD, lambda s: s.letters.update({PLACES[0]: {"reason": "x", "detail": "y"}})),
}  # fmt: skip


@pytest.mark.parametrize("of", [BAD, GOOD], ids=["bad", "good"])
def test_silence_where_all_is_right(of: Case) -> None:
    """A house that does as the table says gives no cause to complain."""
    ran = right(of)
    assert [*ran.complaints(of), *judging.strays(ran), *judging.totals(ran), *judging.changes(ran)] == []


@pytest.mark.parametrize("what", SPOILT)
@pytest.mark.parametrize("number", [0, 1], ids=["first-round", "second-round"])
def test_each_mistake_is_noticed(what: str, number: int) -> None:
    """One thing wrong, in either round, is one complaint at least."""
    of, spoil = SPOILT[what]
    ran = right(of)
    ran.rounds[number] = copy.deepcopy(ran.rounds[number])
    spoil(ran.rounds[number])
    assert ran.complaints(of)


def test_another_verdict_is_noticed() -> None:
    """A table that promises something else than what happened is not content."""
    for verdict in (Held("no_match", "100.00"), Conflict("100.00"), dead("bad_json"), Applied("99.00")):
        ran = right(GOOD)
        assert ran.complaints(replace(GOOD, said=(replace(GOOD.said[0], verdict=verdict),)))
    assert right(BAD).complaints(replace(BAD, said=(replace(BAD.said[0], verdict=Applied("10.00")),)))
    assert right(GOOD).complaints(replace(GOOD, paid="99"))


def test_what_nobody_said_is_noticed() -> None:
    """A payment that no case speaks of, a fund with a cent more, and a second round with an effect."""
    ran = right(BAD)
    ran.rounds[1] = replace(ran.rounds[1], payments={**ran.rounds[1].payments, ("bank/x-usd", "c"): {}})
    assert judging.strays(ran)
    assert judging.changes(ran)
    ran.rounds[1] = replace(ran.rounds[1], funded={1: "1.01"})
    assert judging.totals(ran)


def test_members_are_read_to_the_letter() -> None:
    """Where a case says what is shown, something else is noticed."""
    of = replace(GOOD, said=(replace(GOOD.said[0], shows={"remittance": "a"}),))
    ran = right(of)
    ran.rounds = [seen(of, "100.00", 1)] * 2
    for each in ran.rounds:
        each.payments["bank/x-usd", "c"]["remittance"] = "b"
    assert ran.complaints(of)


def problem(**changes: Any) -> httpx.Response:
    told = {"type": "t", "title": "T", "status": 422, "detail": "d", "code": "invalid_value", "recommendation": "r"}
    told |= {"errors": [{"loc": ["body", "amount"], "msg": "m"}], **changes}
    headers = {"content-type": "application/problem+json"}
    return httpx.Response(changes.get("status", 422), headers=headers, content=json.dumps(told))


def test_requests_are_judged_too() -> None:
    """Status, code, place, shape, silence about the inside, and unchanged rows: each is noticed alone."""
    ask = Ask("a", "POST", "/", Refuse(422, "invalid_value", "amount"))
    assert asking.complaints(ask, Answered([problem()] * 2)) == []
    wrong = [
        problem(status=400),
        problem(code="invalid_amount"),
        problem(errors=[{"loc": ["body", "size"], "msg": "m"}]),
        problem(errors=None),
        problem(recommendation=""),
        problem(detail="Traceback"),
        problem(detail=judging.ACCOUNT),
        httpx.Response(422, json={}),
        httpx.Response(201, json={}),
    ]
    for answer in wrong:
        assert asking.complaints(ask, Answered([problem(), answer])), answer.text
    assert asking.complaints(ask, Answered([problem()], changed=["payments.payment"]))
    take = Ask("a", "POST", "/", Take(201, {"id": 1}))
    assert asking.complaints(take, Answered([httpx.Response(201, json={"id": 1})])) == []
    assert asking.complaints(take, Answered([httpx.Response(201, json={"id": 2})]))
    assert asking.complaints(take, Answered([httpx.Response(409, json={"id": 1})]))


def test_foreign_events_are_judged_too() -> None:
    """A foreign event that a reader took, or a good one behind it that metrics never heard, is noticed."""
    of = next(each for each in topics.CASES if str(each) == "deal.changed-empty")
    ran = foreign.Ran(values={str(of): b""}, places=[{str(of): (PLACES[0], PLACES[1])}], good_ids={str(of): 3})
    letter = {"reason": "bad_json", "detail": "Invalid JSON", "bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()}
    ran.letters, ran.kept = {"metrics": {PLACES[0]: letter}}, {"metrics.deal": {3}}
    assert foreign.complaints(of, ran) == []
    assert foreign.strays(ran) == []
    ran.kept = {"metrics.deal": {2}}
    assert foreign.complaints(of, ran)
    assert foreign.strays(ran)
    ran.kept, ran.letters = {"metrics.deal": {3}}, {"metrics": {}}
    assert foreign.complaints(of, ran)


def test_a_story_keeps_its_order() -> None:
    """Records go out as they are written down, each with its own verdict; the good event names its own call."""
    told = story("s", (entry(), Applied("100.00")), (entry(amount="60"), Conflict("60.00")), paid="100", postings=1)
    assert [json.loads(said.make(SPOT) or b"")["amount"] for said in told.said] == ["100", "60"]
    assert json.loads(good_event(SPOT, 9))["call_id"] == 9
