"""Promises of a commit that is asked for again, and of what is logged and measured."""

from collections.abc import MutableMapping
from typing import Any, Final

import pytest

from services.allocations.reallocation.ticks import measure
from shared.telemetry import REGISTRY
from tests.allocations.facts import NOW
from tests.allocations.reallocation.planner import Planner

Lines = list[MutableMapping[str, Any]]

KEY: Final = "wire-1"
REQUESTS: Final = "drawdown_reallocation_requests_total"
SECONDS: Final = "drawdown_reallocation_seconds_count"


def committed(lines: Lines) -> Lines:
    return [line for line in lines if line["event"] == "reallocation committed"]


# ---- the same key


async def test_the_same_key_answers_the_same(planner: Planner, logged: Lines) -> None:
    """Whoever lost the answer asks again and gets it, word for word: one version, one entry, one event, one line."""
    fund = await planner.fund(100)
    path, body = f"{fund.path}/commit", fund.proposal(110)
    first = await planner.answer("POST", path, body, idempotency_key=KEY)
    state = await planner.state()
    again = await planner.answer("POST", path, body, idempotency_key=KEY)
    assert (again.status_code, again.text) == (200, first.text)
    assert (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"]) == (None, "true")
    assert await planner.state() == state
    assert len(committed(logged)) == 1


async def test_the_same_key_with_another_body(planner: Planner) -> None:
    """422, in the shape of the contract, and nothing done."""
    fund = await planner.fund(100)
    await planner.commit(fund, fund.proposal(110), idempotency_key=KEY)
    state = await planner.state()
    problem = await planner.commit(fund, fund.proposal(120, version=2), 422, idempotency_key=KEY)
    assert (problem["code"], problem["error"]) == ("idempotency_key_reused", "Idempotency key reused")
    assert problem["details"] == problem["errors"]
    assert await planner.state() == state


async def test_a_refusal_is_not_kept(planner: Planner) -> None:
    """A key whose commit was refused is free: corrected, or once the reserves allow it, it is done."""
    fund = await planner.fund(100)
    await planner.commit(fund, fund.proposal(120, version=2), 409, idempotency_key=KEY)
    await planner.commit(fund, fund.proposal(110))
    done = await planner.commit(fund, fund.proposal(120, version=2), idempotency_key=KEY)
    assert done["new_version"] == 3


# ---- logs and measures


async def test_one_line_for_each_commit(planner: Planner, logged: Lines) -> None:
    """Fund, version, how many were named, the entry, and how long it took; refusals and previews have none."""
    fund = await planner.fund(100, 200, 300)
    await planner.preview(fund, fund.proposal(110))
    done = await planner.commit(fund, fund.proposal(110, None, 290))
    await planner.commit(fund, fund.proposal(120), 409)
    [line] = committed(logged)
    duration_ms = line.pop("duration_ms")
    assert isinstance(duration_ms, int)
    assert 0 <= duration_ms < 60_000
    assert line == {
        "event": "reallocation committed",
        "log_level": "info",
        "fund_id": fund.id,
        "version": 2,
        "updated_count": 2,
        "audit_id": done["audit_id"],
    }


async def test_a_commit_of_several_funds_has_a_line_for_each(planner: Planner, logged: Lines) -> None:
    """Each fund's with its own version and entry."""
    one, other = await planner.fund(100), await planner.fund(200, 300)
    await planner.commit(other, other.proposal(201))
    logged.clear()
    commits = [
        {"fund_id": other.id, **other.proposal(202, 302, version=2)},
        {"fund_id": one.id, **one.proposal(101)},
    ]
    done = await planner.post("/api/reallocation/commit", {"commits": commits})
    told = [(line["fund_id"], line["version"], line["updated_count"], line["audit_id"]) for line in committed(logged)]
    audits = [each["audit_id"] for each in done["commits"]]
    assert told == [(other.id, 3, 2, audits[0]), (one.id, 2, 1, audits[1])]


def counted() -> dict[tuple[str, str], float]:
    found = {}
    for operation in ("preview", "commit"):
        found[operation, "seconds"] = REGISTRY.get_sample_value(SECONDS, {"operation": operation}) or 0
        for outcome in ("done", "conflict", "invalid", "not_found", "failed"):
            labels = {"operation": operation, "outcome": outcome}
            found[operation, outcome] = REGISTRY.get_sample_value(REQUESTS, labels) or 0
    return found


@pytest.mark.parametrize(
    ("operation", "figures", "version", "outcome"),
    [
        ("preview", (110,), 1, "done"),
        ("preview", (110,), 2, "conflict"),
        ("preview", (-1,), 1, "invalid"),
        ("preview", (999,), 1, "done"),  # a preview above a cap is a preview
        ("commit", (110,), 1, "done"),
        ("commit", (110,), 2, "conflict"),
        ("commit", (-1,), 1, "invalid"),
        ("commit", (999,), 1, "invalid"),
    ],
)
async def test_what_is_counted(
    planner: Planner, operation: str, figures: tuple[int], version: int, outcome: str
) -> None:
    """Each preview and commit is measured once, by how it ended, and nothing else is counted."""
    fund = await planner.fund(100, caps={0: 500})
    before = counted()
    await planner.answer("POST", f"{fund.path}/{operation}", fund.proposal(*figures, version=version))
    grown = {name: now - before[name] for name, now in counted().items() if now != before[name]}
    assert grown == {(operation, "seconds"): 1, (operation, outcome): 1}


async def test_unknown_funds_are_counted_as_such(planner: Planner) -> None:
    """Neither a conflict nor somebody's mistake in the body."""
    fund = await planner.fund(100)
    before = counted()
    body = fund.proposal(1)
    await planner.post(f"/api/funds/{fund.id + 999}/reallocation/preview", body, 404)
    commits = [{"fund_id": fund.id + 999, **body}]
    await planner.post("/api/reallocation/commit", {"commits": commits}, 404)
    grown = {name for name, now in counted().items() if now != before[name]}
    assert grown == {(name, what) for name in ("preview", "commit") for what in ("seconds", "not_found")}


async def test_the_room_of_the_history_is_measured(planner: Planner) -> None:
    """The gauge follows the table, its indexes included."""
    await planner.fund(100)
    await measure(planner.pool, NOW)
    size = "select pg_total_relation_size('allocations.reallocation_audit')"
    assert REGISTRY.get_sample_value("drawdown_reallocation_audit_bytes") == await planner.owner.fetchval(size) > 0
