"""One migrated database for all tests of payments, emptied before each: quicker than a copy for every test."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

import httpx
import pytest
from pydantic import SecretStr

from services.payments import api as payments_api
from services.payments.api import waiting
from shared.http import create_app
from shared.postgres import Connection, open_pool
from shared.settings import Settings
from tests.payments.asking import Api, Port
from tests.payments.counter import Counter
from tests.support import ledger as ledger_
from tests.support.ledger import Ledger
from tests.support.servers import Servers

TABLES: Final = (
    *(
        "charge",
        "fund_policy",
        "account_credit",
        "same_account",
        "resolution",
        "hold",
        "later_posting",
        "conflict",
        "payment",
        "source",
        "call",
        "plan",
        "account",
        "fund",
        "outbox",
    ),
    *("dead_letter", "idempotency_key", "position"),
)
# Deleting the few rows of a test is quicker than truncating fourteen tables with their indexes.
EMPTY: Final = "".join(f"delete from payments.{table};" for table in TABLES)


@pytest.fixture(scope="session")
def database(servers: Servers, ledger_template: str) -> Iterator[Ledger]:
    """A database with every schema, for these tests alone."""
    with ledger_.copy(servers, ledger_template) as copied:
        yield copied


@pytest.fixture
async def owner(database: Ledger) -> AsyncIterator[Connection]:
    """A connection as the owner of the tables, who may do all that the tables themselves allow."""
    async with database.connect_admin() as db:
        await db.execute(EMPTY)
        yield db


@pytest.fixture
async def db(database: Ledger, owner: Connection) -> AsyncIterator[Connection]:
    """A connection as the service's own role, to an empty database."""
    async with database.connect("payments") as connected:
        yield connected


@pytest.fixture
def counter(db: Connection) -> Counter:
    """The service's counter, where entries and terms are handed in, each batch a transaction."""
    return Counter(db)


@pytest.fixture
async def api(database: Ledger, counter: Counter, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """The service's API in this process; it waits only a moment for calls that are not there."""
    monkeypatch.setattr(waiting, "PATIENCE_SECONDS", 0.1)
    url = database.url("payments")
    pool = await open_pool(url, application="tests", size=6)
    settings = Settings(database_url=SecretStr(url), kafka="127.0.0.1:1")
    app = create_app("payments", [payments_api.router], state=Port(pool, settings))
    app.state.numbers = counter.numbers
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        yield Api(http, counter)
    await pool.close()
