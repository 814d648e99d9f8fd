"""Promises of commits that wait for their time: done once, just as they were seen, or parked with the reason."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from datetime import timedelta
from typing import Any, Final

import pytest

from services.allocations.reallocation import handlers
from services.allocations.reallocation.ticks import run_due
from shared.postgres import Pool, open_pool
from tests.allocations.facts import NOW
from tests.allocations.reallocation.planner import Figures, Planned, Planner, Row
from tests.support.ledger import Ledger

PATH: Final = "/api/reallocation/scheduled"
AT: Final = NOW + timedelta(hours=1)
LATER: Final = NOW + timedelta(hours=2)


def part(of: Planned, *figures: Figures, version: int = 1, **more: Any) -> Row:
    return {"fund_id": of.id, **of.proposal(*figures, version=version, **more)}


def body(*parts: Row, run_at: str | None = None) -> Row:
    return {"commits": list(parts), "run_at": run_at or AT.isoformat()}


async def schedule(planner: Planner, *parts: Row, status: int = 201, run_at: str | None = None, **headers: str) -> Any:
    return await planner.post(PATH, body(*parts, run_at=run_at), status, **headers)


async def seen(planner: Planner, scheduled: Row) -> Any:
    return await planner.get(f"{PATH}/{scheduled['id']}")


@pytest.fixture
async def hasty(url: str) -> AsyncIterator[Pool]:
    """Connections that wait for a lock no longer than a moment."""
    pool = await open_pool(url, application="tests", size=4, settings={"lock_timeout": "200ms"})
    yield pool
    await pool.close()


# ---- kept


async def test_a_schedule_is_sealed(planner: Planner) -> None:
    """It answers as it was given, with the digest of what it comes to today; nothing has moved yet."""
    fund = await planner.fund(100, 200)
    a, b = fund.companies
    figures = fund.proposal((110, 120), 190)
    made = await schedule(planner, part(fund, (110, 120), 190, reason="later", user_id=4), x_actor="jane")
    digest = (await planner.preview(fund, figures))["digest"]
    assert made == {
        "id": made["id"],
        "run_at": "2026-02-02T16:00:00Z",
        "status": "waiting",
        "commits": [
            {
                "fund_id": fund.id,
                "current_version": 1,
                "proposed_allocations": [
                    {"company_id": a, "planned_reserves_cents": 110, "allocation_cap_cents": 120},
                    {"company_id": b, "planned_reserves_cents": 190, "allocation_cap_cents": None},
                ],
                "digest": digest,
                "reason": "later",
                "user_id": 4,
            }
        ],
        "created_by": "jane",
        "created_at": "2026-02-02T15:00:00Z",
        "ended_at": None,
        "parked_code": None,
        "parked_reason": None,
        "audit_ids": None,
    }
    assert await seen(planner, made) == made
    assert await planner.reserves(fund) == (1, [100, 200])


async def test_a_time_is_shown_in_utc(planner: Planner) -> None:
    """Whatever offset it was written with, the answer, the list and the schedule itself say the same."""
    fund = await planner.fund(100)
    made = await schedule(planner, part(fund, 120), run_at="2031-04-01T09:00:00-04:00")
    assert made["run_at"] == "2031-04-01T13:00:00Z"
    assert await planner.get(f"{PATH}/{made['id']}") == made


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"run_at": NOW.isoformat()}, 400, "invalid_run_at"),
        ({"run_at": "2020-01-01T00:00:00Z"}, 400, "invalid_run_at"),
        ({"run_at": "2026-02-03T00:00:00"}, 400, "invalid_value"),  # no offset: whose midnight?
        ({"run_at": 1_900_000_000}, 400, "invalid_value"),
        ({"run_at": "1900000000"}, 400, "invalid_value"),
        ({"run_at": "9999-12-31T23:59:59-14:00"}, 400, "invalid_value"),  # beyond the calendar, in UTC
        ({"run_at": None}, 400, "invalid_value"),
        ({"commits": []}, 400, "invalid_value"),
    ],
)
async def test_a_schedule_that_is_none(planner: Planner, change: Row, status: int, code: str) -> None:
    """Refused in the shape of the contract, and nothing kept."""
    fund = await planner.fund(100)
    problem = await planner.post(PATH, body(part(fund, 110)) | change, status)
    assert problem["code"] == code
    assert {"error", "message", "details"} <= problem.keys()
    assert (await planner.get(PATH))["items"] == []


@pytest.mark.parametrize(
    ("wrong", "status", "code"),
    [
        ({"current_version": 2}, 409, "version_conflict"),
        ({"digest": "0" * 64}, 409, "digest_mismatch"),
        ({"fund_id": 2**63 - 1}, 404, "fund_not_found"),
        ({"proposed_allocations": [{"company_id": 2**63 - 1, "planned_reserves_cents": 1}]}, 400, "unknown_company"),
    ],
)
async def test_it_must_be_possible_today(planner: Planner, wrong: Row, status: int, code: str) -> None:
    """What could not be done now is not kept for later."""
    fund, other = await planner.fund(100), await planner.fund(100, caps={0: 100})
    assert (await schedule(planner, part(fund, 110), part(other, 110) | wrong, status=status))["code"] == code
    assert (await schedule(planner, part(fund, 110), part(other, 110), status=400))["code"] == "cap_exceeded"
    assert (await planner.get(PATH))["items"] == []


# ---- done


async def test_it_is_done_at_its_time(planner: Planner, logged: list[MutableMapping[str, Any]]) -> None:
    """Not before; then all of its funds at once, in the name of whoever made it, with their lines and one entry."""
    one, other = await planner.fund(100), await planner.fund(200, 300)
    parts = part(other, 210, reason="later"), part(one, 110, user_id=4)
    made = await schedule(planner, *parts, x_actor="jane")
    await run_due(planner.pool, AT - timedelta(seconds=1))
    assert await planner.reserves(one) == (1, [100])
    await run_due(planner.pool, AT)
    assert await planner.reserves(one) == (2, [110])
    assert await planner.reserves(other) == (2, [210, 300])
    audits = [(await planner.audits(fund))[-1] for fund in (other, one)]
    assert [(audit["actor"], audit["reason"], audit["user_id"]) for audit in audits] == [
        ("jane", "later", None),
        ("jane", None, 4),
    ]
    ids = [str(audit["id"]) for audit in audits]
    assert await seen(planner, made) == {**made, "status": "done", "ended_at": "2026-02-02T16:00:00Z", "audit_ids": ids}
    told = [
        (line["fund_id"], line["version"], line["updated_count"], line["audit_id"])
        for line in logged
        if line["event"] == "reallocation committed" and isinstance(line["duration_ms"], int)
    ]
    assert told == [(other.id, 2, 1, ids[0]), (one.id, 2, 1, ids[1])]
    entry = (await planner.events("audit.recorded"))[-1]
    assert (entry["actor"], entry["action"], entry["outcome"]) == ("jane", "reallocation.run_scheduled", "done")
    assert entry["resource_id"] == str(made["id"])


async def test_it_is_done_once(planner: Planner, logged: list[MutableMapping[str, Any]]) -> None:
    """However often the tick runs, and on how many copies at once: one version, one entry, one event, no complaint."""
    fund = await planner.fund(100)
    made = await schedule(planner, part(fund, 110))
    await asyncio.gather(*(run_due(planner.pool, LATER) for _ in range(4)))
    await run_due(planner.pool, LATER)
    assert await planner.reserves(fund) == (2, [110])
    assert [event["version"] for event in await planner.events()] == [1, 2]
    assert len((await seen(planner, made))["audit_ids"]) == 1
    ran = [entry for entry in await planner.events("audit.recorded") if entry["action"] == "reallocation.run_scheduled"]
    assert len(ran) == 1
    assert [line["event"] for line in logged] == ["reallocation committed", "scheduled reallocation ended"]


async def test_it_is_not_done_before_its_time(planner: Planner) -> None:
    """Whoever asks for it, too early or where there is none: nothing is done."""
    fund = await planner.fund(100)
    made = await schedule(planner, part(fund, 110))
    async with planner.pool.acquire() as db, db.transaction():
        assert await handlers.run(db, made["id"], now=AT - timedelta(seconds=1)) is None
        assert await handlers.run(db, 999_999_999, now=AT) is None
    assert await planner.reserves(fund) == (1, [100])
    assert await seen(planner, made) == made


# ---- parked


async def test_another_version_parks_it(planner: Planner) -> None:
    """Somebody moved one of its funds: nothing of any is done, the schedule says why, and stays so."""
    one, other = await planner.fund(100), await planner.fund(200)
    made = await schedule(planner, part(one, 110), part(other, 210))
    await planner.commit(other, other.proposal(205))
    state = await planner.state()
    await run_due(planner.pool, LATER)
    assert await planner.state() == state
    parked = await seen(planner, made)
    assert (parked["status"], parked["parked_code"], parked["audit_ids"]) == ("parked", "version_conflict", None)
    assert parked["parked_reason"] == f"Expected version 1 of fund {other.id}'s reserves, but found 2."
    entry = (await planner.events("audit.recorded"))[-1]
    assert (entry["outcome"], entry["reason"]) == ("refused", "version_conflict")
    await run_due(planner.pool, LATER + timedelta(days=1))
    assert await seen(planner, made) == parked


async def test_another_outcome_parks_it(planner: Planner) -> None:
    """The same version, but it would not come to what was seen: the fund is smaller now."""
    fund = await planner.fund(100)
    made = await schedule(planner, part(fund, 110))
    await planner.owner.execute("update allocations.fund set size_minor = 100 where id = $1", fund.id)
    await run_due(planner.pool, LATER)
    parked = await seen(planner, made)
    assert (parked["status"], parked["parked_code"]) == ("parked", "digest_mismatch")
    assert await planner.reserves(fund) == (1, [100])


async def test_one_that_fails_holds_up_nobody(planner: Planner, hasty: Pool, database: Ledger) -> None:
    """Somebody keeps the first fund locked: the next schedule is done, and the first one at a later tick."""
    one, other = await planner.fund(100), await planner.fund(200)
    first, second = await schedule(planner, part(one, 110)), await schedule(planner, part(other, 210))
    async with database.connect_admin() as holder:
        async with holder.transaction():
            await holder.execute("select from allocations.reserve where fund_id = $1 for update", one.id)
            await run_due(hasty, LATER)
        assert [(await seen(planner, each))["status"] for each in (first, second)] == ["waiting", "done"]
        assert await planner.reserves(one) == (1, [100])
    await run_due(hasty, LATER)
    assert (await seen(planner, first))["status"] == "done"
    assert await planner.reserves(one) == (2, [110])


async def test_the_earliest_is_first(planner: Planner) -> None:
    """Of two that are due for the same version, the one with the earlier time is done; the other is parked."""
    fund = await planner.fund(100)
    late = await schedule(planner, part(fund, 120), run_at=(AT + timedelta(minutes=1)).isoformat())
    early = await schedule(planner, part(fund, 110))
    await run_due(planner.pool, LATER)
    assert [(await seen(planner, each))["status"] for each in (early, late)] == ["done", "parked"]
    assert await planner.reserves(fund) == (2, [110])


# ---- taken back


async def test_a_schedule_is_taken_back(planner: Planner) -> None:
    """It is not done any more; taken back again it answers the same."""
    fund = await planner.fund(100)
    made = await schedule(planner, part(fund, 110))
    cancelled = await planner.post(f"{PATH}/{made['id']}/cancel", {})
    assert cancelled == {**made, "status": "cancelled", "ended_at": "2026-02-02T15:00:00Z"}
    assert await planner.post(f"{PATH}/{made['id']}/cancel", {}) == cancelled
    await run_due(planner.pool, LATER)
    assert await planner.reserves(fund) == (1, [100])


async def test_what_has_ended_is_not_taken_back(planner: Planner) -> None:
    """Done or parked: 409; a schedule that nobody made: 404."""
    fund = await planner.fund(100)
    ended = [await schedule(planner, part(fund, 110)) for _ in range(2)]
    await run_due(planner.pool, LATER)
    assert [(await seen(planner, each))["status"] for each in ended] == ["done", "parked"]
    for each in ended:
        problem = await planner.post(f"{PATH}/{each['id']}/cancel", {}, 409)
        assert (problem["code"], problem["error"]) == ("invalid_transition", "Invalid transition")
    for path in (f"{PATH}/999999999", f"{PATH}/999999999/cancel"):
        problem = await (planner.post(path, {}, 404) if path.endswith("cancel") else planner.get(path, 404))
        assert problem["code"] == "schedule_not_found"


async def test_schedules_are_listed(planner: Planner) -> None:
    """The newest first, page by page, all or those of one status."""
    fund = await planner.fund(100)
    made = [await schedule(planner, part(fund, 110 + n)) for n in range(3)]
    await planner.post(f"{PATH}/{made[1]['id']}/cancel", {})
    page = await planner.get(f"{PATH}?limit=2")
    assert [each["id"] for each in page["items"]] == [made[2]["id"], made[1]["id"]]
    page = await planner.get(f"{PATH}?limit=2&cursor={page['next']}")
    assert ([each["id"] for each in page["items"]], page["next"]) == ([made[0]["id"]], None)
    for status, wanted in {"waiting": [2, 0], "cancelled": [1], "done": [], "parked": []}.items():
        listed = await planner.get(f"{PATH}?status={status}")
        assert [each["id"] for each in listed["items"]] == [made[n]["id"] for n in wanted]
    assert (await planner.get(f"{PATH}?status=lost", 400))["code"] == "parameter_unreadable"
