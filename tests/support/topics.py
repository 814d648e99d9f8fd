"""Topics of one test: a prefix of their own, so that tests share a broker and never each other's records."""

from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition

from shared import topics
from shared.ids import new_event_id

PARTITIONS: Final = 2  # enough to show what one would hide


def new_prefix() -> str:
    """A prefix that no other test has."""
    return f"t{new_event_id().hex[-10:]}."


async def make(kafka: str, prefix: str, names: Sequence[str], partitions: int = PARTITIONS) -> None:
    """Make these topics (logical names; none means all)."""
    await topics.make_topics(kafka, prefix=prefix, partitions=partitions, only=names or None)


async def remove(kafka: str, prefix: str) -> None:
    """Take away every topic of that prefix, and what is in it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        ours = [name for name in await admin.list_topics() if name.startswith(prefix)]
        if ours:
            await admin.delete_topics(ours)
    finally:
        await admin.close()


async def ends(kafka: str, prefix: str) -> dict[tuple[str, int], int]:
    """The next offset of every partition of that prefix, by logical topic name and partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    try:
        ours = [name for name in await consumer.topics() if name.startswith(prefix)]
        parts = [TopicPartition(name, part) for name in ours for part in consumer.partitions_for_topic(name) or ()]
        found = await consumer.end_offsets(parts)
    finally:
        await consumer.stop()
    return {(part.topic.removeprefix(prefix), part.partition): offset for part, offset in found.items()}
