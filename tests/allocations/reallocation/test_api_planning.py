"""Promises of templates and suggestions over HTTP: ordinary proposals, ready to preview and commit."""

from typing import Any, Final

import pytest

from tests.allocations.reallocation.planner import Planned, Planner, Row

USUAL: Final = "usual-split"


def by_percent(of: Planned, *percents: str, name: str = USUAL) -> Row:
    pairs = zip(of.companies, percents, strict=False)
    shares = [{"company_id": company, "percent": percent} for company, percent in pairs]
    return {"name": name, "basis": "percent", "shares": shares}


def by_amount(of: Planned, *amounts: int, name: str = USUAL) -> Row:
    pairs = zip(of.companies, amounts, strict=False)
    shares = [{"company_id": company, "amount_cents": amount} for company, amount in pairs]
    return {"name": name, "basis": "amount", "shares": shares}


async def save(planner: Planner, of: Planned, body: Row, status: int = 200, **headers: str) -> Any:
    return await planner.post(f"{of.path}/templates", body, status, **headers)


def figures(suggested: Row) -> list[int]:
    return [row["planned_reserves_cents"] for row in suggested["proposed_allocations"]]


async def follow(planner: Planner, of: Planned, suggested: Row) -> None:
    """Takes a suggestion as it is given, previews it, and commits what was seen."""
    body = {name: suggested[name] for name in ("current_version", "proposed_allocations")}
    preview = await planner.preview(of, body)
    assert preview["validation"]["is_valid"]
    await planner.commit(of, {**body, "digest": preview["digest"]})


# ---- templates


async def test_a_template_is_kept_as_it_was_given(planner: Planner) -> None:
    """By its name, in the order of companies' ids, with who saved it; percents with four decimals."""
    fund = await planner.fund(10, 20, 30)
    body = by_percent(fund, "33.3333", "66.6667")
    body["shares"].reverse()
    saved = await save(planner, fund, body, x_actor="jane")
    a, b, _ = fund.companies
    assert saved == {
        "fund_id": fund.id,
        "name": USUAL,
        "version": 1,
        "basis": "percent",
        "shares": [
            {"company_id": a, "percent": "33.3333", "amount_cents": None},
            {"company_id": b, "percent": "66.6667", "amount_cents": None},
        ],
        "created_by": "jane",
        "created_at": "2026-02-02T15:00:00Z",
    }
    assert (await planner.get(f"{fund.path}/templates"))["items"] == [saved]
    assert await planner.reserves(fund) == (1, [10, 20, 30])  # nothing has moved


async def test_a_changed_template_is_a_new_version(planner: Planner) -> None:
    """The same again adds none; other shares do, and the newest is what counts."""
    fund = await planner.fund(10, 20)
    assert (await save(planner, fund, by_percent(fund, "50", "50")))["version"] == 1
    assert (await save(planner, fund, by_percent(fund, "50.0", "50.0000")))["version"] == 1
    assert (await save(planner, fund, by_amount(fund, 1, 3)))["version"] == 2
    await save(planner, fund, by_percent(fund, "100", name="all-in-one"))
    listed = await planner.get(f"{fund.path}/templates?limit=1")
    assert [(one["name"], one["version"]) for one in listed["items"]] == [("all-in-one", 1)]
    listed = await planner.get(f"{fund.path}/templates?limit=1&cursor={listed['next']}")
    assert [(one["name"], one["version"]) for one in listed["items"]] == [(USUAL, 2)]
    assert listed["next"] is None
    kept = "select version from allocations.reallocation_template where name = $1 order by version"
    assert [row["version"] for row in await planner.owner.fetch(kept, USUAL)] == [1, 2]


async def test_a_template_is_applied_to_today(planner: Planner) -> None:
    """What its companies have together, spread anew by largest remainder; each time what there is then."""
    fund = await planner.fund(50, 7, 50)
    a, b, c = fund.companies
    await save(planner, fund, by_amount(Planned(fund.id, [a, c]), 1, 2))
    suggested = await planner.get(f"{fund.path}/templates/{USUAL}/proposal")
    assert suggested == {
        "fund_id": fund.id,
        "formula": "to = total today of the companies named · share / sum of shares, by largest remainder",
        "explanation": f"USD 1.00 of 2 companies spread by the amounts of template {USUAL}",
        "current_version": 1,
        "proposed_allocations": [
            {"company_id": a, "planned_reserves_cents": 33, "allocation_cap_cents": None},
            {"company_id": c, "planned_reserves_cents": 67, "allocation_cap_cents": None},
        ],
    }
    await follow(planner, fund, suggested)
    assert await planner.reserves(fund) == (2, [33, 7, 67])
    await planner.commit(fund, fund.proposal(233, version=2))
    again = await planner.get(f"{fund.path}/templates/{USUAL}/proposal")
    assert (again["current_version"], figures(again)) == (3, [100, 200])
    assert b not in [row["company_id"] for row in again["proposed_allocations"]]


