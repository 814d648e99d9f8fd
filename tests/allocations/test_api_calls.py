"""Promises of the plans of calls over HTTP, and of every write."""

import pytest

from shared import topics
from shared.ids import LARGEST
from shared.postgres import Connection
from tests.allocations import ledger
from tests.allocations.asking import Api
from tests.allocations.ledger import told


async def test_a_call_answers_as_its_event(api: Api, db: Connection) -> None:
    """`id`, the other members of its terms, and what payments last said: nothing yet."""
    made = await api.promise()
    call = await api.post(f"/api/allocations/{made['id']}/calls", {"amount": 400_000, "dueDate": "2026-03-15"})
    [event] = await told(db, topics.CALL_TERMS_CHANGED)
    said = {"released": "0.00", "paid": "0.00", "outstanding": "400000.00", "last_paid_on": None, "status": "called"}
    expected = {**event.data, "id": call["id"], **said}
    del expected["call_id"]
    assert call == expected
    assert (call["notice_date"], call["issued_on"], call["stage"]) == ("2026-02-27", "2026-02-02", "issued")
    allocation = await api.get(f"/api/allocations/{made['id']}")
    assert (allocation["status"], allocation["called"], allocation["uncalled"], allocation["calls"]) == (
        "partially_called",
        "400000.00",
        "600000.00",
        [call],
    )
    assert await api.get(f"/api/allocations/{made['id']}/calls") == {"items": [call], "next": None}


async def test_over_commitment_is_409(api: Api) -> None:
    """The amount still free is in the answer, in words and as a member; nothing changed."""
    made = await api.promise("100.00")
    calls = f"/api/allocations/{made['id']}/calls"
    await api.post(calls, {"amount": "60.00", "due_date": "2026-03-15", "issue": "on_notice_date"})
    before = await api.get(f"/api/allocations/{made['id']}")
    problem = await api.post(calls, {"amount": "40.01", "due_date": "2026-03-15"}, 409)
    assert (problem["code"], problem["free"]) == ("over_commitment", "40.00")
    assert "40.00 USD" in problem["recommendation"]
    assert await api.get(f"/api/allocations/{made['id']}") == before


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"amount": "0", "due_date": "2026-03-15"}, "amount"),
        ({"amount": "-5", "due_date": "2026-03-15"}, "amount"),
        ({"amount": "1.001", "due_date": "2026-03-15"}, "amount"),
        ({"amount": "1", "due_date": "15.03.2026"}, "due_date"),
        ({"amount": "1", "due_date": 20260315}, "due_date"),
        ({"amount": "1"}, "due_date"),
        ({"amount": "1", "due_date": "2026-03-15", "issue": "later"}, "issue"),
    ],
)
async def test_a_wrong_call_is_422(api: Api, body: dict[str, object], loc: str) -> None:
    """Nothing, less than nothing, too many decimals, no date: the member is named."""
    made = await api.promise()
    problem = await api.post(f"/api/allocations/{made['id']}/calls", body, 422)
    assert problem["errors"][0]["loc"][:2] == ["body", loc]


async def test_past_dates_and_sundays_are_due_dates(api: Api) -> None:
    """Any date is a valid due date."""
    made = await api.promise()
    for day in ("2001-01-01", "2026-03-15"):
        call = await api.post(f"/api/allocations/{made['id']}/calls", {"amount": "1", "due_date": day})
        assert call["due_date"] == day


async def test_a_call_of_nowhere_is_404(api: Api) -> None:
    """Neither an allocation nor a call that does not exist can be called or moved."""
    made = await api.promise()
    body = {"amount": "1", "due_date": "2026-03-15"}
    assert (await api.post(f"/api/allocations/{LARGEST}/calls", body, 404))["code"] == "allocation_not_found"
    assert (await api.get(f"/api/allocations/{LARGEST}/calls", 404))["code"] == "allocation_not_found"
    wrong = {"amount": "0", "due_date": "tomorrow"}  # what is not there wins over what is wrong
    assert (await api.post(f"/api/allocations/{LARGEST}/calls", wrong, 404))["code"] == "allocation_not_found"
    problem = await api.post(f"/api/allocations/{made['id']}/calls/{LARGEST}/issue", status=404)
    assert problem["code"] == "call_not_found"
    await api.post(f"/api/allocations/{made['id']}/calls/1/frobnicate", status=404)


