"""Promises of odd header names: the record is read, whatever parser it takes, and nothing else changes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from shared import topics
from shared.kafka import fetched
from tests.support.servers import Servers

MakeTopics = Callable[..., Awaitable[str]]


class Odd(str):
    """A header name as a client in another language may write it."""

    __slots__ = ()

    def encode(self, *_: str) -> bytes:
        return b"\xff\xfe"


@pytest.mark.parametrize("compression", [0, 3], ids=["plain", "lz4"])
async def test_a_header_name_that_is_not_utf8_stops_no_reader(
    servers: Servers, make_topics: MakeTopics, compression: int
) -> None:
    """aiokafka's parser fails on it for ever: one such record of a bank would end every reader of the topic."""
    fetched.take_over()
    topic = await make_topics(topics.PAYMENT_RECEIVED, partitions=1) + topics.PAYMENT_RECEIVED
    producer = AIOKafkaProducer(bootstrap_servers=servers.kafka, acks="all")
    await producer.start()
    try:
        await producer.send_and_wait(topic, b"before")
        batch = producer.create_batch()
        batch._builder = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, -1, 16_384)
        batch.append(key=b"k", value=b"odd", timestamp=None, headers=[("ce_id", b"1"), (Odd("x"), b"v"), ("n", None)])
        batch.append(key=None, value=b"beside", timestamp=None, headers=[])
        await (await producer.send_batch(batch, topic, partition=0))
        await producer.send_and_wait(topic, b"behind", headers=[("ce_id", b"2")])
    finally:
        await producer.stop()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=servers.kafka, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with asyncio.timeout(20):
            found = [await consumer.getone() for _ in range(4)]
    finally:
        await consumer.stop()
    assert [(r.offset, r.key, r.value) for r in found] == [
        (0, None, b"before"),
        (1, b"k", b"odd"),
        (2, None, b"beside"),
        (3, None, b"behind"),
    ]
    assert list(found[1].headers) == [("ce_id", b"1"), ("\\xff\\xfe", b"v"), ("n", None)]
    assert list(found[3].headers) == [("ce_id", b"2")]
