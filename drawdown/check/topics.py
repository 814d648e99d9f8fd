"""What was really published: every record of a topic, from its first to the end it has when the reading begins."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.kafka import fetched

FETCH_RECORDS: Final = 10_000
FETCH_BYTES: Final = 4 * 1024 * 1024

Place = tuple[str, int]  # logical topic, partition


@dataclass(frozen=True, slots=True)
class Log:
    """Where one partition's log begins and ends; `begins` above 0 means that earlier records are gone."""

    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stands in the log."""

    topic: str
    partition: int
    offset: int
    headers: Mapping[str, bytes]
    value: bytes

    @property
    def event_id(self) -> str | None:
        """The CloudEvents id, where the record carries one."""
        raw = self.headers.get("ce_id")
        return None if raw is None else raw.decode("utf-8", "replace")


class Topics:
    """A reader of topics that belongs to no group: it commits nothing, and no group notices it."""

    def __init__(self, prefix: str, admin: Any, consumer: Any) -> None:
        self._prefix = prefix
        self._admin = admin
        self._consumer = consumer

    async def bounds(self, topics: Iterable[str]) -> dict[Place, Log]:
        """The partitions of those topics that exist, each with its bounds now."""
        described = await self._admin.describe_topics([self._prefix + topic for topic in topics])
        at = {
            (topic["topic"][len(self._prefix) :], partition["partition"]): TopicPartition(
                topic["topic"], partition["partition"]
            )
            for topic in described
            if not topic["error_code"]
            for partition in topic["partitions"]
        }
        if not at:
            return {}
        begins = await self._consumer.beginning_offsets(list(at.values()))
        ends = await self._consumer.end_offsets(list(at.values()))
        return {place: Log(begins[where], ends[where]) for place, where in sorted(at.items())}

    async def records(self, bounds: Mapping[Place, Log]) -> AsyncIterator[Sequence[Record]]:
        """All records inside the bounds, in batches; in order within a partition."""
        left = {place: log.ends for place, log in bounds.items() if log.ends > log.begins}
        if not left:
            return
        self._consumer.assign([TopicPartition(self._prefix + topic, partition) for topic, partition in left])
        await self._consumer.seek_to_beginning()
        while left:
            for at, batch in (await self._consumer.getmany(timeout_ms=500, max_records=FETCH_RECORDS)).items():
                place = (at.topic[len(self._prefix) :], at.partition)
                end = left.get(place)
                if end is None:
                    continue
                yield [_record(place, raw) for raw in batch if raw.offset < end]
                if batch[-1].offset + 1 >= end:
                    del left[place]


def _record(place: Place, raw: Any) -> Record:
    return Record(*place, raw.offset, dict(raw.headers), raw.value or b"")


@asynccontextmanager
async def open_topics(kafka: str, prefix: str) -> AsyncIterator[Topics]:
    """The topics of one stack: those whose names begin with `prefix`."""
    fetched.take_over()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",  # what a sender took back was never said
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    try:
        await admin.start()
        await consumer.start()
        yield Topics(prefix, admin, consumer)
    finally:
        await consumer.stop()
        await admin.close()
