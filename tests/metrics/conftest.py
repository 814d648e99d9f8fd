"""The read model's role and a connection of its own, on a database that every test finds empty."""

from collections.abc import AsyncIterator, Iterator

import pytest

from shared.postgres import Connection
from tests.support import ledger as ledger_
from tests.support.ledger import Ledger
from tests.support.servers import Servers

EMPTY = """
truncate metrics.fund, metrics.deal, metrics.allocation, metrics.call, metrics.hold, metrics.fund_reserves,
         metrics.position, metrics.outbox, metrics.dead_letter restart identity
"""


@pytest.fixture(scope="module")
def one_ledger(servers: Servers, ledger_template: str) -> Iterator[Ledger]:
    """One database for a whole module: emptying it is fifty times quicker than making another."""
    with ledger_.copy(servers, ledger_template) as fresh:
        yield fresh


@pytest.fixture
async def metrics_url(one_ledger: Ledger) -> str:
    async with one_ledger.connect_admin() as admin:
        await admin.execute(EMPTY)
    return one_ledger.url("metrics")


@pytest.fixture
async def db(metrics_url: str, one_ledger: Ledger) -> AsyncIterator[Connection]:
    async with one_ledger.connect("metrics") as db:
        yield db
