"""Promises of what stands before every route: hosts, kinds and sizes of bodies, and a name for each request."""

from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest

from shared.http.middleware import JSON_LIMIT_BYTES

NOTE = b'{"fund_id": 1}'


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000", "ledger.example"])
async def test_our_own_names_are_answered(http: httpx.AsyncClient, host: str) -> None:
    """Loopback names, and those that the settings add."""
    assert (await http.get("/api/notes", headers={"host": host})).status_code == 200


@pytest.mark.parametrize("host", ["", "evil.example", "localhost.evil.example", "localhost@evil", "127.0.0.1.nip.io"])
async def test_a_foreign_name_reaches_nothing(http: httpx.AsyncClient, host: str) -> None:
    """A page elsewhere whose name resolves to this machine is refused, but a probe by address is not."""
    answer = await http.get("/api/notes", headers={"host": host})
    assert (answer.status_code, answer.json()["code"]) == (400, "host_not_allowed")
    assert (await http.get("/livez", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "multipart/form-data; boundary=x"},
        {"content-type": "application/json-patch+json"},
        {"x-drawdown-upload": "1"},
    ],
)
async def test_a_write_must_say_that_it_is_json(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """What a form elsewhere could send is refused before anything reads it."""
    answer = await http.post("/api/notes", content=NOTE, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "json_needed")


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
async def test_json_is_taken(http: httpx.AsyncClient, kind: str) -> None:
    """With or without parameters, in any case of letters."""
    assert (await http.post("/api/notes", content=NOTE, headers={"content-type": kind})).status_code == 201


async def test_an_empty_write_needs_no_type_but_no_page_can_send_it(http: httpx.AsyncClient) -> None:
    """A program may leave the type of nothing away; a browser, which always says where from, may not."""
    note = (await http.post("/api/notes", json={"fund_id": 1})).json()
    path = f"/api/notes/{note['id']}"
    assert (await http.delete(path, headers={"origin": "https://evil.example"})).status_code == 415
    assert (await http.delete(path)).status_code == 200


async def test_a_body_has_a_limit(http: httpx.AsyncClient) -> None:
    """One MiB of JSON, by what the header says and by what really comes."""
    body = NOTE.ljust(JSON_LIMIT_BYTES)
    headers = {"content-type": "application/json"}
    assert (await http.post("/api/notes", content=body, headers=headers)).status_code == 201
    for content in (body + b" ", _in_pieces(body + b" ")):
        answer = await http.post("/api/notes", content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def _in_pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


async def test_an_upload_has_its_own_header_and_limit(http: httpx.AsyncClient) -> None:
    """A file needs the header that no form can send, and may be as large as the settings say."""
    assert (await http.post("/api/files", content=b"file")).json()["code"] == "upload_header_missing"
    headers = {"x-drawdown-upload": "1"}
    taken = await http.post("/api/files", content=bytes(2**21), headers=headers)
    assert (taken.status_code, taken.json()["id"]) == (200, 2**21)
    assert (await http.post("/api/files", content=bytes(2**21 + 1), headers=headers)).status_code == 413


@pytest.mark.parametrize("given", ["", "two words", "x" * 101])
async def test_every_answer_has_a_name(http: httpx.AsyncClient, given: str) -> None:
    """A correlation id that cannot be used is replaced by one of ours, on good answers and on bad ones."""
    for path in ("/api/notes", "/nothing"):
        answer = await http.get(path, headers={"x-correlation-id": given})
        assert UUID(answer.headers["x-correlation-id"]).version == 7
