"""Promises of a write: one transaction, one audit entry, one effect per key."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.http import idempotency
from tests.shared.http.notes import NOW, StubRuntime

KEY = {"Idempotency-Key": "wire-8812"}


async def audited(runtime: StubRuntime) -> list[dict[str, Any]]:
    rows = await runtime.pool.fetch(
        "select payload from outbox_event where topic = 'audit.recorded' order by id, number"
    )
    return [json.loads(row["payload"]) for row in rows]


async def notes(runtime: StubRuntime) -> int:
    count = await runtime.pool.fetchval("select count(*) from note")
    assert isinstance(count, int)
    return count


async def test_a_write_is_audited_once(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """The effect and its one entry are committed together, and the relay is told."""
    headers = {"x-actor": "Jane Doe", "x-forwarded-for": "203.0.113.9", "x-correlation-id": "order-7"}
    answer = await http.post("/api/notes", json={"fund_id": 1, "text": "first"}, headers=headers)
    assert (answer.status_code, answer.json()) == (201, {"id": 1, "fund_id": 1, "text": "first"})
    assert answer.headers["x-correlation-id"] == "order-7"
    (entry,) = await audited(runtime)
    assert entry == {
        "actor": "Jane Doe",
        "action": "note.create",
        "resource_type": "note",
        "resource_id": "1",
        "outcome": "done",
        "reason": None,
        "before": None,
        "after": {"id": 1, "fund_id": 1, "text": "first"},
        "address": "203.0.113.9",
        "occurred_at": "2026-03-02T09:31:00Z",
    }
    row = await runtime.pool.fetchrow("select key, actor, correlation_id, subject from outbox_event")
    assert row is not None
    assert tuple(row) == (b"Jane Doe", "Jane Doe", "order-7", "note/1")
    assert runtime.woken == 1


async def test_a_refused_write_changes_nothing_and_is_audited(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """What the work had done is rolled back; one entry says that it was refused and why."""
    answer = await http.post("/api/notes", json={"fund_id": 1, "text": "refuse"}, headers=KEY)
    assert answer.status_code == 409
    assert answer.json()["free"] == "5.00"
    assert await notes(runtime) == 0
    assert await runtime.pool.fetchval("select count(*) from idempotency_key") == 0
    (entry,) = await audited(runtime)
    assert (entry["outcome"], entry["reason"], entry["after"]) == ("refused", "over_commitment", None)


async def test_a_refusal_names_the_resource_of_the_path(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """An entry of something that was not found says what was looked for."""
    answer = await http.delete("/api/notes/42")
    assert answer.status_code == 404
    (entry,) = await audited(runtime)
    assert (entry["resource_id"], entry["reason"]) == ("42", "note_not_found")


async def test_the_same_key_and_body_get_the_same_answer(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """A repeat has no effect and no entry of its own; it is marked as one."""
    first = await http.post("/api/notes", json={"fund_id": 1}, headers=KEY)
    again = await http.post("/api/notes", json={"fund_id": 1}, headers=KEY)
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert await notes(runtime) == 1
    assert len(await audited(runtime)) == 1


async def test_a_key_belongs_to_one_body(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """The same key with another body is refused and has no effect."""
    await http.post("/api/notes", json={"fund_id": 1}, headers=KEY)
    other = await http.post("/api/notes", json={"fund_id": 2}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert [error["loc"] for error in other.json()["errors"]] == [["header", "Idempotency-Key"]]
    assert await notes(runtime) == 1


async def test_a_key_belongs_to_one_caller(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """Two people who chose the same key do not see each other's answers."""
    await http.post("/api/notes", json={"fund_id": 1}, headers=KEY)
    other = await http.post("/api/notes", json={"fund_id": 2}, headers={**KEY, "x-actor": "jane"})
    assert other.status_code == 201
    assert await notes(runtime) == 2


