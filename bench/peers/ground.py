"""A contender's own ground on the shared servers: a database, topics, processes; and how its books are read."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import for_code

from bench import feed
from bench.contender import PeerResult, Servers, Workload
from drawdown.localstack import processes
from drawdown.localstack.directory import Directory
from drawdown.localstack.processes import Child, Program
from shared.ids import new_event_id

PARTITIONS: Final = 6  # of every topic, as in the product
_ROOT: Final = Path(__file__).parents[2]
_START_SECONDS: Final = 120.0
_END_SECONDS: Final = 900.0
_POLL_SECONDS: Final = 0.05

Totals = Mapping[int, int]


class Stuck(RuntimeError):
    """A contender did not come to the end; the message says what was waited for."""


def new_name(peer: str) -> str:
    """A name that no other run has: of a database, a prefix of topics and groups."""
    return f"peer_{peer}_{new_event_id().hex[-10:]}"


def same(found: Totals, expected: Totals) -> bool:
    """Whether two books are equal to the cent, whoever of them lists the unpaid."""
    return {id: minor for id, minor in found.items() if minor} == {id: minor for id, minor in expected.items() if minor}


async def totals(db: "asyncpg.Connection[asyncpg.Record]", statement: str) -> Totals:
    """The amounts that a statement tells, as (id, minor units)."""
    return {row[0]: row[1] for row in await db.fetch(statement)}


async def until(holds: Callable[[], Awaitable[bool]], what: str, seconds: float) -> None:
    """Returns when it holds; raises `Stuck` after that time."""
    deadline = time.monotonic() + seconds
    while not await holds():
        if time.monotonic() > deadline:
            raise Stuck(f"waited {seconds:.0f} s for {what}")
        await asyncio.sleep(_POLL_SECONDS)


@contextlib.asynccontextmanager
async def database(servers: Servers, name: str) -> AsyncIterator[str]:
    """The URL of a new database, gone afterwards with whoever is still connected to it."""
    url = servers.postgres_admin_url
    admin = await asyncpg.connect(url)
    try:
        await admin.execute(f'create database "{name}"')
        try:
            yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        finally:
            await admin.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await admin.close()


@contextlib.asynccontextmanager
async def topics(kafka: str, name: str, partitions: Mapping[str, int]) -> AsyncIterator[None]:
    """New topics with so many partitions each; every topic whose name has `name` in it is gone afterwards, also what
    the contender made itself."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(topic, count, 1) for topic, count in partitions.items()])
        for topic, code, *_ in answer.topic_errors:
            if code:
                raise for_code(code)(topic)
        try:
            await until(lambda: _seen(admin, partitions), "topics to be made", _START_SECONDS)
            yield
        finally:
            ours = [topic for topic in await admin.list_topics() if name in topic]
            await admin.delete_topics(ours)
    finally:
        await admin.close()


async def _seen(admin: AIOKafkaAdminClient, partitions: Mapping[str, int]) -> bool:
    """Whether every partition of these topics has its leader."""
    told = await admin.describe_topics(list(partitions))
    parts = [part for topic in told for part in topic["partitions"]]
    return len(parts) == sum(partitions.values()) and not any(part["error_code"] for part in parts)


@dataclass(frozen=True, slots=True)
class Contender:
    """The running processes of a contender, each with its log."""

    children: Sequence[Child]

    async def wait_until_said(self, line: str) -> None:
        """Each process has said that line; raises `Stuck` with the end of a log where one has ended instead."""

        async def said() -> bool:
            for child in self.children:
                lines = child.program.log.read_text(errors="replace").splitlines()
                if line not in lines:
                    if child.exit_code is not None:
                        raise Stuck(f"{child.program.name} ended with {child.exit_code}:\n" + "\n".join(lines[-30:]))
                    return False
            return True

        await until(said, f"every process to say {line!r}", _END_SECONDS)

    def cpu_seconds(self) -> float:
        """User and system time of the processes so far."""
        return float(sum(sum(psutil.Process(child.pid).cpu_times()[:2]) for child in self.children))


