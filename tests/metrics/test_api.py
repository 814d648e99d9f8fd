"""Promises of the figures over HTTP."""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.metrics import api
from services.metrics.handlers import keep
from shared.clock import Clock
from shared.http import create_app
from shared.postgres import Connection, Pool, open_pool
from shared.settings import Settings
from tests.metrics.facts import allocation, deal, fund, receivable, reserves, terms


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
    name: str = "metrics"

    def wake(self) -> None: ...

    async def checks(self) -> Mapping[str, Mapping[str, object]]:
        return {}


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(datetime(2026, 3, 10, 12, tzinfo=UTC))


@pytest.fixture
async def http(metrics_url: str, db: Connection, clock: StoppedClock) -> AsyncIterator[httpx.AsyncClient]:
    pool = await open_pool(metrics_url, application="tests", size=2)
    port = Port(pool, clock, Settings(database_url=SecretStr(metrics_url), kafka="nowhere:9"))
    app = create_app("metrics", [api.router], state=port)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client
    await pool.close()


async def ask(http: httpx.AsyncClient, path: str, status: int = 200) -> Any:
    answer = await http.get(path)
    assert answer.status_code == status, answer.text
    return answer.json()


async def the_required_example(db: Connection) -> None:
    """Commit 1,000,000, call 400,000, pay 400,000."""
    await keep(
        db,
        [
            fund(),
            deal(),
            allocation(1, 3, called=400_000_00, funded=400_000_00),
            terms(),
            receivable(1, 2, status="paid", paid=400_000_00),
        ],
    )


async def test_capital(http: httpx.AsyncClient, db: Connection) -> None:
    """All names of the contract, amounts as strings with all decimals, shares as numbers with one."""
    await the_required_example(db)
    body = await ask(http, "/api/funds/1/capital")
    counts = body.pop("counts")
    assert {name: n for name, n in counts.items() if n} == {"paid": 1}
    assert len(counts) == 10
    assert body == {
        "fund_id": 1,
        "currency": "USD",
        "total_committed": "1000000.00",
        "total_planned": "400000.00",
        "total_called": "400000.00",
        "total_funded": "400000.00",
        "uncalled_capital": "600000.00",
        "outstanding_calls": "0.00",
        "overdue": "0.00",
        "collection_rate": 100.0,
        "aum": "400000.00",
        "as_of": "2026-03-10T12:00:00Z",
    }


async def test_capital_of_an_empty_fund(http: httpx.AsyncClient, db: Connection) -> None:
    """A fund without allocations answers zeros, and no collection rate."""
    await keep(db, [fund()])
    body = await ask(http, "/api/funds/1/capital")
    amounts = {body[name] for name in body if name.startswith(("total", "uncalled", "outstanding", "overdue", "aum"))}
    assert (amounts, body["collection_rate"]) == ({"0.00"}, None)
    assert not any(body["counts"].values())


async def test_overdue_counts_late_calls_only(http: httpx.AsyncClient, db: Connection) -> None:
    """Outstanding of overdue and defaulted calls; what is merely unpaid is not overdue."""
    await keep(
        db,
        [
            fund(),
            allocation(called=300_00, funded=200_00),
            receivable(1, status="overdue", amount=50_00, paid=10_00),
            receivable(2, status="defaulted", amount=20_00),
            receivable(3, status="called", amount=40_00),
        ],
    )
    body = await ask(http, "/api/funds/1/capital")
    assert (body["overdue"], body["outstanding_calls"], body["collection_rate"]) == ("60.00", "100.00", 66.7)


async def test_stats_on_the_cash_basis(http: httpx.AsyncClient, db: Connection) -> None:
    """The required example, as numbers in the fund's currency, written from integers."""
    await the_required_example(db)
    answer = await http.get("/api/funds/1/capital-calls/stats")
    body = answer.json()
    assert (body["called_usd"], body["uncalled_usd"], body["called_pct"], body["basis"]) == (
        400000,
        600000,
        40.0,
        "cash",
    )
    assert b'"called_usd":400000,"uncalled_usd":600000' in answer.content
    assert b'"called_pct":40.0' in answer.content


async def test_stats_never_round(http: httpx.AsyncClient, db: Connection) -> None:
    """An amount that no binary fraction can hold stands there digit by digit; nothing committed is 0.0."""
    await keep(db, [fund(), allocation(committed=9007199254740993_01), fund(2, currency="JPY")])
    answer = await http.get("/api/funds/1/capital-calls/stats")
    assert b'"uncalled_usd":9007199254740993.01' in answer.content
    empty = await ask(http, "/api/funds/2/capital-calls/stats")
    assert (empty["called_jpy"], empty["uncalled_jpy"], empty["called_pct"]) == (0, 0, 0.0)


async def test_progress(http: httpx.AsyncClient, db: Connection, clock: StoppedClock) -> None:
    """Amounts, and late from the first moment after the due date where the fund is: New York, not Greenwich."""
    await keep(db, [fund(), allocation(called=400_000_00, funded=100_000_00), terms(), receivable(paid=100_000_00)])
    body = await ask(http, "/api/allocations/1/progress")
    assert (body["committed"], body["called"], body["paid"]) == ("1000000.00", "400000.00", "100000.00")
    assert (body["outstanding"], body["uncalled"], body["is_late"]) == ("300000.00", "600000.00", False)
    assert body["earliest_unpaid_due_date"] == "2026-03-15"

    clock.at = datetime(2026, 3, 16, 3, 59, tzinfo=UTC)  # the 15th, 23:59 in New York
    assert (await ask(http, "/api/allocations/1/progress"))["is_late"] is False
    clock.at = datetime(2026, 3, 16, 4, 0, tzinfo=UTC)
    late = await ask(http, "/api/allocations/1/progress")
    assert (late["is_late"], late["business_date"]) == (True, "2026-03-16")


