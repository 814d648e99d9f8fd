"""Promises of the record over HTTP."""

import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.audit import api, handlers
from services.audit.domain import ChainId
from shared.clock import Clock
from shared.http import create_app
from shared.postgres import Connection, Pool, open_pool
from shared.settings import Settings
from tests.audit.records import NOW, item
from tests.support.ledger import Ledger


@dataclass(slots=True)
class StoppedClock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass(slots=True)
class Port:
    """What the API needs of a process: a database and a clock."""

    pool: Pool
    settings: Settings
    clock: Clock = field(default_factory=StoppedClock)
    name: str = "audit"

    def wake(self) -> None: ...

    async def checks(self) -> Mapping[str, Mapping[str, object]]:
        return {}


@pytest.fixture
async def db(ledger: Ledger) -> AsyncIterator[Connection]:
    async with ledger.connect("audit") as connection:
        yield connection


@pytest.fixture
async def http(ledger: Ledger) -> AsyncIterator[httpx.AsyncClient]:
    url = ledger.url("audit")
    pool = await open_pool(url, application="tests", size=2)
    port = Port(pool, Settings(database_url=SecretStr(url), kafka="nowhere:9"))
    app = create_app("audit", [api.router], state=port)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client
    await pool.close()


async def ask(http: httpx.AsyncClient, path: str, status: int = 200) -> Any:
    answer = await http.get(path)
    assert answer.status_code == status, answer.text
    return answer.json()


async def fill(db: Connection) -> None:
    async with db.transaction():
        await handlers.record(
            db,
            [
                item("audit.recorded", 0),
                item("call.terms_changed", 0, ce_subject="call/17"),
                item("call.status_changed", 0, ce_subject="call/17", ce_causationid="cause"),
                item("payment.received", 0, headers=()),
                item("payment.received.dlt", 0, b"\xff{"),
            ],
        )


async def test_an_empty_record_verifies(http: httpx.AsyncClient) -> None:
    """Before anything happened there is nothing to find, and nothing wrong."""
    assert await ask(http, "/api/audit") == {"items": [], "next": None}
    assert (await ask(http, "/api/audit/heads"))["heads"] == []
    verdict = await ask(http, "/api/audit/verify")
    assert (verdict["verified"], verdict["entries"], verdict["chains"]) == (True, 0, [])


async def test_an_entry_shows_all_it_knows(http: httpx.AsyncClient, db: Connection) -> None:
    """Who, what, when, where it stood, and the payload as it was said."""
    await fill(db)
    (entry,) = (await ask(http, "/api/audit?topic=call.status_changed"))["items"]
    assert entry["id"] == "call.status_changed/0/1"
    assert entry["event_id"] == "call.status_changed-0"
    assert (entry["resource_type"], entry["resource_id"], entry["actor"]) == ("call", "17", "system")
    assert entry["payload"]["outstanding"] == "0.00"
    assert entry["occurred_at"] == "2026-03-02T09:31:02.500000Z"
    assert entry["recorded_at"] == "2026-03-02T09:31:04.250000Z"
    assert entry["causation_id"] == "cause"
    assert len(bytes.fromhex(entry["hash"])) == 32
    assert await ask(http, "/api/audit/entries/call.status_changed/0/1") == entry


async def test_the_story_of_one_call(http: httpx.AsyncClient, db: Connection) -> None:
    """Everything that happened to one thing, whoever said it: the action, its terms, its money."""
    await fill(db)
    found = await ask(http, "/api/audit?resource_type=call&resource_id=17")
    assert {entry["topic"] for entry in found["items"]} == {
        "audit.recorded",
        "call.terms_changed",
        "call.status_changed",
    }


FILTERS = {
    "actor=local": 1,
    "action=call.issue&actor=local": 1,
    "action=dead_letter": 1,
    "resource_id=bank/acme-usd-1/AcctSvcrRef-8812": 1,
    "from=2026-03-02T09:31:04Z": 5,
    "from=2026-03-02T09:31:05Z": 0,
    "to=2026-03-02T09:31:04.25Z": 0,
    "from=2026-03-02T15:01:04%2B05:30&to=2026-03-02T09:31:05Z": 5,
    "topic=nothing": 0,
}


async def test_filters(http: httpx.AsyncClient, db: Connection) -> None:
    """Actor, deed, object and time narrow the list."""
    await fill(db)
    found = {query: len((await ask(http, f"/api/audit?{query}"))["items"]) for query in FILTERS}
    assert found == FILTERS


