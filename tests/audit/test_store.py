"""Promises of the audit's tables and statements: who may do what, and that reads find their index."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from services.audit import handlers, store
from services.audit.domain import ChainId
from services.audit.store import Wanted
from shared.postgres import Connection
from tests.audit.records import NOW, item
from tests.support.ledger import Ledger


async def fill(db: Connection) -> None:
    """Forty entries of four topics, recorded a second apart."""
    for second in range(40):
        topic = ("fund.changed", "call.terms_changed", "payment.received", "audit.recorded")[second % 4]
        one = item(
            topic, second, ce_actor=f"actor-{second % 3}" if second % 2 else "system", ce_subject=f"thing/{second % 5}"
        )
        facts = one.facts._replace(recorded_at=NOW + timedelta(seconds=second))
        async with db.transaction():
            await handlers.record(db, [one._replace(facts=facts)])


BY_HAND = (
    "update audit.entry set actor = 'nobody'",
    "delete from audit.entry",
    "truncate audit.entry",
    "update audit.entry set data = ''",
    "update audit.entry set salt = null, data = null",
    "delete from audit.chain",
    "update audit.topic set name = 'other'",
    "insert into audit.erasure values (1, 0, 1, 'x', 'x', now())",
    "delete from audit.erasure",
    "alter table audit.entry add column x int",
    "drop table audit.entry",
    "create table audit.mine (x int)",
)


async def test_the_role_can_only_append(ledger: Ledger) -> None:
    """The service itself cannot change what it has written."""
    async with ledger.connect("audit") as db:
        async with db.transaction():
            await handlers.record(db, [item("fund.changed", 0)])
        for sql in BY_HAND:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(sql)


async def test_a_sequence_is_given_once(ledger: Ledger) -> None:
    """Two entries cannot stand at one place, nor one event at two, even by hand."""
    copies = "insert into audit.entry select * from audit.entry"
    async with ledger.connect_admin() as db:
        await handlers.record(db, [item("fund.changed", 0)])
        with pytest.raises(asyncpg.UniqueViolationError):
            await db.execute(copies)
        with pytest.raises(asyncpg.UniqueViolationError, match="entry_once"):
            await db.execute(
                "create temp table twin as select * from audit.entry; update twin set sequence = 2;"
                "insert into audit.entry select * from twin"
            )


async def listed(db: Connection, wanted: Wanted, limit: int = 100) -> list[int]:
    """Offsets of the entries found, which rise with the time of recording."""
    return [found.link.facts.offset for found in await store.newest(db, wanted, before=None, limit=limit)]


async def test_entries_are_listed_newest_first(ledger: Ledger) -> None:
    """Across all chains, by the time they were recorded."""
    async with ledger.connect("audit") as db:
        await fill(db)
        assert await listed(db, Wanted()) == list(range(39, -1, -1))
        assert await listed(db, Wanted(), limit=3) == [39, 38, 37]


FILTERS: list[tuple[Wanted, Callable[[int], object]]] = [
    (Wanted(topic="fund.changed"), lambda n: n % 4 == 0),
    (Wanted(topic="nothing.here"), lambda n: False),
    (Wanted(actor="actor-1"), lambda n: n % 2 and n % 3 == 1 and n % 4 != 3),
    (Wanted(actor="system"), lambda n: n % 2 == 0),
    (Wanted(action="call.issue"), lambda n: n % 4 == 3),
    (Wanted(resource_type="thing"), lambda n: n % 4 < 2),
    (Wanted(resource_type="thing", resource_id="2"), lambda n: n % 5 == 2 and n % 4 < 2),
    (Wanted(resource_id="2"), lambda n: n % 5 == 2 and n % 4 < 2),
    (Wanted(resource_type="call", resource_id="17", topic="audit.recorded"), lambda n: n % 4 == 3),
    (Wanted(since=NOW + timedelta(seconds=10), until=NOW + timedelta(seconds=20)), lambda n: 10 <= n < 20),
    (Wanted(topic="fund.changed", since=NOW + timedelta(seconds=30)), lambda n: n >= 30 and n % 4 == 0),
    (Wanted(actor="local", action="call.issue", until=NOW + timedelta(seconds=9)), lambda n: n < 9 and n % 4 == 3),
]


async def test_filters_narrow_the_list(ledger: Ledger) -> None:
    """Each filter alone, and with others, finds exactly what it names."""
    async with ledger.connect("audit") as db:
        await fill(db)
        for wanted, found in FILTERS:
            assert await listed(db, wanted) == [n for n in range(39, -1, -1) if found(n)], wanted


async def test_pages_neither_repeat_nor_hide(ledger: Ledger) -> None:
    """Page by page the list is the list, though all entries of a batch have one time."""
    async with ledger.connect("audit") as db:
        async with db.transaction():
            await handlers.record(
                db,
                [
                    item(topic, n, partition=n % 3, ce_subject=f"thing/{n % 2}")
                    for topic in ("payment.received", "fund.changed")
                    for n in range(20)
                ],
            )
        for wanted in (Wanted(), Wanted(topic="payment.received"), Wanted(resource_type="thing", resource_id="1")):
            whole = await store.newest(db, wanted, before=None, limit=100)
            paged = []
            before = None
            while page := await store.newest(db, wanted, before=before, limit=7):
                paged += page
                before = page[-1].place
            assert paged == whole


STATEMENTS = {
    "SLICE": (store.SLICE, ("fund.changed", 0, 0, 1_000, 1_000_000), "entry_pkey"),
    "ONE_ENTRY": (store.ONE_ENTRY, ("fund.changed", 0, 1), "entry_pkey"),
    "KNOWN_IDENTITIES": (store.KNOWN_IDENTITIES, (["x"] * 100,), "entry_once"),
    "LIST_BY_TIME": (store.LIST_BY_TIME, (None,) * 11 + (50,), "entry_by_time"),
    "LIST_BY_ACTOR": (store.LIST_BY_ACTOR, (None, "ada", *(None,) * 9, 50), "entry_by_actor"),
    "LIST_BY_ACTION": (store.LIST_BY_ACTION, (None, None, "call.issue", *(None,) * 8, 50), "entry_by_action"),
    "LIST_BY_RESOURCE": (
        store.LIST_BY_RESOURCE,
        (None, None, None, "call", "17", *(None,) * 6, 50),
        "entry_by_resource",
    ),
}


async def test_reads_find_their_index(ledger: Ledger) -> None:
    """No statement walks the table of entries, whether its statistics are young or not there yet."""
    async with ledger.connect("audit") as db, ledger.connect_admin() as admin:
        for part in range(2):
            await handlers.record(db, [item("fund.changed", part * 2_000 + n) for n in range(2_000)])
            for name, (sql, arguments, index) in STATEMENTS.items():
                (plan,) = json.loads(await db.fetchval(f"explain (format json) {sql}", *arguments))
                used = {node.get("Index Name") for node in nodes(plan["Plan"])}
                walked = {node["Relation Name"] for node in nodes(plan["Plan"]) if node["Node Type"] == "Seq Scan"}
                assert index in used, (name, part)
                assert "entry" not in walked, (name, part)
            await admin.execute("analyze")


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for inner in plan.get("Plans", []) for node in nodes(inner))]


async def test_new_chains_are_begun_once(ledger: Ledger) -> None:
    """The first batch of a chain makes its head; later ones find it."""
    chains = [ChainId("fund.changed", 0), ChainId("fund.changed", 1)]
    async with ledger.connect("audit") as db, db.transaction():
        first = await store.lock_heads(db, chains)
        second = await store.lock_heads(db, [*chains, ChainId("deal.changed", 0)])
    assert {chain: second[chain] for chain in chains} == first
    assert {locked.head.sequence for locked in second.values()} == {0}
