"""A producer of ours compresses as quickly as Kafka's own client, and everybody can read what it sends."""

import json
from importlib import import_module

import cramjam
from aiokafka import codec
from aiokafka.codec import lz4_encode
from aiokafka.record import default_records

import shared.kafka  # noqa: F401  (importing it is what makes producers quick)

EVENTS = b"".join(
    json.dumps({"call_id": n, "paid": f"{n * 7919}.00", "status": "partially_paid"}).encode() for n in range(2_000)
)


def quickly(payload: bytes) -> bytes:
    compressor = cramjam.lz4.Compressor(level=1, content_checksum=False, block_linked=False)
    compressor.compress(payload)
    return bytes(compressor.finish())


def test_a_batch_is_compressed_at_the_quick_level() -> None:
    """What a producer sends is what the quick level makes of it."""
    assert lz4_encode(EVENTS) == quickly(EVENTS)
    assert lz4_encode(EVENTS) != lz4_encode(EVENTS, level=9)  # so the comparison above can fail


def test_the_builder_of_batches_in_use_calls_what_was_made_quick() -> None:
    """The builder, in Python or compiled, calls the codec's own function, so changing its default is enough."""
    assert codec.lz4_encode is default_records.lz4_encode
    assert codec.lz4_encode is import_module(default_records.DefaultRecordBatchBuilder.__module__).lz4_encode


def test_what_was_compressed_quickly_is_read_again() -> None:
    """Nothing is lost by it."""
    assert bytes(cramjam.lz4.decompress(lz4_encode(EVENTS))) == EVENTS
