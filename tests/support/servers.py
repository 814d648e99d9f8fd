"""One PostgreSQL and one Kafka for a whole test run: given ones, containers, or embedded ones."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from drawdown.localstack import kafka, postgres, processes, readiness
from drawdown.localstack.directory import Directory

_PATIENCE_SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True)
class Servers:
    """Where they are: `postgres_url` as an administrator, `kafka` as bootstrap servers."""

    postgres_url: str
    kafka: str


@contextlib.contextmanager
def provide() -> Iterator[Servers]:
    """Servers for as long as the block lasts: what DRAWDOWN_TEST_POSTGRES_URL and DRAWDOWN_TEST_KAFKA name; what is
    not named comes from containers where DRAWDOWN_TEST_BACKEND=docker asks for them, else it is embedded."""
    url = os.environ.get("DRAWDOWN_TEST_POSTGRES_URL", "")
    bootstrap = os.environ.get("DRAWDOWN_TEST_KAFKA", "")
    in_containers = os.environ.get("DRAWDOWN_TEST_BACKEND") == "docker"
    with contextlib.ExitStack() as stack:
        if in_containers:
            from tests.support import containers  # noqa: PLC0415 (its library looks for an engine when it is imported)

            url = url or stack.enter_context(containers.postgres())
            bootstrap = bootstrap or stack.enter_context(containers.kafka())
        if not (url and bootstrap):
            given = Servers(url, bootstrap)
            yield stack.enter_context(_embedded(given))
            return
        yield Servers(url, bootstrap)


@contextlib.contextmanager
def directory() -> Iterator[Directory]:
    """A data directory that a server's own user can reach, gone afterwards with all that lay in it."""
    path = Path(tempfile.mkdtemp(prefix="drawdown-tests-"))
    path.chmod(0o711)
    try:
        yield Directory.at(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def _embedded(given: Servers) -> Iterator[Servers]:
    with directory() as home:
        broker = None if given.kafka else kafka.prepare(home)
        database = None if given.postgres_url else postgres.prepare(home, durable=False)
        children = [processes.start(home, server.program) for server in (broker, database) if server]
        try:
            if database:
                _wait(lambda: readiness.make_database(database), home, "postgres")
            if broker:
                _wait(lambda: not readiness.kafka_problem(broker.bootstrap), home, "kafka")
            yield Servers(
                given.postgres_url or (database.url("postgres") if database else ""),
                given.kafka or (broker.bootstrap if broker else ""),
            )
        finally:
            for child in children:
                child.stop()


def _wait(condition: Callable[[], bool], home: Directory, name: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} did not come up:\n{home.log(name).read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)


def on_database(url: str, database: str) -> str:
    """The same server's other database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))
