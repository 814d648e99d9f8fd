"""Promises of setting up a fund's reserves over HTTP: versions, conditions, and a history from the first day."""

import asyncio
from typing import Final

import pytest

from tests.allocations.reallocation.planner import Planned, Planner, Row, proposed

LOC: Final = ["body", "reserves"]


async def test_companies_come_in_with_a_history(planner: Planner) -> None:
    """The answer is the reserves as they are then; the entry and the event tell of each company from nothing."""
    fund_id = await planner.bare_fund()
    a, b = await planner.company("A"), await planner.company("B")
    rows = [proposed(b, (50, 60)), {"company_id": a}]
    body = {"reserves": rows, "reason": "first plan"}
    made = await planner.put(f"/api/funds/{fund_id}/reserves", body, x_actor="jane")
    assert made == await planner.get(f"/api/funds/{fund_id}/reallocation")
    companies = [(one["company_id"], one["planned_reserves_cents"]) for one in made["companies"]]
    assert (made["version"], companies, made["total_cents"]) == (1, [(a, 0), (b, 50)], 50)
    [audit] = await planner.audits(Planned(fund_id, (a, b)))
    told = {name: audit[name] for name in ("kind", "user_id", "actor", "baseline_version", "new_version", "reason")}
    assert told == {
        "kind": "set_up",
        "user_id": None,
        "actor": "jane",
        "baseline_version": 0,
        "new_version": 1,
        "reason": "first plan",
    }
    assert audit["changes_json"] == [
        {"company_id": a, "from_cents": 0, "to_cents": 0, "allocation_cap_cents": None},
        {"company_id": b, "from_cents": 0, "to_cents": 50, "allocation_cap_cents": 60},
    ]
    [event] = await planner.events()
    assert (event["kind"], event["baseline_version"], event["version"]) == ("set_up", 0, 1)
    assert (event["total_before"], event["total_after"], event["companies"]) == ("0.00", "0.50", 2)


async def test_each_set_up_is_a_version(planner: Planner) -> None:
    """Also one that says what is there already; who is not named stays, and a figure may be another one."""
    fund = await planner.fund(100, 200, caps={1: 300})
    for version, (figures, reserves) in enumerate(((100, [100, 200]), (150, [150, 200])), 1):
        body = {"reserves": [proposed(fund.companies[0], figures)], "current_version": version}
        assert (await planner.put(fund.reserves, body))["version"] == version + 1
        assert await planner.reserves(fund) == (version + 1, reserves)
    told = [
        (audit["changes_json"][0]["from_cents"], audit["changes_json"][0]["to_cents"])
        for audit in await planner.audits(fund)
    ]
    assert told == [(0, 100), (100, 100), (100, 150)]


async def test_a_cap_is_set_and_taken_away(planner: Planner) -> None:
    """null takes it away, no member leaves it; each is a version that all rows have."""
    fund = await planner.fund(100, 200)
    row: Row = {"company_id": fund.companies[0]}
    for version, cap in enumerate([150, 0, None], 2):
        body = {"reserves": [row | {"allocation_cap_cents": cap}], "current_version": version - 1}
        book = await planner.put(fund.reserves, body)
        assert (book["version"], book["companies"][0]["allocation_cap_cents"]) == (version, cap)
    again = await planner.put(fund.reserves, {"reserves": [row], "current_version": 4})
    assert again["companies"][0]["allocation_cap_cents"] is None
    assert await planner.reserves(fund) == (5, [100, 200])


@pytest.mark.parametrize(
    ("cells", "status", "code"),
    [
        ({"company_id": 2**63 - 1}, 404, "company_not_found"),
        ({"planned_reserves_cents": -1}, 400, "invalid_value"),
        ({"planned_reserves_cents": 10**15}, 400, "invalid_value"),
        ({"allocation_cap_cents": "5"}, 400, "invalid_value"),
        ({"colour": "red"}, 400, "invalid_value"),
    ],
)
async def test_what_cannot_be_set_up(planner: Planner, cells: Row, status: int, code: str) -> None:
    """Refused in the shape of the contract, and nothing written."""
    fund = await planner.fund(100)
    state = await planner.state()
    body = {"reserves": [{"company_id": fund.companies[0], **cells}], "current_version": 1}
    problem = await planner.put(fund.reserves, body, status)
    assert problem["code"] == code
    assert {"error", "message", "details"} <= problem.keys()
    assert await planner.state() == state


