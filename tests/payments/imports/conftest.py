"""The service's import routes over an empty database."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from services.payments import api as payments_api
from services.payments.imports import api as imports
from shared.http import create_app
from shared.postgres import open_pool
from shared.settings import Settings
from tests.payments.asking import Port
from tests.payments.counter import Counter
from tests.payments.imports.importing import Importer
from tests.support.ledger import Ledger


@pytest.fixture
async def importer(database: Ledger, counter: Counter) -> AsyncIterator[Importer]:
    """Whoever imports, and the counter where everybody else hands in."""
    url = database.url("payments")
    pool = await open_pool(url, application="tests", size=6)
    settings = Settings(database_url=SecretStr(url), kafka="127.0.0.1:1", account_key=SecretStr("a key"))
    app = create_app("payments", [payments_api.router, imports.router], state=Port(pool, settings))
    app.state.numbers = counter.numbers
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        yield Importer(http, counter)
    await pool.close()
