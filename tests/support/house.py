"""A house: the four services and the front as real processes, on a database and topics of their own.

Nothing is started again by itself here: tests kill, and say when it comes back.
"""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaProducer

from drawdown.addresses import SERVICES, Addresses, role_url
from drawdown.localstack import kafka, ports, postgres, processes, readiness
from drawdown.localstack.directory import Directory
from drawdown.localstack.processes import Child, Program
from drawdown.localstack.waiting import finish
from drawdown.programs import Programs
from drawdown.stack import FRONT, is_ready
from shared.postgres import connect
from tests.support import servers as servers_
from tests.support import topics
from tests.support.ledger import PASSWORD, Ledger, migrate_all
from tests.support.servers import Servers

EVERYBODY: Final = (*SERVICES, FRONT)
_CLOCK: Final = "clock-offset"

Record = tuple[str, str | None, bytes | Mapping[str, Any]]  # topic, key, value

POSITIONS: Final = """
select topic, partition, next_offset from {schema}.position
"""
OUTBOX: Final = """
select count(*) from {schema}.outbox_event where parked_reason is null
"""


class House:
    """Use it from synchronous and asynchronous tests alike: every method returns when it is done."""

    def __init__(self, directory: Directory, addresses: Addresses, servers: Sequence[Program] = ()) -> None:
        self.directory = directory
        self.addresses = addresses
        self.http = httpx.Client(base_url=addresses.front, timeout=15, trust_env=False)
        clock = {"DRAWDOWN_CLOCK_OFFSET_FILE": str(directory.path / _CLOCK)}
        self._programs = Programs(directory, addresses, clock)
        self._servers = {server.name: server for server in servers}
        self._children: dict[str, Child] = {}
        self._moved_seconds = 0

    # ---- processes

    def start(self, *names: str, wait: bool = True) -> None:
        """Start these (everybody, if none is named), and wait until each is ready."""
        for name in names or EVERYBODY:
            self._children[name] = processes.start(self.directory, self._program(name))
        for name in (names or EVERYBODY) if wait else ():
            self.wait_until_ready(name)

    def _program(self, name: str) -> Program:
        if name in self._servers:
            return self._servers[name]
        return self._programs.front() if name == FRONT else self._programs.service(name)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal, by default the one that nobody can handle, and wait for the end where it brings one."""
        child = self._children[name]
        child.signal(number)
        if number not in {signal.SIGSTOP, signal.SIGCONT}:
            child.wait()
            del self._children[name]

    def stop(self, *names: str) -> None:
        """End these (everybody, if none is named) as `drawdown down` does."""
        stopping = [self._children.pop(name) for name in names or EVERYBODY if name in self._children]
        for child in stopping:
            child.signal(child.program.stop_signal)
        for child in stopping:
            child.wait()

    def wait_until_ready(self, name: str, timeout: float = 60) -> None:
        """Raises TimeoutError, or RuntimeError where the process has ended, with what it said last."""
        deadline = time.monotonic() + timeout
        while not self._is_ready(name):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} is not ready:\n{self.log(name)}")
            if self._children[name].exit_code is not None:
                if name not in self._servers:
                    raise RuntimeError(f"{name} has ended:\n{self.log(name)}")
                # What a killed server left running may hold its memory or port for a moment: it is tried again.
                time.sleep(0.5)
                self._children[name] = processes.start(self.directory, self._program(name))
            time.sleep(0.05)

    def _is_ready(self, name: str) -> bool:
        if name == "kafka":
            return not readiness.kafka_problem(self.addresses.kafka)
        if name == "postgres":
            return not readiness.postgres_problem(self.addresses.admin_url)
        url = self.addresses.front if name == FRONT else self.addresses.services[name]
        with httpx.Client(timeout=5, trust_env=False) as http:
            return is_ready(http, url)

    def log(self, name: str, characters: int = 6_000) -> str:
        """The end of what that process wrote."""
        return self.directory.log(name).read_text(errors="replace")[-characters:]

    def run(self, service: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """`python -m services.SERVICE …` on this house."""
        program = self._programs.service(service)
        command = [sys.executable, "-m", f"services.{service}", *arguments]
        return subprocess.run(command, env=dict(program.env), capture_output=True, text=True, check=False)

    # ---- records, time

    def publish(self, topic: str, key: str | None, value: bytes | Mapping[str, Any]) -> None:
        """Put one record on a topic (its logical name), acknowledged by the broker; a mapping goes as JSON."""
        self.publish_all([(topic, key, value)])

    def publish_all(self, records: Sequence[Record]) -> None:
        """Put many records, in this order per key, each acknowledged."""
        finish(self._publish(records))

    async def _publish(self, records: Sequence[Record]) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self.addresses.kafka, enable_idempotence=True, acks="all", linger_ms=5
        )
        try:
            await producer.start()  # which may fail, and leaves as much to close
            sent = [
                await producer.send(
                    self.addresses.topic_prefix + topic,
                    value if isinstance(value, bytes) else json.dumps(value).encode(),
                    key=None if key is None else key.encode(),
                )
                for topic, key, value in records
            ]
            for future in sent:
                await future
        finally:
            await producer.stop()

    def move_clock(self, *, seconds: int = 0, days: int = 0) -> None:
        """Move the clock of every process on, from where it stands."""
        self._moved_seconds += seconds + days * 24 * 3600
        file = self.directory.path / _CLOCK
        draft = file.with_suffix(".new")
        draft.write_text(str(self._moved_seconds))
        draft.replace(file)

    # ---- rest

    def settle(self, timeout: float = 60) -> None:
        """Wait until every record was read by every service that reads it and nothing waits to be published, seen
        twice in a row. Raises TimeoutError with what is still under way."""
        deadline = time.monotonic() + timeout
        quiet = 0
        while quiet < 2:
            waiting = finish(self._under_way())
            quiet = 0 if waiting else quiet + 1
            if waiting and time.monotonic() > deadline:
                raise TimeoutError(f"not settled after {timeout:g} s: {'; '.join(waiting[:12])}")
            time.sleep(0.1)

    async def _under_way(self) -> list[str]:
        """What keeps the house from rest, in words; empty when it rests."""
        ends = await topics.ends(self.addresses.kafka, self.addresses.topic_prefix)
        found: list[str] = []
        db = await connect(self.addresses.admin_url, application="tests")
        try:
            for service in SERVICES:
                unsent = await db.fetchval(OUTBOX.format(schema=service))
                if unsent:
                    found.append(f"{unsent} events of {service} wait to be published")
                rows = await db.fetch(POSITIONS.format(schema=service))
                if not rows:
                    found.append(f"{service} has read nothing yet")
                for topic, partition, next_offset in rows:
                    end = ends.get((topic.removeprefix(self.addresses.topic_prefix), partition), 0)
                    if end and next_offset != end:
                        found.append(f"{service} stands at {next_offset} of {end} in {topic}[{partition}]")
        finally:
            await db.close()
        return found

    def check(self) -> dict[str, Any]:
        """Run `drawdown check` on this house and return its verdict; raises AssertionError unless every invariant
        holds."""
        command = [sys.executable, "-m", "drawdown", "check", "--json", "--data", str(self.directory.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        verdict: dict[str, Any] = json.loads(done.stdout or "{}")
        broken = [each for each in verdict.get("invariants", ()) if each["verdict"] != "holds"]
        assert done.returncode == 0, f"drawdown check: {json.dumps(broken, indent=1)}\n{done.stderr}"
        return verdict


@contextlib.contextmanager
def furnished(servers: Servers, ledger: Ledger) -> Iterator[House]:
    """A house on shared servers that is ready, and gone afterwards."""
    prefix = topics.new_prefix()
    with servers_.directory() as directory:
        addresses = _addresses(directory, ledger.admin_url, servers.kafka, prefix)
        finish(topics.make(servers.kafka, prefix, ()))
        try:
            with _lived_in(House(directory, addresses)) as house:
                yield house
        finally:
            finish(topics.remove(servers.kafka, prefix))


@contextlib.contextmanager
def detached() -> Iterator[House]:
    """A house with servers of its own that is ready, and gone afterwards with them."""
    with servers_.directory() as directory:
        broker, database = kafka.prepare(directory), postgres.prepare(directory)
        addresses = _addresses(directory, database.url("postgres"), broker.bootstrap, "")
        house = House(directory, addresses, [broker.program, database.program])
        try:
            house.start("kafka", "postgres")
            finish(migrate_all(addresses.admin_url))
            finish(topics.make(broker.bootstrap, "", ()))
            with _lived_in(house):
                yield house
        finally:
            house.stop("kafka", "postgres")


@contextlib.contextmanager
def _lived_in(house: House) -> Iterator[House]:
    house.addresses.save(house.directory)
    try:
        house.start()
        yield house
    finally:
        house.stop()
        house.http.close()


def _addresses(directory: Directory, admin_url: str, bootstrap: str, prefix: str) -> Addresses:
    directory.write("secrets.json", {**directory.read("secrets.json"), **dict.fromkeys(SERVICES, PASSWORD)})
    return Addresses(
        front=_free_address(directory, FRONT),
        kafka=bootstrap,
        topic_prefix=prefix,
        services={name: _free_address(directory, name) for name in SERVICES},
        admin_url=admin_url,
        database_urls={name: role_url(admin_url, name, PASSWORD) for name in SERVICES},
    )


def _free_address(directory: Directory, name: str) -> str:
    return f"http://{ports.LOOPBACK}:{ports.remembered(directory, name)}"
