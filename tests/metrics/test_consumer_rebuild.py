"""Promises of the rebuild, on the real broker: the topics alone give the same bytes again."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from services.metrics import consumer
from services.metrics.consumer.rebuild import rebuild, verify
from shared.contracts import Contract, encode
from shared.kafka.replay import LogIsGone
from shared.postgres import Connection
from shared.settings import Settings
from tests.conftest import MakeTopics
from tests.metrics import events
from tests.metrics.test_handlers import dump
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
            ]
    said += chance.choices(said, k=50)
    chance.shuffle(said)
    return said


async def test_a_rebuild_reads_everything(stack: Settings, db: Connection) -> None:
    """An empty read model is filled from the topics, and a verification beside it finds it equal."""
    said = history(1)
    await publish(stack, said)
    assert await rebuild(stack) == len(said)
    assert await db.fetchval("select count(*) from metrics.allocation where version = 5") == 20
    verdict = await verify(stack)
    assert verdict.differences == []
    assert (verdict.records, verdict.rows) == (len(said), 62)


async def test_rebuilding_changes_no_byte(stack: Settings, db: Connection) -> None:
    """Dropped and replayed, the tables hold the bytes they held before; the dead letter is still one."""
    await publish(stack, history(2))
    await rebuild(stack)
    before = await dump(db)
    letters = await db.fetchval("select count(*) from dead_letter")
    await rebuild(stack)
    assert await dump(db) == before
    assert await db.fetchval("select count(*) from dead_letter") == letters


async def test_a_hand_edit_is_found(stack: Settings, db: Connection) -> None:
    """A row that no event made, changed or missing, is named; nothing is repaired by looking."""
    await publish(stack, history(3))
    await rebuild(stack)
    await db.execute("update metrics.allocation set funded_minor = funded_minor + 1 where id = 7")
    await db.execute("insert into metrics.deal values (99, 'nobody', 'prospect', 1)")
    before = await dump(db)
    verdict = await verify(stack)
    assert [line.splitlines()[0] for line in verdict.differences] == ["deal 99", "allocation 7"]
    assert "(no row)" in verdict.differences[0]
    assert await dump(db) == before


async def test_only_what_was_read_is_compared(stack: Settings, db: Connection) -> None:
    """Records that the live tables have not come to yet do not count as a difference."""
    await publish(stack, history(4))
    await rebuild(stack)
    await publish(stack, [events.fund(2), events.allocation(9, allocation_id=1)])
    assert (await verify(stack)).differences == []


async def test_a_log_that_is_gone_cannot_verify(stack: Settings, db: Connection) -> None:
    """Where the tables stand beyond the end of a topic, the answer is neither equal nor different."""
    await publish(stack, [events.fund()])
    await rebuild(stack)
    await db.execute("update position set next_offset = 1000 where topic = 'fund.changed' and next_offset > 0")
    with pytest.raises(LogIsGone, match="ends at offset"):
        await verify(stack)


async def test_two_rebuilds_at_once(stack: Settings, db: Connection) -> None:
    """Two that replay the same topics fence each other off batch by batch, and both end with the right tables."""
    await publish(stack, history(5))
    await asyncio.gather(rebuild(stack), rebuild(stack))
    assert (await verify(stack)).differences == []
