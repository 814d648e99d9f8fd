"""Promises of sorting: one bad record never stands in the way of the next."""

from shared.contracts.allocations import DealChanged
from shared.kafka.records import Arrival
from shared.kafka.sorting import sort_out
from shared.topics import DEAL_CHANGED


def arrival(offset: int, value: bytes) -> Arrival:
    return Arrival(DEAL_CHANGED, 0, 1, offset, b"1", value, (), 1_000)


def test_garbage_between_two_good_events() -> None:
    """Both good ones are read, in order; the bad one is named with a reason."""
    good = b'{"id":%d,"name":"Balerion","stage":"prospect","version":1}'
    done = sort_out([arrival(0, good % 1), arrival(1, b"\xff{"), arrival(2, good % 2)], {DEAL_CHANGED: DealChanged})
    assert [event.id for _, event in done.of(DEAL_CHANGED, DealChanged)] == [1, 2]
    assert [(letter.arrival.offset, letter.reason) for letter in done.unreadable] == [(1, "bad_json")]
