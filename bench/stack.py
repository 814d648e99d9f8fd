"""Drawdown as it is run by `drawdown up`, on servers of its own that are as durable, for one benchmark run."""

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.contender import Servers
from drawdown import topics
from drawdown.addresses import SERVICES, Addresses, role_url
from drawdown.check.quiet import READERS as READERS_OF_EVENTS
from drawdown.check.topics import open_topics
from drawdown.localstack import jars, java, kafka, ports, postgres, processes, readiness
from drawdown.localstack.directory import Directory
from drawdown.localstack.processes import Child, Program
from drawdown.localstack.waiting import finish, until
from drawdown.programs import Programs
from drawdown.stack import is_ready
from drawdown.topics import TopicSettings
from shared.postgres import Connection, connect

PATIENCE_SECONDS: Final = 180.0
READERS: Final = {**READERS_OF_EVENTS, **{f"{topic}.dlt": ("audit",) for topic in READERS_OF_EVENTS}}
_PAYMENTS: Final = "payment.received"

POSITIONS: Final = """
select 'allocations' as service, topic, partition, next_offset from allocations.position
union all select 'payments', topic, partition, next_offset from payments.position
union all select 'metrics', topic, partition, next_offset from metrics.position
union all select 'audit', topic, partition, next_offset from audit.position
"""
UNPUBLISHED: Final = """
select exists (select from allocations.outbox) or exists (select from payments.outbox)
    or exists (select from metrics.outbox) or exists (select from audit.outbox)
"""
FUND_TOTALS: Final = """
select fund_id, sum(funded_minor)::bigint as funded from metrics.allocation group by fund_id
"""
PAYMENTS_READ: Final = """
select coalesce(sum(next_offset), 0)::bigint from payments.position where topic = $1
"""

WAITING_FOR_CALLS: Final = """
select count(*)::bigint from payments.hold where resolution is null and reason = 'unknown_call'
"""


class Stalled(TimeoutError):
    """Nothing has moved for a long time; the message says where it stands."""


class NotReady(RuntimeError):
    """Some process did not come up; the message ends with what it said last."""


@dataclass(slots=True)
class Stack:
    """The processes of one run. Start and stop are plain functions of the main thread: children end with it."""

    directory: Directory
    environment: Mapping[str, str] = field(default_factory=dict)
    book: Path = Path()  # the folder of the book it knows
    addresses: Addresses = field(init=False)
    children: dict[str, Child] = field(default_factory=dict)
    _programs: Programs = field(init=False)

    def start_servers(self) -> None:
        """PostgreSQL and Kafka, with the schemas and topics that are missing."""
        database, broker = postgres.prepare(self.directory), kafka.prepare(self.directory)
        self._start(database.program, lambda: readiness.make_database(database))
        self._start(broker.program, lambda: not readiness.kafka_problem(broker.bootstrap))
        self.addresses = Addresses(
            front=f"http://{ports.LOOPBACK}:{ports.remembered(self.directory, 'web')}",
            kafka=broker.bootstrap,
            topic_prefix="",
            services={name: f"http://{ports.LOOPBACK}:{ports.remembered(self.directory, name)}" for name in SERVICES},
            admin_url=database.url(),
            database_urls={name: role_url(database.url(), name, self.directory.secret(name)) for name in SERVICES},
        )
        self.addresses.save(self.directory)
        finish(topics.make(TopicSettings(kafka=self.addresses.kafka, topic_prefix="")))
        self._programs = Programs(self.directory, self.addresses, self.environment)
        for name in SERVICES:
            migration = self._programs.migration(name)
            if processes.run_to_end(migration).wait():
                raise NotReady(f"{migration.name} failed:\n{_tail(migration.log)}")

    def start_services(self, *names: str) -> None:
        """These services (all four, if none is named), each until it says that it is ready."""
        for name in names or SERVICES:
            self._start(self._programs.service(name))
        for name in names or SERVICES:
            self._wait(name, partial(_ready, self.addresses.services[name]))

    def start_front(self) -> None:
        """The one address for all of them."""
        self._start(self._programs.front(), partial(_ready, self.addresses.front))

    def stop_services(self, *names: str) -> None:
        for name in names or SERVICES:
            if name in self.children:
                self.children.pop(name).stop()

    def stop(self) -> None:
        """Everything, services before the servers they use."""
        self.stop_services("web", *SERVICES)
        for name in ("kafka", "postgres"):
            if name in self.children:
                self.children.pop(name).stop()

    @property
    def pids(self) -> dict[str, int]:
        return {name: child.pid for name, child in self.children.items()}

    @property
    def servers(self) -> Servers:
        """The same servers, for peers."""
        return Servers(
            kafka=self.addresses.kafka,
            postgres_admin_url=self.addresses.admin_url.rpartition("/")[0] + "/postgres",
            java=java.find(self.directory),
            kafka_jars=tuple(jars.fetch(self.directory)),
        )

    def _start(self, program: Program, ready: Callable[[], bool] | None = None) -> None:
        self.children[program.name] = processes.start(self.directory, program)
        if ready is not None:
            self._wait(program.name, ready)

    def _wait(self, name: str, ready: Callable[[], bool]) -> None:
        child = self.children[name]
        until(lambda: child.exit_code is not None or ready(), seconds=PATIENCE_SECONDS)
        if child.exit_code is not None or not ready():
            raise NotReady(f"{name} did not come up:\n{_tail(child.program.log)}")