async def test_pages(http: httpx.AsyncClient, db: Connection) -> None:
    """The cursor goes through the whole list, once."""
    async with db.transaction():
        await handlers.record(db, [item("fund.changed", n) for n in range(7)])
    seen: list[int] = []
    path = "/api/audit?limit=3"
    page = await ask(http, path)
    while True:
        seen += [entry["sequence"] for entry in page["items"]]
        if page["next"] is None:
            break
        page = await ask(http, f"{path}&cursor={page['next']}")
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_bytes_that_are_no_json_are_shown_in_base64(http: httpx.AsyncClient, db: Connection) -> None:
    """A dead letter can be looked at, whatever its bytes are."""
    await fill(db)
    (entry,) = (await ask(http, "/api/audit?topic=payment.received.dlt"))["items"]
    assert (entry["payload"], base64.b64decode(entry["payload_base64"])) == (None, b"\xff{")


async def test_no_account_number_is_shown(http: httpx.AsyncClient, db: Connection) -> None:
    """Only its last four characters, behind the keyed hash."""
    await fill(db)
    (entry,) = (await ask(http, "/api/audit?topic=payment.received"))["items"]
    assert entry["payload"]["remitter"]["account"].endswith("/8879")
    assert "SVBK" not in str(entry)


async def test_an_erased_entry_stays(http: httpx.AsyncClient, db: Connection) -> None:
    """That it happened stays on record; what it said is gone, and the verdict counts it."""
    await fill(db)
    async with db.transaction():
        assert await handlers.erase(db, ChainId("payment.received", 0), 1, reason="asked for", by="ada", now=NOW)
    entry = await ask(http, "/api/audit/entries/payment.received/0/1")
    assert (entry["erased"], entry["payload"], entry["payload_base64"]) == (True, None, None)
    verdict = await ask(http, "/api/audit/verify")
    assert (verdict["verified"], verdict["entries"], verdict["erased"]) == (True, 5, 1)


async def test_the_verdict_names_what_is_wrong(http: httpx.AsyncClient, db: Connection, ledger: Ledger) -> None:
    """Chain, sequence and kind of the change; the other chains are still verified."""
    await fill(db)
    async with ledger.connect_admin() as admin:
        await admin.execute("update audit.entry set actor = 'nobody' where identity = 'call.terms_changed-0'")
    verdict = await ask(http, "/api/audit/verify")
    assert not verdict["verified"]
    broken = [chain for chain in verdict["chains"] if not chain["verified"]]
    assert [
        (chain["topic"], chain["problems"][0]["sequence"], chain["problems"][0]["problem"]) for chain in broken
    ] == [("call.terms_changed", 1, "broken")]
    assert (await ask(http, "/api/audit/verify?topic=call.status_changed"))["verified"]


async def test_heads_can_be_kept(http: httpx.AsyncClient, db: Connection) -> None:
    """One head per chain, with the hash of its last entry."""
    await fill(db)
    heads = (await ask(http, "/api/audit/heads"))["heads"]
    last = await ask(http, "/api/audit/entries/audit.recorded/0/1")
    assert len(heads) == 5
    assert {"topic": "audit.recorded", "partition": 0, "sequence": 1, "hash": last["hash"]} in heads


REFUSALS = {
    "/api/audit/entries/fund.changed/0/1": (404, "entry_not_found"),
    "/api/audit/entries/fund.changed/0/0": (400, "parameter_unreadable"),
    "/api/audit/entries/fund.changed/99999/1": (400, "parameter_unreadable"),
    "/api/audit?cursor=nonsense": (400, "cursor_unreadable"),
    "/api/audit?from=yesterday": (400, "parameter_unreadable"),
    "/api/audit?from=2026-03-02T09:31:04": (400, "parameter_unreadable"),
    "/api/audit?from=2026-03-02": (400, "parameter_unreadable"),
    "/api/audit?from=1772443864": (400, "parameter_unreadable"),
    "/api/audit?to=0.5": (400, "parameter_unreadable"),
    "/api/audit?to=0001-01-01T00:00:00%2B14:00": (400, "parameter_unreadable"),
    "/api/audit?limit=0": (400, "parameter_unreadable"),
    "/api/audit?actor=%00": (400, "parameter_unreadable"),
}


async def test_refusals_are_problems(http: httpx.AsyncClient) -> None:
    """Each says what was wrong and what to do."""
    found = {}
    for path in REFUSALS:
        answer = await http.get(path)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["recommendation"]
        found[path] = (answer.status_code, answer.json()["code"])
    assert found == REFUSALS
