"""Promises of payments over HTTP: where each one's money is, and what people decide about money on hold."""

from dataclasses import replace
from datetime import date

import pytest

from shared.ids import FundId
from shared.money import Minor
from shared.reference import reference_of
from tests.payments.asking import Api, Json
from tests.payments.making import DUE, NOW, credit, reversal, terms


async def listed(api: Api, **query: str) -> list[Json]:
    """All pages of the list, two at a time."""
    seen: list[Json] = []
    page = await api.get("/api/payments", limit=2, **query)
    while True:
        seen += page["items"]
        if page["next"] is None:
            return seen
        page = await api.get("/api/payments", limit=2, cursor=page["next"], **query)


def proposed(payment: Json) -> list[list[int]]:
    """The calls of each candidate, the best first."""
    return [[part["call_id"] for part in candidate["parts"]] for candidate in payment["candidates"]]


async def test_held_money_is_listed_with_its_reason(api: Api) -> None:
    """Newest first, conflicts among the payments, each with what a person needs to decide."""
    await api.counter.issue(17)
    await api.counter.receive(
        credit("E1", 100),
        credit("E2", 200, call_id=None, remitter="Acme LP", account_last4="4711", remittance="for the deal"),
        credit("E1", 999),
        credit("E3", 300, call_id=99),
    )
    held = await listed(api, status="held")
    assert [(p["payment_id"], p["reason"], p["held_amount"], p["status"]) for p in held] == [
        ("E3", "unknown_call", "3.00", "held"),
        ("E1", "identity_conflict", "0.00", "held"),
        ("E2", "no_match", "2.00", "held"),
    ]
    assert {k: held[2][k] for k in ("remitter_name", "account_last4", "remittance")} == {
        "remitter_name": "Acme LP",
        "account_last4": "4711",
        "remittance": "for the deal",
    }
    assert held[1]["conflicts_with"] == (await api.payment("E1"))["id"]
    assert [p["payment_id"] for p in await listed(api)] == ["E3", "E1", "E2", "E1"]
    assert [p["payment_id"] for p in await listed(api, status="applied")] == ["E1"]
    assert [p["payment_id"] for p in await listed(api, reason="no_match")] == ["E2"]
    assert [p["reason"] for p in await listed(api, reason="identity_conflict")] == ["identity_conflict"]
    assert await listed(api, status="returned") == []
    await api.get("/api/payments", 400, status="lost")
    await api.get("/api/payments", 400, cursor="nonsense")


async def test_every_status_has_its_list(api: Api) -> None:
    """Each payment is found under the one word that says where its money is."""
    await api.counter.issue(17)
    entries = [credit(f"E{n}", 100, call_id=None) for n in range(4)]
    await api.counter.receive(*entries, credit("E4", 100), reversal(entries[3], "R1"))
    await api.act("E0", "resolve", {"action": "return"})
    await api.act("E1", "resolve", {"action": "dismiss"})
    found = {
        status: [p["payment_id"] for p in await listed(api, status=status)]
        for status in ("applied", "held", "partly_held", "returned", "dismissed", "reversed")
    }
    assert found == {
        "applied": ["E4"],
        "held": ["E2"],
        "partly_held": [],
        "returned": ["E0"],
        "dismissed": ["E1"],
        "reversed": ["R1", "E3"],
    }


async def test_candidates_have_exactly_so_much_outstanding(api: Api) -> None:
    """Calls of the currency that wait for just that amount, nearest due date first; none that is closed or paid."""
    await api.counter.hear(
        terms(1, 500, due_on=DUE.replace(month=9)),
        terms(2, 500),
        terms(3, 501),
        terms(4, 500, currency="EUR", fund_id=FundId(2)),
        terms(5, 500),
        terms(6, 500),
    )
    await api.counter.receive(credit("E5", 500, 5))
    await api.post("/api/capital-calls/6/cancel")
    await api.counter.receive(credit("E1", 500, call_id=None), credit("E2", 77, call_id=None))
    assert proposed(await api.payment("E1")) == [[2], [1]]
    assert (await api.payment("E2"))["candidates"] == []
    (first,) = [p for p in await listed(api, status="held") if p["payment_id"] == "E1"]
    assert first["candidates"][0] == {
        "rule": "exact_amount",
        "score": 40,
        "inputs": [
            {
                "rule": "exact_amount",
                "points": 40,
                "told": "5.00 on hold",
                "matched": "5.00 outstanding on call 2",
            }
        ],
        "parts": [
            {
                "call_id": 2,
                "amount": "5.00",
                "fund_id": 1,
                "allocation_id": 5,
                "reference": reference_of(2),
                "outstanding": "5.00",
                "due_date": "2026-03-15",
                "status": "called",
            }
        ],
        "with_payments": [],
    }


