"""The payments API with nothing but saved profiles in it, over a real database."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.payments.profiles.api import router
from shared.http import create_app
from shared.postgres import Connection, open_pool
from shared.settings import Settings
from tests.payments.asking import Port
from tests.support.ledger import Ledger


@pytest.fixture(autouse=True)
async def no_profiles(owner: Connection) -> None:
    """Nothing is saved yet."""
    await owner.execute("delete from payments.feed_profile")


@pytest.fixture
async def http(database: Ledger, no_profiles: None) -> AsyncIterator[httpx.AsyncClient]:
    url = database.url("payments")
    pool = await open_pool(url, application="tests", size=4)
    settings = Settings(database_url=SecretStr(url), kafka="127.0.0.1:1")
    app: FastAPI = create_app("payments", [router], state=Port(pool, settings))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
    await pool.close()
