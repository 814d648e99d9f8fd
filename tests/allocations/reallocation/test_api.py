"""Promises of preview and commit: the cases that whoever relies on them asked for, over HTTP and a real database."""

import asyncio
import json
from collections import Counter
from typing import Final

import pytest

from tests.allocations.reallocation.planner import Planned, Planner, Row

AT: Final = "2026-02-02T15:00:00Z"


def types(preview: Row) -> list[tuple[str, int | None]]:
    """Type and company of each warning."""
    return [(one["type"], one.get("company_id")) for one in preview["warnings"]]


# ---- previews


async def test_1_no_changes(planner: Planner) -> None:
    """What is proposed is what there is: every delta is nothing, and it is valid."""
    fund = await planner.fund(300, 300, 300, 100)
    preview = await planner.preview(fund, fund.proposal(300, 300))
    assert [(one["delta_cents"], one["delta_pct"], one["status"]) for one in preview["deltas"]] == [
        (0, 0, "unchanged"),
        (0, 0, "unchanged"),
    ]
    totals = {"total_allocated_before": 1000, "total_allocated_after": 1000, "delta_cents": 0, "delta_pct": 0}
    assert preview["totals"] == totals
    assert (preview["warnings"], preview["validation"]) == ([], {"is_valid": True, "errors": []})


async def test_2_increases_and_decreases(planner: Planner) -> None:
    """The whole answer, member by member and in the order of the contract, numbers as they are written."""
    fund = await planner.fund(1000, 3000, 500, 6000, size="1000.00")
    a, b, c, _ = fund.companies
    body = fund.proposal(2000, 2998, 500)
    answer = await planner.answer(
        "POST", f"{fund.path}/preview", {**body, "proposed_allocations": body["proposed_allocations"][::-1]}
    )
    expected = {
        "deltas": [
            {
                "company_id": a,
                "company_name": "A",
                "from_cents": 1000,
                "to_cents": 2000,
                "delta_cents": 1000,
                "delta_pct": 100.0,
                "status": "increased",
            },
            {
                "company_id": b,
                "company_name": "B",
                "from_cents": 3000,
                "to_cents": 2998,
                "delta_cents": -2,
                "delta_pct": -0.1,
                "status": "decreased",
            },
            {
                "company_id": c,
                "company_name": "C",
                "from_cents": 500,
                "to_cents": 500,
                "delta_cents": 0,
                "delta_pct": 0.0,
                "status": "unchanged",
            },
        ],
        "totals": {
            "total_allocated_before": 10500,
            "total_allocated_after": 11498,
            "delta_cents": 998,
            "delta_pct": 9.5,
        },
        "warnings": [
            {
                "type": "negative_delta",
                "company_id": b,
                "message": "B: the reserve falls from USD 30.00 to USD 29.98",
                "severity": "warning",
            },
            {
                "type": "high_concentration",
                "company_id": fund.companies[3],
                "message": "D: USD 60.00 is 52.2 % of all reserves, more than 30 %",
                "severity": "warning",
            },
        ],
        "validation": {"is_valid": True, "errors": []},
        "digest": answer.json()["digest"],
    }
    assert answer.text == json.dumps(expected, separators=(",", ":"))
    assert answer.headers["content-type"] == "application/json"
    assert len(answer.json()["digest"]) == 64


async def test_3_warnings(planner: Planner) -> None:
    """A fall is worth a word, and no reason to refuse: it can be committed."""
    fund = await planner.fund(250, 250, 250, 250)
    preview = await planner.preview(fund, fund.proposal(249, 251))
    assert types(preview) == [("negative_delta", fund.companies[0])]
    assert preview["validation"] == {"is_valid": True, "errors": []}
    await planner.commit(fund, fund.proposal(249, 251, digest=preview["digest"]))
    assert await planner.reserves(fund) == (2, [249, 251, 250, 250])


