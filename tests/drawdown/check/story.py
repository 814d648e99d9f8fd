"""A small history: payments applied, held, reversed, returned, dismissed, unapplied; calls paid; reserves moved."""

import subprocess
import sys
import time
from datetime import date, timedelta
from typing import Any

import httpx

from drawdown.samples import Line, camt053
from shared.clock import SystemClock
from tests.support.house import House

SOURCE = "bank/check-usd-1"


def tell(house: House) -> None:
    """Runs the history on a house and waits until nothing moves."""
    http = house.http
    fund = _post(http, "/api/funds", name="Balerion", currency="USD", time_zone="UTC", size="10000000.00")
    other = _post(http, "/api/funds", name="Syrax", currency="KWD", time_zone="Asia/Kuwait", size="5000000.000")
    deals = [_post(http, "/api/deals", name=name)["id"] for name in ("Harrenhal", "Dragonstone", "Oldtown")]
    first = _allocation(http, fund["id"], deals[0], "1000000.00")
    tranches = [{"percent": "0", "due_date": "2030-01-15"}, {"percent": "50", "due_date": "2030-06-15"}]
    second = _allocation(http, fund["id"], deals[1], "500000.00", schedule={"cadence": "custom", "tranches": tranches})
    third = _allocation(http, other["id"], deals[2], "300000.000")
    paid, reopened, part, cancelled = (_call(http, first, f"{n}00000.00", "2030-03-15") for n in (4, 3, 2, 1))
    late = _call(http, third, "100000.000", "2020-03-15")
    zero = http.get(f"/api/allocations/{second}/calls").json()["items"][0]["id"]
    _post(http, f"/api/allocations/{second}/calls/{zero}/issue")
    house.settle()
    _post(http, f"/api/capital-calls/{cancelled}/cancel", reason="not needed")
    _post(http, f"/api/capital-calls/{part}/payments", amount="50000.00", tx_ref="cheque 7")
    _pay(house, "exact", "400000.00", call_id=paid)
    _pay(house, "exact", "400000.00", call_id=paid)
    _pay(house, "exact", "400000.01", call_id=paid)
    _pay(house, "to reverse", "300000.00", call_id=reopened)
    _pay(house, "by reference", "20000.00", remittance=f"call {_reference(http, part)} thanks")
    _pay(house, "by mistake", "10000.00", call_id=part)
    _pay(house, "dinars", "40000.000", currency="KWD", call_id=late)
    _pay(house, "too much", "900000.00", call_id=part)
    _pay(house, "to return", "11.00")
    _pay(house, "to dismiss", "12.00")
    _pay(house, "to apply", "300.00")
    _pay(house, "no such call", "13.00", call_id=9_999_999)
    _pay(house, "no such day", "14.00", value_date="9999-12-31")
    house.publish("payment.received", SOURCE, b"no payment at all")
    _feed(house, [Line("5000.00", date(2026, 3, 2), bank_reference="B-1", remittance=_reference(http, part))])
    house.settle()
    _pay(house, "reversal", "300000.00", kind="reversal", reverses="to reverse")
    _pay(house, "reversal of nothing", "1.00", kind="reversal", reverses="never seen")
    house.settle()
    payments = {
        item["payment_id"]: item["id"] for item in http.get("/api/payments", params={"limit": 200}).json()["items"]
    }
    _post(http, f"/api/payments/{payments['to return']}/resolve", action="return", reason="not ours")
    _post(http, f"/api/payments/{payments['to dismiss']}/resolve", action="dismiss", reason="a duplicate")
    _post(http, f"/api/payments/{payments['by mistake']}/unapply", reason="wrong call")
    whole = [{"call_id": part, "amount": "300.00"}]
    _post(http, f"/api/payments/{payments['to apply']}/resolve", action="apply", parts=whole, reason="they called")
    _plan(http, fund["id"], other["id"], deals)
    house.settle()


def _plan(http: httpx.Client, fund: int, other: int, companies: list[int]) -> None:
    """Reserves of two funds: set up, capped, moved, and moved by a schedule while another one waits for ever."""
    one, two, three = companies
    planned = [{"company_id": company, "planned_reserves_cents": 500_000_00} for company in (one, two)]
    _set_up(http, fund, planned, reason="first plan")
    capped = [{"company_id": one, "allocation_cap_cents": 900_000_00}, {"company_id": three}]
    _set_up(http, fund, capped, current_version=1)
    moved = {"reason": "a better round", "user_id": 3, "current_version": 2}
    _post(http, f"/api/funds/{fund}/reallocation/commit", **moved, **_proposed({one: 800_000_00, two: 200_000_00}))
    dinars = [{"company_id": three, "planned_reserves_cents": 70_000_000}]
    _set_up(http, other, dinars)
    commits = [
        {"fund_id": fund, "current_version": 3, **_proposed({one: 600_000_00, two: 300_000_00})},
        {"fund_id": other, "current_version": 1, **_proposed({three: 60_000_000})},
    ]
    soon = (SystemClock().now() + timedelta(seconds=2)).isoformat()
    _post(http, "/api/reallocation/scheduled", run_at="2999-01-01T00:00:00Z", commits=commits)
    due = _post(http, "/api/reallocation/scheduled", run_at=soon, commits=commits)["id"]
    deadline = time.monotonic() + 30
    while (told := http.get(f"/api/reallocation/scheduled/{due}").json())["status"] == "waiting":
        assert time.monotonic() < deadline, told
        time.sleep(0.1)
    assert told["status"] == "done", told


def _proposed(planned: dict[int, int]) -> dict[str, object]:
    return {
        "proposed_allocations": [
            {"company_id": company, "planned_reserves_cents": cents} for company, cents in planned.items()
        ]
    }


def _feed(house: House, lines: list[Line]) -> None:
    file = house.directory.path / "statement.xml"
    file.write_bytes(camt053("S-1", "ACME-USD-9", "USD", "0.00", lines))
    command = [sys.executable, "-m", "drawdown", "feed", str(file), "--source", "bank/check-usd-9"]
    subprocess.run([*command, "--data", str(house.directory.path)], check=True, capture_output=True)


def _allocation(http: httpx.Client, fund: int, deal: int, committed: str, **more: object) -> int:
    return int(_post(http, "/api/allocations", fund_id=fund, deal_id=deal, committed=committed, **more)["id"])


def _call(http: httpx.Client, allocation: int, amount: str, due_date: str) -> int:
    return int(_post(http, f"/api/allocations/{allocation}/calls", amount=amount, due_date=due_date)["id"])


def _reference(http: httpx.Client, call: int) -> str:
    return str(http.get(f"/api/capital-calls/{call}").json()["reference"])


def _pay(house: House, payment_id: str, amount: str, **more: object) -> None:
    payment = {"source": SOURCE, "payment_id": payment_id, "kind": "credit", "amount": amount, "currency": "USD"}
    house.publish("payment.received", SOURCE, {**payment, "value_date": "2026-03-02", **more})


def _set_up(http: httpx.Client, fund: int, reserves: list[dict[str, int]], **more: object) -> None:
    answer = http.put(f"/api/funds/{fund}/reserves", json={"reserves": reserves, **more})
    assert answer.is_success, f"{answer.status_code} {answer.text}"


def _post(http: httpx.Client, path: str, **body: object) -> Any:
    answer = http.post(path, json=body)
    assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
    return answer.json()
