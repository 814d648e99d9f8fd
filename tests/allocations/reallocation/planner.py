"""Somebody who plans reserves over HTTP, and a look at what came of it behind the counter."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from shared.postgres import Connection, Pool
from tests.allocations.asking import StoppedClock

Row = dict[str, Any]
Figures = int | tuple[int, int] | None  # a reserve, a reserve and a cap, or not named

# All that a commit may touch, in one comparable value.
STATE: Final = """
select (select json_agg(r order by fund_id, company_id) from allocations.reserve r)::text as reserves,
       (select json_agg(a order by id) from allocations.reallocation_audit a)::text as audits,
       (select count(*) from allocations.outbox_event where topic = 'reserve.reallocated') as events
"""


@dataclass(frozen=True, slots=True)
class Planned:
    """A fund with reserves, its companies in the order of their ids."""

    id: int
    companies: Sequence[int]

    @property
    def path(self) -> str:
        return f"/api/funds/{self.id}/reallocation"

    @property
    def reserves(self) -> str:
        """Where they are set up."""
        return f"/api/funds/{self.id}/reserves"

    def proposal(self, *figures: Figures, version: int = 1, **more: Any) -> Row:
        """What the first, the second … company is to have."""
        named = [(company, one) for company, one in zip(self.companies, figures, strict=False) if one is not None]
        return {"current_version": version, "proposed_allocations": [proposed(*each) for each in named], **more}


def proposed(company: int, figures: int | tuple[int, int]) -> Row:
    planned, *cap = figures if isinstance(figures, tuple) else (figures,)
    return {"company_id": company, "planned_reserves_cents": planned} | (
        {"allocation_cap_cents": cap[0]} if cap else {}
    )


@dataclass(frozen=True, slots=True)
class Planner:
    """Asks over HTTP, and looks at the tables as their owner."""

    client: httpx.AsyncClient
    owner: Connection
    clock: StoppedClock
    pool: Pool

    async def answer(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = None if method == "GET" else content
        kind = {"content-type": "application/json"}
        return await self.client.request(method, path, headers={**kind, **named}, content=told)

    async def get(self, path: str, status: int = 200) -> Any:
        answer = await self.answer("GET", path)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, path: str, body: object, status: int = 200, **headers: str) -> Any:
        answer = await self.answer("POST", path, body, **headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def put(self, path: str, body: object, status: int = 200, **headers: str) -> Any:
        answer = await self.answer("PUT", path, body, **headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    # ---- a fund with reserves

    async def fund(
        self, *reserves: int, caps: Mapping[int, int] | None = None, size: str = "10000.00", currency: str = "USD"
    ) -> Planned:
        """At version 1, its companies called A, B, C …; `caps` by place."""
        fund = await self.bare_fund(size=size, currency=currency)
        companies = [await self.company(chr(ord("A") + place)) for place in range(len(reserves))]
        rows = [proposed(company, amount) for company, amount in zip(companies, reserves, strict=True)]
        for place, cap in (caps or {}).items():
            rows[place]["allocation_cap_cents"] = cap
        await self.put(f"/api/funds/{fund}/reserves", {"reserves": rows})
        return Planned(fund, companies)

    async def bare_fund(self, size: str = "10000.00", currency: str = "USD") -> int:
        body = {"name": "Balerion II", "currency": currency, "time_zone": "America/New_York", "size": size}
        made = await self.post("/api/funds", body, 201)
        return int(made["id"])

    async def company(self, name: str = "A") -> int:
        made = await self.post("/api/deals", {"name": name}, 201)
        return int(made["id"])

    # ---- what people do with it

    async def preview(self, of: Planned, body: Row, status: int = 200) -> Any:
        return await self.post(f"{of.path}/preview", body, status)

    async def commit(self, of: Planned, body: Row, status: int = 200, **headers: str) -> Any:
        return await self.post(f"{of.path}/commit", body, status, **headers)

    async def reserves(self, of: Planned) -> tuple[int, list[int]]:
        """The version, and what each company has."""
        book = await self.get(of.path)
        return book["version"], [company["planned_reserves_cents"] for company in book["companies"]]

    # ---- behind the counter

    async def state(self) -> tuple[Any, ...]:
        row = await self.owner.fetchrow(STATE)
        assert row is not None
        return tuple(row)

    async def events(self, topic: str = "reserve.reallocated") -> list[Row]:
        """What was said on a topic, in order."""
        asked = "select payload from allocations.outbox_event where topic = $1 order by id, number"
        return [json.loads(row["payload"]) for row in await self.owner.fetch(asked, topic)]

    async def audits(self, of: Planned) -> list[Row]:
        """The rows of a fund's history, the oldest first, changes as they are stored."""
        asked = "select * from allocations.reallocation_audit where fund_id = $1 order by new_version"
        rows = await self.owner.fetch(asked, of.id)
        return [{**row, "changes_json": json.loads(row["changes_json"])} for row in rows]
