"""Promises of saved profiles over HTTP: versions are added and never changed, and what is wrong is told in words."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from shared.contracts.audit import AuditRecorded
from shared.contracts.base import decode
from shared.postgres import Connection
from tests.payments.making import NOW

DEFINITION: dict[str, Any] = {
    "columns": {"booking_date": "Date", "amount": "Amount", "remittance": ["Text"]},
    "dates": "%Y-%m-%d",
    "signs": {"rule": "signed"},
    "currency": "EUR",
    "account": "DE02120300000000202051",
}
OTHER: dict[str, Any] = {**DEFINITION, "dates": "%d.%m.%Y"}


async def save(
    http: httpx.AsyncClient, definition: Any, name: str = "a-bank", *, status: int = 201, key: str | None = None
) -> dict[str, Any]:
    body = {"name": name, "definition": definition}
    answer = await http.post(
        "/api/bank-profiles", json=body, headers={"x-actor": "ana"} | ({"idempotency-key": key} if key else {})
    )
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def get(http: httpx.AsyncClient, path: str, status: int = 200, **query: str) -> dict[str, Any]:
    answer = await http.get(path, params=query)
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def audited(db: Connection) -> list[tuple[str, str, str | None, str | None]]:
    rows = await db.fetch("select payload from outbox_event where topic = 'audit.recorded' order by id, number")
    entries = [decode(AuditRecorded, row["payload"]) for row in rows]
    return [(one.action, one.outcome, one.resource_id, one.reason) for one in entries]


async def test_each_change_is_a_version(http: httpx.AsyncClient) -> None:
    """What is new is the next version; what is the newest already is answered as it stands, and nothing is added."""
    first = await save(http, DEFINITION)
    assert first == {
        "name": "a-bank",
        "version": 1,
        "definition": DEFINITION,
        "created_by": "ana",
        "created_at": NOW.isoformat().replace("+00:00", "Z"),
    }
    assert await save(http, DEFINITION, status=200) == first
    assert (await save(http, OTHER))["version"] == 2
    assert (await save(http, DEFINITION))["version"] == 3, "back to what was before is a change as well"
    versions = await get(http, "/api/bank-profiles/a-bank")
    assert [(one["version"], one["definition"]) for one in versions["items"]] == [
        (3, DEFINITION),
        (2, OTHER),
        (1, DEFINITION),
    ]


async def test_the_same_in_other_words_is_the_same(http: httpx.AsyncClient) -> None:
    """A member that says what is usual says nothing: a version is added where files would be read otherwise."""
    await save(http, DEFINITION)
    spelled_out = {**DEFINITION, "order": "oldest_first", "layout": {"encoding": "utf-8"}, "statuses": {"booked": []}}
    assert (await save(http, spelled_out, status=200))["definition"] == DEFINITION


async def test_each_save_is_audited(http: httpx.AsyncClient, db: Connection) -> None:
    """Who saved what, and what was refused."""
    await save(http, DEFINITION)
    await save(http, {**DEFINITION, "currency": "EUX"}, status=422)
    assert await audited(db) == [
        ("bank_profile.save", "done", "a-bank", None),
        ("bank_profile.save", "refused", "a-bank", "invalid_profile"),
    ]


async def test_a_bad_definition_is_told_in_words(http: httpx.AsyncClient) -> None:
    """Every member that is wrong, with its place in the body; and nothing is kept."""
    spoilt = {**DEFINITION, "dates": "%Y", "layout": {"encoding": "utf-7"}, "currency": "EUX"}
    told = await save(http, spoilt, status=422)
    assert told["code"] == "invalid_profile"
    assert [error["loc"] for error in told["errors"]] == [
        ["body", "definition", "layout", "encoding"],
        ["body", "definition", "dates"],
        ["body", "definition", "currency"],
    ]
    assert told["errors"][1]["msg"] == "must have a year, a month and a day, such as %d.%m.%Y"
    await get(http, "/api/bank-profiles/a-bank", 404)


@pytest.mark.parametrize("name", ["", "A-Bank", "a bank", "-a", "a/b", "a" * 64, "bänk", "a\n"])
async def test_names_are_plain(http: httpx.AsyncClient, name: str) -> None:
    """A name can stand in an address, and in a command."""
    assert (await save(http, DEFINITION, name, status=422))["errors"][0]["loc"] == ["body", "name"]


async def test_a_body_that_is_none(http: httpx.AsyncClient) -> None:
    """A missing or unknown member of the body, and a definition that is no object, are wrong values."""
    for body in (
        {"name": "a-bank"},
        {"name": "a-bank", "definition": []},
        {"name": "a", "definition": {}, "version": 1},
    ):
        answer = await http.post("/api/bank-profiles", json=body)
        assert answer.status_code == 422, answer.text


async def test_the_same_key_answers_the_same(http: httpx.AsyncClient, db: Connection) -> None:
    """A repeated request with its key changes nothing, though a version came in between."""
    first = await save(http, DEFINITION, key="k1")
    await save(http, OTHER)
    assert await save(http, DEFINITION, key="k1") == first
    assert await db.fetchval("select count(*) from feed_profile") == 2


async def test_many_at_once_become_versions_in_a_row(http: httpx.AsyncClient) -> None:
    """Two people who save at the same moment both keep what they saved, under numbers without gaps."""
    formats = ["%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y"]
    saved = await asyncio.gather(*(save(http, {**DEFINITION, "dates": dates}) for dates in formats))
    assert sorted(one["version"] for one in saved) == [1, 2, 3]


async def test_lists_go_page_by_page(http: httpx.AsyncClient) -> None:
    """Each profile once, by name, in its newest version; versions newest first."""
    for name in ("c", "a", "b"):
        await save(http, DEFINITION, name)
    await save(http, OTHER, "b")
    first = await get(http, "/api/bank-profiles", limit="2")
    assert [(one["name"], one["version"]) for one in first["items"]] == [("a", 1), ("b", 2)]
    second = await get(http, "/api/bank-profiles", limit="2", cursor=first["next"])
    assert [(one["name"], one["version"]) for one in second["items"]] == [("c", 1)]
    assert second["next"] is None
    newest = await get(http, "/api/bank-profiles/b", limit="1")
    older = await get(http, "/api/bank-profiles/b", limit="1", cursor=newest["next"])
    assert [one["version"] for one in (*newest["items"], *older["items"])] == [2, 1]


async def test_a_foreign_cursor_is_refused(http: httpx.AsyncClient) -> None:
    """A cursor of the one list is none of the other, and numbers beyond all versions are only beyond them."""
    for name in ("a", "b"):
        await save(http, DEFINITION, name)
    await save(http, OTHER, "a")
    by_name = (await get(http, "/api/bank-profiles", limit="1"))["next"]
    by_version = (await get(http, "/api/bank-profiles/a", limit="1"))["next"]
    await get(http, "/api/bank-profiles", 400, cursor=by_version)
    await get(http, "/api/bank-profiles/a", 400, cursor=by_name)


async def test_what_is_not_there(http: httpx.AsyncClient) -> None:
    """No profile, no list of its versions; and the list of all is empty."""
    assert (await get(http, "/api/bank-profiles/nobody", 404))["code"] == "bank_profile_not_found"
    assert (await get(http, "/api/bank-profiles/No Name", 400))["code"] == "parameter_unreadable"
    assert await get(http, "/api/bank-profiles") == {"items": [], "next": None}


async def test_a_definition_keeps_every_character(http: httpx.AsyncClient) -> None:
    """Headers of any script, tabs and no-break blanks come back as they were saved."""
    definition = {
        **DEFINITION,
        "layout": {"encoding": "gb18030", "delimiter": "\t", "quote": None},
        "columns": {"booking_date": "交易日期", "amount": "Bedrag (€)"},
        "numbers": {"decimal": ",", "thousands": "\u202f"},
    }
    await save(http, definition)
    (found,) = (await get(http, "/api/bank-profiles/a-bank"))["items"]
    assert json.dumps(found["definition"], sort_keys=True) == json.dumps(definition, sort_keys=True)
