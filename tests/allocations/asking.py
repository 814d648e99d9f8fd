"""The service's API over a real database, as a person uses it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from pydantic import SecretStr

from services.allocations.api import router
from shared.clock import Clock
from shared.http import create_app, dead_letter_router
from shared.postgres import Pool, open_pool
from shared.settings import Settings
from tests.allocations.facts import NOW


@dataclass(slots=True)
class StoppedClock:
    at: datetime

    def now(self) -> datetime:
        return self.at


@dataclass(slots=True)
class Port:
    """What the API needs of a process: a database and a clock."""

    pool: Pool
    clock: Clock
    settings: Settings
    name: str = "allocations"

    def wake(self) -> None: ...

    async def checks(self) -> Mapping[str, Mapping[str, object]]:
        return {}


@dataclass(frozen=True, slots=True)
class Api:
    """The service's API, as a person uses it."""

    client: httpx.AsyncClient

    async def get(self, path: str, status: int = 200) -> Any:
        answer = await self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(
        self, path: str, body: object = None, status: int = 201, headers: Mapping[str, str] | None = None
    ) -> Any:
        answer = await self.client.post(path, json={} if body is None else body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def fund(self, **changes: object) -> Any:
        body = {"name": "Balerion II", "currency": "USD", "time_zone": "America/New_York", "size": "50000000.00"}
        return await self.post("/api/funds", body | changes)

    async def deal(self) -> Any:
        return await self.post("/api/deals", {"name": "Acme"})

    async def promise(self, committed: object = "1000000.00", **changes: object) -> Any:
        body = {"fund_id": (await self.fund())["id"], "deal_id": (await self.deal())["id"], "committed": committed}
        return await self.post("/api/allocations", body | changes)


@asynccontextmanager
async def served(url: str) -> AsyncIterator[Api]:
    """The API over the database at `url`, its clock stopped at NOW."""
    pool = await open_pool(url, application="tests", size=4)
    port = Port(pool, StoppedClock(NOW), Settings(database_url=SecretStr(url), kafka="nowhere:9"))
    app = create_app("allocations", [dead_letter_router("allocations"), router], state=port)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield Api(client)
    await pool.close()
