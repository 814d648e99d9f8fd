"""Promises of folding payments' reports: saved and told, a batch at a time."""

import asyncio
from datetime import UTC, date, datetime

import pytest

from services.allocations import handlers, store
from services.allocations.domain import Cadence, Folded, ReceivableStatus, Regular
from services.allocations.handlers import CallView
from shared import topics
from shared.ids import CallId
from shared.money import Minor
from shared.postgres import Connection, Retry
from tests.allocations import ledger
from tests.allocations.ledger import hear, said, told, words
from tests.support.ledger import Ledger


async def test_the_required_walk(db: Connection) -> None:
    """Commit, call 40 %, pay it, call the rest, pay it, all of it saved and told."""
    made = await ledger.promise(db)
    first = await ledger.issue(db, made, "400000.00")
    await hear(db, said(first, 1), said(first, 2, paid="400000.00", postings=1))
    second = await ledger.issue(db, made, "600000.00")
    await hear(db, said(second, 1, paid="600000.00", postings=1))
    events = await told(db, topics.ALLOCATION_STATUS_CHANGED)
    assert words(events) == [
        "1 ALLOCATE committed",
        "2 CREATE_CALL partially_called",
        "3 PAYMENT_RECEIVED partially_funded",
        "4 CREATE_CALL called",
        "5 PAYMENT_RECEIVED funded",
    ]
    assert [(e.data["uncalled"], e.data["outstanding"]) for e in events] == [
        ("1000000.00", "0.00"),
        ("600000.00", "400000.00"),
        ("600000.00", "0.00"),
        ("0.00", "600000.00"),
        ("0.00", "0.00"),
    ]
    assert [e.data["previous_status"] for e in events] == [None, *(e.data["status"] for e in events[:-1])]


async def test_a_batch_is_one_version_for_each_allocation(db: Connection) -> None:
    """Reports of many calls of two allocations, every version among them: one event for each allocation."""
    one, two = await ledger.promise(db), await ledger.promise(db)
    calls = [await ledger.issue(db, of, "10.00") for of in (one, one, two, one, two)]
    before = len(await told(db))
    batch = [said(c, v, paid=f"{v}.00", postings=v) for v in (3, 1, 2, 3) for c in calls]
    assert await hear(db, *batch) == []
    events = (await told(db))[before:]
    assert [(e.key, e.data["funded"]) for e in events] == [
        (str(one.allocation.id), "9.00"),
        (str(two.allocation.id), "6.00"),
    ]
    assert await hear(db, *batch) == []
    assert len(await told(db)) == before + 2, "a replay says nothing"


async def test_a_deal_follows_its_promises(db: Connection) -> None:
    """A deal is funded once every promise to it is, and committed again after a reversal or a further promise."""
    to = await ledger.deal(db)
    one, two = await ledger.promise(db, "10.00", to=to), await ledger.promise(db, "10.00", to=to)
    paid, late = await ledger.issue(db, one, "10.00"), await ledger.issue(db, two, "10.00")
    await hear(db, said(paid, 1, paid="10.00", postings=1))
    await hear(db, said(late, 1, paid="10.00", postings=1))
    await hear(db, said(paid, 2, paid="0.00", postings=2))
    await hear(db, said(paid, 3, paid="10.00", postings=3))
    await ledger.promise(db, "10.00", to=to)
    deals = [e.data for e in await told(db, topics.DEAL_CHANGED) if e.data["id"] == to.id]
    assert [(d["version"], d["stage"]) for d in deals] == [
        (1, "prospect"),
        (2, "committed"),
        (3, "funded"),
        (4, "committed"),
        (5, "funded"),
        (6, "committed"),
    ]


async def test_two_batches_that_fund_a_deal_together(db: Connection, database: Ledger) -> None:
    """Two copies that fund the last two promises of a deal at the same moment: one of them sees that it is funded."""
    to = await ledger.deal(db)
    calls = [await ledger.issue(db, await ledger.promise(db, "10.00", to=to), "10.00") for _ in range(6)]

    async def pay(call: CallView) -> None:
        async with database.connect("allocations") as other:
            await hear(other, said(call, 1, paid="10.00", postings=1))

    await asyncio.gather(*map(pay, calls))
    [*_, last] = await told(db, topics.DEAL_CHANGED)
    assert (last.data["id"], last.data["stage"]) == (to.id, "funded")


async def test_two_thousand_reports_take_few_statements(db: Connection) -> None:
    """The number of statements does not depend on the size of the batch."""
    made = await ledger.promise(db, schedule=Regular(Cadence.MONTHLY, date(2000, 1, 31), 100))
    async with db.transaction():
        await handlers.issue_due(db, limit=100, now=datetime(2026, 2, 2, tzinfo=UTC), origin=ledger.ORIGIN)
    calls = [
        CallView(call, made.allocation, made.fund)
        for call in (await store.calls_of(db, [made.allocation.id]))[made.allocation.id]
    ]
    statements: list[str] = []
    db.add_query_logger(lambda record: statements.append(record.query))
    batch = [said(c, v, paid=f"{v}.00", postings=v) for v in range(1, 21) for c in calls]
    assert len(batch) == 2_000
    await hear(db, *batch)
    ours = [query.split()[0] for query in statements if "allocations." in query]
    assert ours == ["select", "with"]


async def test_reports_are_written_against_the_version_that_was_read(db: Connection) -> None:
    """Whoever folds what somebody else has folded meanwhile changes nothing, and does the batch again."""
    call = await ledger.issue(db, await ledger.promise(db, "10.00"), "10.00")
    calls, allocations = await store.lock_reported(db, [CallId(call.call.id)])
    [known] = calls.values()
    paid = known.receivable._replace(version=2, paid=Minor(1), postings=1, status=ReceivableStatus.PARTIALLY_PAID)
    mine = Folded({known.id: paid}, {}, [])
    await hear(db, said(call, 1, paid="4.00", postings=1))
    with pytest.raises(Retry):
        await store.save_folded(db, mine, calls)
    again, _ = await store.lock_reported(db, [known.id])
    assert (again[known.id].receivable.version, again[known.id].receivable.paid) == (1, 4_00)
    assert list(allocations) == [known.allocation_id]
