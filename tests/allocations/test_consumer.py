"""Promises of what comes in from Kafka."""

from collections.abc import Sequence

import pytest

from services.allocations import consumer, store
from shared import topics
from shared.ids import CallId
from shared.kafka.records import Arrival
from shared.postgres import Connection
from tests.allocations import ledger
from tests.allocations.facts import NOW
from tests.allocations.ledger import arrivals, said, told, words


async def apply(db: Connection, batch: Sequence[Arrival]) -> None:
    async with db.transaction():
        await consumer.apply(db, batch, NOW)


async def letters(db: Connection) -> list[tuple[int, str]]:
    rows = await db.fetch("select record_offset, reason from dead_letter order by record_offset")
    return [tuple(row) for row in rows]


def test_one_topic_is_read() -> None:
    """Allocations learns of money only from payments."""
    assert consumer.TOPICS == (topics.CALL_STATUS_CHANGED,)


async def test_good_reports_between_bad_ones_are_folded(db: Connection) -> None:
    """Garbage, an unknown call and a report that cannot be true are dead letters with their reason; nothing waits."""
    call = await ledger.issue(db, await ledger.promise(db), "10.00")
    good = said(call, 1, paid="4.00", postings=1)
    better = said(call, 2, paid="10.00", postings=2)
    stranger = good.model_copy(update={"call_id": call.call.id + 1})
    lie = good.model_copy(update={"version": 9, "paid": "11.00"})
    misfit = good.model_copy(update={"version": 9, "paid": "1.001"})
    await apply(db, arrivals(b"{", good, stranger, lie, misfit, better))
    assert await letters(db) == [
        (0, "bad_json"),
        (2, "unknown_call"),
        (3, "impossible_report"),
        (4, "impossible_report"),
    ]
    assert words(await told(db, topics.ALLOCATION_STATUS_CHANGED))[-1] == "3 PAYMENT_RECEIVED partially_funded"
    stored = (await store.lock_calls(db, [CallId(call.call.id)]))[call.call.id]
    assert (stored.receivable.version, stored.receivable.paid) == (2, 10_00)


@pytest.mark.parametrize(("paid", "read"), [("4", 4_00), ("4.0", 4_00), ("4.00", 4_00), ("4.000", None)])
async def test_amounts_with_other_decimals(db: Connection, paid: str, read: int | None) -> None:
    """Fewer decimals than the currency's are filled up, more of them are no amount, whoever wrote the event."""
    call = await ledger.issue(db, await ledger.promise(db), "10.00")
    reports, misfits, _ = consumer.read(arrivals(said(call, 1, postings=1).model_copy(update={"paid": paid})))
    assert [report.paid for report in reports] == ([] if read is None else [read])
    assert [doubt.reason for doubt in misfits] == (["impossible_report"] if read is None else [])


async def test_the_same_batch_ten_times(db: Connection) -> None:
    """However often a batch comes, it has been done once: no event more, no dead letter more."""
    call = await ledger.issue(db, await ledger.promise(db), "10.00")
    batch = arrivals(b"[]", said(call, 1, paid="4.00", postings=1))
    await apply(db, batch)
    before = await told(db)
    for _ in range(9):
        await apply(db, batch)
    assert await told(db) == before
    assert len(await letters(db)) == 1


async def test_a_lone_report_is_named_as_the_cause(db: Connection) -> None:
    """Who follows the money finds the event that led to an allocation's version."""
    call = await ledger.issue(db, await ledger.promise(db), "10.00")
    await apply(db, arrivals(said(call, 1, paid="4.00", postings=1), headers=[("ce_id", b"e-1")]))
    assert await db.fetchval("select causation_id from outbox_event order by id desc, number desc limit 1") == "e-1"


@pytest.mark.parametrize("batch", [[], [b""], [b"null"]])
async def test_a_batch_without_a_report_changes_nothing(db: Connection, batch: list[bytes]) -> None:
    """Nothing to fold: no event."""
    await apply(db, arrivals(*batch))
    assert await told(db, topics.ALLOCATION_STATUS_CHANGED) == []
