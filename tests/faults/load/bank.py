"""Banks: entries on `payment.received`, in small batches; a batch that was not acknowledged is mostly sent again."""

import asyncio
import contextlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from tests.faults.journal import Entry, Journal
from tests.faults.load.gate import Gate

EXPONENTS: Final = {"USD": 2, "JPY": 0, "KWD": 3}
_MOST_RECORDS: Final = 24
_OPEN_BATCHES: Final = 6
_PATIENCE_SECONDS: Final = 12


def amount_text(minor: int, currency: str) -> str:
    """The decimal text of an amount, as a bank writes it."""
    decimals = EXPONENTS[currency]
    digits = str(minor).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits


@dataclass(frozen=True, slots=True)
class Post:
    """One record to send: an entry in the form it takes on the wire, or bytes that nobody can read."""

    key: str
    value: bytes
    record: Entry | bytes
    headers: tuple[tuple[str, bytes], ...] = ()


def post(chance: random.Random, entry: Entry, reference: str) -> Post:
    """An entry that names its call by id or by reference, bare or in an envelope; now and then with foreign headers."""
    said: dict[str, Any] = {
        "source": entry.source,
        "payment_id": entry.payment_id,
        "kind": entry.kind,
        "amount": amount_text(entry.amount_minor, entry.currency),
        "currency": entry.currency,
        "value_date": entry.value_date,
        **({"reverses": entry.reverses} if entry.reverses else {}),
    }
    # One way for each identity: which it is belongs to the content.
    by_id = random.Random(entry.payment_id).random() < 0.6
    said |= {"call_id": entry.call_id} if by_id else {"reference": reference}
    headers: tuple[tuple[str, bytes], ...] = ()
    if chance.random() < 0.03:
        said = {"specversion": "1.0", "id": entry.payment_id, "source": "a-bank", "type": "wire", "data": said}
        headers = (("content-type", b"application/cloudevents+json"),)
    if chance.random() < 0.02:
        headers += (("trace", b"\xff\xfe"),)
    return Post(str(entry.call_id), json.dumps(said).encode(), entry, headers)


def unreadable(chance: random.Random, mark: str, entry: Entry) -> Post:
    """A record that can never be booked; every one has other bytes."""
    good = {
        "source": entry.source,
        "payment_id": mark,
        "kind": "credit",
        "amount": "10",
        "currency": entry.currency,
        "value_date": entry.value_date,
        "call_id": entry.call_id,
    }
    spoiled: Sequence[bytes] = (
        b"\xff\xfe" + mark.encode(),
        json.dumps(good).encode()[:-7],
        json.dumps([good]).encode(),
        json.dumps({**good, "amount": 1.5}).encode(),
        json.dumps({**good, "amount": "-10"}).encode(),
        json.dumps({**good, "amount": "1_000"}).encode(),
        json.dumps({**good, "amount": "10.12345"}).encode(),
        json.dumps({**good, "currency": "XXQ"}).encode(),
        json.dumps({**good, "payment_id": f"{mark}\0"}).encode(),
        json.dumps({**good, "source": f"manual/{mark}"}).encode(),
        json.dumps({**good, "remittance": mark * 400}).encode(),
        json.dumps({name: value for name, value in good.items() if name != "value_date"}).encode(),
    )
    raw = chance.choice(spoiled)
    return Post(str(entry.call_id), raw, raw)


class Bank:
    """Sends what is queued, a batch at a time, each written to the journal before."""

    def __init__(self, chance: random.Random, journal: Journal, gate: Gate, kafka: str, pause_seconds: float) -> None:
        self._chance = chance
        self._journal = journal
        self._gate = gate
        self._kafka = kafka
        self._pause_seconds = pause_seconds
        self._queue: asyncio.Queue[Post] = asyncio.Queue(maxsize=2_000)
        self._sending = asyncio.Semaphore(_OPEN_BATCHES)
        self._tasks: set[asyncio.Task[None]] = set()

    async def queue(self, post: Post) -> None:
        """Waits where the bank is far behind."""
        await self._queue.put(post)

    async def run(self) -> None:
        """Sends until it is cancelled."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._kafka, acks="all", request_timeout_ms=8_000, metadata_max_age_ms=20_000
        )
        await _start(producer)
        try:
            while True:
                batch = [await self._queue.get()]
                await self._gate.open()
                size = self._chance.randint(1, _MOST_RECORDS)
                while len(batch) < size and not self._queue.empty():
                    batch.append(self._queue.get_nowait())
                await self._sending.acquire()
                task = asyncio.create_task(self._send(producer, batch))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                await asyncio.sleep(self._chance.uniform(0.3, 1.7) * self._pause_seconds)
        finally:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await producer.stop()

    async def _send(self, producer: AIOKafkaProducer, batch: list[Post]) -> None:
        try:
            with self._gate.passing():
                again = await self._try(producer, batch)
                while again:
                    await asyncio.sleep(0.3)
                    again = await self._try(producer, again)
        finally:
            self._sending.release()

    async def _try(self, producer: AIOKafkaProducer, batch: list[Post]) -> list[Post]:
        """Sends once; what is to be sent again, because nobody knows whether it arrived."""
        number = self._journal.send([post.record for post in batch])
        sent = await asyncio.gather(*(self._put(producer, post) for post in batch))
        self._journal.sent(number, sent)
        return [post for post, place in zip(batch, sent, strict=True) if place is None and self._chance.random() < 0.85]

    async def _put(self, producer: AIOKafkaProducer, post: Post) -> tuple[int, int] | None:
        with contextlib.suppress(Exception):  # whatever it is, the record may have arrived or not
            async with asyncio.timeout(_PATIENCE_SECONDS):
                done = await producer.send_and_wait(
                    "payment.received", post.value, key=post.key.encode(), headers=list(post.headers)
                )
            return done.partition, done.offset
        return None


async def _start(producer: AIOKafkaProducer) -> None:
    while True:
        try:
            await producer.start()
        except Exception:  # noqa: BLE001  (the broker is away: it comes back)
            await asyncio.sleep(0.5)
        else:
            return