async def test_a_template_above_a_cap_is_for_the_preview_to_say(planner: Planner) -> None:
    """Shares that people chose are not bent: the proposal is what they come to, and its preview names the cap."""
    fund = await planner.fund(50, 50, caps={0: 60})
    await save(planner, fund, by_percent(fund, "75", "25"))
    suggested = await planner.get(f"{fund.path}/templates/{USUAL}/proposal")
    assert figures(suggested) == [75, 25]
    body = {name: suggested[name] for name in ("current_version", "proposed_allocations")}
    assert not (await planner.preview(fund, body))["validation"]["is_valid"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"shares": []}, "invalid_value"),
        ({"name": "Usual Split"}, "invalid_value"),
        ({"basis": "weight"}, "invalid_value"),
        ({"basis": "amount"}, "invalid_value"),
        ({"shares": [{"company_id": 1, "percent": "33.33333"}]}, "invalid_value"),
        ({"shares": [{"company_id": 1, "percent": 100}]}, "invalid_value"),
        ({"shares": [{"company_id": 1, "percent": "100.0001"}]}, "invalid_value"),
        ({"shares": [{"company_id": 1, "percent": "50"}] * 2}, "invalid_value"),
        ({"shares": [{"company_id": 2**63 - 1, "percent": "100"}]}, "invalid_company"),
    ],
)
async def test_a_template_that_is_none(planner: Planner, change: Row, code: str) -> None:
    """400 in the shape of the contract, and nothing kept."""
    fund = await planner.fund(10, 20)
    problem = await save(planner, fund, by_percent(fund, "50", "50") | change, 400)
    assert problem["code"] == code
    assert problem["details"]
    assert (await planner.get(f"{fund.path}/templates"))["items"] == []


async def test_percents_are_a_whole(planner: Planner) -> None:
    """99.9999 is not 100."""
    fund = await planner.fund(10, 20)
    problem = await save(planner, fund, by_percent(fund, "50", "49.9999"), 400)
    assert (problem["code"], problem["message"]) == ("invalid_percent", "The percents sum to 99.9999, not to 100.")


async def test_what_is_not_there(planner: Planner) -> None:
    """404 for a fund, its companies, a template; an empty list where nothing was saved."""
    fund, bare = await planner.fund(10), await planner.bare_fund()
    problem = await planner.get(f"{fund.path}/templates/{USUAL}/proposal", 404)
    assert (problem["code"], problem["error"]) == ("template_not_found", "Template not found")
    assert (await save(planner, Planned(bare, (1,)), by_amount(fund, 1), 404))["code"] == "reserves_not_found"
    for query in ("concentration?limit_percent=30", "total?total_cents=5", "unfunded"):
        problem = await planner.get(f"/api/funds/{bare}/reallocation/suggestions/{query}", 404)
        assert problem["code"] == "reserves_not_found"
        problem = await planner.get(f"/api/funds/999999999/reallocation/suggestions/{query}", 404)
        assert problem["code"] == "fund_not_found"


# ---- suggestions


async def test_a_limit_is_kept(planner: Planner) -> None:
    """40 % of 10.00 is 4.00; the 1.00 above it goes to the others as 3 to 2; what is committed warns of nobody."""
    fund = await planner.fund(500, 300, 200)
    suggested = await planner.get(f"{fund.path}/suggestions/concentration?limit_percent=40")
    assert list(suggested) == ["fund_id", "formula", "explanation", "current_version", "proposed_allocations"]
    assert (
        suggested["formula"]
        == "to = min(limit · total, cap, from + a part of what others are above, in proportion to from)"
    )
    assert suggested["explanation"] == "USD 10.00 with at most 40 %, USD 4.00, for each"
    assert figures(suggested) == [400, 360, 240]
    await follow(planner, fund, suggested)
    assert await planner.reserves(fund) == (2, [400, 360, 240])


async def test_a_new_total(planner: Planner) -> None:
    """6.00 to 12.00; the third is full at 5.00, so the others share 7.00 as 1 to 2."""
    fund = await planner.fund(100, 200, 300, caps={2: 500})
    suggested = await planner.get(f"{fund.path}/suggestions/total?total_cents=1200")
    assert suggested["explanation"] == "USD 6.00 scaled to USD 12.00; at its cap: C"
    assert figures(suggested) == [233, 467, 500]
    await follow(planner, fund, suggested)
    assert await planner.reserves(fund) == (2, [233, 467, 500])


async def test_by_what_is_owed(planner: Planner) -> None:
    """Promises of 300.00 and 100.00, nothing of them paid: three quarters and one."""
    fund = await planner.fund(400, 300, 300)
    for company, committed in zip(fund.companies, ("300.00", "100.00"), strict=False):
        body = {"fund_id": fund.id, "deal_id": company, "committed": committed}
        await planner.post("/api/allocations", body, 201)
    suggested = await planner.get(f"{fund.path}/suggestions/unfunded")
    assert suggested["explanation"] == "USD 10.00 spread by USD 400.00 of unfunded commitments"
    assert figures(suggested) == [750, 250, 0]
    await follow(planner, fund, suggested)


@pytest.mark.parametrize(
    "query", ["concentration?limit_percent=33.3333", "total?total_cents=999999999999999", "unfunded"]
)
async def test_what_cannot_be_is_said(planner: Planner, query: str) -> None:
    """409 that says why: no suggestion rather than a wrong one."""
    fund = await planner.fund(50, 30, 20, caps={0: 60, 1: 60, 2: 60})
    problem = await planner.get(f"{fund.path}/suggestions/{query}", 409)
    assert (problem["code"], problem["error"]) == ("suggestion_impossible", "Suggestion impossible")


@pytest.mark.parametrize(
    "query",
    [
        "concentration",
        "concentration?limit_percent=101",
        "concentration?limit_percent=33.33333",
        "total",
        "total?total_cents=-1",
        "total?total_cents=1000000000000000",
        "total?total_cents=1.5",
    ],
)
async def test_a_question_that_is_none(planner: Planner, query: str) -> None:
    """400 that names the parameter."""
    fund = await planner.fund(50)
    problem = await planner.get(f"{fund.path}/suggestions/{query}", 400)
    assert problem["details"][0]["loc"][0] == "query"
