"""Promises about how records travel: what compression, transactions and brokers do to them, and what comes through."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder

from drawdown.localstack.waiting import finish
from shared.clock import SystemClock
from shared.topics import PAYMENT_RECEIVED
from tests.corpus import books
from tests.corpus.cases import Spot, entry
from tests.corpus.events import clients, issued, producing
from tests.corpus.seen import World, look
from tests.support.house import House

pytestmark = pytest.mark.timeout(600)  # the first test waits for its whole table

MEBIBYTE: Final = 1024 * 1024
CODECS: Final = {"gzip": 24, "snappy": 8, "lz4": 24, "zstd": 24}  # mebibytes that fit into the broker's one
REFUSED: Final = ("over-max-bytes", "two-days-ahead", "legacy-format")
BOOKED: Final = (*CODECS, "committed", "both-partitions", "minutes-ahead")


@dataclass(slots=True)
class Wire:
    """What was sent in odd ways, and what became of it."""

    topic: str
    call_id: int
    dead: dict[str, tuple[int, int]] = field(default_factory=dict)  # partition and offset of what must be dead
    refused: dict[str, str] = field(default_factory=dict)  # the broker's error
    world: World | None = None

    def entry(self, name: str) -> bytes:
        """A good entry of 1.00 of that name."""
        spot = Spot(name, "bank/wire", "USD", self.call_id, "", 0, "")
        return entry(amount="1.00")(spot) or b""


Step = Callable[[House, Wire], Awaitable[None]]


async def compressed(house: House, wire: Wire) -> None:
    """Under each codec: a good entry, a record that is small on the wire and huge behind it, and a good one."""
    for codec, mebibytes in CODECS.items():
        async with producing(house, compression_type=codec, max_request_size=32 * MEBIBYTE) as producer:
            await producer.send_and_wait(wire.topic, wire.entry(codec), partition=0)
            bomb = await producer.send_and_wait(
                wire.topic, b'{"a": "' + b"0" * (mebibytes * MEBIBYTE) + b'"}', partition=0
            )
            wire.dead[f"bomb-under-{codec}"] = bomb.partition, bomb.offset
            await producer.send_and_wait(wire.topic, wire.entry(f"behind-{codec}"), partition=0)


async def transactions(house: House, wire: Wire) -> None:
    """One that is taken back, and one that is not: both leave markers in the log."""
    async with producing(house, transactional_id=f"{wire.topic}-bank") as producer:
        await producer.begin_transaction()
        await producer.send(wire.topic, wire.entry("aborted"), partition=1)
        await producer.flush()
        await producer.abort_transaction()
        async with producer.transaction():
            await producer.send(wire.topic, wire.entry("committed"), partition=1)


async def frames(house: House, wire: Wire) -> None:
    """A record of nothing, an entry in both partitions, and odd times."""
    now_ms = int(SystemClock().now().timestamp() * 1000)
    async with producing(house) as producer:
        builder = producer.create_batch()
        builder.append(key=None, value=None, timestamp=None)
        nothing = await (await producer.send_batch(builder, wire.topic, partition=1))
        wire.dead["null-key-and-value"] = nothing.partition, nothing.offset
        for partition in (0, 1):
            await producer.send_and_wait(wire.topic, wire.entry("both-partitions"), partition=partition)
        ahead = wire.entry("minutes-ahead")
        await producer.send_and_wait(wire.topic, ahead, partition=1, timestamp_ms=now_ms + 600_000)
        late = wire.entry("two-days-ahead")
        await refused(wire, "two-days-ahead", producer, late, timestamp_ms=now_ms + 2 * 86_400_000)


async def too_large(house: House, wire: Wire) -> None:
    """More than the broker takes in one batch."""
    async with producing(house, max_request_size=2**24) as producer:
        await refused(wire, "over-max-bytes", producer, b"x" * 3_000_000)


async def legacy(house: House, wire: Wire) -> None:
    """The message format of brokers before 2017."""
    old = LegacyRecordBatchBuilder(magic=1, compression_type=0, batch_size=2**16)
    old.append(0, timestamp=1, key=b"k", value=wire.entry("legacy-format"))
    async with producing(house, enable_idempotence=False) as producer:
        builder = producer.create_batch()
        builder.append(key=b"k", value=b"{}", timestamp=None)
        builder.close()
        builder._buffer = bytearray(old.build())
        try:
            await asyncio.wait_for(await producer.send_batch(builder, wire.topic, partition=1), 5)
        except (KafkaError, TimeoutError) as error:
            wire.refused["legacy-format"] = type(error).__name__


async def refused(wire: Wire, name: str, producer: AIOKafkaProducer, value: bytes, **more: int) -> None:
    try:
        await producer.send_and_wait(wire.topic, value, partition=1, **more)
    except KafkaError as error:
        wire.refused[name] = type(error).__name__


async def good_behind(house: House, wire: Wire) -> None:
    async with producing(house) as producer:
        for partition in (0, 1):
            await producer.send_and_wait(wire.topic, wire.entry(f"last-{partition}"), partition=partition)


STEPS: Final[tuple[Step, ...]] = (compressed, transactions, frames, too_large, legacy, good_behind)


@pytest.fixture(scope="module")
def wire(house: House) -> Wire:
    """Everything that travels oddly, one after the other."""
    return finish(_travel(house))


async def _travel(house: House) -> Wire:
    async with clients(house) as http:
        fund_id, allocation = await issued(http, "USD", 2)
        wire = Wire(house.addresses.topic_prefix + PAYMENT_RECEIVED, allocation["calls"][0]["id"])
        for step in STEPS:
            await step(house, wire)
        await asyncio.to_thread(house.settle)
        wire.world = await look(http, [fund_id])
        return wire


def status_of(wire: Wire, name: str) -> str | None:
    assert wire.world is not None
    found = [each for each in wire.world.payments if (each["source"], each["payment_id"]) == ("bank/wire", name)]
    return found[0]["status"] if found else None


@pytest.mark.parametrize("name", [*BOOKED, *(f"behind-{codec}" for codec in CODECS), "last-0", "last-1"])
def test_good_entries_come_through(name: str, wire: Wire) -> None:
    """Under every codec, in a transaction, by two routes: booked once, and so is what comes behind."""
    assert status_of(wire, name) == "applied"


@pytest.mark.parametrize("name", [*(f"bomb-under-{codec}" for codec in CODECS), "null-key-and-value"])
def test_bombs_and_nothings_are_dead(name: str, wire: Wire) -> None:
    """What unfolds to megabytes is dead by its size, what is nothing is no JSON; the reader reads on."""
    assert wire.world is not None
    letter = wire.world.letters[PAYMENT_RECEIVED, *wire.dead[name]]
    assert letter["reason"] == ("too_large" if name.startswith("bomb") else "bad_json")


def test_what_was_taken_back_never_was(wire: Wire) -> None:
    """An aborted transaction leaves a marker, and no payment."""
    assert status_of(wire, "aborted") is None


@pytest.mark.parametrize("name", REFUSED)
def test_the_broker_refuses_what_it_cannot_keep(name: str, wire: Wire) -> None:
    """Too large, too far ahead, too old a format: its sender is told, and nothing is booked."""
    assert wire.refused.get(name)
    assert status_of(wire, name) is None


def test_the_call_has_each_of_them_once(wire: Wire) -> None:
    """1.00 for each good entry: not one more."""
    assert wire.world is not None
    (call,) = [each for each in wire.world.calls if each["id"] == wire.call_id]
    entries = len(BOOKED) + len(CODECS) + 2
    assert (call["paid"], call["postings"]) == (f"{entries}.00", entries)


def test_every_invariant_holds(house: House, wire: Wire) -> None:
    """Markers and records that were taken back are no gap in the books."""
    assert books.broken(books.check(house)) == []
