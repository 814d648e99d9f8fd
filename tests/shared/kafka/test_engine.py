"""Promises of the batch reader: every record done once in effect, whatever dies, moves, or comes back changed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import SecretStr

from shared import topics
from shared.clock import SystemClock
from shared.kafka.consuming import Consuming
from shared.kafka.engine import BatchReader
from shared.kafka.fetched import Fetched
from shared.kafka.records import Arrival
from shared.postgres import Connection, Pool, open_pool
from shared.settings import Settings
from tests.support.ledger import Ledger
from tests.support.servers import Servers

TOPIC = topics.DEAL_CHANGED
MakeTopics = Callable[..., Awaitable[str]]


@dataclass
class Bench:
    """A topic, a table that records are written to, and readers that do so."""

    kafka: str
    prefix: str
    url: str
    pool: Pool
    fail: list[Exception] = field(default_factory=list)  # what the next transactions run into
    seconds_per_record: float = 0
    gather_seconds: float = 0

    async def apply(self, db: Connection, arrivals: Sequence[Arrival], _now: datetime) -> None:
        rows = [(a.partition, a.incarnation, a.offset, a.value.decode()) for a in arrivals]
        await db.executemany("insert into seen values ($1, $2, $3, $4)", rows)
        await db.execute("select pg_sleep($1)", self.seconds_per_record * len(rows))
        if self.fail:
            raise self.fail.pop()

    def reader(self, name: str = "metrics") -> tuple[BatchReader, Consuming]:
        settings = Settings(
            database_url=SecretStr(self.url),
            kafka=self.kafka,
            topic_prefix=self.prefix,
            session_timeout_ms=6_000,
        )
        reader = BatchReader(
            service=name,
            prefix=self.prefix,
            pool=lambda: self.pool,
            clock=SystemClock(),
            apply=self.apply,
            after_commit=lambda: None,
        )
        return reader, Consuming(name, settings, [TOPIC], reader, gather_seconds=self.gather_seconds)

    async def send(self, *values: str, key: str = "k") -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka, acks="all")
        await producer.start()
        try:
            sent = [await producer.send(self.prefix + TOPIC, v.encode(), key=key.encode()) for v in values]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()

    async def seen(self) -> list[str]:
        return [
            value for (value,) in await self.pool.fetch("select value from seen order by incarnation, record_offset")
        ]

    async def until(self, count: int, seconds: float = 20) -> list[str]:
        async with asyncio.timeout(seconds):
            while len(set(found := await self.seen())) < count:
                await asyncio.sleep(0.05)
        return found


@pytest.fixture
async def bench(ledger: Ledger, servers: Servers, make_topics: MakeTopics) -> AsyncIterator[Bench]:
    """A fresh topic of one partition, and a table `seen` in the metrics schema that refuses the value ``refused``."""
    async with ledger.connect_admin() as db:
        await db.execute("create table metrics.seen (partition int, incarnation int, record_offset bigint, value text)")
        await db.execute("alter table metrics.seen add check (value <> 'refused')")
        await db.execute("grant select, insert on metrics.seen to drawdown_metrics")
    prefix = await make_topics(TOPIC, topics.dead_letter_topic(TOPIC), partitions=1)
    pool = await open_pool(ledger.url("metrics"), application="test", size=4)
    try:
        yield Bench(servers.kafka, prefix, ledger.url("metrics"), pool)
    finally:
        await pool.close()


@contextlib.asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[BatchReader]:
    reader, process = bench.reader()
    task = asyncio.create_task(process.run())
    try:
        yield reader
    finally:
        await process.stop()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def numbered(tag: str, count: int) -> list[str]:
    return [f"{tag}{n:04d}" for n in range(count)]


async def test_a_restart_goes_on_where_the_database_stands(bench: Bench) -> None:
    """Kafka's own offsets are only a mirror: the next reader repeats nothing and skips nothing."""
    await bench.send(*numbered("a", 50))
    async with running(bench):
        await bench.until(50)
    await bench.send(*numbered("b", 50))
    async with running(bench):
        assert await bench.until(100) == numbered("a", 50) + numbered("b", 50)


async def test_a_record_that_the_database_refuses_stands_alone(bench: Bench) -> None:
    """The records around it are done, in order; it becomes a dead letter, once."""
    await bench.send(*numbered("a", 20), "refused", *numbered("b", 20))
    async with running(bench):
        assert await bench.until(40) == numbered("a", 20) + numbered("b", 20)
    letters = await bench.pool.fetch("select record_offset, reason, convert_from(payload, 'UTF8') from dead_letter")
    assert [tuple(letter) for letter in letters] == [(20, "internal_error", "refused")]
    assert (
        await bench.pool.fetchval("select count(*) from outbox_event where topic = $1", topics.dead_letter_topic(TOPIC))
        == 1
    )


async def test_a_fault_of_ours_stops_the_batch_and_loses_nothing(bench: Bench) -> None:
    """A bug or a database that is away: the batch is tried again, whole, until it is done."""
    bench.fail = [RuntimeError("a bug"), ConnectionError("away"), RuntimeError("again")]
    await bench.send(*numbered("a", 10))
    async with running(bench):
        assert await bench.until(10) == numbered("a", 10)


