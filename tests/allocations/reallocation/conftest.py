"""The service's reallocation routes over the swept database."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import httpx
import pytest
import structlog
from pydantic import SecretStr

from services.allocations.api import router
from services.allocations.reallocation import api as reallocation
from shared.http import create_app
from shared.postgres import Connection, open_pool
from shared.settings import Settings
from tests.allocations.asking import Port, StoppedClock
from tests.allocations.facts import NOW
from tests.allocations.reallocation.planner import Planner


@pytest.fixture
async def planner(url: str, owner: Connection) -> AsyncIterator[Planner]:
    """Whoever plans reserves, at a clock that is stopped at NOW."""
    pool = await open_pool(url, application="tests", size=10)
    clock = StoppedClock(NOW)
    port = Port(pool, clock, Settings(database_url=SecretStr(url), kafka="nowhere:9"))
    app = create_app("allocations", [router, reallocation.router], state=port)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield Planner(client, owner, clock, pool)
    await pool.close()


@pytest.fixture
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged meanwhile."""
    with structlog.testing.capture_logs() as lines:
        yield lines
