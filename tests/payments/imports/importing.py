"""Somebody who imports payments over HTTP."""

import json
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.payments.counter import Counter

Row = dict[str, Any]

FILE: Final = "cd" * 32
SOURCE: Final = "bank/old-ledger"
UPLOAD: Final = {"x-drawdown-upload": "1", "content-type": "application/json"}


def payment(row: int = 2, payment_id: str = "E1", **members: Any) -> Row:
    """400,000.00 USD of 2019 for call 17; a member of None is left out."""
    told = {"row": row, "source": SOURCE, "payment_id": payment_id, "kind": "credit", "amount": "400000.00"}
    told |= {"currency": "USD", "value_date": "2019-03-02", "call_id": 17, **members}
    return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Importer:
    """Hands in chunks; the counter looks at the tables."""

    http: httpx.AsyncClient
    counter: Counter

    async def ask(self, path: str, body: object, status: int = 200, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.http.post(path, content=json.dumps(body), headers={**UPLOAD, **named})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def results(self, *rows: Row) -> list[Row]:
        """What became of the rows of a chunk."""
        found: list[Row] = (await self.ask("/api/payments/imports", {"import_id": FILE, "rows": rows}))["results"]
        return found

    async def hand_in(self, *rows: Row) -> list[tuple[Any, ...]]:
        """Row, outcome, status and code of each result."""
        return [_short(one) for one in await self.results(*rows)]

    async def rehearse(self, *rows: Row, assume: list[Row]) -> list[tuple[Any, ...]]:
        """The same of a dry run."""
        body = {"import_id": FILE, "rows": rows, "assume": assume}
        return [_short(one) for one in (await self.ask("/api/payments/imports/dry-run", body))["results"]]


def _short(one: Row) -> tuple[Any, ...]:
    return one["row"], one["outcome"], one["status"], one["code"]
