"""Promises of the store: what is written is what is read, by the index that is meant for it."""

from datetime import date

import pytest

from services.allocations import store
from services.allocations.domain import Command, Regular, Single, Stage, Status
from services.allocations.domain.schedule import Cadence
from shared.ids import AllocationId, CallId
from shared.postgres import Connection
from tests.allocations import ledger
from tests.allocations.facts import DUE


async def test_a_promise_comes_back_as_it_was(db: Connection) -> None:
    """Every member of an allocation and of its calls survives the way to the database and back."""
    made = await ledger.promise(db, schedule=Regular(Cadence.MONTHLY, date(2026, 5, 31), 3))
    assert await store.get_allocation(db, made.allocation.id) == made.allocation
    assert await store.find_allocation(db, made.fund.id, made.allocation.deal_id) == made.allocation
    assert (await store.calls_of(db, [made.allocation.id]))[made.allocation.id] == made.calls
    assert await store.get_fund(db, made.fund.id) == made.fund


async def test_issued_terms_come_back_as_they_were(db: Connection) -> None:
    """The same for a call that went through its stages."""
    planned = await ledger.issue(db, await ledger.promise(db), "10.00", stage=Stage.PENDING_APPROVAL)
    for command in (Command.APPROVE, Command.ISSUE):
        moved = await ledger.move(db, planned, command)
        assert isinstance(moved, type(planned))
        assert await store.lock_calls(db, [planned.call.id]) == {planned.call.id: moved.call}
        assert await store.get_allocation(db, planned.allocation.id) == moved.allocation


async def test_ids_that_do_not_exist_are_missing(db: Connection) -> None:
    """Reading or locking what is not there is no error."""
    assert await store.get_allocation(db, AllocationId(1)) is None
    assert await store.lock_calls(db, [CallId(1)]) == {}
    assert await store.due_calls(db, {}, limit=10) == {}


async def test_lists_go_on_behind_their_cursor(db: Connection) -> None:
    """Pages by keyset: each row once, in the order in which they were made; filters hold."""
    of, to = await ledger.fund(db), await ledger.deal(db)
    made = [
        (await ledger.promise(db, of=of, to=to)).allocation,
        (await ledger.promise(db, of=of)).allocation,
        (await ledger.promise(db, to=to)).allocation,
    ]
    every = {"deal_id": None, "status": None}
    first = await store.list_allocations(db, **every, after=0, limit=2)
    rest = await store.list_allocations(db, **every, after=first[-1].id, limit=2)
    assert [*first, *rest] == made
    assert await store.list_allocations_of_fund(db, of.id, **every, after=0, limit=9) == made[:2]
    assert await store.list_allocations(db, deal_id=to.id, status="committed", after=0, limit=9) == [made[0], made[2]]
    assert await store.list_allocations_of_fund(db, of.id, deal_id=None, status="funded", after=0, limit=9) == []
    assert len(await store.list_funds(db, after=0, limit=9)) == 2
    assert len(await store.list_deals(db, after=0, limit=9)) == 2


async def test_due_calls_are_found_by_each_funds_date(db: Connection) -> None:
    """A call is due when its notice date has come where its fund is, not elsewhere; issued ones are not due."""
    east, west = await ledger.fund(db, "JPY", "Asia/Tokyo"), await ledger.fund(db, "USD", "America/Los_Angeles")
    schedule = Single(DUE)  # notice goes out on the 27th of February
    tokyo = (await ledger.promise(db, "1000", of=east, schedule=schedule)).calls[0].id
    angeles = (await ledger.promise(db, of=west, schedule=schedule)).calls[0].id
    today = {"Asia/Tokyo": date(2026, 2, 27), "America/Los_Angeles": date(2026, 2, 26)}
    assert list(await store.due_calls(db, today, limit=9)) == [tokyo]
    today["America/Los_Angeles"] = date(2026, 2, 27)
    assert list(await store.due_calls(db, today, limit=9)) == [tokyo, angeles]
    assert list(await store.due_calls(db, today, limit=1)) == [tokyo]
    assert sorted(await store.time_zones(db)) == sorted(today)


async def test_the_deal_with_an_unfunded_promise_is_found(db: Connection) -> None:
    """Every deal with a promise that is not funded, and no other."""
    made = await ledger.promise(db)
    empty = await ledger.deal(db)
    assert made.allocation.status is Status.COMMITTED
    assert await store.unfunded_deals(db, [made.allocation.deal_id, empty.id]) == {made.allocation.deal_id}


INDEXED = {
    store.allocations.LIST_ALLOCATIONS_OF_FUND: ("allocation_by_fund", (1, 0, None, None, 10)),
    store.calls.LIST_CALLS: ("call_allocation_id_seq_no_key", (1, 0, 10)),
    store.calls.CALLS_OF: ("call_allocation_id_seq_no_key", ([1],)),
    store.calls.LOCK_CALLS: ("call_pkey", ([1],)),
    store.calls.DUE_CALLS: ("call_awaiting_notice", (["UTC"], [DUE], DUE, 10)),
    store.funds.UNFUNDED_DEALS: ("one_allocation_per_fund_and_deal", ([1],)),
}


@pytest.mark.parametrize("sql", INDEXED)
async def test_reads_use_their_index(db: Connection, sql: str) -> None:
    """No list and no look-up walks a whole table, not even when it was planned on an empty one."""
    _, arguments = INDEXED[sql]  # where a table is known to be empty, one of its indexes is as good as another
    plan = "\n".join(row[0] for row in await db.fetch(f"explain {sql}", *arguments))
    assert "Index" in plan
    assert "Seq Scan" not in plan.replace("Seq Scan on fund", "")


async def test_reports_never_leave_their_page(db: Connection) -> None:
    """What payments reports is in no index: the update stays on its page and makes no index work."""
    of = await ledger.issue(db, await ledger.promise(db), "10.00")
    moved = """
        select sum(pg_stat_get_xact_tuples_updated(oid)) as updated,
               sum(pg_stat_get_xact_tuples_hot_updated(oid)) as in_place
          from pg_class where oid in ('allocations.call'::regclass, 'allocations.allocation'::regclass)"""
    async with db.transaction():
        await ledger.hear(db, ledger.said(of, 1, paid="5.00", postings=1))
        row = await db.fetchrow(moved)
    assert row is not None
    assert row["updated"] == row["in_place"] >= 2
