"""Promises of positions: what was done is not done again, and another log under the same name is noticed."""

import zlib
from collections.abc import Iterable

import pytest

from shared.kafka.fetched import Fetched
from shared.kafka.positions import AnotherLog, Place, unread


def rec(offset: int, *, value: bytes = b"v") -> Fetched:
    """A record, as far as a position looks at it."""
    return Fetched("t", 0, offset, 1_000, b"k", value, [])


def place_before(offset: int, *, value: bytes = b"v") -> Place:
    return Place("t", 0, next_offset=offset, last=(1_000, zlib.crc32(value, zlib.crc32(b"k"))))


def offsets(records: Iterable[Fetched]) -> list[int]:
    return [record.offset for record in records]


def test_a_reader_starts_one_record_before_its_position() -> None:
    """So that it sees whether the log still is the one it knows; a fresh reader starts at the beginning."""
    assert place_before(5).read_from == 4
    assert Place("t", 0).read_from == 0


def test_the_known_record_is_dropped_and_the_rest_is_done() -> None:
    """The overlap of one is compared, never applied twice."""
    assert offsets(unread(place_before(5), [rec(4), rec(5), rec(6)], confirmed=False)) == [5, 6]


def test_a_fresh_reader_takes_everything() -> None:
    """Where nothing was read before, also a log whose first records have aged away is read."""
    assert offsets(unread(Place("t", 0), [rec(7), rec(8)], confirmed=False)) == [7, 8]


@pytest.mark.parametrize("confirmed", [True, False])
def test_another_record_at_the_same_offset_is_another_log(confirmed: bool) -> None:
    """A topic that was deleted and made again, and is longer than the old one, is still found out."""
    with pytest.raises(AnotherLog):
        unread(place_before(5), [rec(4, value=b"other"), rec(5)], confirmed=confirmed)


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_position_beyond_the_log_is_another_log(confirmed: bool) -> None:
    """The client throws a reader whose offset is out of range back to the beginning: that is an alarm, not a repeat."""
    with pytest.raises(AnotherLog):
        unread(place_before(5), [rec(0), rec(1)], confirmed=confirmed)


def test_a_gap_is_an_alarm_after_a_seek_and_a_transaction_marker_otherwise() -> None:
    """Records that aged away unread are noticed; a foreign producer's commit marker is no loss."""
    with pytest.raises(AnotherLog):
        unread(place_before(5), [rec(8)], confirmed=False)
    assert offsets(unread(place_before(5), [rec(6)], confirmed=True)) == [6]


def test_a_new_incarnation_begins_at_the_beginning() -> None:
    """Its number rises, and nothing of the old log is compared any more."""
    again = place_before(5).begun_again(None)
    assert (again.incarnation, again.next_offset, again.last) == (2, 0, None)
