"""Promises of the read model's SQL, on the real database."""

from datetime import date
from inspect import get_annotations

import pytest

from services.metrics import store
from services.metrics.domain import Allocation, CallGroup, Deal, Fund, Hold, Receivable, Reserves, Terms, Totals
from services.metrics.handlers import keep
from shared.money import Minor
from shared.postgres import Connection
from tests.metrics.facts import DUE, allocation, deal, fund, hold, receivable, reserves, terms


async def test_the_newest_version_wins(db: Connection) -> None:
    """An older or equal version that comes later changes nothing, for every kind of row."""
    await keep(db, [fund(1, 2), deal(1, 2), allocation(1, 2, called=5), hold(1, 2, state="resolved"), reserves(1, 2)])
    await keep(db, [fund(1, 1), deal(1, 1), allocation(1, 1), hold(1, 1), reserves(1, 1)])
    assert await store.find_fund(db, 1) == fund(1, 2)
    assert await store.find_allocation(db, 1) == allocation(1, 2, called=5)
    assert await db.fetchval("select name from metrics.deal") == "Deal 1.2"
    assert await db.fetchval("select state from metrics.hold") == "resolved"
    assert await store.find_reserves(db, 1) == reserves(1, 2)


@pytest.mark.parametrize("terms_first", [True, False])
async def test_a_call_has_two_halves(db: Connection, terms_first: bool) -> None:
    """Terms and receivable each keep their own newest version, whichever is heard first."""
    ours, theirs = [terms(1, 3)], [receivable(1, 2, paid=100)]
    for batch in (ours, theirs) if terms_first else (theirs, ours):
        await keep(db, batch)
    await keep(db, [terms(1, 2, stage="scheduled"), receivable(1, 1)])
    row = await db.fetchrow("select stage, terms_version, status, paid_minor, version from metrics.call")
    assert row is not None
    assert tuple(row) == ("issued", 3, "called", 100, 2)


async def test_totals_count_each_allocation_once(db: Connection) -> None:
    """Many calls of an allocation never multiply what it committed."""
    await keep(
        db,
        [
            allocation(1, committed=100, called=60, funded=50),
            allocation(2, committed=10, called=6, funded=5),
            allocation(3, committed=1000, fund_id=2),
            *(terms(n, allocation_id=1) for n in range(1, 6)),
        ],
    )
    assert await store.sum_allocations(db, 1) == Totals(Minor(110), Minor(66), Minor(66), Minor(55))


async def test_totals_beyond_64_bits(db: Connection) -> None:
    """Sums of the largest amounts are exact."""
    largest = 2**63 - 1
    await keep(db, [*(allocation(n, committed=largest) for n in (1, 2, 3))])
    assert (await store.sum_allocations(db, 1)).committed == 3 * largest


async def test_no_allocations_sum_to_zero(db: Connection) -> None:
    """A fund without allocations has totals, and they are zero."""
    assert await store.sum_allocations(db, 1) == Totals()


async def test_calls_are_grouped_by_both_words(db: Connection) -> None:
    """Each group knows how many calls it has and what is outstanding on them; plans owe nothing."""
    await keep(
        db,
        [
            terms(1),
            receivable(1, status="overdue", amount=100, paid=40),
            terms(2),
            receivable(2, status="overdue", amount=10),
            terms(3, stage="scheduled"),
            receivable(4, fund_id=2),
        ],
    )
    assert await store.group_calls(db, 1) == [
        CallGroup("issued", "overdue", 2, Minor(70)),
        CallGroup("scheduled", None, 1, Minor(0)),
    ]