def new_home(work: Path) -> Path:
    """A directory of its own for one run; a server that runs as another user can walk through it."""
    path = Path(tempfile.mkdtemp(prefix="run-", dir=work))
    path.chmod(0o711)
    return path


@contextlib.contextmanager
def running(home: Path, *, keep: bool = False, environment: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Servers that are ready, on the data below `home`, which is removed afterwards, unless it is to be kept."""
    stack = Stack(Directory.at(home / "data"), environment or {})
    try:
        stack.start_servers()
        yield stack
    finally:
        stack.stop()
        if not keep:
            stack.directory.remove()
            shutil.rmtree(home, ignore_errors=True)


def copy(source: Path, target: Path) -> None:
    """A data directory that nothing runs from, with its owners and modes; the copy looks for ports of its own."""
    if (source / "postgres").is_symlink():  # its user could not come here, and a copy would share the data
        raise NotReady(f"{source} cannot be reached by PostgreSQL's user: name a directory that is open by --work")
    subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True)
    (target / "ports.json").unlink(missing_ok=True)


@dataclass(slots=True)
class Patience:
    """Ends a wait in which nothing changes any more."""

    seconds: float = 120.0
    _seen: str = ""
    _since: float = field(default_factory=time.monotonic)

    def look(self, state: str) -> None:
        """Says what is being waited for now; raises `Stalled` when it has been the same for too long."""
        if state != self._seen:
            self._seen, self._since = state, time.monotonic()
        elif time.monotonic() - self._since > self.seconds:
            raise Stalled(f"for {self.seconds:g} s: {state}")


@dataclass(slots=True)
class Watch:
    """Looks at a stack from outside: what is read, what waits, what the totals are."""

    db: Connection
    consumer: Any
    places: Sequence[TopicPartition]

    async def ends(self) -> dict[tuple[str, int], int]:
        """Where each partition's log ends now."""
        found = await self.consumer.end_offsets(self.places)
        return {(place.topic, place.partition): end for place, end in found.items()}

    async def under_way(self) -> str:
        """What still moves, in words; empty when every record was read by all its readers and all is published."""
        ends = await self.ends()
        stands = {(row[0], row[1], row[2]): row[3] for row in await self.db.fetch(POSITIONS)}
        for (topic, partition), end in ends.items():
            for service in READERS[topic]:
                if (place := stands.get((service, topic, partition), 0)) != end:
                    return f"{service} stands at {place} of {end} in {topic}[{partition}]"
        if await self.db.fetchval(UNPUBLISHED):
            return "events wait to be published"
        return "" if await self.ends() == ends else "new records came"

    async def behind(self) -> dict[tuple[str, str], int]:
        """How many records each service has not read of each topic."""
        stands = {(row[0], row[1], row[2]): row[3] for row in await self.db.fetch(POSITIONS)}
        unread: dict[tuple[str, str], int] = {}
        for (topic, partition), end in (await self.ends()).items():
            for service in READERS[topic]:
                left = end - stands.get((service, topic, partition), 0)
                unread[service, topic] = unread.get((service, topic), 0) + left
        return unread

    async def settle(self, *, pause_seconds: float = 0.1) -> float:
        """Waits until nothing moves; when that was first seen, by the monotonic clock. Raises `Stalled`."""
        patience = Patience()
        while waiting := await self.under_way():
            patience.look(waiting)
            await asyncio.sleep(pause_seconds)
        return time.monotonic()

    async def until_read(self, count: int, *, pause_seconds: float = 0.1) -> None:
        """Waits until payments has done so many records of the feed. Raises `Stalled`."""
        patience = Patience()
        while (done := await self.payments_read()) < count:
            patience.look(f"payments has read {done} of {count}")
            await asyncio.sleep(pause_seconds)

    async def fund_totals(self) -> dict[int, int]:
        """What metrics shows as funded, by fund."""
        return {row["fund_id"]: row["funded"] for row in await self.db.fetch(FUND_TOTALS)}

    async def payments_read(self) -> int:
        """How many records of the feed payments has done."""
        return int(await self.db.fetchval(PAYMENTS_READ, _PAYMENTS))

    async def waiting_for_calls(self) -> int:
        """How many payments are held because nobody has heard of their call yet."""
        return int(await self.db.fetchval(WAITING_FOR_CALLS))

    async def records(self) -> dict[str, int]:
        """How many records each topic has."""
        counts: dict[str, int] = {}
        for (topic, _), end in (await self.ends()).items():
            counts[topic] = counts.get(topic, 0) + end
        return counts


@contextlib.asynccontextmanager
async def watching(addresses: Addresses) -> AsyncIterator[Watch]:
    """A watch over the stack at these addresses."""
    db = await connect(addresses.admin_url, application="bench-watch")
    consumer = AIOKafkaConsumer(bootstrap_servers=addresses.kafka, group_id=None, enable_auto_commit=False)
    try:
        async with open_topics(addresses.kafka, addresses.topic_prefix) as topics_:
            places = [TopicPartition(*place) for place in await topics_.bounds(READERS)]
        await consumer.start()
        yield Watch(db, consumer, places)
    finally:
        await consumer.stop()
        await db.close()


def _ready(url: str) -> bool:
    with httpx.Client(timeout=5, trust_env=False) as http:
        return is_ready(http, url)


def _tail(log: Path, characters: int = 4_000) -> str:
    return log.read_text(errors="replace")[-characters:] if log.exists() else "(nothing)"