async def test_4_cap(planner: Planner) -> None:
    """Above the stored cap the preview says why it cannot be; with a cap of its own a request stands over it, once."""
    fund = await planner.fund(200, 200, 200, 200, 200, caps={0: 250})
    preview = await planner.preview(fund, fund.proposal(251))
    message = "A: a reserve of USD 2.51 exceeds its cap of USD 2.50"
    error = {"type": "cap_exceeded", "company_id": fund.companies[0], "message": message, "severity": "error"}
    assert preview["warnings"] == [error]
    assert preview["validation"] == {"is_valid": False, "errors": [message]}
    assert (await planner.preview(fund, fund.proposal(250)))["validation"]["is_valid"]
    assert (await planner.preview(fund, fund.proposal((251, 251))))["warnings"] == []
    await planner.commit(fund, fund.proposal((251, 251)))
    stored = (await planner.get(fund.path))["companies"][0]
    assert (stored["planned_reserves_cents"], stored["allocation_cap_cents"]) == (251, 250)


async def test_5_concentration(planner: Planner) -> None:
    """Just 30 % of all reserves is none; one minor unit above is one, whether the company is named or not."""
    fund = await planner.fund(300, 300, 200, 200)
    a, b, _, d = fund.companies
    assert types(await planner.preview(fund, fund.proposal(300))) == []
    above = await planner.preview(fund, fund.proposal(301, None, None, 199))
    assert types(above) == [("high_concentration", a), ("negative_delta", d)]
    assert types(await planner.preview(fund, fund.proposal(None, None, 200, 199))) == [
        ("high_concentration", a),
        ("high_concentration", b),
        ("negative_delta", d),
    ]


async def test_6_moic(planner: Planner) -> None:
    """Half of the fund's size is none; one minor unit above is one for the company, and one for all of them."""
    fund = await planner.fund(*[0] * 5, size="10.00")
    a = fund.companies[0]
    assert ("unrealistic_moic", None) not in types(await planner.preview(fund, fund.proposal(500)))
    preview = await planner.preview(fund, fund.proposal(501))
    found = [one for one in preview["warnings"] if one["type"] == "unrealistic_moic"]
    assert found == [
        {
            "type": "unrealistic_moic",
            "company_id": a,
            "message": "A: USD 5.01 is more than 50 % of the fund's size of USD 10.00",
            "severity": "warning",
        },
        {
            "type": "unrealistic_moic",
            "message": "All reserves: USD 5.01 is more than 50 % of the fund's size of USD 10.00",
            "severity": "warning",
        },
    ]
    assert preview["validation"]["is_valid"]


@pytest.mark.parametrize("operation", ["preview", "commit"])
async def test_7_version_conflict(planner: Planner, operation: str) -> None:
    """Older or newer than what there is: 409 with the version that is, for a preview as for a commit."""
    fund = await planner.fund(100, 200)
    await planner.commit(fund, fund.proposal(101))
    before = await planner.state()
    for version in (0, 1, 3, 2**31 - 1):
        problem = await planner.post(f"{fund.path}/{operation}", fund.proposal(102, version=version), 409)
        assert problem == {
            "current_versions": [2],
            "error": "Version conflict",
            "message": f"Expected version {version} of fund {fund.id}'s reserves, but found 2.",
            "details": [],
            "type": "urn:drawdown:problem:version_conflict",
            "title": "Version conflict",
            "status": 409,
            "detail": f"Expected version {version} of fund {fund.id}'s reserves, but found 2.",
            "code": "version_conflict",
            "recommendation": "Read the reserves again, preview, and commit with their version.",
        }
    assert await planner.state() == before


# The eighth case, what bodies are refused, has a file of its own: test_api_bodies.py.

# ---- commits