@contextmanager
def running(home: Path, commands: Mapping[str, Sequence[str]]) -> Iterator[Contender]:
    """These programs, by name, as long as the block lasts, in a directory that is removed afterwards."""
    directory = Directory.at(home)
    children: list[Child] = []
    try:
        for name, argv in commands.items():
            env = {**os.environ, "PYTHONPATH": str(_ROOT)}
            children.append(processes.start(directory, Program(name, argv, env, directory.log(name))))
        yield Contender(children)
    finally:
        for child in children:
            child.signal(child.program.stop_signal)
        for child in children:
            child.wait()
        directory.remove()


async def feed_all(kafka: str, topic: str, workload: Workload) -> None:
    """Every record of the workload, before any clock runs."""
    source = await asyncio.to_thread(feed.start, kafka, topic, workload.events, workload.count)
    try:
        source.go()
        await asyncio.to_thread(source.wait)
    finally:
        source.stop()


async def measure(
    workload: Workload,
    servers: Servers,
    topic: str,
    contender: Contender,
    right: Callable[[], Awaitable[bool]],
    still_right: Callable[[], Awaitable[bool]],
) -> PeerResult:
    """Feed the workload to that topic and take the time from the first record produced until it is `right`, which is
    asked again and again; then, with nobody in a hurry, whether it is `still_right` decides."""
    source = await asyncio.to_thread(feed.start, servers.kafka, topic, workload.events, workload.count)
    note = ""
    try:
        before = contender.cpu_seconds()
        first = source.go()
        await asyncio.to_thread(source.wait)
        try:
            await until(right, "the totals", _END_SECONDS)
        except Stuck as stuck:
            note = f"{stuck}; "
        seconds = time.monotonic() - first
    finally:
        source.stop()
    spent = (contender.cpu_seconds() - before) / workload.count * 1_000_000
    note += f"{spent:,.1f} µs of CPU per event in {len(contender.children)} process(es), without feed and servers"
    return PeerResult(workload.count, seconds, right=await still_right(), note=note)


async def ends(kafka: str, names: Collection[str]) -> dict[TopicPartition, int]:
    """The next offset of every partition of these topics."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    try:
        return dict(await consumer.end_offsets(_places(names)))
    finally:
        await consumer.stop()


def _places(names: Collection[str], partitions: int = PARTITIONS) -> list[TopicPartition]:
    return [TopicPartition(name, part) for name in names for part in range(partitions)]


@contextlib.asynccontextmanager
async def committed(kafka: str, group: str, topic: str) -> AsyncIterator["Committed"]:
    """What that group has committed of a topic, asked from outside."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        places = _places([topic])
        consumer.assign(places)  # by hand: so it is no member of the group
        yield Committed(consumer, places)
    finally:
        await consumer.stop()


class Committed:
    """How far a group is. Of transactions only committed ones count."""

    def __init__(self, consumer: Any, places: Sequence[TopicPartition]) -> None:
        self._consumer = consumer
        self._places = places

    async def records(self) -> int:
        """So many records, over all partitions."""
        return sum([await self._consumer.committed(place) or 0 for place in self._places])


@contextlib.asynccontextmanager
async def following(kafka: str, topic: str, partitions: int = PARTITIONS) -> AsyncIterator["Following"]:
    """A topic read from its beginning, committed records only."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, isolation_level="read_committed", max_partition_fetch_bytes=4 * 1024 * 1024
    )
    await consumer.start()
    try:
        places = _places([topic], partitions)
        consumer.assign(places)
        await consumer.seek_to_beginning()
        yield Following(consumer, places)
    finally:
        await consumer.stop()


class Following:
    """The newest amount per key of a topic whose keys are ids, and whose values are JSON with `paid_minor`."""

    def __init__(self, consumer: Any, places: Sequence[TopicPartition]) -> None:
        self._consumer = consumer
        self._places = places
        self.newest: dict[int, int] = {}

    async def read(self) -> None:
        """What has come since."""
        for records in (await self._consumer.getmany(timeout_ms=50, max_records=20_000)).values():
            self.newest.update({int(record.key): int(json.loads(record.value)["paid_minor"]) for record in records})

    async def read_to_end(self) -> None:
        """Everything that is there now. A transaction's marker is no record, so positions tell, not counts."""
        for place, end in (await self._consumer.end_offsets(self._places)).items():
            while await self._consumer.position(place) < end:
                await self.read()