async def test_fifty_twins_have_one_effect(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """Fifty parallel requests with one key: one effect, one entry, fifty equal answers."""
    request = {"fund_id": 1, "text": "slow"}
    answers = await asyncio.gather(*(http.post("/api/notes", json=request, headers=KEY) for _ in range(50)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 49
    assert await notes(runtime) == 1
    assert len(await audited(runtime)) == 1


async def test_a_twin_that_waits_too_long_is_told_so(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """While the first is still running its twin gets 409 and may come again."""
    digest_row = ("local", "POST", "/api/notes", KEY["Idempotency-Key"], b"", NOW, NOW)
    async with runtime.pool.acquire() as db, db.transaction():
        await db.fetchval(idempotency.CLAIM, *digest_row)
        answer = await http.post("/api/notes", json={"fund_id": 1}, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (409, "request_in_progress")
    assert answer.headers["retry-after"] == "1"
    assert await audited(runtime) == []


async def test_an_answer_is_kept_thirty_days(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """After that the key is free again."""
    await http.post("/api/notes", json={"fund_id": 1}, headers=KEY)
    runtime.clock.time = NOW + timedelta(days=30)
    assert (await http.post("/api/notes", json={"fund_id": 1}, headers=KEY)).headers["Idempotent-Replayed"] == "true"
    runtime.clock.time = NOW + timedelta(days=30, seconds=1)
    later = await http.post("/api/notes", json={"fund_id": 2}, headers=KEY)
    assert (later.status_code, later.json()["fund_id"]) == (201, 2)
    async with runtime.pool.acquire() as db:
        await idempotency.forget(db, NOW + timedelta(days=90))
        assert await db.fetchval("select count(*) from idempotency_key") == 0


@pytest.mark.parametrize("key", ["", "a b", "x" * 201, "\x7f"])
async def test_an_odd_key_is_refused(http: httpx.AsyncClient, key: str) -> None:
    """A key is 1 to 200 visible ASCII characters."""
    answer = await http.post("/api/notes", json={"fund_id": 1}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (400, "parameter_unreadable")


async def test_an_error_of_ours_stores_nothing(
    http: httpx.AsyncClient, runtime: StubRuntime, logged: list[dict[str, Any]]
) -> None:
    """A bug is a 500 without anything internal; nothing is kept and nothing audited, so the key may be used again."""
    answer = await http.post("/api/notes", json={"fund_id": 1, "text": "break"}, headers=KEY)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    (line,) = logged
    assert line["correlation_id"] == answer.json()["correlation_id"] == answer.headers["x-correlation-id"]
    assert "a secret of the inside" in str(line["exc_info"])
    assert (await notes(runtime), await audited(runtime)) == (0, [])
    assert (await http.post("/api/notes", json={"fund_id": 1}, headers=KEY)).status_code == 201


async def test_a_database_that_is_away_is_503(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """A caller learns when to come again."""
    runtime.pool.terminate()
    for answer in (await http.post("/api/notes", json={"fund_id": 1}), await http.get("/api/notes")):
        assert (answer.status_code, answer.json()["code"]) == (503, "database_away")
        assert int(answer.headers["retry-after"]) > 0


async def test_a_connection_lost_inside_a_write_is_503(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """A server that goes away in the middle is not a bug of ours, and the write is undone."""
    slow = asyncio.create_task(http.post("/api/notes", json={"fund_id": 1, "text": "slow"}))
    await asyncio.sleep(0.1)
    busy = await runtime.pool.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = current_database() and pid <> pg_backend_pid() and state = 'idle in transaction'"
    )
    assert len(busy) == 1
    assert (await slow).status_code == 503
    assert await notes(runtime) == 0


async def test_an_amount_that_does_not_fit_its_currency_is_422(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """The value is named, with a good example, and the refusal is audited."""
    answer = await http.post("/api/notes", json={"fund_id": 1, "amount": "1.5"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_amount")
    (error,) = answer.json()["errors"]
    assert error["loc"] == ["body", "amount"]
    assert '"400000.00"' in error["msg"]
    assert [entry["reason"] for entry in await audited(runtime)] == ["invalid_amount"]
