"""The relay: publishes in order what committed transactions left in the outbox, and deletes what is acknowledged.

One copy at a time, under a lease. A crash between the acknowledgement and the delete publishes a row again, with the
same event id; readers stand that. Never a cursor over ids: they are given before commit, and late ones would be missed.
"""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.partitioner import murmur2

from shared import telemetry
from shared.lease import Lease
from shared.outbox import headers_from_text
from shared.postgres import Connection, Record
from shared.settings import Settings

log = structlog.get_logger(__name__)

_ROWS: Final = 5_000
_POLL_SECONDS: Final = 0.2
_BATCH_BYTES: Final = 256 * 1024
_REFUSED_FOR_GOOD: Final = (MessageSizeTooLargeError, RecordListTooLargeError)

# What lies behind a parked row of the same key waits with it: order is kept per key.
WAITING_EVENTS: Final = """
select *
  from outbox o
 where parked_reason is null
   and not exists (select 1
                     from outbox parked
                    where parked.parked_reason is not null
                      and parked.topic = o.topic
                      and parked.key is not distinct from o.key)
 order by id
 limit $1
"""

DELETE_EVENTS: Final = """
delete from outbox where id = any($1::bigint[])
"""

PARK_EVENT: Final = """
update outbox set parked_reason = $2 where id = $1
"""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One row of the outbox as a Kafka record."""

    id: int
    topic: str
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]]


def outgoing(row: Record, *, source: str) -> Outgoing:
    """The record of a row: CloudEvents headers in binary mode, or the headers that the row itself carries."""
    headers = _cloud_event(row, source) if row["headers"] is None else headers_from_text(row["headers"])
    return Outgoing(
        id=row["id"],
        topic=row["topic"],
        key=row["key"],
        value=row["payload"],
        headers=headers,
    )


def _cloud_event(row: Record, source: str) -> list[tuple[str, bytes]]:
    kind = f"{row['topic']}.v1"
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", str(row["event_id"]).encode()),
        ("ce_source", source.encode()),
        ("ce_type", kind.encode()),
        ("ce_time", row["occurred_at"].isoformat().replace("+00:00", "Z").encode()),
        ("ce_subject", row["subject"].encode()),
        ("ce_dataschema", f"drawdown:schemas/{kind}.json".encode()),
        ("content-type", b"application/json"),
        ("ce_actor", row["actor"].encode()),
    ]
    for name in ("causation_id", "correlation_id", "traceparent"):
        if row[name] is not None:
            header = "traceparent" if name == "traceparent" else f"ce_{name.replace('_', '')}"
            headers.append((header, row[name].encode()))
    return headers


class Relay:
    """Publishes one service's outbox until it is cancelled."""

    def __init__(self, service: str, settings: Settings) -> None:
        self._source = f"drawdown/{service}"
        self._settings = settings
        self._woken = asyncio.Event()
        self._partitions: dict[tuple[str, bytes], int] = {}

    def wake(self) -> None:
        """Tells the relay that a transaction with events was committed."""
        self._woken.set()

    async def run(self) -> None:
        """Takes the lease and publishes; begins anew after every failure, with a fresh producer and connection."""
        pause_seconds = 0.1
        while True:
            lease = Lease(self._settings.database_url.get_secret_value(), "relay")
            try:
                if await lease.take():
                    pause_seconds = 0.1
                    await self._lead(lease)
            except Exception as error:  # noqa: BLE001  (whatever fails, the outbox keeps its rows and we try again)
                telemetry.RELAY_FAILURES.inc()
                log.warning("relay begins anew", error=repr(error))
                pause_seconds = min(pause_seconds * 2, 5)
            finally:
                await lease.give_up()
            await asyncio.sleep(pause_seconds + random.random() * 0.2)  # noqa: S311  (jitter, not a secret)

    async def _lead(self, lease: Lease) -> None:
        self._partitions.clear()  # a topic may have been made again, with fewer of them
        async with self._producer() as producer:
            while True:
                self._woken.clear()
                rows = await lease.db.fetch(WAITING_EVENTS, _ROWS)
                if rows:
                    await self._relay(lease.db, producer, [outgoing(row, source=self._source) for row in rows])
                    continue
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), _POLL_SECONDS)

    @contextlib.asynccontextmanager
    async def _producer(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka,
            client_id=self._source,
            acks="all",
            enable_idempotence=True,
            compression_type="lz4",
            max_batch_size=_BATCH_BYTES,
            max_request_size=4 * 1024 * 1024,
            request_timeout_ms=15_000,
        )
        try:
            await producer.start()
            yield producer
        finally:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(producer.stop(), 5)

    async def _relay(self, db: Connection, producer: AIOKafkaProducer, records: list[Outgoing]) -> None:
        publishing = asyncio.ensure_future(self._publish(producer, records))
        while not publishing.done():
            await asyncio.wait({publishing}, timeout=1)
            if not publishing.done():
                await db.execute("select 1")  # a slow broker must not cost us the lease
        try:
            await publishing
        except _REFUSED_FOR_GOOD:
            await self._one_by_one(db, records)
            raise
        await db.execute(DELETE_EVENTS, [record.id for record in records])
        telemetry.PUBLISHED_RECORDS.inc(len(records))

    async def _publish(self, producer: AIOKafkaProducer, records: Iterable[Outgoing]) -> None:
        """Sends all records, in order per partition, and returns when every one is acknowledged."""
        by_partition: dict[tuple[str, int], list[Outgoing]] = defaultdict(list)
        for record in records:
            by_partition[record.topic, await self._partition_of(producer, record)].append(record)
        acknowledged: list[asyncio.Future[object]] = []
        for (topic, partition), group in by_partition.items():
            batch = producer.create_batch()
            for record in group:
                while not _append(batch, record):
                    acknowledged.append(await self._send(producer, batch, topic, partition))
                    batch = producer.create_batch()
            acknowledged.append(await self._send(producer, batch, topic, partition))
        failed = [e for e in await asyncio.gather(*acknowledged, return_exceptions=True) if isinstance(e, Exception)]
        for error in sorted(failed, key=lambda e: not isinstance(e, _REFUSED_FOR_GOOD)):
            raise error

    async def _send(
        self, producer: AIOKafkaProducer, batch: object, topic: str, partition: int
    ) -> "asyncio.Future[object]":
        sent: asyncio.Future[object] = await producer.send_batch(
            batch, self._settings.topic_prefix + topic, partition=partition
        )
        return sent

    async def _one_by_one(self, db: Connection, records: list[Outgoing]) -> None:
        """Publishes up to the first record that Kafka refuses for good, and parks it: it holds up its own key only.

        With a producer of its own: a refusal leaves a gap in the sequence of an idempotent one, which then can send
        nothing more. Each record that goes through alone is forgotten at once, so a refusal of many that is none of
        any single one, as where a broker takes less than a whole batch of ours, is got over too.
        """
        async with self._producer() as producer:
            for record in records:
                try:
                    await self._publish(producer, [record])
                except _REFUSED_FOR_GOOD as error:
                    telemetry.PARKED_RECORDS.inc()
                    log.exception("outbox row parked", id=record.id, topic=record.topic)
                    await db.execute(PARK_EVENT, record.id, repr(error)[:200])
                    return
                await db.execute(DELETE_EVENTS, [record.id])
                telemetry.PUBLISHED_RECORDS.inc()

    async def _partition_of(self, producer: AIOKafkaProducer, record: Outgoing) -> int:
        """The partition that every Kafka client gives this key; remembered, since murmur2 here is plain Python."""
        key = record.key or b""
        known = self._partitions.get((record.topic, key))
        if known is None:
            partitions = await producer.partitions_for(self._settings.topic_prefix + record.topic)
            if not partitions:
                raise KafkaError(f"no topic {record.topic}")
            known = (murmur2(key) & 0x7FFFFFFF) % len(partitions)
            if len(self._partitions) > 500_000:  # a bound: memory stays flat in history
                self._partitions.clear()
            self._partitions[record.topic, key] = known
        return known


def _append(batch: object, record: Outgoing) -> bool:
    """Adds a record to a batch; False where the batch is full.

    The record's own timestamp is the machine's: Kafka refuses one of the future, where an injected clock may stand.
    When it happened stands in ``ce_time``.
    """
    taken = batch.append(  # type: ignore[attr-defined]  # aiokafka's BatchBuilder has no types
        key=record.key, value=record.value, timestamp=None, headers=list(record.headers)
    )
    return taken is not None
