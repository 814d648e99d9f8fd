"""Promises of the rebuild, on the real broker: the topics alone give the same bytes again."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from services.metrics import consumer, store
from services.metrics.consumer.rebuild import rebuild, verify
from shared.contracts import Contract, encode
from shared.kafka import positions
from shared.kafka.records import arrivals_of
from shared.kafka.replay import LogIsGone, replaying
from shared.postgres import Connection
from shared.settings import Settings
from tests.conftest import MakeTopics
from tests.metrics import events
from tests.metrics.test_handlers import dump
from tests.support.ledger import Ledger
from tests.support.servers import Servers
from tests.support.topics import PARTITIONS


@pytest.fixture
async def stack(metrics_url: str, servers: Servers, make_topics: MakeTopics) -> Settings:
    """Topics and tables of this test's own."""
    prefix = await make_topics(*consumer.READS)
    return Settings(database_url=SecretStr(metrics_url), kafka=servers.kafka, topic_prefix=prefix)


async def publish(settings: Settings, said: Sequence[Contract | tuple[str, bytes]]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka)
    await producer.start()
    try:
        for number, event in enumerate(said):
            topic, value = event if isinstance(event, tuple) else (event.topic, encode(event))
            await producer.send(settings.topic_prefix + topic, value, partition=number % PARTITIONS)
        await producer.flush()
    finally:
        await producer.stop()


def history(seed: int) -> list[Contract | tuple[str, bytes]]:
    """A random history of some entities in any order, with duplicates and something unreadable."""
    chance = random.Random(seed)
    said: list[Contract | tuple[str, bytes]] = [events.fund(), events.deal(), ("fund.changed", b"garbage")]
    for number in range(1, 21):
        for version in range(1, 6):
            called, paid = f"{version * 1000}.00", f"{version * 10}.00"
            said += [
                events.allocation(version, allocation_id=number, called=called, funded=paid),
                events.terms(version, call_id=number, allocation_id=number),
                events.receivable(version, call_id=number, allocation_id=number, paid=paid),
                events.held(version, hold_id=number),
                events.reserves(version, fund_id=number, total=called),
            ]
    said += chance.choices(said, k=50)
    chance.shuffle(said)
    return said


async def serve(settings: Settings, db: Connection) -> None:
    """Reads to the ends as the service does: rows and positions in one transaction per batch."""
    async with replaying(settings) as log:
        keys = await log.partitions(consumer.READS)
        ends = await log.ends(keys)
        places = await positions.load(db, keys)
        log.seek({key: place.next_offset for key, place in places.items()})
        while await log.behind(ends):
            batch = await log.take(50)
            moves = {places[key]: places[key].after(records[-1]) for key, records in batch.items()}
            async with db.transaction():
                await positions.advance(db, moves)
                for records in batch.values():
                    some = arrivals_of(records, prefix=settings.topic_prefix, incarnation=1)
                    await consumer.apply(db, some, events.NOW)
            places |= {(place.topic, place.partition): place for place in moves.values()}


async def test_replay_and_live_are_equal(stack: Settings, db: Connection) -> None:
    """After any history, with duplicates and garbage, a replay beside gives the bytes of the live tables."""
    said = history(1)
    await publish(stack, said)
    await serve(stack, db)
    assert await db.fetchval("select count(*) from metrics.allocation where version = 5") == 20
    verdict = await verify(stack)
    assert verdict.differences == []
    assert (verdict.records, verdict.rows) == (len(said), 82)


async def test_a_hand_edit_is_found_and_rebuilt(stack: Settings, db: Connection) -> None:
    """A row that no event made, changed or new, is named, and looking repairs nothing; a rebuild does."""
    said = history(2)
    await publish(stack, said)
    await serve(stack, db)
    right = await dump(db)
    await db.execute("update metrics.allocation set funded_minor = funded_minor + 1 where id = 7")
    await db.execute("insert into metrics.deal values (99, 'nobody', 'prospect', 1)")
    await db.execute("delete from metrics.fund_reserves where id = 3")
    wrong = await dump(db)

    verdict = await verify(stack)
    assert [line.splitlines()[0] for line in verdict.differences] == ["deal 99", "allocation 7", "fund_reserves 3"]
    assert "(no row)" in verdict.differences[0]
    assert await dump(db) == wrong

    assert await rebuild(stack) == len(said)
    assert await dump(db) == right
    assert (await verify(stack)).differences == []


async def test_only_what_was_read_counts(stack: Settings, db: Connection) -> None:
    """Records that the service has not come to are no difference, and a rebuild leaves them to it."""
    await publish(stack, history(3))
    await serve(stack, db)
    before = await dump(db)
    await publish(stack, [events.fund(2), events.allocation(9, allocation_id=1)])
    assert (await verify(stack)).differences == []
    await rebuild(stack)
    assert await dump(db) == before
    await serve(stack, db)
    assert await store.find_fund(db, 2) is not None


async def test_a_rebuild_beside_a_service_that_reads_on(stack: Settings, db: Connection) -> None:
    """What is read while the replay runs is in the tables when it ends; nothing is lost, nothing comes twice."""
    said = history(4)
    await publish(stack, said[: len(said) // 2])
    await serve(stack, db)
    await publish(stack, said[len(said) // 2 :])
    await asyncio.gather(rebuild(stack), serve(stack, db), rebuild(stack))
    assert (await verify(stack)).differences == []
    assert await db.fetchval("select count(*) from metrics.allocation where version = 5") == 20


async def test_a_rebuild_shows_nobody_empty_tables(stack: Settings, db: Connection, one_ledger: Ledger) -> None:
    """Whoever asks while the tables are changed over sees the figures of before or after, never that there are none."""
    await publish(stack, history(6))
    await serve(stack, db)
    rebuilding = asyncio.create_task(rebuild(stack))
    async with one_ledger.connect("metrics") as reader:
        while not rebuilding.done():
            async with store.one_moment(reader):
                assert await reader.fetchval("select count(*) from metrics.allocation") == 20
    await rebuilding


async def test_a_rebuild_that_is_stopped_changes_nothing(stack: Settings, db: Connection) -> None:
    """Ended at any moment before it is done, it leaves tables and positions as they were."""
    await publish(stack, history(5))
    await serve(stack, db)
    before = await dump(db), await store.read_to(db)
    for pause_seconds in (0, 0.3):
        stopped = asyncio.create_task(rebuild(stack))
        await asyncio.sleep(pause_seconds)
        stopped.cancel()
        await asyncio.gather(stopped, return_exceptions=True)
        assert (await dump(db), await store.read_to(db)) == before


async def test_a_log_that_is_gone(stack: Settings, db: Connection) -> None:
    """Where the tables stand beyond the end of a topic, nothing can be compared and nothing is rebuilt."""
    await publish(stack, [events.fund()])
    await serve(stack, db)
    await db.execute("update position set next_offset = 1000 where topic = 'fund.changed' and next_offset > 0")
    for work in (verify, rebuild):
        with pytest.raises(LogIsGone, match="ends at offset"):
            await work(stack)
    assert await store.find_fund(db, 1) is not None


async def test_a_topic_that_was_made_anew(stack: Settings, db: Connection) -> None:
    """What an earlier log of the same name said cannot be replayed, so equal is never claimed."""
    await publish(stack, [events.fund()])
    await serve(stack, db)
    await db.execute("update position set incarnation = 2 where next_offset > 0")
    with pytest.raises(LogIsGone, match="made anew"):
        await verify(stack)
