"""Promises of time: notices go out and calls fall due by the fund's business date, as an injected clock tells it."""

from datetime import date, timedelta

from tests.support.desk import Desk
from tests.support.house import House


def test_calls_are_issued_and_fall_overdue_by_the_business_date(desk: Desk, house: House) -> None:
    """A scheduled call is issued by itself on its notice date; unpaid, it is overdue the day after its due date and in
    default when the cure days have passed; money still pays it."""
    today = date.today()  # noqa: DTZ011, TID251  (the processes under test start at the machine's own date)
    due = today + timedelta(days=60)
    allocation = desk.allocation("100.00", schedule={"cadence": "single", "due_date": due.isoformat()})
    call = allocation["calls"][0]
    assert call["stage"] == "scheduled"
    notice = date.fromisoformat(call["notice_date"])
    assert notice < due

    house.move_clock(days=(notice - today).days + 1)
    path = f"/api/capital-calls/{call['id']}"
    desk.until(path, {"status": "called"}, seconds=30)
    house.move_clock(days=(due - notice).days + 1)
    desk.until(path, {"status": "overdue"}, seconds=30)
    progress = desk.until(f"/api/allocations/{allocation['id']}/progress", {"is_late": True})
    assert progress["outstanding"] == "100.00"
    desk.until(f"/api/funds/{allocation['fund_id']}/capital", {"overdue": "100.00"})
    house.move_clock(days=12)
    desk.until(path, {"status": "defaulted"}, seconds=30)
    desk.pay(call, "100.00", "late")
    desk.until(f"/api/allocations/{allocation['id']}", {"status": "funded"})
    house.settle()
    house.check()
