"""Asks the payments API in this process, over a real database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from shared.clock import Clock
from shared.postgres import Pool
from shared.settings import Settings
from tests.payments.counter import Counter
from tests.payments.making import NOW

Json = dict[str, Any]


class Stopped:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW


@dataclass(slots=True)
class Port:
    """What HTTP needs of a running service."""

    pool: Pool
    settings: Settings
    name: str = "payments"
    clock: Clock = field(default_factory=Stopped)

    def wake(self) -> None:
        """Nobody sleeps here."""

    async def checks(self) -> Mapping[str, Mapping[str, object]]:
        return {}


@dataclass(slots=True)
class Api:
    """A client, and the counter where banks hand in what they have to say."""

    http: httpx.AsyncClient
    counter: Counter

    async def get(self, path: str, expect: int = 200, /, **query: object) -> Json:
        """The answer of a read, with the query as named; asserts its status."""
        response = await self.http.get(path, params={k: str(v) for k, v in query.items()})
        assert response.status_code == expect, response.text
        answer: Json = response.json()
        return answer

    async def post(self, path: str, body: Json | None = None, status: int = 200, **headers: str) -> Json:
        """The answer of a write; asserts its status, and of a refusal that it says what to do."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        response = await self.http.post(path, json=body if body is not None else {}, headers=given)
        assert response.status_code == status, response.text
        answer: Json = response.json()
        assert status < 400 or answer["recommendation"]
        return answer

    async def pay(self, amount: object, tx_ref: str = "T1", status: int = 201, *, call: int = 17, **more: str) -> Json:
        """A person records a payment of a call."""
        body = {"amount": amount, "tx_ref": tx_ref, **more}
        return await self.post(f"/api/capital-calls/{call}/payments", body, status)

    async def payment(self, external_id: str = "E1") -> Json:
        """A payment as people see it, by the bank's own id."""
        row = await self.counter.payment(external_id)
        return await self.get(f"/api/payments/{row['id']}")

    async def act(self, external_id: str, what: str, body: Json, status: int = 200) -> Json:
        """Something that a person does to a payment."""
        row = await self.counter.payment(external_id)
        return await self.post(f"/api/payments/{row['id']}/{what}", {"reason": "as agreed", **body}, status)

    async def audited(self) -> list[tuple[str, str, str | None]]:
        """Action, outcome and reason of each audit entry, in order."""
        entries = await self.counter.told("audit.recorded")
        return [(e["action"], e["outcome"], e["reason"]) for e in entries]
