"""Promises of the audit's transactions, on a real database: once each, in chains, appended side by side."""

import asyncio
import random

import asyncpg
import pytest

from services.audit import handlers, store
from services.audit.domain import BEGINNING, ChainId, Head, Item
from shared.postgres import Connection
from tests.audit.records import KEY, NOW, arrival, item
from tests.support.ledger import Ledger


async def record(db: Connection, items: list[Item]) -> int:
    async with db.transaction():
        return await handlers.record(db, items)


async def heads(db: Connection) -> dict[str, int]:
    return {f"{chain.topic}/{chain.partition}": head.sequence for chain, head in (await store.heads(db)).items()}


async def verified(db: Connection, kept: dict[ChainId, Head] | None = None) -> bool:
    walks = await handlers.verify(db, kept=kept)
    return not any(walk.problems for walk in walks.values())


async def test_each_partition_of_each_topic_is_a_chain(ledger: Ledger) -> None:
    """Chains grow on their own, each with its own sequence from 1."""
    async with ledger.connect("audit") as db:
        batch = [item("fund.changed", n, partition=n % 2) for n in range(5)] + [item("payment.received", 0)]
        assert await record(db, batch) == 6
        assert await record(db, [item("fund.changed", 7, partition=1)]) == 1
        assert await heads(db) == {"fund.changed/0": 3, "fund.changed/1": 3, "payment.received/0": 1}
        assert await verified(db)


async def test_an_event_is_entered_once(ledger: Ledger) -> None:
    """Read again, published again at another offset, or twice in one batch: one entry."""
    async with ledger.connect("audit") as db:
        batch = [item("fund.changed", n) for n in range(4)]
        assert await record(db, batch) == 4
        assert await record(db, batch) == 0
        again = item("fund.changed", 9, ce_id="fund.changed-2")
        new = item("fund.changed", 10)
        assert await record(db, [again, new, new, again]) == 1
        assert await heads(db) == {"fund.changed/0": 5}
        assert await verified(db)


async def test_events_of_others_are_known_by_their_place(ledger: Ledger) -> None:
    """Two records of `payment.received` are two entries, whatever ids they claim; the same record is one."""
    async with ledger.connect("audit") as db:
        first = item("payment.received", 0, ce_id="the same")
        second = item("payment.received", 1, ce_id="the same")
        other_log = item("payment.received", 0, ce_id="the same", incarnation=2)
        letter = item("payment.received.dlt", 0, b"x", ce_id="the same")
        assert await record(db, [first, second]) == 2
        assert await record(db, [first, second, other_log, letter]) == 2
        assert await heads(db) == {"payment.received/0": 3, "payment.received.dlt/0": 1}


async def test_an_id_counts_within_its_topic(ledger: Ledger) -> None:
    """One id under two topics is two events."""
    async with ledger.connect("audit") as db:
        assert await record(db, [item(topic, 0, ce_id="x") for topic in ("fund.changed", "deal.changed")]) == 2


async def test_an_event_that_changed_its_partition_is_entered_once(ledger: Ledger) -> None:
    """More partitions move keys; a record published again may then stand in another one."""
    async with ledger.connect("audit") as db:
        assert await record(db, [item("fund.changed", 0, partition=0)]) == 1
        assert await record(db, [item("fund.changed", 0, partition=3)]) == 0
        assert await heads(db) == {"fund.changed/0": 1}


async def test_nothing_is_left_of_a_batch_that_failed(ledger: Ledger) -> None:
    """Entries and heads are one transaction: the chain goes on where it was."""
    async with ledger.connect("audit") as db:
        await record(db, [item("fund.changed", 0)])
        with pytest.raises(RuntimeError):
            async with db.transaction():
                await handlers.record(db, [item("fund.changed", 1)])
                raise RuntimeError
        await record(db, [item("fund.changed", 1)])
        assert await heads(db) == {"fund.changed/0": 2}
        assert await verified(db)


async def test_two_copies_append_to_one_chain(ledger: Ledger) -> None:
    """Writers that share chains wait for each other at the head; no sequence is given twice, no event entered twice."""

    async def copy(seed: int) -> None:
        chance = random.Random(seed)
        async with ledger.connect("audit") as db:
            for _ in range(15):
                batch = [item("fund.changed", n, partition=n % 3) for n in sorted(chance.sample(range(200), k=20))]
                try:
                    await record(db, batch)
                except (asyncpg.DeadlockDetectedError, asyncpg.UniqueViolationError):
                    continue  # the reader would do the batch again

    await asyncio.gather(*(copy(seed) for seed in range(3)))
    async with ledger.connect("audit") as db:
        await record(db, [item("fund.changed", n, partition=n % 3) for n in range(200)])
        assert sum((await heads(db)).values()) == 200
        assert await verified(db)


