"""Runs a table of odd requests through the front: what is refused is asked twice and changes no row.

A case names what it is about by members in braces, such as ``/api/capital-calls/{call}/payments``.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from drawdown.localstack.waiting import finish
from shared.postgres import Connection, connect
from tests.corpus.events import clients, post
from tests.corpus.judging import ACCOUNT, INTERNAL
from tests.corpus.seen import Json
from tests.support.desk import DUE
from tests.support.house import House

JSON: Final = (("content-type", "application/json"),)
KEY: Final = "known"  # an Idempotency-Key that came with a good payment before

# Everything that people and banks change; what carries events, positions and audit moves by itself.
TABLES: Final = """
select format('%I.%I', schemaname, tablename) as name
  from pg_tables
 where schemaname in ('allocations', 'payments')
   and tablename not in ('position', 'outbox', 'schema_migrations')
 order by 1
"""
DIGEST: Final = "select '{table}', count(*), md5(string_agg(t::text, ' ' order by t::text)) from {table} t"


@dataclass(frozen=True, slots=True)
class Refuse:
    """The status and the code of a problem, and where the wrong value stands (for a 422)."""

    status: int
    code: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class Take:
    """Odd, and right: done once, whatever is asked again."""

    status: int
    shows: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request; `body` is bytes, or what is to become JSON."""

    id: str
    method: str
    path: str
    verdict: Refuse | Take
    body: Any = None
    headers: tuple[tuple[str, str], ...] = JSON

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class Answered:
    """What a case was answered, each time, and the tables that a refusal changed."""

    answers: Sequence[httpx.Response]
    changed: Sequence[str] = ()


def run(house: House, asks: Sequence[Ask]) -> dict[str, Answered]:
    """Asks everything, in order."""
    return finish(_run(house, asks))


async def _run(house: House, asks: Sequence[Ask]) -> dict[str, Answered]:
    """Refusals first, while the house rests: so whatever changes is theirs."""
    done: dict[str, Answered] = {}
    async with clients(house) as http, watching(house) as watch:
        known = await furnish(house, http)
        resting = await watch.digest()
        for ask in asks:
            if isinstance(ask.verdict, Refuse):
                answers = [await send(http, ask, known) for _ in range(1 if ask.method == "GET" else 2)]
                after = await watch.digest()
                done[ask.id] = Answered(answers, [table for table in after if after[table] != resting[table]])
                resting = after
        for ask in asks:
            if isinstance(ask.verdict, Take):
                done[ask.id] = Answered([await send(http, ask, known) for _ in range(2)])
    return done


async def send(http: httpx.AsyncClient, ask: Ask, known: Mapping[str, Any]) -> httpx.Response:
    body = filled(ask.body, known)
    content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return await http.request(ask.method, ask.path.format(**known), content=content, headers=list(ask.headers))


def filled(value: Any, known: Mapping[str, Any]) -> Any:
    """``"{call}"`` becomes the call's id, wherever it stands in a body."""
    match value:
        case str() if value.startswith("{") and value.endswith("}"):
            return known[value[1:-1]]
        case dict():
            return {name: filled(each, known) for name, each in value.items()}
        case list():
            return [filled(each, known) for each in value]
        case _:
            return value


@dataclass(frozen=True, slots=True)
class Watch:
    """An eye on the tables themselves: an answer may say that nothing was done, rows cannot."""

    db: Connection
    query: str

    async def digest(self) -> dict[str, tuple[int, str]]:
        """Rows and checksum of each table."""
        return {row[0]: (row[1], row[2]) for row in await self.db.fetch(self.query)}


@asynccontextmanager
async def watching(house: House) -> AsyncIterator[Watch]:
    db = await connect(house.addresses.admin_url, application="tests")
    try:
        tables = [row["name"] for row in await db.fetch(TABLES)]
        yield Watch(db, " union all ".join(DIGEST.format(table=table) for table in tables))
    finally:
        await db.close()


