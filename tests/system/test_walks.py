"""Promises of the whole path: what was agreed, called and paid is what every service shows, to the cent."""

import pytest

from tests.support.desk import DUE, Desk, Json


def shows(allocation: Json, **wanted: str) -> None:
    assert {name: allocation[name] for name in wanted} == wanted


@pytest.mark.parametrize("way", ["http", "kafka"])
def test_the_required_walk(desk: Desk, way: str) -> None:
    """Commit 1,000,000; call 400,000; pay; call 600,000; pay: each state and amount as the playbook demands, whether
    people record the payments or the bank reports them."""
    allocation = desk.allocation("1000000.00")
    shows(allocation, status="committed", funding_status="committed", uncalled="1000000.00")

    def pay(call: Json, amount: str) -> None:
        if way == "http":
            desk.pay(call, amount, f"wire-{call['id']}")
        else:
            desk.bank(desk.entry(f"walk-{call['id']}", amount, remittance=f"call {call['reference'].lower()} thanks"))

    path = f"/api/allocations/{allocation['id']}"
    first = desk.call(allocation, "400000.00")
    now = desk.seen_allocation(allocation)
    shows(now, status="partially_called", called="400000.00", uncalled="600000.00", outstanding="400000.00")
    pay(first, "400000.00")
    desk.until(path, {"status": "partially_funded", "outstanding": "0.00", "funded": "400000.00"})
    second = desk.call(allocation, "600000.00")
    now = desk.seen_allocation(allocation)
    shows(now, status="called", called="1000000.00", committed="1000000.00", uncalled="0.00")
    pay(second, "600000.00")
    desk.until(path, {"status": "funded", "outstanding": "0.00", "uncalled": "0.00", "funding_status": "funded"})

    desk.house.settle()
    capital = desk.capital(allocation["fund_id"])
    shows(capital, total_committed="1000000.00", total_called="1000000.00", total_funded="1000000.00")
    shows(capital, uncalled_capital="0.00", outstanding_calls="0.00", aum="1000000.00")
    desk.house.check()


@pytest.mark.parametrize("way", ["http", "kafka"])
def test_the_second_walk(desk: Desk, way: str) -> None:
    """Three tranches of 0 %, 50 % and 50 % and two payments: partially paid, then funded, nothing outstanding."""
    tranches = [{"percent": p, "due_date": DUE} for p in ("0", "50", "50")]
    allocation = desk.allocation("1000000.00", schedule={"cadence": "custom", "tranches": tranches})
    assert [call["amount"] for call in allocation["calls"]] == ["0.00", "500000.00", "500000.00"]
    path = f"/api/allocations/{allocation['id']}"
    for call in allocation["calls"]:
        desk.post(f"{path}/calls/{call['id']}/issue", {})
    zero, first, second = allocation["calls"]
    desk.until(f"/api/capital-calls/{zero['id']}", {"status": "paid", "amount": "0.00"})

    for call, wanted in ((first, "partially_paid"), (second, "funded")):
        desk.until(f"/api/capital-calls/{call['id']}", {"status": "called"})
        if way == "http":
            desk.pay(call, "500000.00", f"tranche-{call['id']}")
        else:
            desk.bank(desk.entry(f"tranche-{call['id']}", "500000.00", call_id=call["id"]))
        desk.until(path, {"funding_status": wanted})
    shows(desk.until(path, {"status": "funded"}), outstanding="0.00", uncalled="0.00")
    desk.house.settle()
    desk.house.check()


def test_the_cash_basis_example(desk: Desk) -> None:
    """Commit 1,000,000, call 400,000, 400,000 arrive: called 400,000, uncalled 600,000, 40.0 %, in numbers; the
    calendar shows the call as paid on its due date, never on the day it was made."""
    allocation = desk.allocation("1000000.00")
    call = desk.call(allocation, "400000.00", due="2031-06-02")
    desk.bank(desk.entry(f"cash-{call['id']}", "400000.00", reference=call["reference"]))
    fund_id = allocation["fund_id"]
    wanted = {"called_usd": 400000, "uncalled_usd": 600000, "called_pct": 40.0, "basis": "cash"}
    desk.until(f"/api/funds/{fund_id}/capital-calls/stats", wanted)
    raw = desk.http.get(f"/api/funds/{fund_id}/capital-calls/stats").text.replace(" ", "")
    assert '"called_usd":400000,' in raw
    calendar = desk.get(f"/api/funds/{fund_id}/calendar", {"from": "2031-06-01", "to": "2031-06-30"})["items"]
    assert [(entry["due_date"], entry["status"]) for entry in calendar] == [("2031-06-02", "paid")]
    assert calendar[0]["last_paid_on"] == "2026-03-02"


def test_two_bases_are_never_mixed(desk: Desk) -> None:
    """On notice basis a call counts when it is issued, on cash basis when money arrives."""
    allocation = desk.allocation("1000000.00")
    desk.call(allocation, "400000.00")
    fund_id = allocation["fund_id"]
    notice = {"total_called": "400000.00", "uncalled_capital": "600000.00", "outstanding_calls": "400000.00"}
    desk.until(f"/api/funds/{fund_id}/capital", notice)
    stats = desk.get(f"/api/funds/{fund_id}/capital-calls/stats")
    assert (stats["called_usd"], stats["uncalled_usd"], stats["called_pct"]) == (0, 1000000, 0.0)