@pytest.mark.parametrize("day", [date.min, date.max], ids=["first", "last"])
async def test_the_calendars_first_and_last_day_break_no_list(api: Api, day: date) -> None:
    """Systems write 9999-12-31 for "none": a date without bounds in the database, from which nothing is subtracted."""
    await api.counter.hear(terms(1, 500, due_on=day), terms(2, 500))
    await api.counter.receive(credit("E1", 500, call_id=None, value_date=day), credit("E2", 500, call_id=None))
    found = {p["payment_id"]: proposed(p) for p in await listed(api, status="held")}
    assert found == {"E1": [[1], [2]], "E2": [[2], [1]]}
    assert (await api.payment("E1"))["value_date"] == day.isoformat()


async def test_candidates_of_a_registered_account_are_its_funds(api: Api) -> None:
    """Partly paid calls of that fund count with what is left."""
    await api.counter.hear(terms(1, 500), terms(2, 900), terms(3, 500, fund_id=FundId(2)))
    await api.counter.receive(credit("E0", 400, 2))
    await api.post("/api/funds/1/accounts", {"alias": "bank/acme-usd-1", "currency": "USD"}, 201)
    await api.counter.receive(credit("E1", 500, call_id=None))
    payment = await api.payment("E1")
    assert (proposed(payment), payment["fund_id"]) == ([[1], [2]], 1)


async def test_a_person_applies_held_money_to_several_calls(api: Api) -> None:
    """All of it, by parts; the payment shows them, the calls have them, and the decision is on record."""
    await api.counter.issue(17, 18, amount=300)
    await api.counter.receive(credit(amount=500, call_id=None))
    parts = [{"call_id": 17, "amount": "3.00"}, {"call_id": 18, "amount": "2.00"}]
    done = await api.act("E1", "resolve", {"action": "apply", "parts": parts})
    assert (done["status"], done["reason"], done["held_amount"]) == ("applied", None, "0.00")
    assert [(a["call_id"], a["amount"], a["rule"]) for a in done["applications"]] == [
        (17, "3.00", "person"),
        (18, "2.00", "person"),
    ]
    assert [(await api.counter.call(n))["status"] for n in (17, 18)] == ["paid", "partially_paid"]
    assert await api.counter.rows("select action, reason, actor from payments.resolution") == [
        {"action": "apply", "reason": "as agreed", "actor": "local"}
    ]
    assert await api.audited() == [("payment.apply", "done", "as agreed")]
    assert (await api.act("E1", "resolve", {"action": "return"}, 409))["code"] == "invalid_transition"
    await api.counter.check()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"action": "apply", "parts": [{"call_id": 17, "amount": "4.99"}]}, 422, "invalid_parts"),
        ({"action": "apply"}, 422, "invalid_parts"),
        ({"action": "return", "parts": [{"call_id": 17, "amount": "5.00"}]}, 422, "invalid_parts"),
        ({"action": "apply", "parts": [{"call_id": 99, "amount": "5.00"}]}, 404, "unknown_call"),
        (
            {"action": "apply", "parts": [{"call_id": 18, "amount": "2"}, {"call_id": 17, "amount": "3"}]},
            409,
            "over_payment",
        ),
    ],
)
async def test_all_of_the_held_money_or_none(api: Api, body: Json, status: int, code: str) -> None:
    """A part that does not fit stops the whole; the hold is as it was."""
    await api.counter.issue(17, amount=100)
    await api.counter.issue(18, amount=400)
    await api.counter.receive(credit(amount=500, call_id=None))
    assert (await api.act("E1", "resolve", body, status))["code"] == code
    assert await api.counter.holds() == [("no_match", "open", None, 1)]
    assert await api.counter.rows("select id from payments.posting") == []


@pytest.mark.parametrize(
    "body", [{}, {"action": "steal"}, {"action": "return", "reason": ""}, {"action": "dismiss", "x": 1}]
)
async def test_a_decision_says_what_and_why(api: Api, body: Json) -> None:
    """Without an action or a reason nothing is decided."""
    await api.counter.receive(credit(call_id=None))
    await api.act("E1", "resolve", body, 422)
    assert await api.counter.holds() == [("no_match", "open", None, 1)]


