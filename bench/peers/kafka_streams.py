"""Kafka Streams, `exactly_once_v2`: the same fold in its own stores, with the roll-up to funds; the strongest peer.

The JVM is warm: it has done the same work on the same bytes before, under another application id.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from bench.contender import PeerResult, Servers, Workload
from bench.peers import ground, jars
from bench.peers.ground import Contender, Following

NAME = "Kafka Streams, exactly once"
GIVES_NOT = (
    "no SQL (totals are read from topics and stores), no fsync (the broker's replicas are its durability, here none), "
    "no audit, no holds as records, no identity conflicts, no HTTP; knows late calls from the start"
)

THREADS: Final = 1
COMMIT_MS: Final = 100
_JVM: Final = ("-Xms1g", "-Xmx1g", "-XX:+UseParallelGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
_WARM_EVENTS: Final = 1_000_000  # at least one pass, and as many as it takes to this
_WARM_PASSES_MOST: Final = 3
_WARM_SECONDS: Final = 900.0
_QUIET_SECONDS: Final = 1.0  # several commits
_SOURCE: Final = Path(__file__).with_name("KafkaStreamsPeer.java")


async def run(workload: Workload, servers: Servers, work: Path) -> PeerResult:
    """One run in a JVM of its own, after passes that warm it."""
    return await run_with(workload, servers, work, threads=THREADS, commit_ms=COMMIT_MS)


async def run_with(workload: Workload, servers: Servers, work: Path, *, threads: int, commit_ms: int) -> PeerResult:
    """One run with so many threads and that time between two commits."""
    folder = work / "kafka-streams"
    classpath = await asyncio.to_thread(jars.fetch, folder / "jars")
    classes = await asyncio.to_thread(jars.compiled, servers.java, _SOURCE, classpath, folder)
    name = ground.new_name("streams")
    warm, payments = f"{name}.warm.payments", f"{name}.payments"
    warm_passes = min(-(-_WARM_EVENTS // workload.count), _WARM_PASSES_MOST)
    passes = [*(_Pass(f"{name}.warm{n}", warm) for n in range(warm_passes)), _Pass(f"{name}.timed", payments)]
    topics = {warm: ground.PARTITIONS, payments: ground.PARTITIONS}
    topics |= {topic: partitions for one in passes for topic, partitions in one.topics.items()}
    with _pipe(work / f"{name}.passes") as (path, pipe):
        command = [
            *(servers.java, *_JVM, "-cp", ":".join(map(str, [classes, *classpath])), "KafkaStreamsPeer"),
            *(servers.kafka, str(work / name / "state"), str(workload.folder / "calls.csv")),
            *(str(threads), str(commit_ms), str(path)),
        ]
        async with ground.topics(servers.kafka, name, topics):
            with ground.running(work / name, {"kafka-streams": command}) as jvm:
                await ground.feed_all(servers.kafka, warm, workload)
                for one in passes[:-1]:
                    async with _books(one, workload, servers.kafka, jvm, pipe) as books:
                        await ground.until(books.right, "a warm pass", _WARM_SECONDS)
                async with _books(passes[-1], workload, servers.kafka, jvm, pipe) as books:
                    return await ground.measure(workload, servers, payments, jvm, books.right, books.still_right)


@dataclass(frozen=True, slots=True)
class _Pass:
    """One time through the events, with an application id and topics of its own."""

    name: str
    payments: str

    @property
    def topics(self) -> dict[str, int]:
        """Of call totals, of what lies between the two steps, of fund totals; few funds need no more than one."""
        return {f"{self.name}.calls": ground.PARTITIONS, f"{self.name}.partials": 1, f"{self.name}.funds": 1}


@contextmanager
def _pipe(path: Path) -> Iterator[tuple[Path, IO[str]]]:
    """A pipe with a name, by which the JVM is told of passes."""
    os.mkfifo(path)
    try:
        # For reading too: a pipe that is opened only for writing waits for its reader.
        with open(os.open(path, os.O_RDWR), "w", buffering=1) as pipe:  # noqa: PTH123 (a handle has no path)
            yield path, pipe
    finally:
        path.unlink()


@contextlib.asynccontextmanager
async def _books(one: _Pass, workload: Workload, kafka: str, jvm: Contender, pipe: IO[str]) -> AsyncIterator["_Books"]:
    """Begin a pass, and follow what it comes to."""
    calls, _, funds = one.topics
    pipe.write(" ".join([one.name, one.payments, *one.topics]) + "\n")
    await jvm.wait_until_said(f"ready {one.name}")
    async with ground.following(kafka, calls) as of_calls, ground.following(kafka, funds, 1) as of_funds:
        yield _Books(workload, of_calls, of_funds)


@dataclass(frozen=True, slots=True)
class _Books:
    """What a pass has come to, beside what it must."""

    workload: Workload
    calls: Following
    funds: Following

    async def right(self) -> bool:
        """Every committed fund total is the model's."""
        await self.funds.read()
        return ground.same(self.funds.newest, self.workload.expected.fund_minor)

    async def still_right(self) -> bool:
        """Nothing that came later made it wrong, and every call is right too."""
        await asyncio.sleep(_QUIET_SECONDS)
        await self.calls.read_to_end()
        return ground.same(self.calls.newest, self.workload.expected.paid_minor) and await self.right()