async def test_a_batch_that_takes_the_database_too_long_is_cut(bench: Bench) -> None:
    """The same batch again would take as long again, for ever; smaller ones get through, in order, each record once."""
    bench.seconds_per_record = 0.03
    bench.pool = await open_pool(bench.url, application="test", size=4, settings={"statement_timeout": "400ms"})
    await bench.send(*numbered("a", 60))
    try:
        async with running(bench):
            assert await bench.until(60, seconds=30) == numbered("a", 60)
    finally:
        await bench.pool.close()


async def test_a_batch_taken_before_a_seek_is_not_done(bench: Bench) -> None:
    """Its records may be of a log that is gone; what is in the log comes again, once."""
    await bench.send(*numbered("a", 10))
    async with running(bench) as reader:
        await bench.until(10)
        [tp] = reader.offsets()
        record = Fetched(tp.topic, tp.partition, 10, 0, b"k", b"of another log", [])
        async with reader._gate:
            handling = asyncio.create_task(reader.handle({tp: [record]}))
            await asyncio.sleep(0)
            reader._rewind(tp)
        await handling
        await bench.send(*numbered("b", 10))
        assert await bench.until(20) == numbered("a", 10) + numbered("b", 10)
    assert await bench.pool.fetchval("select max(incarnation) from position") == 1


async def test_a_log_that_lost_its_end_while_the_broker_was_away(bench: Bench) -> None:
    """The reader looks again at the record before its position, so what grew in its place is not skipped."""
    async with running(bench) as reader:
        await bench.send(*numbered("a", 10))
        await bench.until(10)
        [(tp, place)] = reader._places.items()
        reader._places[tp] = replace(place, last=(1, 1))  # as if another record had stood there
        await reader.look_again()
        async with asyncio.timeout(20):
            while await bench.seen() != numbered("a", 10) * 2:
                await asyncio.sleep(0.05)
    assert await bench.pool.fetchval("select incarnation from position") == 2


async def test_a_copy_that_was_overtaken_is_fenced(bench: Bench) -> None:
    """Somebody else moved the position on while this copy slept: its batch changes nothing, and it goes on behind."""
    await bench.send(*numbered("a", 5))
    async with running(bench) as reader:
        await bench.until(5)
        await bench.pool.execute(
            "update position set next_offset = 8, last_timestamp_ms = null, last_crc = null where topic = $1", TOPIC
        )
        await bench.send(*numbered("b", 5))
        assert (await bench.until(7))[5:] == ["b0003", "b0004"]
        assert {place.next_offset for place in reader.standing()} == {10}


async def test_two_copies_share_the_partitions_and_do_each_record_once(
    ledger: Ledger, bench: Bench, servers: Servers
) -> None:
    """A rebalance in the middle of traffic repeats nothing."""
    async with running(bench), running(bench):
        for round_ in range(5):
            await bench.send(*numbered(f"r{round_}-", 200))
            await asyncio.sleep(0.1)
        found = await bench.until(1_000, seconds=40)
    assert len(found) == len(set(found)) == 1_000


@pytest.mark.parametrize(("before", "after"), [(40, 3), (3, 400)], ids=["shorter", "longer"])
async def test_a_topic_made_again_under_a_running_reader(bench: Bench, before: int, after: int) -> None:
    """Nothing after it is lost, whether the new log is shorter than where the reader stood or already longer."""
    async with running(bench):
        await bench.send(*numbered("old", before))
        await bench.until(before)
        await asyncio.sleep(1.5)  # the topic's id is learned within a second
        await make_again(bench)
        await bench.send(*numbered("new", after))
        found = await bench.until(before + after, seconds=30)
    assert found[before:][-after:] == numbered("new", after)
    assert await bench.pool.fetchval("select max(incarnation) from position") >= 2


async def test_a_topic_is_known_before_its_first_record(bench: Bench) -> None:
    """An empty partition's log is remembered too: made again before anything was read, it is noticed as well."""
    async with running(bench):
        async with asyncio.timeout(20):
            while not await bench.pool.fetchval("select count(topic_id) from position"):
                await asyncio.sleep(0.1)
        await make_again(bench)
        await bench.send("new")
        assert await bench.until(1) == ["new"]
        async with asyncio.timeout(20):
            while await bench.pool.fetchval("select incarnation from position") != 2:
                await asyncio.sleep(0.1)


async def test_a_topic_made_again_while_nobody_reads(bench: Bench) -> None:
    """The next reader sees by the record before its position that this is another log."""
    async with running(bench):
        await bench.send(*numbered("old", 3))
        await bench.until(3)
    await make_again(bench)
    await bench.send(*numbered("new", 10))
    async with running(bench):
        found = await bench.until(13)
    assert found[3:] == numbered("new", 10)


async def make_again(bench: Bench) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bench.kafka)
    await admin.start()
    try:
        await admin.delete_topics([bench.prefix + TOPIC])
        while bench.prefix + TOPIC in await admin.list_topics():
            await asyncio.sleep(0.02)
    finally:
        await admin.close()
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(Exception):
                if await topics.make_topics(bench.kafka, prefix=bench.prefix, partitions=1, only=[TOPIC]):
                    return
            await asyncio.sleep(0.05)


async def test_small_batches_let_records_gather(bench: Bench) -> None:
    """A batch of few costs more than its records: after one, those that come meanwhile are taken together."""
    bench.gather_seconds = 0.5
    async with running(bench):
        await bench.send("a0000")
        await bench.until(1)
        for value in numbered("a", 30)[1:]:
            await bench.send(value)
        assert await bench.until(30) == numbered("a", 30)
    transactions = await bench.pool.fetch("select distinct xmin::text from seen")
    assert len(transactions) < 15
