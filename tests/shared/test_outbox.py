"""Promises of the outbox: committed with the change, in order, and whatever bytes a header holds."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import outbox
from shared.contracts.allocations import DealChanged
from shared.outbox import Event, Origin, RawRecord, headers_from_text, headers_to_text
from tests.support.ledger import Ledger

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def deal(number: int) -> Event:
    data = DealChanged(id=number, name="Balerion", stage="prospect", version=1)
    return Event("deal.changed", str(number), f"deal/{number}", data, NOW)


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.binary(max_size=40))))
def test_headers_come_back_byte_for_byte(headers: list[tuple[str, bytes]]) -> None:
    """A dead letter is replayed with the headers it had, whatever they were."""
    assert headers_from_text(headers_to_text(headers)) == headers
    assert "\0" not in headers_to_text(headers)


async def test_events_keep_their_order_and_their_cause(ledger: Ledger) -> None:
    """The relay publishes by id, so ids follow the order in which events were added."""
    async with ledger.connect("allocations") as db:
        async with db.transaction():
            await outbox.add(db, [deal(n) for n in range(1, 50)], Origin(actor="ada", causation_id="e1"))
        rows = await db.fetch("select key, actor, causation_id from outbox_event order by id, number")
    assert [int(row["key"]) for row in rows] == list(range(1, 50))
    assert {(row["actor"], row["causation_id"]) for row in rows} == {("ada", "e1")}


async def test_many_events_share_a_row_of_bounded_size(ledger: Ledger) -> None:
    """A row per event costs several times as much; a row without bounds would cost the relay its memory."""
    big = [
        RawRecord("deal.changed", b"k", [], bytes(outbox.ROW_BYTES // 2), "deal/1", NOW),
        RawRecord("deal.changed", None, [], b"", "deal/1", NOW),
    ]
    async with ledger.connect("allocations") as db:
        await outbox.add(db, [deal(n) for n in range(1, 2 * outbox.ROW_EVENTS + 2)], Origin())
        await outbox.add_raw(db, big * 3, Origin())
        rows = await db.fetch("select events, keys[1] as first from outbox order by id")
    assert [row["events"] for row in rows] == [outbox.ROW_EVENTS, outbox.ROW_EVENTS, 1, 3, 3]


async def test_no_event_without_its_change(ledger: Ledger) -> None:
    """A transaction that fails tells nobody anything (formance 1232: events lost or told of nothing)."""
    async with ledger.connect("allocations") as db:
        with pytest.raises(ZeroDivisionError):
            async with db.transaction():
                await outbox.add(db, [deal(1)], Origin())
                raise ZeroDivisionError
        assert await outbox.backlog(db, NOW) == (0, 0, 0)
