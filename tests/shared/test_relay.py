"""Promises of the relay: everything committed is published, in order per key, and only then forgotten."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from pydantic import SecretStr

from shared import outbox, topics
from shared.contracts.allocations import DealChanged
from shared.outbox import Event, Origin, RawRecord
from shared.relay import Relay
from shared.settings import Settings
from tests.support.ledger import Ledger
from tests.support.servers import Servers
from tests.support.topics import ends, remove

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MakeTopics = Callable[..., Awaitable[str]]


def record(key: str, payload: bytes) -> RawRecord:
    return RawRecord(topics.DEAL_CHANGED, key.encode(), [("n", b"1")], payload, f"deal/{key}", NOW)


@contextlib.asynccontextmanager
async def relaying(ledger: Ledger, servers: Servers, prefix: str, copies: int = 1) -> AsyncIterator[list[Relay]]:
    url = ledger.url("allocations")
    settings = Settings(database_url=SecretStr(url), kafka=servers.kafka, topic_prefix=prefix)
    relays = [Relay("allocations", settings) for _ in range(copies)]
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield relays
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def drained(ledger: Ledger, left: int = 0) -> None:
    async with ledger.connect("allocations") as db, asyncio.timeout(20):
        while await db.fetchval("select count(*) from outbox_event") > left:
            await asyncio.sleep(0.05)


async def published(servers: Servers, prefix: str) -> "list[ConsumerRecord[bytes, bytes]]":
    consumer = AIOKafkaConsumer(
        prefix + topics.DEAL_CHANGED, bootstrap_servers=servers.kafka, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        found = []
        while batch := await consumer.getmany(timeout_ms=700):
            found += [r for records in batch.values() for r in records]
        return found
    finally:
        await consumer.stop()


async def test_rows_are_published_in_order_per_key_and_deleted(
    ledger: Ledger, servers: Servers, make_topics: MakeTopics
) -> None:
    """Readers meet the changes of one entity in the order of their commits; the outbox ends empty."""
    prefix = await make_topics(topics.DEAL_CHANGED, partitions=3)
    async with ledger.connect("allocations") as db:
        for n in range(300):
            async with db.transaction():
                await outbox.add_raw(db, [record(str(k), f"{k}:{n:03d}".encode()) for k in range(5)], Origin())
    async with relaying(ledger, servers, prefix, copies=2):
        await drained(ledger)
    records = await published(servers, prefix)
    assert len(records) == 1_500
    for key in range(5):
        values = [r.value for r in records if r.key == str(key).encode()]
        assert values == [f"{key}:{n:03d}".encode() for n in range(300)]
        assert len({r.partition for r in records if r.key == str(key).encode()}) == 1


async def test_a_row_committed_late_under_a_lower_id_is_not_missed(
    ledger: Ledger, servers: Servers, make_topics: MakeTopics
) -> None:
    """Ids are given before commit; a relay that remembered the highest would skip it (kamu-cli 1398)."""
    prefix = await make_topics(topics.DEAL_CHANGED, partitions=1)
    async with relaying(ledger, servers, prefix) as [relay], ledger.connect("allocations") as slow:
        late = slow.transaction()
        await late.start()
        await outbox.add_raw(slow, [record("late", b"late")], Origin())
        async with ledger.connect("allocations") as quick:
            await outbox.add_raw(quick, [record("soon", b"soon")], Origin())
        relay.wake()
        await asyncio.sleep(0.5)
        await late.commit()
        await drained(ledger)
    assert [r.value for r in await published(servers, prefix)] == [b"soon", b"late"]


async def test_a_row_that_kafka_refuses_for_good_holds_up_its_own_key_only(
    ledger: Ledger, servers: Servers, make_topics: MakeTopics
) -> None:
    """It is parked with the reason; what lies behind it under the same key waits, everything else goes on."""
    prefix = await make_topics(topics.DEAL_CHANGED, partitions=1)
    async with ledger.connect("allocations") as db:
        rows = [record("a", b"1"), record("big", os.urandom(3_000_000)), record("big", b"behind"), record("a", b"2")]
        await outbox.add_raw(db, rows, Origin())
        async with relaying(ledger, servers, prefix):
            await drained(ledger, left=2)
            await asyncio.sleep(0.5)
        left = await db.fetch("select key, parked_reason is not null as parked from outbox_event order by id, number")
    assert [tuple(row) for row in left] == [(b"big", True), (b"big", True)]
    sent = [r.value for r in await published(servers, prefix)]
    assert list(dict.fromkeys(sent)) == [b"1", b"2"]  # what was sent before the refusal may be sent again


async def test_what_comes_behind_a_parked_event_waits_until_a_person_frees_it(
    ledger: Ledger, servers: Servers, make_topics: MakeTopics
) -> None:
    """Also across a restart of the relay, and in the middle of other keys' events; freed, all goes out in order."""
    prefix = await make_topics(topics.DEAL_CHANGED, partitions=1)
    async with ledger.connect("allocations") as db:
        await outbox.add_raw(db, [record("a", b"1"), record("b", b"2"), record("a", b"3")], Origin())
        await db.execute("update outbox set parked_reason = 'a person said so'")
        await outbox.add_raw(db, [record("c", b"4"), record("a", b"5"), record("c", b"6")], Origin())
        async with relaying(ledger, servers, prefix):
            await drained(ledger, left=4)
            await asyncio.sleep(0.5)
        waiting = await db.fetch("select payload from outbox_event where parked_reason is not null order by id, number")
        assert [row["payload"] for row in waiting] == [b"1", b"2", b"3", b"5"]
        await db.execute("update outbox set parked_reason = null")
        async with relaying(ledger, servers, prefix):
            await drained(ledger)
    assert [r.value for r in await published(servers, prefix)] == [b"4", b"6", b"1", b"2", b"3", b"5"]


