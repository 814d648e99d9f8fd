"""Fixtures for every test; what they hand out stands in `tests/support`."""

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from tests.support import house as house_
from tests.support import ledger as ledger_
from tests.support import servers as servers_
from tests.support import topics
from tests.support.house import House
from tests.support.ledger import Ledger
from tests.support.servers import Servers

MakeTopics = Callable[..., Awaitable[str]]


def pytest_configure() -> None:
    """Being terminated ends a run as Ctrl-C does: what fixtures started is stopped first."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """A real PostgreSQL and a real Kafka, shared by the whole run."""
    with servers_.provide() as provided:
        # Tests that start programs of their own find them there.
        os.environ["DRAWDOWN_TEST_POSTGRES_URL"] = provided.postgres_url
        os.environ["DRAWDOWN_TEST_KAFKA"] = provided.kafka
        yield provided


@pytest.fixture(scope="session")
def ledger_template(servers: Servers) -> Iterator[str]:
    """The name of a database that every migration has run in."""
    with ledger_.template(servers) as name:
        yield name


@pytest.fixture
def ledger(servers: Servers, ledger_template: str) -> Iterator[Ledger]:
    """A fresh database with every schema, for this test alone."""
    with ledger_.copy(servers, ledger_template) as fresh:
        yield fresh


@pytest.fixture
async def make_topics(servers: Servers) -> AsyncIterator[MakeTopics]:
    """Topics of this test alone: `await` it with logical names (none means all) and get their prefix."""
    prefix = topics.new_prefix()

    async def make(*names: str, partitions: int = topics.PARTITIONS) -> str:
        await topics.make(servers.kafka, prefix, names, partitions)
        return prefix

    yield make
    await topics.remove(servers.kafka, prefix)


@pytest.fixture(scope="module")
def house(servers: Servers, ledger_template: str) -> Iterator[House]:
    """The four services and the front as real processes, for this module; `house.settle()` waits for rest."""
    with ledger_.copy(servers, ledger_template) as fresh, house_.furnished(servers, fresh) as furnished:
        yield furnished


@pytest.fixture(scope="module")
def own_stack() -> Iterator[House]:
    """A house with a PostgreSQL and a Kafka of its own, which may be killed too: `own_stack.kill("kafka")`."""
    with house_.detached() as furnished:
        yield furnished