async def test_9_successful_commit(planner: Planner) -> None:
    """The answer of the contract, every company at the next version, one entry, one event."""
    fund = await planner.fund(100, 200, 300)
    body = fund.proposal(150, None, 250, reason="follow-on", user_id=17)
    answer = await planner.answer("POST", f"{fund.path}/commit", body, x_actor="jane")
    [_, audit] = await planner.audits(fund)
    told = {"success": True, "new_version": 2, "updated_count": 2, "audit_id": str(audit["id"]), "timestamp": AT}
    assert answer.text == json.dumps(told, separators=(",", ":"))
    assert answer.status_code == 200
    assert await planner.reserves(fund) == (2, [150, 200, 250])
    rows = "select distinct allocation_version from allocations.reserve where fund_id = $1"
    assert [row["allocation_version"] for row in await planner.owner.fetch(rows, fund.id)] == [2]
    [set_up, event] = await planner.events()
    assert (set_up["kind"], set_up["version"]) == ("set_up", 1)
    a, _, c = fund.companies
    assert event == {
        "fund_id": fund.id,
        "kind": "reallocation",
        "audit_id": str(audit["id"]),
        "currency": "USD",
        "baseline_version": 1,
        "version": 2,
        "total_before": "6.00",
        "total_after": "6.00",
        "companies": 3,
        "changes": [
            {"company_id": a, "before": "1.00", "after": "1.50"},
            {"company_id": c, "before": "3.00", "after": "2.50"},
        ],
        "reason": "follow-on",
        "user_id": 17,
        "occurred_at": AT,
    }


async def test_10_rollback_on_conflict(planner: Planner) -> None:
    """A commit that comes too late leaves not a trace but the record of its refusal."""
    fund = await planner.fund(100, 200)
    await planner.commit(fund, fund.proposal(110))
    before = await planner.state()
    await planner.commit(fund, fund.proposal(120), 409)
    assert await planner.state() == before
    [*_, entry] = await planner.events("audit.recorded")
    told = (entry["action"], entry["resource_id"], entry["outcome"], entry["reason"])
    assert told == ("reallocation.commit", str(fund.id), "refused", "version_conflict")


async def test_11_rollback_on_validation_error(planner: Planner) -> None:
    """One company above its cap, and nothing of the commit is done; 400, and the company is named."""
    fund = await planner.fund(100, 200, caps={1: 250})
    before = await planner.state()
    problem = await planner.commit(fund, fund.proposal(90, 251), 400)
    message = "B: a reserve of USD 2.51 exceeds its cap of USD 2.50"
    assert (problem["code"], problem["error"], problem["message"]) == ("cap_exceeded", "Cap exceeded", message)
    loc = ["body", "proposed_allocations"]
    assert problem["details"] == [{"loc": loc, "company_id": fund.companies[1], "msg": message}]
    assert await planner.state() == before


async def test_12_fifty_at_once(planner: Planner) -> None:
    """Of fifty commits of one version exactly one wins; the others get 409, and the version rises by one."""
    fund = await planner.fund(1000, 1000, 1000)
    path = f"{fund.path}/commit"
    asked = [planner.answer("POST", path, fund.proposal(1000 + n, None, 1000 - n)) for n in range(50)]
    answers = await asyncio.gather(*asked)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 49}
    assert {tuple(answer.json()["current_versions"]) for answer in answers if answer.status_code == 409} == {(2,)}
    [winner] = [n for n, answer in enumerate(answers) if answer.status_code == 200]
    assert await planner.reserves(fund) == (2, [1000 + winner, 1000, 1000 - winner])
    assert [audit["new_version"] for audit in await planner.audits(fund)] == [1, 2]
    assert [event["version"] for event in await planner.events()] == [1, 2]


async def test_13_audit_content_equals_the_change(planner: Planner) -> None:
    """Every company that was proposed, moved or not, from what to what, its cap where the request brought one."""
    fund = await planner.fund(100, 200, 300, caps={2: 900})
    body = fund.proposal((150, 160), 200, 250, reason="follow-on", user_id=17)
    done = await planner.commit(fund, body, x_actor="jane")
    [_, audit] = await planner.audits(fund)
    a, b, c = fund.companies
    changes = [
        {"company_id": a, "from_cents": 100, "to_cents": 150, "allocation_cap_cents": 160},
        {"company_id": b, "from_cents": 200, "to_cents": 200},
        {"company_id": c, "from_cents": 300, "to_cents": 250},
    ]
    told = {**audit, "id": str(audit["id"]), "created_at": audit["created_at"].isoformat()}
    assert told == {
        "id": done["audit_id"],
        "fund_id": fund.id,
        "kind": "reallocation",
        "user_id": 17,
        "actor": "jane",
        "baseline_version": 1,
        "new_version": 2,
        "changes_json": changes,
        "reason": "follow-on",
        "created_at": "2026-02-02T15:00:00+00:00",
    }


