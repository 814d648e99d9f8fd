"""What stands on the topics: copies of it, and the order in which versions were first said."""

from collections.abc import Iterable
from typing import Final

import orjson
from aiokafka import AIOKafkaProducer

from drawdown.check.published import ENTITIES
from drawdown.check.topics import Record, open_topics

_EVENTS: Final = tuple(ENTITIES)


async def _records(kafka: str, prefix: str) -> list[Record]:
    async with open_topics(kafka, prefix) as topics:
        bounds = await topics.bounds(_EVENTS)
        return [record async for batch in topics.records(bounds) for record in batch]


async def publish_first_copies(kafka: str, prefix: str) -> int:
    """Publishes the first event of each entity once more, byte for byte, behind all that was said since; how many."""
    first: dict[tuple[str, int], tuple[Record, bytes]] = {}
    for record in await _records(kafka, prefix):
        told = orjson.loads(record.value)
        entity = told[ENTITIES[record.topic][0]]
        first.setdefault((record.topic, entity), (record, record.headers.get("ce_subject", b"")))
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        for record, _ in first.values():
            await producer.send_and_wait(
                prefix + record.topic,
                record.value,
                partition=record.partition,
                headers=list(record.headers.items()),
            )
    finally:
        await producer.stop()
    return len(first)


async def disorder(kafka: str, prefix: str) -> list[str]:
    """Entities whose versions were not first said in their order: the relay promises it for each key."""
    return list(out_of_order(await _records(kafka, prefix)))


def out_of_order(records: Iterable[Record]) -> Iterable[str]:
    """One line for each version that was first said behind a later one of its entity."""
    highest: dict[tuple[str, int], int] = {}
    said: set[tuple[str, int, int]] = set()
    for record in records:
        names = ENTITIES[record.topic]
        told = orjson.loads(record.value)
        entity, version = told[names[0]], told[names[1]]
        key = (record.topic, entity)
        if (*key, version) not in said and version < highest.get(key, 0):
            yield f"{record.topic} {entity}: version {version} was first said behind version {highest[key]}"
        said.add((*key, version))
        highest[key] = max(version, highest.get(key, 0))
