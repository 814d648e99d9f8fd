"""The relay: publishes in order what committed transactions left in the outbox, and deletes what is acknowledged.

One copy at a time, under a lease. A crash between the acknowledgement and the delete publishes a row again, with the
same event id; readers stand that. Never a cursor over ids: they are given before commit, and late ones would be missed.
"""

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.partitioner import murmur2

from shared import telemetry
from shared.crashpoint import crashpoint
from shared.ids import event_ids
from shared.lease import Lease
from shared.outbox import headers_from_text
from shared.postgres import Connection, Record
from shared.settings import Settings

log = structlog.get_logger(__name__)

_ROWS: Final = 20
_POLL_SECONDS: Final = 0.2
_BATCH_BYTES: Final = 256 * 1024
_REFUSED_FOR_GOOD: Final = (MessageSizeTooLargeError, RecordListTooLargeError)

WAITING_ROWS: Final = """
select *
  from outbox
 where parked_reason is null
 order by id, begins
 limit $1
"""

# What lies behind a parked event of the same key waits with it: order is kept per key.
PARKED_KEYS: Final = """
select topic, unnest(keys) as key
  from outbox
 where parked_reason is not null
"""

DELETE_ROWS: Final = """
delete from outbox o
 using unnest($1::bigint[], $2::int[]) as d (id, begins)
 where o.id = d.id
   and o.begins = d.begins
"""

ADD_PIECE: Final = """
insert into outbox (id, begins, events, topic, occurred_at, actor, causation_id, correlation_id, traceparent, event_id,
                    keys, subjects, headers, payloads, parked_reason)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""


class Outgoing(NamedTuple):
    """One event of the outbox as a Kafka record."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Run:
    """One row of the outbox, and the records it becomes."""

    row: Record
    records: Sequence[Outgoing]


def run_of(row: Record, *, source: str) -> Run:
    """The records of a row: CloudEvents headers in binary mode, or the headers that the row itself carries."""
    topic, headers = row["topic"], row["headers"]
    if headers is not None:
        each = zip(row["keys"], row["payloads"], map(headers_from_text, headers), strict=True)
        return Run(row, [Outgoing(topic, *record) for record in each])
    same = _same_headers(row, source)
    ids = event_ids(row["event_id"], row["begins"], row["begins"] + row["events"])
    told = zip(row["keys"], row["payloads"], ids, row["subjects"], strict=True)
    return Run(
        row,
        [
            Outgoing(topic, key, payload, [("ce_id", id_.encode()), ("ce_subject", subject.encode()), *same])
            for key, payload, id_, subject in told
        ],
    )