async def test_lists_that_are_none(planner: Planner) -> None:
    """Nobody, or somebody twice: 400 that names the list; a fund that nobody made: 404."""
    fund = await planner.fund(100)
    row = {"company_id": fund.companies[0]}
    for rows in ([], [row, row]):
        problem = await planner.put(fund.reserves, {"reserves": rows, "current_version": 1}, 400)
        assert problem["details"][0]["loc"] == LOC
    problem = await planner.put("/api/funds/999999999/reserves", {"reserves": [row]}, 404)
    assert problem["code"] == "fund_not_found"


# ---- which version is meant


async def test_the_etag_is_the_version(planner: Planner) -> None:
    """Strong, on what is read and on what a set-up answers."""
    fund = await planner.fund(100)
    assert (await planner.answer("GET", fund.path)).headers["etag"] == '"1"'
    body = {"reserves": [{"company_id": fund.companies[0], "allocation_cap_cents": 5}]}
    answer = await planner.answer("PUT", fund.reserves, body, if_match='"1"', idempotency_key="one")
    assert answer.headers["etag"] == '"2"'
    await planner.put(fund.reserves, {"reserves": [{"company_id": await planner.company()}], "current_version": 2})
    again = await planner.answer("PUT", fund.reserves, body, if_match='"1"', idempotency_key="one")
    assert again.headers["etag"] == '"2"'  # that of the answer which is repeated


async def moved_on(planner: Planner) -> tuple[Planned, Row]:
    """A fund at version 2, and a set-up that says no version."""
    fund = await planner.fund(100)
    await planner.commit(fund, fund.proposal(101))
    return fund, {"reserves": [{"company_id": fund.companies[0], "allocation_cap_cents": 5}]}


@pytest.mark.parametrize("tag", ['"2"', '"1", "2"', "*"])
async def test_a_condition_that_is_true(planner: Planner, tag: str) -> None:
    """The version that there is, among others, or any."""
    fund, body = await moved_on(planner)
    assert (await planner.put(fund.reserves, body, if_match=tag))["version"] == 3


@pytest.mark.parametrize("tag", ['"1"', 'W/"2"', '"3"', "2", '"x"'])
async def test_a_condition_that_is_false(planner: Planner, tag: str) -> None:
    """Somebody was quicker, or the tag is weak, or none: 412 with the version that is, and nothing written."""
    fund, body = await moved_on(planner)
    state = await planner.state()
    problem = await planner.put(fund.reserves, body | {"current_version": 2}, 412, if_match=tag)
    assert (problem["code"], problem["current_versions"]) == ("precondition_failed", [2])
    assert await planner.state() == state


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [(1, 409, "version_conflict"), (3, 409, "version_conflict"), (None, 428, "version_required")],
)
async def test_a_version_that_is_not_meant(planner: Planner, version: int | None, status: int, code: str) -> None:
    """Another one than there is, or none once there is one: refused with the one that is, and nothing written."""
    fund, body = await moved_on(planner)
    state = await planner.state()
    problem = await planner.put(fund.reserves, body | {"current_version": version}, status)
    assert (problem["code"], problem["current_versions"]) == (code, [2])
    assert await planner.state() == state


async def test_two_first_set_ups_at_once(planner: Planner) -> None:
    """One is the first; the other one learns that there is one now, and nobody is lost."""
    fund_id = await planner.bare_fund()
    companies = [await planner.company(name) for name in "AB"]
    path = f"/api/funds/{fund_id}/reserves"
    bodies = [{"reserves": [proposed(company, 10)]} for company in companies]
    answers = await asyncio.gather(*(planner.answer("PUT", path, body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200, 428]
    late = bodies[0 if answers[0].status_code == 428 else 1]
    await planner.put(path, late | {"current_version": 1})
    assert await planner.reserves(Planned(fund_id, companies)) == (2, [10] * 2)
    assert [audit["new_version"] for audit in await planner.audits(Planned(fund_id, companies))] == [1, 2]
