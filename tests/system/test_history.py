"""The first proof: fifty thousand payments, shuffled and repeated, while everything that can die is killed."""

import threading
import time
from collections import defaultdict
from typing import Final

import httpx
import pytest

from tests.support.desk import DUE, Desk
from tests.support.history import History, OpenCall, history
from tests.support.house import House

SEED: Final = 20260302
PAYMENTS: Final = 50_000
FUNDS: Final = 5
ALLOCATIONS_PER_FUND: Final = 8
CALLS_PER_ALLOCATION: Final = 10
TRANCHE: Final = {"percent": "10", "due_date": DUE}


def open_calls(desk: Desk) -> list[OpenCall]:
    """Issued calls of ten percent each, of allocations of ten million."""
    found: list[OpenCall] = []
    schedule = {"cadence": "custom", "tranches": [TRANCHE] * CALLS_PER_ALLOCATION}
    for _ in range(FUNDS):
        fund = desk.fund()
        for _ in range(ALLOCATIONS_PER_FUND):
            allocation = desk.allocation("10000000.00", fund=fund, schedule=schedule)
            for call in allocation["calls"]:
                desk.post(f"/api/allocations/{allocation['id']}/calls/{call['id']}/issue", {})
                open_call = OpenCall(call["id"], allocation["id"], fund["id"], 1_000_000_00, call["reference"])
                found.append(open_call)
    return found


@pytest.mark.timeout(600)
def test_fifty_thousand_payments_and_everything_dies_once(own_stack: House) -> None:
    """Every payment is counted exactly once, to the cent, in every service, whatever was killed in the middle."""
    desk = Desk(own_stack)
    calls = open_calls(desk)
    past = history(calls, payments=PAYMENTS, seed=SEED)
    records = [("payment.received", key.decode(), value) for key, value in past.records]
    failed: list[BaseException] = []

    def publish() -> None:
        try:
            for start in range(0, len(records), 1_000):
                own_stack.publish_all(records[start : start + 1_000])
        except BaseException as error:  # noqa: BLE001  (a thread must not fail unseen)
            failed.append(error)

    publishing = threading.Thread(target=publish)
    publishing.start()
    for victim in ("payments", "allocations", "metrics", "audit", "postgres", "kafka", "payments", "postgres"):
        time.sleep(1.0)
        own_stack.kill(victim)
        own_stack.start(victim)
    publishing.join()
    assert not failed, failed
    own_stack.settle(timeout=240)
    assert_right(desk, calls, past)
    own_stack.check()


def assert_right(desk: Desk, calls: list[OpenCall], past: History) -> None:
    """The fund totals, the allocations and the holds are what the history must come to."""
    by_fund: dict[int, int] = defaultdict(int)
    by_allocation: dict[int, int] = defaultdict(int)
    for call in calls:
        by_fund[call.fund_id] += past.paid_minor[call.id]
        by_allocation[call.allocation_id] += past.paid_minor[call.id]
    wait_for_sweeps(desk.http)
    desk.house.settle()
    for fund_id, paid in by_fund.items():
        assert desk.capital(fund_id)["total_funded"] == text(paid)
    for allocation_id, paid in by_allocation.items():
        assert desk.get(f"/api/allocations/{allocation_id}")["funded"] == text(paid)
    assert count(desk, "/api/payments", status="held") == past.held
    assert count(desk, "/api/payments/dead-letters") == past.unreadable


def wait_for_sweeps(http: httpx.Client) -> None:
    """Until no hold waits for something that has come meanwhile."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        items = http.get("/api/payments", params={"status": "held", "limit": 200}).json()["items"]
        if not any(item["reason"] in {"unknown_call", "original_not_found"} for item in items):
            return
        time.sleep(0.2)


def count(desk: Desk, path: str, **query: str) -> int:
    found, cursor = 0, None
    while True:
        page = desk.get(path, {"limit": 200, **query, **({"cursor": cursor} if cursor else {})})
        found += len(page["items"])
        cursor = page["next"]
        if cursor is None:
            return found


def text(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