def _same_headers(row: Record, source: str) -> list[tuple[str, bytes]]:
    """The headers that all events of a row share."""
    kind = f"{row['topic']}.v1"
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_source", source.encode()),
        ("ce_type", kind.encode()),
        ("ce_time", row["occurred_at"].isoformat().replace("+00:00", "Z").encode()),
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
        self._partitions: dict[tuple[str, bytes | None], int] = {}

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
        parked = await _parked_keys(lease.db)
        async with self._producer() as producer:
            while True:
                self._woken.clear()
                rows = await lease.db.fetch(WAITING_ROWS, _ROWS)
                if rows:
                    crashpoint("relay.rows_read")
                    runs = [run_of(row, source=self._source) for row in rows]
                    if parked and await _park_what_waits(lease.db, runs, parked):
                        parked = await _parked_keys(lease.db)
                        continue
                    await self._relay(lease, producer, runs)
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

    async def _relay(self, lease: Lease, producer: AIOKafkaProducer, runs: Sequence[Run]) -> None:
        try:  # a slow broker must not cost us the lease
            await lease.keep_while(self._publish(producer, [r for run in runs for r in run.records]))
        except _REFUSED_FOR_GOOD:
            await self._one_by_one(lease.db, runs)
            raise
        crashpoint("relay.acknowledged")
        await _delete(lease.db, [run.row for run in runs])
        crashpoint("relay.deleted")
        telemetry.PUBLISHED_RECORDS.inc(sum(len(run.records) for run in runs))

    async def _publish(self, producer: AIOKafkaProducer, records: Iterable[Outgoing]) -> None:
        """Sends all records, in order per partition, and returns when every one is acknowledged."""
        by_partition: dict[tuple[str, int], list[Outgoing]] = defaultdict(list)
        for record in records:
            partition = self._partitions.get((record.topic, record.key))
            if partition is None:
                partition = await self._learn_partition(producer, record)
            by_partition[record.topic, partition].append(record)
        acknowledged: list[asyncio.Future[object]] = []
        for (topic, partition), group in by_partition.items():
            batch = producer.create_batch()
            for record in group:
                while not _append(batch, record):
                    acknowledged.append(await self._send(producer, batch, topic, partition))
                    batch = producer.create_batch()
            acknowledged.append(await self._send(producer, batch, topic, partition))
        crashpoint("relay.sent")
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

    async def _one_by_one(self, db: Connection, runs: Sequence[Run]) -> None:
        """Publishes up to the first record that Kafka refuses for good, and parks it: it holds up its own key only.

        With a producer of its own: a refusal leaves a gap in the sequence of an idempotent one, which then can send
        nothing more. Each row that goes through is forgotten at once, so a refusal of many records that is none of any
        single one, as where a broker takes less than a whole batch of ours, is got over too.
        """
        async with self._producer() as producer:
            for run in runs:
                for number, record in enumerate(run.records):
                    try:
                        await self._publish(producer, [record])
                    except _REFUSED_FOR_GOOD as error:
                        telemetry.PARKED_RECORDS.inc()
                        why = repr(error)[:200]
                        log.error("outbox event parked", id=run.row["id"], topic=record.topic, error=why)  # noqa: TRY400  (a traceback would show the record)
                        await _park(db, run.row, number, why, sent=number)
                        return
                await _delete(db, [run.row])
                telemetry.PUBLISHED_RECORDS.inc(len(run.records))

    async def _learn_partition(self, producer: AIOKafkaProducer, record: Outgoing) -> int:
        """The partition that every Kafka client gives this key; remembered, since murmur2 here is plain Python."""
        partitions = await producer.partitions_for(self._settings.topic_prefix + record.topic)
        if not partitions:
            raise KafkaError(f"no topic {record.topic}")
        if len(self._partitions) > 500_000:  # a bound: memory stays flat in history
            self._partitions.clear()
        partition: int = (murmur2(record.key or b"") & 0x7FFFFFFF) % len(partitions)
        self._partitions[record.topic, record.key] = partition
        return partition


async def _delete(db: Connection, rows: Sequence[Record]) -> None:
    await db.execute(DELETE_ROWS, [row["id"] for row in rows], [row["begins"] for row in rows])


async def _parked_keys(db: Connection) -> set[tuple[str, bytes | None]]:
    return {(row["topic"], row["key"]) for row in await db.fetch(PARKED_KEYS)}


async def _park_what_waits(db: Connection, runs: Sequence[Run], parked: Collection[tuple[str, bytes | None]]) -> bool:
    """Parks the first event of these whose key has a parked one before it, if there is any."""
    for run in runs:
        for number, record in enumerate(run.records):
            if (record.topic, record.key) in parked:
                await _park(db, run.row, number, "waits behind a parked event of its key")
                return True
    return False


async def _park(db: Connection, row: Record, number: int, reason: str, *, sent: int = 0) -> None:
    """Splits a row: its event of this number is parked, those before it but the first `sent`, and behind it, wait."""
    pieces = [(sent, number, None), (number, number + 1, reason), (number + 1, row["events"], None)]
    async with db.transaction():
        await _delete(db, [row])
        await db.executemany(ADD_PIECE, [_piece(row, *piece) for piece in pieces if piece[0] < piece[1]])


def _piece(row: Record, begin: int, end: int, parked_reason: str | None) -> tuple[object, ...]:
    headers = row["headers"]
    return (
        row["id"],
        row["begins"] + begin,
        end - begin,
        row["topic"],
        row["occurred_at"],
        row["actor"],
        row["causation_id"],
        row["correlation_id"],
        row["traceparent"],
        row["event_id"],
        row["keys"][begin:end],
        row["subjects"][begin:end],
        None if headers is None else headers[begin:end],
        row["payloads"][begin:end],
        parked_reason,
    )


def _append(batch: object, record: Outgoing) -> bool:
    """Adds a record to a batch; False where the batch is full.

    The record's own timestamp is the machine's: Kafka refuses one of the future, where an injected clock may stand.
    When it happened stands in ``ce_time``.
    """
    taken = batch.append(  # type: ignore[attr-defined]  # aiokafka's BatchBuilder has no types
        key=record.key, value=record.value, timestamp=None, headers=record.headers
    )
    return taken is not None