async def test_a_wrong_match_is_taken_back_and_applied_right(api: Api) -> None:
    """Unapply, then resolve: the first call is open again, the second has the money, history shows three postings."""
    await api.counter.issue(17, 18, amount=500)
    await api.counter.receive(credit(amount=500))
    unapplied = await api.act("E1", "unapply", {})
    assert (unapplied["status"], unapplied["reason"], unapplied["held_amount"]) == ("held", "unapplied", "5.00")
    assert proposed(unapplied) == [[17], [18]]
    await api.act("E1", "resolve", {"action": "apply", "parts": [{"call_id": 18, "amount": "5.00"}]})
    assert [(await api.counter.call(n))["status"] for n in (17, 18)] == ["called", "paid"]
    assert (await api.get("/api/capital-calls/17"))["applications"] == []
    assert (await api.act("E1", "unapply", {}))["status"] == "held"
    assert (await api.act("E1", "unapply", {}, 409))["code"] == "invalid_transition"
    assert len(await api.counter.rows("select id from payments.posting")) == 4
    await api.counter.check()


async def test_a_person_reverses_a_payment_once(api: Api) -> None:
    """The same reference again answers the same; another one is refused, and so is the bank's own reversal."""
    await api.counter.issue(17)
    entry = credit(amount=100)
    await api.counter.receive(entry)
    done = await api.act("E1", "reverse", {"tx_ref": "back 1"})
    assert (done["status"], done["applications"]) == ("reversed", [])
    assert await api.act("E1", "reverse", {"tx_ref": "back 1"}) == done
    assert (await api.act("E1", "reverse", {"tx_ref": "back 2"}, 409))["code"] == "already_reversed"
    await api.counter.receive(reversal(entry))
    assert (await api.payment("R1"))["reason"] == "already_reversed"
    back = await api.payment("back 1")
    assert (back["kind"], back["status"], back["original"], back["reverses"]) == (
        "reversal",
        "reversed",
        done["id"],
        "E1",
    )
    await api.counter.check()


async def test_a_held_reversal_is_dismissed(api: Api) -> None:
    """A person who has looked at it closes it; it brings no money to apply or return."""
    await api.counter.receive(reversal(credit("E9")))
    for action in ("return", "apply"):
        parts = {"parts": [{"call_id": 17, "amount": "1.00"}]} if action == "apply" else {}
        assert (await api.act("R1", "resolve", {"action": action, **parts}, 409))["code"] == "invalid_transition"
    assert (await api.act("R1", "resolve", {"action": "dismiss"}))["status"] == "dismissed"


async def test_a_conflict_is_shown_and_dismissed_like_a_payment(api: Api) -> None:
    """It holds no money, so dismissing is all there is; the booked payment does not change."""
    await api.counter.issue(17)
    await api.counter.receive(credit(amount=100), replace(credit(), amount=Minor(200)))
    (conflict,) = await listed(api, reason="identity_conflict")
    path = f"/api/payments/{conflict['id']}"
    assert await api.get(path) == conflict
    assert conflict["amount"] == "2.00"
    refused = await api.post(f"{path}/resolve", {"action": "return", "reason": "x"}, 409)
    assert refused["code"] == "invalid_transition"
    done = await api.post(f"{path}/resolve", {"action": "dismiss", "reason": "the bank says so"})
    assert (done["status"], done["reason"], done["hold_id"]) == ("dismissed", None, None)
    await api.post(f"{path}/resolve", {"action": "dismiss", "reason": "again"}, 409)
    assert [e["state"] for e in await api.counter.told("payment.held")] == ["open", "resolved"]
    assert [p["id"] for p in await listed(api, status="dismissed")] == [conflict["id"]]
    assert (await api.payment("E1"))["status"] == "applied"
    for what in ("unapply", "reverse"):
        body = {"reason": "x", "tx_ref": "T"} if what == "reverse" else {"reason": "x"}
        await api.post(f"{path}/{what}", body, 404)


async def test_payments_that_are_not_there_are_404(api: Api) -> None:
    """For reading and for every decision."""
    assert (await api.get("/api/payments/1", 404))["code"] == "payment_not_found"
    for what, body in (
        ("resolve", {"action": "return", "reason": "x"}),
        ("unapply", {"reason": "x"}),
        ("reverse", {"tx_ref": "T", "reason": "x"}),
    ):
        assert (await api.post(f"/api/payments/1/{what}", body, 404))["code"] == "payment_not_found"
    parts_missing = {"action": "apply", "reason": "x"}
    assert (await api.post("/api/payments/1/resolve", parts_missing, 404))["code"] == "payment_not_found"


async def test_a_refusal_of_a_resolution_is_audited_too(api: Api) -> None:
    """Each try is one entry."""
    await api.counter.receive(credit(call_id=None, booked_at=NOW))
    await api.act("E1", "resolve", {"action": "apply", "parts": [{"call_id": 9, "amount": "400000.00"}]}, 404)
    assert await api.audited() == [("payment.apply", "refused", "unknown_call")]
