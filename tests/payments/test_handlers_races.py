"""Promises about transactions that meet: one waits for the other, none is lost, nothing is booked or undone twice."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

from services.payments import handlers
from services.payments.domain import Entry
from services.payments.handlers import Paid
from shared.ids import CallId
from shared.outbox import Origin
from shared.postgres import Connection, Retry, is_lost_race
from shared.refusal import Refused
from tests.payments.counter import Counter
from tests.payments.making import NOW, credit, reversal
from tests.support.ledger import Ledger


@pytest.fixture
async def other(database: Ledger, counter: Counter) -> AsyncIterator[Counter]:
    """A second copy of the service on the same database, with ids of its own."""
    async with database.connect("payments") as connected:
        yield Counter(connected)


async def retried(work: Callable[[], Awaitable[object]]) -> int:
    """Does it until it works, as the batch reader does; gives how often it lost a race."""
    for lost in range(20):
        try:
            await work()
        except Exception as error:
            if not is_lost_race(error):
                raise
        else:
            return lost
    raise AssertionError("twenty races lost")


async def deadlocks(db: Connection) -> int:
    await db.execute("select pg_stat_force_next_flush()")
    count: int = await db.fetchval("select deadlocks from pg_stat_database where datname = current_database()")
    return count


async def test_batches_that_share_calls_in_opposite_order_never_deadlock(counter: Counter, other: Counter) -> None:
    """formancehq/ledger#767: writers deadlocked; here calls are locked in id order, however they are named."""
    await counter.issue(*range(1, 41))
    before = await deadlocks(counter.db)
    up = [[credit(f"U{n}-{i}", 1, i) for i in range(1, 41)] for n in range(15)]
    down = [[credit(f"D{n}-{i}", 1, i) for i in range(40, 0, -1)] for n in range(15)]

    async def batches(at: Counter, all_of_them: list[list[Entry]]) -> None:
        for entries in all_of_them:
            await at.receive(*entries)

    await asyncio.gather(batches(counter, up), batches(other, down))
    assert await deadlocks(counter.db) == before
    assert {row["paid_minor"] for row in await counter.rows("select paid_minor from payments.call")} == {30}
    await counter.check()


async def test_an_identity_that_another_partition_took_meanwhile_is_a_retry(counter: Counter, other: Counter) -> None:
    """The record is not at fault: the batch is undone and done again, and then it is a duplicate."""
    await counter.issue(17)
    await counter.receive(credit("E0", 1))
    first = counter.db.transaction()
    await first.start()
    await handlers.receive_payments(counter.db, counter.numbers, [credit(amount=7)], now=NOW, origin=Origin())
    second = asyncio.create_task(other.receive(credit(amount=7), credit("E2", 5)))
    await asyncio.sleep(0.2)
    assert not second.done()
    await first.commit()
    with pytest.raises(Retry):
        await second
    again = await other.receive(credit(amount=7), credit("E2", 5))
    assert (again.booked, again.duplicates) == (1, 1)
    assert (await counter.call())["paid_minor"] == 13
    await counter.check()


async def test_batches_with_the_same_entries_in_opposite_order_end_as_one(counter: Counter, other: Counter) -> None:
    """Two feeds that report the same file at once: each entry is booked once, and no batch is lost."""
    await counter.issue(17)
    before = await deadlocks(counter.db)
    entries = [credit(f"E{n:03}", 1) for n in range(200)]
    lost = await asyncio.gather(
        retried(lambda: counter.receive(*entries)), retried(lambda: other.receive(*reversed(entries)))
    )
    assert sum(lost) <= 1
    assert await deadlocks(counter.db) == before
    assert (await counter.call())["paid_minor"] == 200
    await counter.check()


async def test_two_racing_reversals_take_the_money_back_once(counter: Counter, other: Counter) -> None:
    """JiRaska/open-bank-oss#528: two racing reversals both booked; here the second waits, and then finds it taken."""
    for n in range(10):
        call_id, entry = 100 + n, credit(f"E{n}", 100, 100 + n)
        await counter.issue(call_id)
        await counter.receive(entry)
        await asyncio.gather(counter.receive(reversal(entry, f"Ra{n}")), other.receive(reversal(entry, f"Rb{n}")))
        assert (await counter.call(call_id))["paid_minor"] == 0
        assert (await counter.call(call_id))["postings"] == 2
    assert [h[0] for h in await counter.holds()] == ["already_reversed"] * 10
    await counter.check()


async def test_a_payment_racing_its_terms_is_paid_in_the_end(counter: Counter, other: Counter) -> None:
    """Whoever commits first, no money stays on hold for a call that is there."""
    for n in range(10):
        await asyncio.gather(counter.issue(200 + n), other.receive(credit(f"E{n}", 100, 200 + n)))
    await counter.sweep()
    assert {row["paid_minor"] for row in await counter.rows("select paid_minor from payments.call")} == {100}
    await counter.check()


async def test_two_sweeps_at_once_apply_each_hold_once(counter: Counter, other: Counter) -> None:
    """When a frozen copy wakes up, two may sweep for a moment; the second finds nothing left to do."""
    await counter.receive(*(credit(f"E{n}", 1) for n in range(50)), reversal(credit("E1", 1)))
    await counter.issue(17)
    await asyncio.gather(counter.sweep(limit=7), other.sweep(limit=5))
    await counter.sweep()
    assert (await counter.call())["paid_minor"] == 49
    await counter.check()


async def test_many_people_paying_one_call_never_pay_too_much(database: Ledger, counter: Counter) -> None:
    """blnkfinance/blnk#238: a balance that was not locked lost updates; here each waits for the call's row."""
    await counter.issue(17, amount=10_00)

    async def pay(n: int) -> Paid | Refused:
        async with database.connect("payments") as db, db.transaction():
            return await handlers.pay(
                db, counter.numbers, CallId(17), amount="1", tx_ref=f"T{n}", value_date=None, now=NOW, origin=Origin()
            )

    answers = await asyncio.gather(*(pay(n) for n in range(20)))
    assert sum(isinstance(answer, Paid) for answer in answers) == 10
    assert {answer.code for answer in answers if isinstance(answer, Refused)} == {"over_payment"}
    assert (await counter.call())["paid_minor"] == 10_00
    await counter.check()


async def test_random_batches_of_three_copies_keep_every_promise(
    database: Ledger, counter: Counter, other: Counter
) -> None:
    """Credits, repeats and reversals over few calls from three copies at once: conserved, gapless, never over-paid."""
    await counter.issue(*range(1, 6), amount=2_000)
    seeded = random.Random(7)
    entries = [credit(f"E{n}", seeded.choice([50, 100, 900]), seeded.randint(1, 6)) for n in range(60)]
    everything = entries + [reversal(entry, f"R{n}") for n, entry in enumerate(entries) if n % 3 == 0] + entries[:20]
    async with database.connect("payments") as third:
        copies = [counter, other, Counter(third)]

        async def work(at: Counter, seed: int) -> None:
            mine = random.Random(seed).sample(everything, len(everything))
            for n in range(0, len(mine), 9):
                batch = mine[n : n + 9]
                await retried(partial(at.receive, *batch))

        await asyncio.gather(*(work(at, seed) for seed, at in enumerate(copies)))
    await counter.sweep()
    booked = await counter.rows("select count(*) as n from payments.payment")
    assert booked == [{"n": 80}]
    await counter.check()
