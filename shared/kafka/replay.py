"""Reads topics again from any offset, in no consumer group: nothing is committed and nobody notices."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from shared.kafka.fetched import Fetched
from shared.settings import Settings

Key: TypeAlias = tuple[str, int]  # logical topic, partition
Batch: TypeAlias = dict[Key, Sequence[Fetched]]


class LogIsGone(RuntimeError):
    """The topics do not hold what is asked of them any more."""


class Replay:
    """A reader of whole topics, by their logical names."""

    def __init__(self, consumer: "AIOKafkaConsumer[bytes, bytes]", settings: Settings) -> None:
        self._consumer = consumer
        self._settings = settings

    async def partitions(self, topics: Collection[str]) -> list[Key]:
        """Every partition of the topics; raises `LogIsGone` where a topic is not there."""
        prefix = self._settings.topic_prefix
        admin = AIOKafkaAdminClient(bootstrap_servers=self._settings.kafka)
        await admin.start()
        try:
            described = await admin.describe_topics([prefix + topic for topic in topics])
        finally:
            await admin.close()
        keys = [
            (topic["topic"][len(prefix) :], part["partition"]) for topic in described for part in topic["partitions"]
        ]
        if missing := set(topics) - {topic for topic, _ in keys}:
            raise LogIsGone(f"no such topic: {', '.join(sorted(missing))}")
        return sorted(keys)

    async def ends(self, keys: Collection[Key]) -> dict[Key, int]:
        """The offset behind the last record of each partition, now."""
        ends = await self._consumer.end_offsets([self._at(key) for key in keys])
        return {key: ends[self._at(key)] for key in keys}

    async def check(self, until: Mapping[Key, int]) -> None:
        """Raises `LogIsGone` unless every record from the first up to these offsets is still there."""
        begins = await self._consumer.beginning_offsets([self._at(key) for key in until])
        ends = await self.ends(until)
        for (topic, partition), offset in until.items():
            begin, end = begins[self._at((topic, partition))], ends[topic, partition]
            if begin > 0:
                raise LogIsGone(f"{topic}/{partition} begins at offset {begin}: earlier records were dropped")
            if end < offset:
                raise LogIsGone(
                    f"{topic}/{partition} ends at offset {end}, but {offset} records were read from it once"
                )

    def seek(self, offsets: Mapping[Key, int]) -> None:
        """Goes on from these offsets, in these partitions only."""
        self._consumer.assign([self._at(key) for key in offsets])
        for key, offset in offsets.items():
            self._consumer.seek(self._at(key), offset)

    async def take(self, limit: int) -> Batch:
        """The next records of each partition, at most `limit` in all; empty when none came within half a second."""
        batch = await self._consumer.getmany(timeout_ms=500, max_records=limit)
        cut = len(self._settings.topic_prefix)
        return {(at.topic[cut:], at.partition): records for at, records in batch.items() if records}

    async def behind(self, until: Mapping[Key, int]) -> bool:
        """Whether a partition is still to be read up to there. Positions also pass what is no record of ours."""
        for key, offset in until.items():
            if await self._consumer.position(self._at(key)) < offset:
                return True
        return False

    def _at(self, key: Key) -> TopicPartition:
        return TopicPartition(self._settings.topic_prefix + key[0], key[1])


@asynccontextmanager
async def replaying(settings: Settings) -> AsyncIterator[Replay]:
    """A replay that ends with the block."""
    consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=settings.fetch_bytes,
    )
    await consumer.start()
    try:
        yield Replay(consumer, settings)
    finally:
        await consumer.stop()
