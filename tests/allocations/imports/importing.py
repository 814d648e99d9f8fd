"""Somebody who imports: rows as a sheet has them, handed in over HTTP, and a look at what came of them."""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

import httpx

from shared.postgres import Connection

Row = dict[str, Any]

FILE: Final = "ab" * 32
UPLOAD: Final = {"x-drawdown-upload": "1", "content-type": "application/json"}


def fund(key: str = "F1", row: int = 2, **cells: Any) -> Row:
    told = {"row": row, "type": "fund", "fund_key": key, "name": "Balerion II", "currency": "USD"}
    return {**told, "time_zone": "America/New_York", "size": "50000000.00", **cells}


def deal(key: str = "D1", row: int = 3, **cells: Any) -> Row:
    return {"row": row, "type": "deal", "deal_key": key, "name": "Acme", **cells}


def allocation(key: str = "A1", row: int = 4, **cells: Any) -> Row:
    told = {"row": row, "type": "allocation", "allocation_key": key, "fund_key": "F1", "deal_key": "D1"}
    return {**told, "committed": "1000000.00", "created_on": "2019-04-01", **cells}


def call(key: str = "C1", row: int = 5, **cells: Any) -> Row:
    told = {"row": row, "type": "call", "call_key": key, "allocation_key": "A1", "amount": "400000.00"}
    return {**told, "due_date": "2020-03-15", "issued_on": "2020-02-27", **cells}


@dataclass(frozen=True, slots=True)
class Importer:
    """Hands in chunks, and looks at the tables as their owner."""

    client: httpx.AsyncClient
    owner: Connection

    async def ask(self, path: str, body: Row, status: int = 200, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.client.post(path, content=json.dumps(body), headers={**UPLOAD, **named})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def hand_in(self, *rows: Row, **more: Any) -> list[tuple[Any, ...]]:
        """Row, outcome and code of each result."""
        answer = await self.ask("/api/imports", {"import_id": FILE, "rows": list(rows), **more})
        return [(one["row"], one["outcome"], one["code"]) for one in answer["results"]]

    async def counts(self) -> dict[str, int]:
        """How many rows each table has, the outbox's events by topic."""
        tables = ("fund", "deal", "allocation", "call", "import_key")
        found = {table: await self.owner.fetchval(f"select count(*) from allocations.{table}") for table in tables}
        return {table: count for table, count in found.items() if count} | await self.told()

    async def told(self) -> Counter[str]:
        """Events that wait to be published, by topic."""
        rows = await self.owner.fetch("select topic from allocations.outbox_event")
        return Counter(row["topic"] for row in rows)

    async def versions(self, topic: str) -> list[dict[str, Any]]:
        """What was said on a topic, in order."""
        asked = "select payload from allocations.outbox_event where topic = $1 order by id, number"
        return [json.loads(row["payload"]) for row in await self.owner.fetch(asked, topic)]