async def test_14_one_version_for_all_rows(planner: Planner) -> None:
    """Whatever part of the companies is named, all rows of the fund have the new version, and no other fund has."""
    fund, other = await planner.fund(100, 200, 300), await planner.fund(1, 2)
    for version, figures in enumerate([(1,), (None, 2), (None, None, 3), (4, 5, 6), (4,)], 1):
        await planner.commit(fund, fund.proposal(*figures, version=version))
        rows = await planner.owner.fetch("select fund_id, allocation_version from allocations.reserve")
        assert Counter(map(tuple, rows)) == {(fund.id, version + 1): 3, (other.id, 1): 2}


async def test_15_preview_then_commit(planner: Planner) -> None:
    """What was seen is what is done, to the last minor unit; the same digest again is a conflict."""
    fund = await planner.fund(1000, 2000, 3000, caps={0: 1800})
    proposal = fund.proposal((1900, 1900), None, 2100)
    preview = await planner.preview(fund, proposal)
    before = await planner.state()
    assert await planner.preview(fund, proposal) == preview
    assert await planner.state() == before  # a preview writes nothing
    done = await planner.commit(fund, {**proposal, "digest": preview["digest"]})
    assert (done["success"], done["new_version"], done["updated_count"]) == (True, 2, 2)
    book = await planner.get(fund.path)
    after = {company["company_id"]: company["planned_reserves_cents"] for company in book["companies"]}
    assert {one["company_id"]: one["to_cents"] for one in preview["deltas"]}.items() <= after.items()
    assert book["total_cents"] == preview["totals"]["total_allocated_after"]
    await planner.commit(fund, {**proposal, "digest": preview["digest"]}, 409)


# ---- what else a caller may meet


async def test_another_digest_is_refused(planner: Planner) -> None:
    """A commit that would not be what its preview showed is not done, whatever its version."""
    fund = await planner.fund(100, 200)
    seen = (await planner.preview(fund, fund.proposal(110)))["digest"]
    before = await planner.state()
    for other in (fund.proposal(111), fund.proposal(110, 200), fund.proposal((110, 500))):
        problem = await planner.commit(fund, {**other, "digest": seen}, 409)
        assert (problem["code"], problem["current_versions"]) == ("digest_mismatch", [1])
    assert await planner.state() == before


@pytest.mark.parametrize("operation", ["preview", "commit"])
async def test_there_must_be_a_fund_with_companies(planner: Planner, operation: str) -> None:
    """404 for a fund that nobody made, and for one that plans for nobody."""
    bare = Planned(await planner.bare_fund(), [await planner.company()])
    problem = await planner.post(f"{bare.path}/{operation}", bare.proposal(1), 404)
    assert (problem["code"], problem["error"]) == ("reserves_not_found", "Reserves not found")
    problem = await planner.post(f"{Planned(2**63 - 1, ()).path}/{operation}", bare.proposal(1), 404)
    assert problem["code"] == "fund_not_found"
    assert problem["message"] == problem["detail"] == f"There is no fund {2**63 - 1}."
    assert problem["details"] == []


async def test_reserves_answer_as_they_are(planner: Planner) -> None:
    """Version, companies in the order of ids with their caps, total; a fund without any is at version 0."""
    fund = await planner.fund(100, 200, caps={1: 250})
    answer = await planner.answer("GET", fund.path)
    companies = [
        {
            "company_id": company,
            "company_name": name,
            "planned_reserves_cents": planned,
            "allocation_cap_cents": cap,
        }
        for company, name, planned, cap in zip(fund.companies, "AB", (100, 200), (None, 250), strict=True)
    ]
    expected = {"version": 1, "companies": companies, "total_cents": 300}
    assert answer.text == json.dumps(expected, separators=(",", ":"))
    bare = await planner.bare_fund()
    assert await planner.get(f"/api/funds/{bare}/reallocation") == {"version": 0, "companies": [], "total_cents": 0}
    assert (await planner.get(f"/api/funds/{bare + 999}/reallocation", 404))["code"] == "fund_not_found"