async def test_calendar(http: httpx.AsyncClient, db: Connection) -> None:
    """Calls stand on their due date, with what was paid; those that fell away only on demand."""
    await the_required_example(db)
    plan = terms(2, stage="scheduled", amount=3_00, due_date=date(2026, 6, 30))
    await keep(db, [plan, terms(3, stage="rejected"), receivable(4, status="cancelled")])
    body = await ask(http, "/api/funds/1/calendar?from=2026-03-01&to=2026-12-31")
    assert body == {
        "items": [
            {
                "call_id": 1,
                "allocation_id": 1,
                "deal_id": 1,
                "deal_name": "Deal 1.1",
                "seq_no": 1,
                "reference": "RF1",
                "due_date": "2026-03-15",
                "status": "paid",
                "currency": "USD",
                "amount": "400000.00",
                "paid": "400000.00",
                "outstanding": "0.00",
                "paid_pct": 100.0,
                "last_paid_on": "2026-03-02",
            },
            {
                "call_id": 2,
                "allocation_id": 1,
                "deal_id": 1,
                "deal_name": "Deal 1.1",
                "seq_no": 1,
                "reference": "RF2",
                "due_date": "2026-06-30",
                "status": "scheduled",
                "currency": "USD",
                "amount": "3.00",
                "paid": "0.00",
                "outstanding": "0.00",
                "paid_pct": 0.0,
                "last_paid_on": None,
            },
        ],
        "next": None,
    }
    everything = await ask(http, "/api/funds/1/calendar?include_closed=true")
    assert [item["status"] for item in everything["items"]] == ["paid", "rejected", "cancelled", "scheduled"]


async def test_calendar_pages(http: httpx.AsyncClient, db: Connection) -> None:
    """Following `next` shows each call once, in order of due date."""
    await keep(db, [fund(), *(terms(n, due_date=date(2026, 3, 20 - n)) for n in range(1, 8))])
    seen: list[int] = []
    page = await ask(http, "/api/funds/1/calendar?limit=3")
    seen += [item["call_id"] for item in page["items"]]
    while page["next"]:
        page = await ask(http, f"/api/funds/1/calendar?limit=3&cursor={page['next']}")
        seen += [item["call_id"] for item in page["items"]]
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_reserves(http: httpx.AsyncClient, db: Connection) -> None:
    """The newest version's total, in the currency's decimals; a fund without reserves answers zeros at version 0."""
    await keep(db, [fund(1), fund(2, currency="KWD"), fund(3, currency="JPY"), reserves(1, 4, planned=12_345_678_90)])
    as_of = "2026-03-10T12:00:00Z"
    assert await ask(http, "/api/funds/1/planned-reserves") == {
        "fund_id": 1,
        "currency": "USD",
        "planned_reserves": "12345678.90",
        "companies": 4,
        "version": 4,
        "as_of": as_of,
    }
    assert await ask(http, "/api/funds/2/planned-reserves") == {
        "fund_id": 2,
        "currency": "KWD",
        "planned_reserves": "0.000",
        "companies": 0,
        "version": 0,
        "as_of": as_of,
    }
    assert (await ask(http, "/api/funds/3/planned-reserves"))["planned_reserves"] == "0"


@pytest.mark.parametrize(
    "path",
    [
        "/api/funds/9/capital",
        "/api/funds/9/capital-calls/stats",
        "/api/funds/9/calendar",
        "/api/funds/9/planned-reserves",
        "/api/allocations/9/progress",
    ],
)
async def test_unknown(http: httpx.AsyncClient, path: str) -> None:
    """What no event has told of is 404, with a word on what to do."""
    body = await ask(http, path, 404)
    assert body["code"] in {"fund_not_found", "allocation_not_found"}
    assert "within a second" in body["recommendation"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("from=2026-02-30", 400), ("from=yesterday", 400), ("from=2026-03-02&to=2026-03-01", 422), ("cursor=x", 400)],
)
async def test_unreadable_dates(http: httpx.AsyncClient, db: Connection, query: str, status: int) -> None:
    """A date that is none, and a range that ends before it begins, are refused."""
    await keep(db, [fund()])
    problem = await ask(http, f"/api/funds/1/calendar?{query}", status)
    assert status == 400 or [error["loc"] for error in problem["errors"]] == [["query", "to"]]


async def test_answers_keep_their_contract(http: httpx.AsyncClient, db: Connection) -> None:
    """Each answer has exactly the members that the OpenAPI document names."""
    await the_required_example(db)
    document = await ask(http, "/api/metrics/openapi.json")
    schemas = document["components"]["schemas"]
    shown = {
        "/api/funds/1/capital": "FundCapital",
        "/api/funds/1/planned-reserves": "FundReserves",
        "/api/allocations/1/progress": "AllocationProgress",
    }
    for path, name in shown.items():
        assert (await ask(http, path)).keys() == schemas[name]["properties"].keys()
    page = await ask(http, "/api/funds/1/calendar")
    assert page["items"][0].keys() == schemas["CalendarEntry"]["properties"].keys()
    stats = document["paths"]["/api/funds/{fund_id}/capital-calls/stats"]["get"]["responses"]["200"]
    required = stats["content"]["application/json"]["schema"]["required"]
    assert set(required) <= (await ask(http, "/api/funds/1/capital-calls/stats")).keys()
    assert "float" not in json.dumps(schemas["FundCapital"])
