"""Promises of a commit of several funds: all of them or none, and nobody waits in a circle."""

import asyncio
from collections import Counter
from typing import Any, Final

import pytest

from shared.postgres import Connection
from tests.allocations.reallocation.planner import Figures, Planned, Planner, Row
from tests.support.ledger import Ledger

PATH: Final = "/api/reallocation/commit"
WAITING: Final = """
select count(*) from pg_stat_activity
 where datname = current_database() and wait_event_type = 'Lock' and application_name = 'tests'
"""


def part(of: Planned, *figures: Figures, version: int = 1, **more: Any) -> Row:
    return {"fund_id": of.id, **of.proposal(*figures, version=version, **more)}


async def waiting(db: Connection, count: int) -> None:
    """Until so many sessions wait for a lock."""
    async with asyncio.timeout(10):
        while await db.fetchval(WAITING) < count:
            await asyncio.sleep(0.02)


async def test_all_funds_at_once(planner: Planner) -> None:
    """One transaction and one answer, fund by fund in the order asked; each with its own version, entry and event."""
    one, other = await planner.fund(100, 200), await planner.fund(300)
    await planner.commit(other, other.proposal(310))
    commits = [part(other, 320, version=2, reason="up"), part(one, 90, 210, user_id=4)]
    done = await planner.post(PATH, {"commits": commits})
    audits = [(await planner.audits(fund))[-1] for fund in (other, one)]
    assert done == {
        "success": True,
        "commits": [
            {"fund_id": other.id, "new_version": 3, "updated_count": 1, "audit_id": str(audits[0]["id"])},
            {"fund_id": one.id, "new_version": 2, "updated_count": 2, "audit_id": str(audits[1]["id"])},
        ],
        "timestamp": "2026-02-02T15:00:00Z",
    }
    assert list(done) == ["success", "commits", "timestamp"]
    assert [(audit["reason"], audit["user_id"]) for audit in audits] == [("up", None), (None, 4)]
    assert await planner.reserves(one) == (2, [90, 210])
    assert await planner.reserves(other) == (3, [320])
    told = [(event["fund_id"], event["version"]) for event in (await planner.events())[-2:]]
    assert told == [(other.id, 3), (one.id, 2)]


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"current_version": 9}, 409, "version_conflict"),
        ({"digest": "0" * 64}, 409, "digest_mismatch"),
        ({"proposed_allocations": [{"company_id": 2**63 - 1, "planned_reserves_cents": 1}]}, 400, "unknown_company"),
        ({"fund_id": 2**63 - 1}, 404, "fund_not_found"),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
async def test_all_or_nothing(planner: Planner, wrong: Row, status: int, code: str, place: int) -> None:
    """Whatever is wrong with one of them, first or last: nothing of any is done."""
    funds = [await planner.fund(100), await planner.fund(200)]
    before = await planner.state()
    commits = [part(fund, 5) for fund in funds]
    commits[place] |= wrong
    problem = await planner.post(PATH, {"commits": commits}, status)
    assert problem["code"] == code
    assert await planner.state() == before


async def test_a_cap_in_one_stops_all(planner: Planner) -> None:
    """An error of one fund's proposal, found when the other's was fine already."""
    one, other = await planner.fund(100), await planner.fund(200, caps={0: 200})
    before = await planner.state()
    problem = await planner.post(PATH, {"commits": [part(one, 110), part(other, 201)]}, 400)
    assert (problem["code"], problem["details"][0]["company_id"]) == ("cap_exceeded", other.companies[0])
    assert await planner.state() == before


@pytest.mark.parametrize(
    ("commits", "loc"),
    [([], ["body", "commits"]), (["twice"], ["body", "commits"]), (["many"], ["body", "commits"])],
)
async def test_each_fund_once(planner: Planner, commits: list[str], loc: list[str]) -> None:
    """A fund that is there twice, none at all, or more than fifty: 400 that names the list."""
    fund = await planner.fund(100)
    whole = [part(fund, 5)] * {"twice": 2, "many": 51}.get("".join(commits), 0)
    problem = await planner.post(PATH, {"commits": whole}, 400)
    assert problem["details"][0]["loc"] == loc


async def test_funds_are_locked_in_the_order_of_ids(planner: Planner, database: Ledger) -> None:
    """Whoever waits for the first fund holds none of the later ones, in whatever order they were asked for."""
    first, second = await planner.fund(100), await planner.fund(200)
    async with database.connect_admin() as holder, database.connect_admin() as other:
        async with holder.transaction():
            await holder.execute("select from allocations.reserve where fund_id = $1 for update", first.id)
            commits = [part(second, 210), part(first, 110)]
            asked = asyncio.create_task(planner.post(PATH, {"commits": commits}))
            await waiting(planner.owner, 1)
            free = "select company_id from allocations.reserve where fund_id = $1 for update nowait"
            assert await other.fetchval(free, second.id) == second.companies[0]
        done = await asked
    assert [each["new_version"] for each in done["commits"]] == [2, 2]


async def test_opposite_orders_do_not_deadlock(planner: Planner) -> None:
    """The same funds from both ends, again and again at once: each round exactly one wins, the others see that."""
    funds = [await planner.fund(100) for _ in range(4)]
    for version in range(1, 6):
        commits = [part(fund, 100 + version, version=version) for fund in funds]
        bodies = [commits, commits[::-1], commits[2:] + commits[:2], commits[::-1]]
        answers = await asyncio.gather(*(planner.answer("POST", PATH, {"commits": body}) for body in bodies))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 3}
    assert [await planner.reserves(fund) for fund in funds] == [(6, [105])] * 4


async def test_a_company_that_came_in_meanwhile(planner: Planner, database: Ledger) -> None:
    """A commit that waited while somebody added a company sees it too, even where it guessed the new version."""
    fund, stranger = await planner.fund(100, 200), await planner.company("S")
    setting_up = [
        "update allocations.reserve set allocation_version = 2 where fund_id = $1",
        "insert into allocations.reserve values ($1, $2, 7, null, 2, now())",
    ]
    async with database.connect_admin() as holder:
        async with holder.transaction():
            await holder.execute(setting_up[0], fund.id)
            await holder.execute(setting_up[1], fund.id, stranger)
            asked = asyncio.create_task(planner.commit(fund, fund.proposal(110, version=2)))
            await waiting(planner.owner, 1)
        assert (await asked)["new_version"] == 3
    assert await planner.reserves(fund) == (3, [110, 200, 7])
