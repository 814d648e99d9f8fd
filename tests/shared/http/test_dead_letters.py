"""Promises of dead letters over HTTP: seen whole, decided once, with a reason, by a name."""

import json

import httpx
import pytest

from shared import dead_letters
from shared.dead_letters import DeadLetter
from shared.kafka.records import Arrival
from tests.shared.http.notes import NOW, StubRuntime

RAW = b'{"amount": "1_000"\xff'


@pytest.fixture(autouse=True)
async def letters(runtime: StubRuntime) -> None:
    """Two letters, the second too long to be kept whole."""
    found = [
        Arrival("payment.received", 2, 1, offset, b"key", value, (("ce_id", b"\xe9\0"),), 1_772_443_860_000)
        for offset, value in ((40, RAW), (41, b"x" * (dead_letters.KEPT_BYTES + 1)))
    ]
    async with runtime.pool.acquire() as db, db.transaction():
        await dead_letters.add(db, [DeadLetter(arrival, "bad_json", "it ends too early") for arrival in found], NOW)
        await db.execute("delete from outbox")


async def test_letters_are_listed_newest_first(http: httpx.AsyncClient) -> None:
    """Where each stood and why it is here, page by page, of one state or of all."""
    page = (await http.get("/api/audit/dead-letters", params={"limit": 1})).json()
    assert [(item["offset"], item["bytes"]) for item in page["items"]] == [(41, dead_letters.KEPT_BYTES + 1)]
    rest = (await http.get("/api/audit/dead-letters", params={"cursor": page["next"]})).json()
    assert [item["offset"] for item in rest["items"]] == [40]
    assert (await http.get("/api/audit/dead-letters", params={"state": "replayed"})).json()["items"] == []


async def test_a_letter_shows_its_raw_bytes(http: httpx.AsyncClient) -> None:
    """What came is shown as it came, text or not."""
    letter = (await http.get("/api/audit/dead-letters/1")).json()
    assert (letter["payload_base64"], letter["payload_text"]) == ("eyJhbW91bnQiOiAiMV8wMDAi/w==", None)
    assert letter["headers"] == [["ce_id", "é\0"]]
    assert (await http.get("/api/audit/dead-letters/99")).status_code == 404


async def test_a_replay_publishes_the_same_bytes(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """Same topic, key, bytes and headers, by the outbox, once; and it is audited with its reason."""
    path = "/api/audit/dead-letters/1/replay"
    answer = await http.post(path, json={"reason": "the reader is fixed"}, headers={"x-actor": "jane"})
    assert (answer.status_code, answer.json()["state"], answer.json()["decided_by"]) == (200, "replayed", "jane")
    replayed, audit = await runtime.pool.fetch("select topic, key, payload from outbox_event order by id, number")
    assert tuple(replayed) == ("payment.received", b"key", RAW)
    entry = json.loads(audit["payload"])
    assert (entry["action"], entry["resource_id"], entry["reason"]) == (
        "dead_letter.replay",
        "1",
        "the reader is fixed",
    )
    again = await http.post(path, json={"reason": "once more"})
    assert (again.status_code, again.json()["code"]) == (409, "dead_letter_closed")


async def test_a_cut_letter_cannot_be_replayed(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """Half a record is never published; it can only be discarded."""
    refused = await http.post("/api/audit/dead-letters/2/replay", json={"reason": "try"})
    assert (refused.status_code, refused.json()["code"]) == (409, "dead_letter_incomplete")
    assert await runtime.pool.fetchval("select count(*) from outbox_event where topic = 'payment.received'") == 0
    discarded = await http.post("/api/audit/dead-letters/2/discard", json={"reason": "its writer sends it again"})
    assert discarded.json()["state"] == "discarded"


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "a\nb"}, {"reason": "x", "state": "open"}])
async def test_a_decision_needs_a_reason(http: httpx.AsyncClient, body: dict[str, str]) -> None:
    """Nothing is decided without one."""
    assert (await http.post("/api/audit/dead-letters/1/discard", json=body)).status_code == 422
