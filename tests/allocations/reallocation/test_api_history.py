"""Promises of the history of reserves: every version once, by every way in, page by page."""

from typing import Any, Final

import pytest

from shared.http import encode_cursor
from shared.ids import new_event_id
from tests.allocations.reallocation.planner import Planned, Planner

ALL: Final = "/api/reallocation/audit"


async def story(planner: Planner) -> tuple[Planned, Planned]:
    """Two funds that share a company, and five versions each: by users 4 and 5 in turn, one company each time."""
    one = await planner.fund(100, 200)
    other = Planned(await planner.bare_fund(), [one.companies[1], await planner.company("C")])
    rows = [{"company_id": company} for company in other.companies]
    await planner.put(other.reserves, {"reserves": rows})
    for version in range(1, 5):
        for fund in (one, other):
            figures = (version, None) if version % 2 else (None, version)
            await planner.commit(fund, fund.proposal(*figures, version=version, user_id=4 + version % 2))
    return one, other


def short(page: Any) -> list[tuple[int, int]]:
    return [(entry["fund_id"], entry["new_version"]) for entry in page["items"]]


async def test_an_entry_tells_all(planner: Planner) -> None:
    """Who, from which version, what, why and when; the newest first, a set-up among them."""
    fund = await planner.fund(100, 200)
    done = await planner.commit(fund, fund.proposal((110, 120), 200, reason="up", user_id=4), x_actor="jane")
    page = await planner.get(f"{fund.path}/audit")
    assert (short(page), page["next"]) == ([(fund.id, 2), (fund.id, 1)], None)
    a, b = fund.companies
    assert page["items"][0] == {
        "audit_id": done["audit_id"],
        "fund_id": fund.id,
        "kind": "reallocation",
        "user_id": 4,
        "actor": "jane",
        "baseline_version": 1,
        "new_version": 2,
        "changes": [
            {"company_id": a, "from_cents": 100, "to_cents": 110, "allocation_cap_cents": 120},
            {"company_id": b, "from_cents": 200, "to_cents": 200, "allocation_cap_cents": None},
        ],
        "reason": "up",
        "created_at": "2026-02-02T15:00:00Z",
    }
    assert (page["items"][1]["kind"], page["items"][1]["actor"]) == ("set_up", "local")
    assert (await planner.get(ALL))["items"] == page["items"]


async def test_every_filter_on_both_routes(planner: Planner) -> None:
    """Fund, user, company and version, alone and together, give the same entries by either way in."""
    one, other = await story(planner)
    shared, c = other.companies
    every = [(fund, version) for version in range(5, 0, -1) for fund in (other.id, one.id)]
    users = {2: 5, 3: 4, 4: 5, 5: 4}
    named = {one.id: [one.companies[0], shared], other.id: [shared, c]}
    wanted: list[dict[str, int]] = [
        {},
        {"user_id": 4},
        {"user_id": 9},
        {"company_id": shared},
        {"company_id": c},
        {"version": 1},
        {"version": 3},
        {"user_id": 5, "version": 4},
        {"user_id": 5, "company_id": shared},
        {"company_id": shared, "version": 2},
        {"user_id": 4, "company_id": shared, "version": 3},
    ]
    for asked in wanted:
        expected = []
        for fund, version in every:
            # A set-up names both of its companies; after it the first and the second take turns.
            companies = named[fund] if version == 1 else [named[fund][version % 2]]
            fits = {
                "user_id": users.get(version) == asked.get("user_id"),
                "company_id": asked.get("company_id") in companies,
                "version": version == asked.get("version"),
            }
            if all(fits[name] for name in asked):
                expected.append((fund, version))
        query = "&".join(f"{name}={value}" for name, value in asked.items())
        assert sorted(short(await planner.get(f"{ALL}?{query}"))) == sorted(expected), asked
        for of in (one, other):
            own = [each for each in expected if each[0] == of.id]
            assert short(await planner.get(f"{of.path}/audit?{query}")) == own, asked
            assert short(await planner.get(f"{ALL}?fund_id={of.id}&{query}")) == own, asked


@pytest.mark.parametrize("query", ["", "user_id=4", "company_id=SHARED", "version=3", "fund_id=ONE"])
async def test_pages_follow_each_other(planner: Planner, query: str) -> None:
    """Page by page by the cursor the same as all at once, also where something comes in between."""
    one, other = await story(planner)
    query = query.replace("SHARED", str(other.companies[0])).replace("ONE", str(one.id))
    whole = (await planner.get(f"{ALL}?{query}"))["items"]
    found: list[Any] = []
    page = await planner.get(f"{ALL}?limit=1&{query}")
    await planner.commit(one, one.proposal(7, 7, version=5, user_id=4))
    for _ in whole:
        assert len(page["items"]) == 1
        found += page["items"]
        if page["next"] is None:
            break
        page = await planner.get(f"{ALL}?limit=1&{query}&cursor={page['next']}")
    assert (found, page["next"]) == (whole, None)


async def test_pages_of_a_fund(planner: Planner) -> None:
    """Two at a time."""
    one, _ = await story(planner)
    page = await planner.get(f"{one.path}/audit?limit=2")
    for versions in ([5, 4], [3, 2]):
        assert [version for _, version in short(page)] == versions
        page = await planner.get(f"{one.path}/audit?limit=2&cursor={page['next']}")
    assert (short(page), page["next"]) == ([(one.id, 1)], None)


async def test_a_fund_without_a_history(planner: Planner) -> None:
    """An empty list; 404 for a fund that nobody made, by either way in."""
    bare = await planner.bare_fund()
    assert await planner.get(f"/api/funds/{bare}/reallocation/audit") == {"items": [], "next": None}
    for path in ("/api/funds/999999999/reallocation/audit", f"{ALL}?fund_id=999999999"):
        assert (await planner.get(path, 404))["code"] == "fund_not_found"


@pytest.mark.parametrize(
    "query",
    [
        *("user_id=0", "user_id=jane", "company_id=-1", "version=0", f"version={2**31}", "limit=0", "limit=201"),
        *("cursor=x", f"cursor={encode_cursor(5)}", f"cursor={encode_cursor('no uuid')}"),
    ],
)
async def test_a_question_that_is_none(planner: Planner, query: str) -> None:
    """400 in the shape of the contract."""
    fund = await planner.fund(1)
    for path in (ALL, f"{fund.path}/audit"):
        problem = await planner.get(f"{path}?{query}", 400)
        assert problem["code"] in {"parameter_unreadable", "cursor_unreadable"}
        assert {"error", "message", "details"} <= problem.keys()


async def test_a_cursor_of_nothing_is_no_beginning(planner: Planner) -> None:
    """A cursor that names no entry of the fund, but another's or nobody's, does not lead back to its newest ones."""
    fund, other = await planner.fund(1), await planner.fund(2)
    [entry] = await planner.audits(other)
    for audit_id in (new_event_id(), entry["id"]):
        page = await planner.get(f"{fund.path}/audit?cursor={encode_cursor(str(audit_id))}")
        assert page == {"items": [], "next": None}