async def test_approve_issue_and_the_closed_ways(api: Api) -> None:
    """A call that waits for approval cannot be issued; approved it can; issued it cannot be withdrawn any more."""
    made = await api.promise()
    calls = f"/api/allocations/{made['id']}/calls"
    call = await api.post(calls, {"amount": "1.00", "due_date": "2026-03-15", "issue": "after_approval"})
    assert call["status"] == "pending_approval"
    own = f"{calls}/{call['id']}"
    assert (await api.post(f"{own}/issue", status=409))["code"] == "invalid_transition"
    assert (await api.post(f"{own}/approve", status=200))["status"] == "scheduled"
    issued = await api.post(f"{own}/issue", status=200)
    assert (issued["status"], issued["terms_version"]) == ("called", 3)
    assert await api.post(f"{own}/issue", status=200) == issued
    problem = await api.post(f"{own}/withdraw", status=409)
    assert (problem["code"], problem["status"]) == ("invalid_transition", 409)
    assert "Cancel" in problem["recommendation"]


@pytest.mark.parametrize("command", ["reject", "withdraw"])
async def test_a_closed_plan_takes_nothing_more(api: Api, command: str) -> None:
    """Rejected or withdrawn, its amount is free again, and every further command is 409 `call_closed`."""
    made = await api.promise()
    calls = f"/api/allocations/{made['id']}/calls"
    call = await api.post(calls, {"amount": "1000000", "due_date": "2026-03-15", "issue": "after_approval"})
    own = f"{calls}/{call['id']}"
    closed = await api.post(f"{own}/{command}", status=200)
    assert closed["status"] == closed["stage"] == {"reject": "rejected", "withdraw": "withdrawn"}[command]
    for again in ("issue", "approve", "reject", "withdraw"):
        assert (await api.post(f"{own}/{again}", status=409))["code"] == "call_closed"
    assert (await api.get(f"/api/allocations/{made['id']}"))["planned"] == "0.00"


async def test_the_receivables_word_is_shown_once_it_was_heard(api: Api, db: Connection) -> None:
    """What payments reports is the call's status from then on, with what is paid and when."""
    view = await ledger.issue(db, await ledger.promise(db), "10.00")
    await ledger.hear(db, ledger.said(view, 1, paid="4.00", postings=1, status="overdue"))
    [call] = (await api.get(f"/api/allocations/{view.allocation.id}/calls"))["items"]
    assert (call["stage"], call["status"], call["paid"], call["outstanding"], call["last_paid_on"]) == (
        "issued",
        "overdue",
        "4.00",
        "6.00",
        "2026-02-09",
    )


async def test_calls_are_pages_in_their_order(api: Api) -> None:
    """The list of calls goes on by their place."""
    made = await api.promise(schedule={"cadence": "monthly", "first_due_date": "2026-12-31", "count": 5})
    first = await api.get(f"/api/allocations/{made['id']}/calls?limit=3")
    rest = await api.get(f"/api/allocations/{made['id']}/calls?limit=3&cursor={first['next']}")
    assert [c["seq_no"] for c in first["items"] + rest["items"]] == [1, 2, 3, 4, 5]
    assert first["items"] + rest["items"] == made["calls"]


# ---- every write


async def test_each_action_is_audited_once(api: Api, db: Connection) -> None:
    """Done or refused, with who did it, in the transaction of the effect; issuing again is an action too."""
    made = await api.promise()
    calls = f"/api/allocations/{made['id']}/calls"
    call = await api.post(
        calls, {"amount": "1000000", "due_date": "2026-03-15", "issue": "on_notice_date"}, headers={"x-actor": "ann"}
    )
    await api.post(calls, {"amount": "1", "due_date": "2026-03-15"}, 409, headers={"x-actor": "bob"})
    await api.post(f"{calls}/{call['id']}/issue", status=200)
    entries = [e.data for e in await told(db, topics.AUDIT_RECORDED)]
    assert [(e["actor"], e["action"], e["resource_type"], e["resource_id"], e["outcome"]) for e in entries] == [
        ("local", "fund.create", "fund", str(made["fund_id"]), "done"),
        ("local", "deal.create", "deal", str(made["deal_id"]), "done"),
        ("local", "allocation.create", "allocation", str(made["id"]), "done"),
        ("ann", "call.create", "call", str(call["id"]), "done"),
        ("bob", "call.create", "call", None, "refused"),
        ("local", "call.issue", "call", str(call["id"]), "done"),
    ]
    assert entries[4]["reason"] == "over_commitment"


async def test_a_repeat_with_its_key_is_the_same_answer(api: Api) -> None:
    """The same Idempotency-Key makes one call, however often it is sent."""
    made = await api.promise()
    body, key = {"amount": "1.00", "due_date": "2026-03-15"}, {"Idempotency-Key": "k-1"}
    answers = [await api.post(f"/api/allocations/{made['id']}/calls", body, headers=key) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert (await api.get(f"/api/allocations/{made['id']}"))["called"] == "1.00"
