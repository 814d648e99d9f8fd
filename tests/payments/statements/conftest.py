"""The payments API with nothing but bank statements in it, over a real database."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.payments.profiles.api import router as profiles
from services.payments.statements.api import router
from shared.clock import Clock
from shared.http import create_app
from shared.postgres import Pool, open_pool
from shared.settings import Settings
from tests.support.ledger import Ledger

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)


class Stopped:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


@dataclass
class Port:
    """What HTTP needs of a running service."""

    pool: Pool
    settings: Settings
    name: str = "payments"
    clock: Clock = field(default_factory=Stopped)
    woken: int = 0

    def wake(self) -> None:
        self.woken += 1

    async def checks(self) -> Mapping[str, Mapping[str, object]]:
        return {}


@pytest.fixture
async def port(ledger: Ledger) -> AsyncIterator[Port]:
    pool = await open_pool(ledger.url("payments"), application="tests", size=4)
    settings = Settings(
        database_url=SecretStr(ledger.url("payments")),
        kafka="127.0.0.1:1",
        upload_limit_bytes=256 * 1024,
        account_key=SecretStr("a key for trials"),
    )
    yield Port(pool, settings)
    await pool.close()


@pytest.fixture
async def http(port: Port) -> AsyncIterator[httpx.AsyncClient]:
    app: FastAPI = create_app("payments", [router, profiles], state=port)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
