"""Promises about events that come late, early, twice or broken: right in the end, by themselves."""

import contextlib
import time
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from drawdown.localstack.waiting import finish
from shared import topics
from tests.support.desk import DUE, Desk


def scheduled(desk: Desk) -> tuple[dict[str, Any], dict[str, Any]]:
    schedule = {"cadence": "single", "due_date": DUE}
    allocation = desk.allocation("1000.00", schedule=schedule)
    return allocation, allocation["calls"][0]


def test_a_payment_before_its_calls_terms(desk: Desk) -> None:
    """Money for a call that nobody has issued yet waits as `unknown_call` and is applied by the sweep once it is."""
    allocation, call = scheduled(desk)
    desk.bank(desk.entry(f"early-{call['id']}", "1000.00", reference=call["reference"]))
    desk.house.settle()
    assert desk.held(f"early-{call['id']}")["reason"] == "unknown_call"
    desk.post(f"/api/allocations/{allocation['id']}/calls/{call['id']}/issue", {})
    desk.until(f"/api/allocations/{allocation['id']}", {"status": "funded", "funded": "1000.00"})
    desk.house.settle()
    desk.house.check()


def test_a_payment_for_a_call_that_is_withdrawn(desk: Desk) -> None:
    """It will never be issued: the hold says so, for a person to decide."""
    allocation, call = scheduled(desk)
    desk.bank(desk.entry(f"withdrawn-{call['id']}", "10.00", call_id=call["id"]))
    desk.post(f"/api/allocations/{allocation['id']}/calls/{call['id']}/withdraw", {"reason": "not needed"})
    deadline = time.monotonic() + 15
    while True:
        with contextlib.suppress(AssertionError):
            if desk.held(f"withdrawn-{call['id']}")["reason"] == "call_closed":
                break
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_reversal_before_its_original(desk: Desk) -> None:
    """It waits for the original, then both come to nothing, and the call is open again."""
    allocation = desk.allocation("1000.00")
    call = desk.call(allocation, "1000.00")
    original = desk.entry(f"rev-{call['id']}", "1000.00", call_id=call["id"])
    reversal = {**original, "payment_id": f"rev-{call['id']}-r", "kind": "reversal", "reverses": original["payment_id"]}
    desk.bank(reversal)
    desk.house.settle()
    assert desk.held(str(reversal["payment_id"]))["reason"] == "original_not_found"
    desk.bank(original)
    desk.until(f"/api/capital-calls/{call['id']}", {"paid": "0.00", "postings": 2, "status": "called"})
    desk.until(f"/api/allocations/{allocation['id']}", {"funded": "0.00", "outstanding": "1000.00"})
    desk.house.settle()
    desk.house.check()


def test_an_original_and_its_reversal_in_one_batch(desk: Desk) -> None:
    """They come together and leave nothing, with both postings on record."""
    allocation = desk.allocation("500.00")
    call = desk.call(allocation, "500.00")
    desk.until(f"/api/capital-calls/{call['id']}", {"status": "called"})
    original = desk.entry(f"both-{call['id']}", "200.00", call_id=call["id"])
    reversal = {
        **original,
        "payment_id": f"both-{call['id']}-r",
        "kind": "reversal",
        "reverses": original["payment_id"],
    }
    desk.bank(original, reversal)
    desk.until(f"/api/capital-calls/{call['id']}", {"paid": "0.00", "postings": 2})
    desk.until(f"/api/allocations/{allocation['id']}", {"funded": "0.00", "called": "500.00"})


def test_the_same_payment_ten_times(desk: Desk) -> None:
    """Ten batches or one, it is applied once (midaz 2485: a retry applied the money twice)."""
    allocation = desk.allocation("1000.00")
    call = desk.call(allocation, "1000.00")
    desk.until(f"/api/capital-calls/{call['id']}", {"status": "called"})
    spread = desk.entry(f"ten-{call['id']}", "100.00", call_id=call["id"])
    for _ in range(10):
        desk.bank(spread)
    together = desk.entry(f"once-{call['id']}", "50.00", call_id=call["id"])
    desk.bank(*[together] * 10)
    desk.until(f"/api/capital-calls/{call['id']}", {"paid": "150.00", "postings": 2})
    desk.house.settle()
    assert desk.seen_call(call)["paid"] == "150.00"
    desk.house.check()


def test_two_equal_wires_are_two_payments(desk: Desk) -> None:
    """Same amount, day and text, but two references of the bank: both count (BCApps 11055: one was refused)."""
    call = desk.call(desk.allocation("1000.00"), "1000.00")
    one = desk.entry(f"twin-{call['id']}-a", "300.00", call_id=call["id"])
    desk.bank(one, {**one, "payment_id": f"twin-{call['id']}-b"})
    desk.until(f"/api/capital-calls/{call['id']}", {"paid": "600.00", "outstanding": "400.00"})


def test_garbage_between_two_good_events(desk: Desk) -> None:
    """Both good ones are applied without delay; the bad one is a dead letter with its reason and its bytes."""
    call = desk.call(desk.allocation("1000.00"), "1000.00")
    desk.bank(desk.entry(f"good-{call['id']}-1", "1.00", call_id=call["id"]))
    desk.house.publish("payment.received", "acme", b'\xff{"amount": 1e3')
    desk.bank(
        desk.entry(f"bad-{call['id']}", "1_000.50", call_id=call["id"]),
        desk.entry(f"good-{call['id']}-2", "2.00", call_id=call["id"]),
    )
    desk.until(f"/api/capital-calls/{call['id']}", {"paid": "3.00"})
    letters = desk.get("/api/payments/dead-letters")["items"]
    assert [letter["reason"] for letter in letters[:2]] == ["bad_amount", "bad_json"]
    assert letters[0]["detail"]


def test_a_topic_deleted_and_made_again_under_running_readers(desk: Desk) -> None:
    """Nothing that comes after it is lost."""
    call = desk.call(desk.allocation("1000.00"), "1000.00")
    desk.bank(desk.entry(f"before-{call['id']}", "1.00", call_id=call["id"]))
    desk.until(f"/api/capital-calls/{call['id']}", {"paid": "1.00"})
    finish(make_again(desk, topics.PAYMENT_RECEIVED))
    for n in range(2, 5):
        desk.bank(desk.entry(f"after-{call['id']}-{n}", f"{n}.00", call_id=call["id"]))
    desk.until(f"/api/capital-calls/{call['id']}", {"paid": "10.00"}, seconds=30)


async def make_again(desk: Desk, topic: str) -> None:
    house = desk.house
    admin = AIOKafkaAdminClient(bootstrap_servers=house.addresses.kafka)
    await admin.start()
    try:
        await admin.delete_topics([house.addresses.topic_prefix + topic])
    finally:
        await admin.close()
    deadline = time.monotonic() + 20
    made: list[str] = []
    while not made:
        assert time.monotonic() < deadline
        with contextlib.suppress(Exception):
            made = await topics.make_topics(
                house.addresses.kafka, prefix=house.addresses.topic_prefix, partitions=2, only=[topic]
            )
