"""A banking feed as a process of its own: produces a file's bytes as fast as they are taken, or at an even pace.

``python -m bench.feed KAFKA TOPIC FILE COUNT [RATE]`` says on stdout when it is ready, begins at a line on stdin, and
then says when the first record was due and when the last was acknowledged (`time.monotonic`, one clock for all
processes of a machine), how many it sent, and what that cost. With a RATE in records per second it sends each at its
time, however slow the others are, and ends early where stdin is closed: it then has sent the first so many.
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

import shared.kafka  # noqa: F401  (it makes producers compress quickly, as other clients do)
from bench import frames
from bench.frames import Frame

_BATCH_BYTES: Final = 256 * 1024
_IN_FLIGHT: Final = 24  # batches that were sent and not acknowledged
_PACE_SECONDS: Final = 0.01


@dataclass(slots=True)
class Feed:
    """A feed's process. It is ready once made; `go` lets it begin."""

    process: "subprocess.Popen[str]"
    sent: int = 0
    cpu_seconds: float = 0

    @property
    def pid(self) -> int:
        return self.process.pid

    def go(self) -> float:
        """When the first record was due."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self._told()["first"])

    def wait(self) -> float:
        """When the last record was acknowledged."""
        told = self._told()
        self.sent, self.cpu_seconds = int(told["sent"]), float(told["cpu_seconds"])
        self.stop()
        return float(told["last"])

    def cut_short(self) -> None:
        """Ask one that has a pace to send no more; `wait` for it afterwards."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def stop(self) -> None:
        """End it, done or not."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _told(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the feed ended with {self.process.wait()}")
        told: dict[str, Any] = json.loads(line)
        return told


def start(kafka: str, topic: str, events: Path, count: int, *, rate: float = 0, skip: int = 0) -> Feed:
    """A feed that has read its file and stands ready; `topic` is the full name, `rate` 0 means as fast as it goes."""
    command = [sys.executable, "-m", "bench.feed", kafka, topic, str(events), str(count), str(rate), str(skip)]
    feed = Feed(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    feed._told()  # noqa: SLF001 (its own maker)
    return feed


class _Sender:
    """Batches per partition, in file order: what a good client does, without the cost per record of its own queue."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, partitions: int) -> None:
        self._producer = producer
        self._topic = topic
        self._partitions = partitions
        self._known: dict[bytes, int] = {}
        self._filling: dict[int, Any] = {}
        self._sent: deque[asyncio.Future[Any]] = deque()

    async def add(self, records: Iterable[Frame]) -> None:
        for key, value in records:
            partition = self._partition_of(key)
            batch = self._filling.get(partition) or self._filling.setdefault(partition, self._producer.create_batch())
            if batch.append(key=key, value=value, timestamp=None) is None:
                await self._send(partition, batch)
                batch = self._filling[partition] = self._producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)

    async def flush(self) -> None:
        """Sends what is filling, without waiting for the acknowledgements."""
        for partition, batch in self._filling.items():
            await self._send(partition, batch)
        self._filling = {}

    async def drain(self, most: int = 0) -> None:
        """Waits until at most so many batches are not acknowledged; raises what refused one."""
        while len(self._sent) > most:
            await self._sent.popleft()

    async def _send(self, partition: int, batch: Any) -> None:
        self._sent.append(await self._producer.send_batch(batch, self._topic, partition=partition))
        while self._sent and self._sent[0].done():
            self._sent.popleft().result()

    def _partition_of(self, key: bytes) -> int:
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = (murmur2(key) & 0x7FFFFFFF) % self._partitions
        return known


async def _feed(kafka: str, topic: str, events: Path, count: int, rate: float, skip: int) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka,
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        max_batch_size=_BATCH_BYTES,
        max_request_size=4 * 1024 * 1024,
    )
    await producer.start()
    try:
        sender = _Sender(producer, topic, len(await producer.partitions_for(topic)))
        records = islice(frames.read(events, skip + count), skip, None)
        _say(ready=True)
        await asyncio.to_thread(sys.stdin.readline)
        _say(first=time.monotonic())
        sent = await (_paced(sender, records, rate) if rate else _fast(sender, records))
        await sender.drain()
        used = resource.getrusage(resource.RUSAGE_SELF)
        _say(last=time.monotonic(), sent=sent, cpu_seconds=used.ru_utime + used.ru_stime)
    finally:
        await producer.stop()


async def _fast(sender: _Sender, records: Iterator[Frame]) -> int:
    sent = 0
    while some := list(islice(records, 2_000)):
        await sender.add(some)
        await sender.drain(_IN_FLIGHT)
        await asyncio.sleep(0)
        sent += len(some)
    await sender.flush()
    return sent


async def _paced(sender: _Sender, records: Iterator[Frame], rate: float) -> int:
    """Open loop: how slow the others are never slows it down."""
    told_to_end = asyncio.create_task(asyncio.to_thread(sys.stdin.readline))
    begun = time.monotonic()
    sent = 0
    while not told_to_end.done():
        due = int((time.monotonic() - begun) * rate) + 1
        some = list(islice(records, due - sent))
        if not some and due > sent:
            break
        sent += len(some)
        await sender.add(some)
        await sender.flush()
        await asyncio.sleep(_PACE_SECONDS)
    return sent


def _say(**told: object) -> None:
    print(json.dumps(told), flush=True)


def main(kafka: str, topic: str, events: str, count: str, rate: str = "0", skip: str = "0") -> None:
    asyncio.run(_feed(kafka, topic, Path(events), int(count), float(rate), int(skip)))


if __name__ == "__main__":
    main(*sys.argv[1:])