async def test_a_row_published_again_repeats_its_ids(ledger: Ledger, servers: Servers, make_topics: MakeTopics) -> None:
    """A crash between the acknowledgement and the delete repeats events; readers know them by their ids."""
    prefix = await make_topics(topics.DEAL_CHANGED, partitions=1)
    events = [
        Event(topics.DEAL_CHANGED, "1", "deal/1", DealChanged(id=1, name="B", stage="prospect", version=n), NOW)
        for n in range(1, 6)
    ]
    async with ledger.connect("allocations") as db:
        await outbox.add(db, events, Origin())
        await db.execute("create temporary table again as table outbox")
        for _ in range(2):
            async with relaying(ledger, servers, prefix):
                await drained(ledger)
            await db.execute("insert into outbox table again")
    ids = [dict(r.headers)["ce_id"] for r in await published(servers, prefix)]
    assert len(ids) == 10
    assert ids[:5] == ids[5:]
    assert len({UUID(id_.decode()) for id_ in ids}) == 5


async def test_a_key_of_any_length_can_be_parked(ledger: Ledger, servers: Servers, make_topics: MakeTopics) -> None:
    """Other people choose the keys of dead letters; one that no index can hold must not stop the relay."""
    prefix = await make_topics(topics.DEAD_LETTERS[0], topics.DEAL_CHANGED, partitions=1)
    async with ledger.connect("allocations") as db:
        long = RawRecord(topics.DEAD_LETTERS[0], os.urandom(1_500_000), [], b"", "x", NOW)
        await outbox.add_raw(db, [long, record("a", b"1")], Origin())
        async with relaying(ledger, servers, prefix):
            await drained(ledger, left=1)
        assert await db.fetchval("select parked_reason is not null from outbox")
    assert {r.value for r in await published(servers, prefix)} == {b"1"}


async def test_a_broker_that_takes_less_than_a_batch_of_ours_gets_the_records_singly(
    ledger: Ledger, servers: Servers, make_topics: MakeTopics
) -> None:
    """A refusal that is of no single record's making is got over, and nothing is parked."""
    prefix = await make_topics(topics.DEAL_CHANGED, partitions=1)
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka)
    await admin.start()
    limit = {"max.message.bytes": "20000"}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, prefix + topics.DEAL_CHANGED, configs=limit)])
    await admin.close()
    payloads = [os.urandom(10_000) for _ in range(12)]
    async with ledger.connect("allocations") as db:
        await outbox.add_raw(db, [record(str(n), payload) for n, payload in enumerate(payloads)], Origin())
    async with relaying(ledger, servers, prefix):
        await drained(ledger)
    assert [r.value for r in await published(servers, prefix)] == payloads


async def test_a_topic_made_again_with_fewer_partitions_gets_every_event(
    ledger: Ledger, servers: Servers, make_topics: MakeTopics
) -> None:
    """What the relay remembers of a topic that is gone must not send its events nowhere for ever."""
    prefix = await make_topics(topics.DEAL_CHANGED, partitions=4)
    async with ledger.connect("allocations") as db, relaying(ledger, servers, prefix):
        await outbox.add_raw(db, [record(str(n), b"old") for n in range(20)], Origin())
        await drained(ledger)
        await remove(servers.kafka, prefix)
        async with asyncio.timeout(20):
            while (topics.DEAL_CHANGED, 0) not in await ends(servers.kafka, prefix):
                with contextlib.suppress(Exception):
                    await make_topics(topics.DEAL_CHANGED, partitions=1)
        await outbox.add_raw(db, [record(str(n), b"new") for n in range(20)], Origin())
        await drained(ledger)
    assert {r.key for r in await published(servers, prefix)} == {str(n).encode() for n in range(20)}


async def test_the_relay_outlives_the_end_of_its_connection(
    ledger: Ledger, servers: Servers, make_topics: MakeTopics
) -> None:
    """The database ends its session in the middle; it takes the lease again and goes on."""
    prefix = await make_topics(topics.DEAL_CHANGED, partitions=1)
    async with relaying(ledger, servers, prefix), ledger.connect("allocations") as db, ledger.connect_admin() as admin:
        await outbox.add_raw(db, [record("a", b"1")], Origin())
        await drained(ledger)
        ended = await admin.fetchval(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'lease-relay'"
            " and datname = current_database()"
        )
        assert ended == 1
        await outbox.add_raw(db, [record("a", b"2")], Origin())
        await drained(ledger)
    assert [r.value for r in await published(servers, prefix)] == [b"1", b"2"]
