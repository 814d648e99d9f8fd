"""The whole house on one machine: servers, schemas, topics, services and front, from nothing to ready and back."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import httpx

from drawdown import addresses, signals, topics
from drawdown.addresses import SERVICES, Addresses, role_url
from drawdown.localstack import kafka, ports, postgres, processes, readiness
from drawdown.localstack.directory import DEFAULT, Directory
from drawdown.localstack.progress import CONSOLE
from drawdown.localstack.waiting import finish
from drawdown.programs import Programs
from drawdown.supervisor import Say, Supervisor
from drawdown.topics import TopicSettings

FRONT: Final = "web"
SUPERVISOR: Final = "supervisor"
_SERVER_PATIENCE_SECONDS: Final = 300.0  # after a crash it first reads its log again
_SERVICE_PATIENCE_SECONDS: Final = 120.0
# So many ends in a row, with growing pauses between, and a start has failed. The backends of a PostgreSQL that was
# killed keep its memory for a moment, so that one gets half a minute.
_ENDS_AT_START: Final = {"postgres": 7}
_ENDS_AT_START_OF_OTHERS: Final = 4
_TEND_SECONDS: Final = 0.2


class CannotStart(RuntimeError):
    """Some part did not come up; the message says which, and what it said last."""


class _AskedToStop(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to start. A server whose address is given is used as it is, and never stopped."""

    data: Path = DEFAULT
    port: int = 8000
    postgres_url: str | None = field(default_factory=lambda: os.environ.get("DRAWDOWN_POSTGRES_URL") or None)
    kafka: str | None = field(default_factory=lambda: os.environ.get("DRAWDOWN_KAFKA") or None)
    topic_prefix: str = field(default_factory=lambda: os.environ.get("DRAWDOWN_TOPIC_PREFIX", ""))
    environment: Mapping[str, str] = field(default_factory=dict)  # for services and front, besides ours
    durable: bool = True  # False: PostgreSQL never waits for the disk, for tests


def to_stderr(line: str) -> None:
    CONSOLE.print(line, soft_wrap=True)


@contextlib.contextmanager
def running(wanted: Wanted, say: Say = to_stderr) -> Iterator["Stack"]:
    """A stack that is ready, kept running while the block lasts, and stopped cleanly after it.

    Raises `InUse` where another process runs that directory, `CannotStart` and the servers' own errors. SIGTERM and
    SIGHUP interrupt the block as Ctrl-C does.
    """
    directory = Directory.at(wanted.data)
    with directory.locked(), signals.interrupting(), processes.recorded(directory, SUPERVISOR):
        sweep(directory, say)
        stack = Stack(directory, wanted, say)
        stack.prepare()
        keeper = threading.Thread(target=stack.keep, name="keeper")
        try:
            keeper.start()
            stack.wait_until_ready()
            yield stack
        finally:
            with signals.held_back(lambda: say("still stopping, a moment …")):
                stack.ask_to_stop()
                if keeper.ident is not None:
                    keeper.join()


def sweep(directory: Directory, say: Say = to_stderr) -> None:
    """Stop what an earlier run left behind: services before the servers they use. Hold the directory's lock."""
    addresses.forget(directory)
    left = [known for known in processes.known(directory) if known.name != SUPERVISOR]
    for known in sorted(left, key=lambda known: {"kafka": 1, "postgres": 2}.get(known.name, 0)):
        if processes.stop_orphan(directory, known):
            say(f"stopped {known.name} (pid {known.pid}), which an earlier run left behind")