async def test_an_erased_payload_leaves_the_chain_whole(ledger: Ledger) -> None:
    """Bytes and salt are gone for ever, who did it and why is noted, and the chain still verifies."""
    chain = ChainId("payment.received", 0)
    async with ledger.connect("audit") as db:
        await record(db, [item("payment.received", n) for n in range(3)])
        assert await handlers.erase(db, chain, 2, reason="asked for by the remitter", by="ada", now=NOW)
        assert not await handlers.erase(db, chain, 2, reason="asked for by the remitter", by="ada", now=NOW)
        walks = await handlers.verify(db)
        assert (walks[chain].problems, walks[chain].erased) == ([], 1)
        link = await store.one(db, chain, 2)
        assert link is not None
        assert (link.payload, link.salt) == (None, None)
    async with ledger.connect_admin() as db:
        noted = await db.fetchrow("select reason, erased_by, erased_at from audit.erasure")
        assert noted is not None
        assert tuple(noted) == ("asked for by the remitter", "ada", NOW)


async def test_the_walk_goes_through_slices(ledger: Ledger) -> None:
    """A chain longer than one slice is walked whole, and a kept head in the middle of it is met."""
    async with ledger.connect("audit") as db:
        await record(db, [item("fund.changed", n) for n in range(2_500)])
        chain = ChainId("fund.changed", 0)
        walks = await handlers.verify(db)
        assert walks[chain].at == (await store.heads(db))[chain]
        link = await store.one(db, chain, 1_700)
        assert link is not None
        assert await verified(db, {chain: Head(1_700, link.hash)})
        assert not await verified(db, {chain: Head(1_700, bytes(32))})


async def test_large_payloads_fill_a_slice(ledger: Ledger) -> None:
    """However large payloads are, a slice holds little more than it may, and the chain is walked whole."""
    chain = ChainId("reserve.reallocated", 0)
    async with ledger.connect("audit") as db:
        await record(db, [item("reserve.reallocated", n, b"x" * 1_000_000) for n in range(20)])
        links, _ = await store.slice_of(db, chain, after=2, limit=1_000, limit_bytes=2_500_000)
        assert [link.sequence for link in links] == [3, 4, 5]
        links, _ = await store.slice_of(db, chain, after=2, limit=1_000, limit_bytes=1)
        assert [link.sequence for link in links] == [3]
        walks = await handlers.verify(db)
        assert (walks[chain].at.sequence, walks[chain].problems) == (20, [])


async def test_a_chain_that_vanished_is_missed(ledger: Ledger) -> None:
    """A kept head of a chain that is not there any more is a cut tail."""
    async with ledger.connect("audit") as db:
        await record(db, [item("fund.changed", 0)])
        assert not await verified(db, {ChainId("deal.changed", 4): Head(3, bytes(32))})
        assert await verified(db, {ChainId("deal.changed", 4): BEGINNING})


@pytest.mark.parametrize(
    "tampering",
    [
        "delete from audit.chain",
        "alter table audit.chain drop constraint chain_topic_id_fkey; delete from audit.chain; delete from audit.topic",
        "update audit.chain set sequence = 2, hash = (select hash from audit.entry where sequence = 2)",
        """insert into audit.entry select (jsonb_populate_record(e, '{"sequence": 4, "identity": "forged"}')).*
             from audit.entry e where sequence = 3""",
    ],
    ids=["head gone", "topic gone", "head set back", "forged behind the head"],
)
async def test_every_entry_must_be_told_of_by_a_head(ledger: Ledger, tampering: str) -> None:
    """A chain whose head was removed, or set back, or that goes on behind it, is not as it was written."""
    async with ledger.connect("audit") as db:
        await record(db, [item("fund.changed", n) for n in range(3)])
        assert await verified(db)
        async with ledger.connect_admin() as admin:
            await admin.execute(tampering)
        assert not await verified(db)


async def test_no_account_number_is_stored(ledger: Ledger) -> None:
    """What reaches the tables is already cut, in payments and in their dead letters."""
    async with ledger.connect("audit") as db:
        await record(
            db, [item("payment.received", 0), item("payment.received.dlt", 0, arrival("payment.received", 0).value)]
        )
    async with ledger.connect_admin() as db:
        stored = b"".join(row["data"] for row in await db.fetch("select data from audit.entry"))
        assert b"SVBK" not in stored
        assert stored.count(b"/8879") == 2
        assert KEY not in stored
