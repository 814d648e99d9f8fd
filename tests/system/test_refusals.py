"""Promises of refusals: a clear answer, and nothing has changed."""

import pytest

from tests.support.desk import DUE, Desk


def test_an_illegal_step_changes_nothing(desk: Desk) -> None:
    """Calling beyond the commitment is 409 and says what is still free; the allocation stays as it was."""
    allocation = desk.allocation("1000.00")
    desk.call(allocation, "900.00")
    before = desk.seen_allocation(allocation)
    body = {"amount": "100.01", "due_date": DUE}
    problem = desk.post(f"/api/allocations/{allocation['id']}/calls", body, expect=409)
    assert problem["code"] == "over_commitment"
    assert "100.00" in problem["detail"]
    assert problem["recommendation"]
    assert desk.seen_allocation(allocation) == before


def test_stages_follow_their_table(desk: Desk) -> None:
    """A withdrawn call cannot be issued; an issued one answers 200 again, for the clock may have been first."""
    allocation = desk.allocation("1000.00", schedule={"cadence": "quarterly", "first_due_date": DUE, "count": 2})
    first, second = (f"/api/allocations/{allocation['id']}/calls/{call['id']}" for call in allocation["calls"])
    desk.post(f"{first}/withdraw", {"reason": "changed plans"})
    assert desk.post(f"{first}/issue", {}, expect=409)["code"] == "call_closed"
    assert desk.post(f"{second}/issue", {}, expect=200)["stage"] == "issued"
    assert desk.post(f"{second}/issue", {}, expect=200)["stage"] == "issued"
    assert desk.post(f"{second}/withdraw", {"reason": "too late"}, expect=409)["code"] == "invalid_transition"


def test_a_second_allocation_of_the_same_fund_and_deal(desk: Desk) -> None:
    """One commitment per fund and deal: 409, and there is still one."""
    allocation = desk.allocation("1000.00")
    body = {"fund_id": allocation["fund_id"], "deal_id": allocation["deal_id"], "committed": "5.00"}
    assert desk.post("/api/allocations", body, expect=409)["code"] == "allocation_exists"
    assert len(desk.get("/api/allocations", {"fund_id": allocation["fund_id"]})["items"]) == 1


@pytest.mark.parametrize(
    ("amount", "status"),
    [("0.00", 422), ("-5.00", 422), ("1_000.50", 422), ("1e3", 422), (0, 422), (-5, 422), (1.5, 422), ("0.001", 422)],
)
def test_a_payment_of_no_amount(desk: Desk, amount: object, status: int) -> None:
    """Zero, negative and anything that is not plainly an amount is refused with a reason, and nothing is recorded."""
    call = desk.call(desk.allocation("1000.00"), "500.00")
    body = {"amount": amount, "tx_ref": "odd", "value_date": "2026-03-02"}
    problem = desk.post(f"/api/capital-calls/{call['id']}/payments", body, expect=status)
    assert problem["errors"]
    assert desk.seen_call(call)["paid"] == "0.00"


def test_a_payment_of_too_much(desk: Desk) -> None:
    """More than is outstanding is 409 and not recorded; the exact rest is taken; then the call is paid and takes no
    more."""
    call = desk.call(desk.allocation("1000.00"), "500.00")
    assert desk.pay(call, "500.01", "a", expect=409)["code"] == "over_payment"
    assert desk.seen_call(call)["postings"] == 0
    desk.pay(call, "500.00", "b")
    assert desk.pay(call, "0.01", "c", expect=409)["code"] == "over_payment"


def test_a_payment_without_a_call(desk: Desk) -> None:
    """Over HTTP an unknown call is 404; from a bank, money that nothing matches is held for a person."""
    assert desk.pay({"id": 9_999_999_999}, "1.00", "x", expect=404)["code"]
    desk.bank(desk.entry("lonely-1", "123.45", remittance="who am I"))
    desk.house.settle()
    held = desk.held("lonely-1")
    assert (held["reason"], held["held_amount"], held["status"]) == ("no_match", "123.45", "held")


def test_too_much_from_a_bank_is_held_whole(desk: Desk) -> None:
    """Money in the bank is never refused and never applied in part by itself."""
    call = desk.call(desk.allocation("1000.00"), "500.00")
    desk.bank(desk.entry(f"over-{call['id']}", "500.01", call_id=call["id"]))
    desk.house.settle()
    assert desk.held(f"over-{call['id']}")["reason"] == "over_payment"
    assert desk.seen_call(call)["paid"] == "0.00"
    desk.house.check()


def test_the_same_reference_of_a_person(desk: Desk) -> None:
    """The same payment again gets the same answer and is not a second one; other content under it is a conflict."""
    call = desk.call(desk.allocation("1000.00"), "500.00")
    first = desk.pay(call, "100.00", "ref-1")
    again = desk.pay(call, "100.00", "ref-1", expect=None)
    assert (first["payment"]["id"], again["call"]["paid"]) == (again["payment"]["id"], "100.00")
    assert desk.pay(call, "101.00", "ref-1", expect=409)["code"] == "identity_conflict"


def test_an_idempotency_key(desk: Desk) -> None:
    """The same request under the same key has one effect and one answer; another body under it is 422."""
    body = {"name": "Keyed", "currency": "USD", "time_zone": "UTC", "size": "1"}
    first = desk.post("/api/funds", body, Idempotency_Key="k-1")
    again = desk.http.post("/api/funds", json=body, headers={"Idempotency-Key": "k-1"})
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first, "true")
    desk.post("/api/funds", {**body, "name": "Other"}, expect=422, Idempotency_Key="k-1")
