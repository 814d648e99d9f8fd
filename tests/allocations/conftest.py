"""One migrated database for all tests of allocations, swept empty before each: quicker than a copy for every test."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

import pytest

from shared.postgres import Connection
from tests.allocations.asking import Api, served
from tests.support import ledger as ledger_
from tests.support.ledger import Ledger
from tests.support.servers import Servers

# Promises are never deleted, so the sweeper has to switch the guards off, which only a superuser can.
SWEEP: Final = """
set session_replication_role = replica;
truncate allocations.call, allocations.allocation, allocations.deal, allocations.fund, allocations.outbox,
         allocations.dead_letter, allocations.idempotency_key, allocations.reserve, allocations.reallocation_audit,
         allocations.reallocation_template, allocations.scheduled_reallocation;
set session_replication_role = origin;
"""


@pytest.fixture(scope="session")
def database(servers: Servers, ledger_template: str) -> Iterator[Ledger]:
    """A database with every schema, for these tests alone."""
    with ledger_.copy(servers, ledger_template) as copied:
        yield copied


@pytest.fixture
async def owner(database: Ledger) -> AsyncIterator[Connection]:
    """A connection as the owner of the tables, who may do all that the tables themselves allow."""
    async with database.connect_admin() as db:
        await db.execute(SWEEP)
        yield db


@pytest.fixture
def url(database: Ledger, owner: Connection) -> str:
    """The swept database, as the service's role."""
    return database.url("allocations")


@pytest.fixture
async def db(database: Ledger, owner: Connection) -> AsyncIterator[Connection]:
    """A connection as the service, to the swept database."""
    async with database.connect("allocations") as db:
        yield db


@pytest.fixture
async def api(url: str) -> AsyncIterator[Api]:
    """The service's API over the swept database."""
    async with served(url) as api:
        yield api