async def furnish(house: House, http: httpx.AsyncClient) -> dict[str, Any]:
    """One of everything that requests are about, by the names that cases use."""
    fund = await _fund(http, "USD")
    yen = await _fund(http, "JPY")
    deals = [(await post(http, "/api/deals", {"name": f"Deal {n}"}))["id"] for n in range(3)]
    body = {"fund_id": fund, "deal_id": deals[0], "committed": "10000.00"}
    allocation = (await post(http, "/api/allocations", body))["id"]
    body = {"fund_id": yen, "deal_id": deals[0], "committed": "10000"}
    yen_allocation = (await post(http, "/api/allocations", body))["id"]
    plan = f"/api/allocations/{allocation}/calls"
    issues = ["now", "now", "now", "now", "on_notice_date", "on_notice_date", "after_approval"]
    call, other, paid, cancelled, scheduled, withdrawn, pending = [
        (await post(http, plan, {"amount": "1000.00", "due_date": DUE, "issue": issue}))["id"] for issue in issues
    ]
    body = {"amount": "5000", "due_date": DUE}
    yen_call = (await post(http, f"/api/allocations/{yen_allocation}/calls", body))["id"]
    await post(http, f"{plan}/{withdrawn}/withdraw", {})
    await post(http, f"/api/capital-calls/{cancelled}/cancel", {})
    body = {"amount": "1000", "tx_ref": "whole", "value_date": "2026-03-02"}
    payments = f"/api/capital-calls/{paid}/payments"
    applied = (await http.post(payments, json=body, headers={"Idempotency-Key": KEY})).json()["payment"]["id"]
    entry = {"source": "bank/rest", "kind": "credit", "amount": "50.00", "currency": "USD", "value_date": "2026-03-02"}
    house.publish("payment.received", "rest", {**entry, "payment_id": "held"})
    await asyncio.to_thread(house.settle)
    held = [
        each for each in (await http.get("/api/payments?status=held")).json()["items"] if each["payment_id"] == "held"
    ]
    return {
        "fund": fund,
        "yen": yen,
        "deal": deals[0],
        "free_deal": deals[1],
        "allocation": allocation,
        "yen_allocation": yen_allocation,
        "call": call,
        "other": other,
        "paid": paid,
        "cancelled": cancelled,
        "scheduled": scheduled,
        "withdrawn": withdrawn,
        "pending": pending,
        "yen_call": yen_call,
        "applied": applied,
        "held": held[0]["id"],
    }


async def _fund(http: httpx.AsyncClient, code: str) -> int:
    body = {"name": f"Corpus {code}", "currency": code, "time_zone": "UTC", "size": "1000000"}
    fund: int = (await post(http, "/api/funds", body))["id"]
    return fund


# ---- verdicts


def complaints(ask: Ask, answered: Answered) -> list[str]:
    """Everything that is not as the table says; none is silence."""
    found: list[str] = []
    for answer in answered.answers:
        if isinstance(ask.verdict, Refuse):
            found += problems(ask.verdict, answer)
        elif answer.status_code != ask.verdict.status:
            found.append(f"{answer.status_code} {answer.text}")
        else:
            told: Json = answer.json()
            shown = {name: told.get(name) for name in ask.verdict.shows}
            found += [] if shown == ask.verdict.shows else [f"shows {shown}"]
    if isinstance(ask.verdict, Refuse) and answered.changed:
        found.append(f"changed {answered.changed}")
    return found


def problems(verdict: Refuse, answer: httpx.Response) -> list[str]:
    """What is wrong with a refusal: every one is a problem, clear and complete, and shows nothing of the inside."""
    if answer.status_code != verdict.status:
        return [f"{answer.status_code} {answer.text[:300]}, not {verdict.status}"]
    if answer.headers.get("content-type") != "application/problem+json":
        return [f"is {answer.headers.get('content-type')}, no problem"]
    told = answer.json()
    found = [
        f"{name} is missing" for name in ("type", "title", "detail", "code", "recommendation") if not told.get(name)
    ]
    if (told["code"], told["status"]) != (verdict.code, verdict.status):
        found.append(f"the code is {told['code']} ({told['detail']}), not {verdict.code}")
    if verdict.status == 422 and not told.get("errors"):
        found.append("a 422 names no value")
    named = [".".join(map(str, error["loc"])) for error in told.get("errors") or ()]
    if verdict.at and not any(verdict.at in each for each in named):
        found.append(f"names {named}, not {verdict.at}")
    if verdict.status == 405 and "allow" not in answer.headers:
        found.append("a 405 does not say what is allowed")
    if INTERNAL.search(answer.text) or ACCOUNT in answer.text:
        found.append(f"shows what is internal: {answer.text}")
    return found
