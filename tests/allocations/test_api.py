"""Promises of funds, deals and allocations over HTTP."""

import pytest
from pydantic import SecretStr

from services.allocations.app import build
from shared import topics
from shared.ids import LARGEST
from shared.postgres import Connection
from shared.settings import Settings
from tests.allocations.asking import Api
from tests.allocations.ledger import told

# ---- funds and deals


async def test_a_fund_answers_as_it_was_made(api: Api) -> None:
    """The answer is the fund as everybody will know it: amounts as text, version 1; reading gives the same."""
    made = await api.fund(size=50_000_000)
    assert made == {
        "id": made["id"],
        "name": "Balerion II",
        "currency": "USD",
        "time_zone": "America/New_York",
        "size": "50000000.00",
        "version": 1,
    }
    assert await api.get(f"/api/funds/{made['id']}") == made
    assert (await api.get("/api/funds"))["items"] == [made]


@pytest.mark.parametrize(
    ("change", "loc"),
    [
        ({"currency": "XQQ"}, "currency"),
        ({"currency": "XAU"}, "currency"),
        ({"currency": "usd"}, "currency"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"size": "0"}, "size"),
        ({"size": "-1"}, "size"),
        ({"size": 1.5}, "size"),
        ({"size": "1e3"}, "size"),
        ({"size": "1.001"}, "size"),
        ({"size": 10**15 - 1, "currency": "CLF"}, "size"),  # four decimals: more than a bigint holds
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_fund_is_named_by_its_member(api: Api, change: dict[str, object], loc: str) -> None:
    """422, the place of the wrong value, and nothing made."""
    body = {"name": "B", "currency": "USD", "time_zone": "UTC", "size": "1.00"}
    problem = await api.post("/api/funds", body | change, 422)
    assert [error["loc"] for error in problem["errors"]] == [["body", loc]]
    assert problem["recommendation"]
    assert (await api.get("/api/funds"))["items"] == []


async def test_decimals_follow_the_currency(api: Api) -> None:
    """JPY has none, KWD three."""
    assert (await api.fund(currency="JPY", size="1000"))["size"] == "1000"
    assert (await api.fund(currency="KWD", size="1000"))["size"] == "1000.000"


async def test_a_deal_is_a_prospect_until_somebody_commits(api: Api) -> None:
    """Its stage follows from its allocations."""
    made = await api.promise()
    deal = await api.get(f"/api/deals/{made['deal_id']}")
    assert deal == {"id": made["deal_id"], "name": "Acme", "stage": "committed", "version": 2}
    assert (await api.deal())["stage"] == "prospect"
    assert [d["stage"] for d in (await api.get("/api/deals"))["items"]] == ["committed", "prospect"]


@pytest.mark.parametrize("what", ["funds", "deals", "allocations"])
async def test_what_is_not_there_is_404(api: Api, what: str) -> None:
    """Unknown ids are not found, the largest one too; what is no id cannot be read; lists are empty."""
    for unknown in (1, LARGEST):
        problem = await api.get(f"/api/{what}/{unknown}", 404)
        assert problem["code"] == f"{what[:-1]}_not_found"
    for wrong in ("0", "-1", "abc", str(LARGEST + 1)):
        await api.get(f"/api/{what}/{wrong}", 400)
    assert await api.get(f"/api/{what}") == {"items": [], "next": None}


# ---- allocations


async def test_an_allocation_answers_as_its_event(api: Api, db: Connection) -> None:
    """`id` and the other members of the event, with its calls; reading gives the same."""
    made = await api.promise()
    [event] = await told(db, topics.ALLOCATION_STATUS_CHANGED)
    expected = {**event.data, "id": made["id"], "calls": []}
    del expected["allocation_id"]
    assert made == expected
    assert made["committed"] == made["uncalled"] == "1000000.00"
    assert (made["status"], made["funding_status"], made["version"]) == ("committed", "committed", 1)
    assert await api.get(f"/api/allocations/{made['id']}") == made
    assert (await api.get(f"/api/allocations?fund_id={made['fund_id']}"))["items"] == [made]


async def test_a_second_promise_is_409(api: Api) -> None:
    """The same fund and deal again: refused with a code, and the first one named."""
    made = await api.promise()
    body = {"fundId": made["fund_id"], "dealId": made["deal_id"], "committed": "1.00", "schedule": None}
    problem = await api.post("/api/allocations", body, 409)
    assert (problem["code"], problem["allocation_id"]) == ("allocation_exists", made["id"])


async def test_unknown_parties_are_404(api: Api) -> None:
    """A promise needs a fund and a deal that exist."""
    fund, deal = await api.fund(), await api.deal()
    body = {"fund_id": fund["id"], "deal_id": deal["id"], "committed": "1"}
    problem = await api.post("/api/allocations", body | {"fund_id": LARGEST}, 404)
    assert problem["code"] == "fund_not_found"
    problem = await api.post("/api/allocations", body | {"deal_id": LARGEST}, 404)
    assert problem["code"] == "deal_not_found"
    problem = await api.post("/api/allocations", body | {"deal_id": LARGEST, "committed": "1.001"}, 404)
    assert problem["code"] == "deal_not_found"  # what is not there wins over what is wrong


@pytest.mark.parametrize("committed", ["0", 0, "-1", "10000000000000.01", "1.001", "1,000", "１", 1.5, None, True, ""])
async def test_a_wrong_commitment_is_422(api: Api, committed: object) -> None:
    """Nothing, less than nothing, beyond all sense, or not an amount: the member is named."""
    body = {"fund_id": (await api.fund())["id"], "deal_id": (await api.deal())["id"], "committed": committed}
    problem = await api.post("/api/allocations", body, 422)
    assert problem["errors"][0]["loc"] == ["body", "committed"]


async def test_the_largest_commitment(api: Api) -> None:
    """Ten trillion is the most, and is kept to the cent."""
    assert (await api.promise("10000000000000.00"))["committed"] == "10000000000000.00"


async def test_zero_fifty_fifty(api: Api) -> None:
    """Walk 2 as it is asked for: a call of nothing and two halves, all planned."""
    due = ["2026-06-30", "2026-09-30", "2026-12-31"]
    tranches = [{"percent": p, "due_date": d} for p, d in zip(("0", "50", "50"), due, strict=True)]
    made = await api.promise(schedule={"cadence": "custom", "tranches": tranches})
    assert [(c["amount"], c["due_date"], c["status"]) for c in made["calls"]] == [
        ("0.00", due[0], "scheduled"),
        ("500000.00", due[1], "scheduled"),
        ("500000.00", due[2], "scheduled"),
    ]
    assert (made["planned"], made["called"]) == ("1000000.00", "0.00")
    nothing = await api.post(f"/api/allocations/{made['id']}/calls/{made['calls'][0]['id']}/issue", status=200)
    assert (nothing["stage"], nothing["status"]) == ("issued", "called")
    after = await api.get(f"/api/allocations/{made['id']}")
    assert (after["version"], after["status"]) == (1, "committed")


SCHEDULES: dict[str, tuple[dict[str, object], list[str]]] = {
    "single": ({"dueDate": "2026-06-30"}, ["2026-06-30"]),
    "monthly": ({"first_due_date": "2026-01-31", "count": 3}, ["2026-01-31", "2026-02-28", "2026-03-31"]),
    "quarterly": ({"first_due_date": "2026-01-31", "count": 2}, ["2026-01-31", "2026-04-30"]),
    "semi_annual": ({"first_due_date": "2026-01-31", "count": 2}, ["2026-01-31", "2026-07-31"]),
    "annual": ({"first_due_date": "2024-02-29", "count": 2}, ["2024-02-29", "2025-02-28"]),
}


@pytest.mark.parametrize("cadence", SCHEDULES)
async def test_every_cadence(api: Api, cadence: str) -> None:
    """Each cadence calls the whole commitment on the dates a person would write down."""
    members, due = SCHEDULES[cadence]
    made = await api.promise(schedule={"cadence": cadence, **members})
    assert [call["due_date"] for call in made["calls"]] == due
    assert made["planned"] == "1000000.00"


@pytest.mark.parametrize(
    ("schedule", "loc"),
    [
        ({"cadence": "weekly"}, ["body", "schedule"]),
        ({"cadence": "single"}, ["body", "schedule", "single", "due_date"]),
        ({"cadence": "single", "due_date": "2026-02-30"}, ["body", "schedule", "single", "due_date"]),
        ({"cadence": "single", "due_date": "9999-01-01"}, ["body", "schedule", "single", "due_date"]),
        ({"cadence": "monthly", "first_due_date": "2026-01-31", "count": 0}, ["body", "schedule", "monthly", "count"]),
        ({"cadence": "annual", "first_due_date": "2900-01-31", "count": 600}, ["body", "schedule"]),
        ({"cadence": "custom", "tranches": []}, ["body", "schedule", "custom", "tranches"]),
        ({"cadence": "custom", "tranches": [{"due_date": "2026-01-31"}]}, ["body", "schedule"]),
        (
            {"cadence": "custom", "tranches": [{"due_date": "2026-01-31", "percent": 50}]},
            ["body", "schedule", "custom", "tranches", 0, "percent"],
        ),
        (
            {"cadence": "custom", "tranches": [{"due_date": "2026-01-31", "percent": "33.33333"}]},
            ["body", "schedule", "custom", "tranches", 0, "percent"],
        ),
        (
            {"cadence": "custom", "tranches": [{"due_date": "2026-01-31", "amount": "1.001"}]},
            ["body", "schedule", "tranches", 0, "amount"],
        ),
        (
            {"cadence": "custom", "tranches": [{"due_date": "2026-01-31", "percent": p} for p in ("60", "40.0001")]},
            ["body", "schedule"],
        ),
        (
            {
                "cadence": "custom",
                "tranches": [{"due_date": "2026-01-31", "percent": "5"}, {"due_date": "2026-01-31", "amount": "5"}],
            },
            ["body", "schedule"],
        ),
    ],
)
async def test_a_wrong_schedule_is_named_by_its_place(
    api: Api, schedule: dict[str, object], loc: list[str | int]
) -> None:
    """422, the place of what is wrong, and no allocation without its calls."""
    body = {"fund_id": (await api.fund())["id"], "deal_id": (await api.deal())["id"], "committed": "100.00"}
    problem = await api.post("/api/allocations", body | {"schedule": schedule}, 422)
    assert problem["errors"][0]["loc"] == loc
    assert (await api.get("/api/allocations"))["items"] == []


async def test_lists_are_pages(api: Api) -> None:
    """A page says where the next one begins; filters hold on every page; a foreign cursor is refused."""
    made = [await api.promise() for _ in range(3)]
    first = await api.get("/api/allocations?limit=2")
    rest = await api.get(f"/api/allocations?limit=2&cursor={first['next']}")
    assert first["items"] + rest["items"] == made
    assert rest["next"] is None
    assert (await api.get("/api/allocations?status=funded"))["items"] == []
    assert (await api.get(f"/api/allocations?deal_id={made[1]['deal_id']}"))["items"] == [made[1]]
    assert (await api.get("/api/allocations?cursor=zzz", 400))["code"] == "cursor_unreadable"
    await api.get("/api/allocations?status=lost", 400)


# ---- the service's own addresses


async def test_dead_letters_are_not_an_allocation(api: Api) -> None:
    """The service's own address of dead letters is not taken for an allocation's id."""
    assert (await api.get("/api/allocations/dead-letters"))["items"] == []


def test_every_route_of_the_contract_is_there() -> None:
    """The HTTP contract names each path and method that belongs to allocations."""
    document = build(Settings(database_url=SecretStr("postgresql://nowhere"), kafka="nowhere:9")).app.openapi()
    routes = {(method, path) for path, methods in document["paths"].items() for method in methods}
    call = "/api/allocations/{allocation_id}/calls/{call_id}"
    assert routes >= {
        *((method, f"/api/{what}") for what in ("funds", "deals", "allocations") for method in ("get", "post")),
        ("get", "/api/funds/{fund_id}"),
        ("get", "/api/deals/{deal_id}"),
        ("get", "/api/allocations/{allocation_id}"),
        ("get", "/api/allocations/{allocation_id}/calls"),
        ("post", "/api/allocations/{allocation_id}/calls"),
        *(("post", f"{call}/{command}") for command in ("issue", "approve", "reject", "withdraw")),
    }