async def test_calendar_pages_by_due_date(db: Connection) -> None:
    """Pages follow due date and id without a gap or a repeat, both ends included, closed calls left out on demand."""
    days = [date(2026, 3, day) for day in (1, 15, 15, 20, 31)]
    await keep(db, [*(terms(n, due_date=day) for n, day in enumerate(days, 1)), receivable(3, status="cancelled")])

    async def ids(after: tuple[date, int], limit: int, leave_out: tuple[str, ...] = ()) -> list[int]:
        first, last = date(2026, 3, 15), date(2026, 3, 31)
        calls = await store.calendar(db, 1, first=first, last=last, after=after, leave_out=leave_out, limit=limit)
        return [call.id for call in calls]

    assert await ids((date.min, 0), 10) == [2, 3, 4, 5]
    assert await ids((date.min, 0), 2) == [2, 3]
    assert await ids((DUE, 3), 2) == [4, 5]
    assert await ids((date.min, 0), 10, ("cancelled", "rejected")) == [2, 4, 5]


async def test_snapshots_stand_in_the_order_of_their_columns(db: Connection) -> None:
    """A snapshot is sent as it is, so its members must be its type's columns, in their order."""
    types = {
        Fund: "fund",
        Deal: "deal",
        Allocation: "allocation",
        Hold: "hold",
        Terms: "call_terms",
        Receivable: "call_receivable",
        Reserves: "fund_reserves",
    }
    assert set(types) == set(store.KINDS)
    for kind, name in types.items():
        columns = await db.fetchval(COLUMNS, f"metrics.{name}")
        assert [plain(column) for column in columns] == list(get_annotations(kind))


COLUMNS = """
select array_agg(attname::text order by attnum) from pg_attribute where attrelid = $1::regclass and attnum > 0
"""


def plain(column: str) -> str:
    return column.removesuffix("_minor").removeprefix("terms_")


HOT: dict[str, tuple[str, list[object]]] = {
    "allocations of a fund": (store.SUM_ALLOCATIONS, [1]),
    "calls of a fund": (store.GROUP_CALLS, [1]),
    "calls of an allocation": (store.CALLS_OF_ALLOCATION, [1]),
    "calendar": (store.CALENDAR, [1, DUE, DUE, DUE, 0, [], 10]),
}


@pytest.mark.parametrize("name", HOT)
async def test_reads_use_their_index(db: Connection, name: str) -> None:
    """No read walks a whole table, even where the planner has only seen it empty."""
    query, args = HOT[name]
    plan = "\n".join(row[0] for row in await db.fetch(f"explain {query}", *args))
    assert "Seq Scan" not in plan
    assert "Index" in plan


async def test_beside_leaves_no_trace(db: Connection) -> None:
    """What is written beside is written by the same statements, into tables that nobody else sees."""
    beside = store.Beside(db)
    await beside.make_tables()
    await keep(beside, [fund(), deal(), allocation(), terms(), receivable(), hold(), reserves()])
    async with db.transaction():
        for table in store.TABLES:
            assert len([row async for row in store.dump(db, table, schema=beside.schema)]) == 1
            assert [row async for row in store.dump(db, table)] == []


async def test_what_is_beside_takes_the_place_of_what_is_live(db: Connection) -> None:
    """After it the live tables hold the rows beside and no other; a transaction taken back changes nothing."""
    await keep(db, [fund(1), deal(1), terms(1), reserves(1)])
    beside = store.Beside(db)
    await beside.make_tables()
    await keep(beside, [fund(2), allocation(2), terms(2), receivable(2), hold(2), reserves(2)])
    transaction = db.transaction()
    await transaction.start()
    await beside.replace_live()
    await transaction.rollback()
    assert await store.find_fund(db, 1) == fund(1)

    async with db.transaction():
        await store.stand_still(db)
        await beside.replace_live()
    assert await store.find_fund(db, 1) is None
    assert await store.find_fund(db, 2) == fund(2)
    assert [await store.find_reserves(db, n) for n in (1, 2)] == [None, reserves(2)]
    assert [call.id for call in await store.calls_of_allocation(db, 1)] == [2]


async def test_only_partitions_that_were_read_stand_somewhere(db: Connection) -> None:
    """Where a service stands is the log's incarnation and the next offset, of what it has read."""
    await db.execute(
        "insert into position (topic, partition, incarnation, next_offset) values ('a', 0, 2, 7), ('a', 1, 1, 0)"
    )
    assert await store.read_to(db) == {("a", 0): (2, 7)}
