"""The service's import routes over the swept database."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr

from services.allocations.api import router
from services.allocations.imports import api as imports
from shared.http import create_app
from shared.postgres import Connection, open_pool
from shared.settings import Settings
from tests.allocations.asking import Port, StoppedClock
from tests.allocations.facts import NOW
from tests.allocations.imports.importing import Importer

# Keys never change, so the sweeper has to switch their guard off.
SWEEP = """
set session_replication_role = replica;
truncate allocations.import_key;
set session_replication_role = origin;
"""


@pytest.fixture
async def importer(url: str, owner: Connection) -> AsyncIterator[Importer]:
    """Whoever imports, at a clock that is stopped at NOW."""
    await owner.execute(SWEEP)
    pool = await open_pool(url, application="tests", size=4)
    port = Port(pool, StoppedClock(NOW), Settings(database_url=SecretStr(url), kafka="nowhere:9"))
    app = create_app("allocations", [router, imports.router], state=port)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield Importer(client, owner)
    await pool.close()
