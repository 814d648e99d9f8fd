"""Topics of one test: a prefix of their own, so that tests share a broker and never each other's records."""

import asyncio
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition

from shared import topics
from shared.ids import new_event_id

PARTITIONS: Final = 2  # enough to show what one would hide
_PATIENCE_SECONDS: Final = 30


def new_prefix() -> str:
    """A prefix that no other test has."""
    return f"t{new_event_id().hex[-10:]}."


async def make(kafka: str, prefix: str, names: Sequence[str], partitions: int = PARTITIONS) -> None:
    """Make these topics (logical names; none means all), and wait until a client sees each of their partitions."""
    wanted = names or (*topics.ALL, *topics.DEAD_LETTERS)
    await topics.make_topics(kafka, prefix=prefix, partitions=partitions, only=wanted)
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not {(name, partitions - 1) for name in wanted} <= (await ends(kafka, prefix)).keys():
            await asyncio.sleep(0.05)


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
    admin, consumer = AIOKafkaAdminClient(bootstrap_servers=kafka), AIOKafkaConsumer(bootstrap_servers=kafka)
    await admin.start()
    await consumer.start()
    try:
        ours = [name for name in await admin.list_topics() if name.startswith(prefix) and not name.startswith("__")]
        described = await admin.describe_topics(ours) if ours else []
        parts = [
            TopicPartition(topic["topic"], part["partition"])
            for topic in described
            for part in topic["partitions"]
            if not part["error_code"]
        ]
        found = await consumer.end_offsets(parts) if parts else {}
    finally:
        await consumer.stop()
        await admin.close()
    return {(part.topic.removeprefix(prefix), part.partition): offset for part, offset in found.items()}