class Stack:
    """One stack. `keep` runs it from start to end in one thread; the others ask and wait."""

    def __init__(self, directory: Directory, wanted: Wanted, say: Say) -> None:
        self._directory = directory
        self._wanted = wanted
        self._say = say
        self._supervisor = Supervisor(directory, say)
        self._postgres: postgres.Postgres | None = None
        self._kafka: kafka.Kafka | None = None
        self._asked_to_stop = threading.Event()
        self._settled = threading.Event()  # ready, or failed
        self._ended = threading.Event()
        self._failure: Exception | None = None
        self.addresses: Addresses

    def prepare(self) -> None:
        """Everything that needs no process of ours: downloads, a new cluster, ports, passwords."""
        if self._wanted.postgres_url is None:
            self._postgres = postgres.prepare(self._directory, durable=self._wanted.durable)
        if self._wanted.kafka is None:
            self._kafka = kafka.prepare(self._directory)
        port = ports.remembered(self._directory, FRONT, wanted=self._wanted.port or None)
        if self._wanted.port not in {0, port}:
            self._say(f"port {self._wanted.port} is taken: using {port}")
        admin_url = self._wanted.postgres_url or (self._postgres.url() if self._postgres else "")
        self.addresses = Addresses(
            front=_address(port),
            kafka=self._wanted.kafka or (self._kafka.bootstrap if self._kafka else ""),
            topic_prefix=self._wanted.topic_prefix,
            services={name: _address(ports.remembered(self._directory, name)) for name in SERVICES},
            admin_url=admin_url,
            database_urls={name: role_url(admin_url, name, self._directory.secret(name)) for name in SERVICES},
        )

    def keep(self) -> None:
        """Start everything, look after it until somebody asks to stop, and stop it. Ends in any case with nothing
        left running; what failed is raised from `wait_until_ready`."""
        try:
            self._start()
            self._settled.set()
            while not self._asked_to_stop.wait(_TEND_SECONDS):
                self._supervisor.tend()
        except _AskedToStop:
            pass
        except Exception as failure:  # noqa: BLE001 (it is raised again, in the thread that waits for us)
            self._failure = failure
        finally:
            self._stop()
            self._settled.set()
            self._ended.set()

    def ask_to_stop(self) -> None:
        self._asked_to_stop.set()

    def wait_until_ready(self) -> None:
        """Returns when every part is ready; raises what kept one from it."""
        self._settled.wait()
        if self._failure is not None:
            raise self._failure

    def wait_until_ended(self) -> None:
        """Returns when everything has stopped; raises the failure that ended it."""
        self._ended.wait()
        if self._failure is not None:
            raise self._failure

    def _start(self) -> None:
        began = time.monotonic()
        self._start_servers()
        programs = Programs(self._directory, self.addresses, self._wanted.environment)
        self._migrate(programs)
        made = finish(topics.make(TopicSettings(kafka=self.addresses.kafka, topic_prefix=self.addresses.topic_prefix)))
        self._say(f"schemas are up to date, {len(made)} topics were made")
        for name in SERVICES:
            self._supervisor.keep(programs.service(name))
        self._supervisor.keep(programs.front())
        self._wait_for(*SERVICES, FRONT)
        self.addresses.save(self._directory)
        self._say(f"everything is ready after {time.monotonic() - began:.1f} s")

    def _start_servers(self) -> None:
        began = time.monotonic()
        if self._postgres:
            self._supervisor.keep(self._postgres.program)
        if self._kafka:
            self._supervisor.keep(self._kafka.program)
        if self._postgres:
            server = self._postgres
            self._wait(lambda: readiness.make_database(server), "postgres", _SERVER_PATIENCE_SECONDS)
            self._say(f"PostgreSQL is ready after {time.monotonic() - began:.1f} s")
        elif problem := readiness.postgres_problem(self.addresses.admin_url):
            raise CannotStart(f"{addresses.without_password(self.addresses.admin_url)}: {problem}")
        if self._kafka:
            self._wait(lambda: not readiness.kafka_problem(self.addresses.kafka), "kafka", _SERVER_PATIENCE_SECONDS)
            self._say(f"Kafka is ready after {time.monotonic() - began:.1f} s")
        elif problem := readiness.kafka_problem(self.addresses.kafka):
            raise CannotStart(f"Kafka at {self.addresses.kafka}: {problem}")

    def _migrate(self, programs: Programs) -> None:
        began = [(programs.migration(name), processes.run_to_end(programs.migration(name))) for name in SERVICES]
        for program, popen in began:
            if popen.wait():
                raise CannotStart(f"{program.name} failed\n{_tail(program.log)}")

    def _wait_for(self, *names: str) -> None:
        """Until each of these says that it is ready."""
        urls = {**self.addresses.services, FRONT: self.addresses.front}
        with httpx.Client(timeout=5, trust_env=False) as http:
            for name in names:
                self._wait(partial(is_ready, http, urls[name]), name, _SERVICE_PATIENCE_SECONDS)

    def _wait(self, condition: Callable[[], bool], name: str, patience_seconds: float) -> None:
        deadline = time.monotonic() + patience_seconds
        while not condition():
            if self._asked_to_stop.wait(_TEND_SECONDS / 2):
                raise _AskedToStop
            self._supervisor.tend()
            log = self._directory.log(name)
            if self._supervisor.failures(name) >= _ENDS_AT_START.get(name, _ENDS_AT_START_OF_OTHERS):
                raise CannotStart(f"{name} does not start; its log ends so:\n{_tail(log)}")
            if time.monotonic() > deadline:
                raise CannotStart(f"{name} was not ready within {patience_seconds:g} s; its log ends so:\n{_tail(log)}")

    def _stop(self) -> None:
        addresses.forget(self._directory)
        self._supervisor.stop(FRONT, *SERVICES)
        self._supervisor.stop("kafka")
        self._supervisor.stop("postgres")


def is_ready(http: httpx.Client, url: str) -> bool:
    """Whether that service or front says it is ready."""
    try:
        return http.get(f"{url}/readyz").is_success
    except httpx.HTTPError:
        return False


def _address(port: int) -> str:
    return f"http://{ports.LOOPBACK}:{port}"


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(nothing)"
