"""Promises of every answer that is not the one hoped for, and of the document that describes them."""

import json
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from shared.http import create_app, etag, versions_of
from shared.http.problems import MEDIA_TYPE
from tests.shared.http.notes import StubRuntime

MEMBERS = {"type", "title", "status", "detail", "code", "recommendation"}


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body, once it is proved to be a whole problem of this kind."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    body: dict[str, Any] = answer.json()
    assert body.keys() >= MEMBERS
    assert all(body[name] for name in MEMBERS)
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:drawdown:problem:{code}"
    return body


async def test_an_unknown_address_is_a_problem(http: httpx.AsyncClient) -> None:
    """404 has the shape of every other error; no page of FastAPI's is served."""
    for path in ("/", "/api", "/api/notes/", "/api/nothing", "/docs", "/redoc"):
        assert path in problem(await http.get(path), 404, "not_found")["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/notes", "GET, POST"),
        ("PATCH", "/api/notes/1", "DELETE, GET"),
        ("TRACE", "/api/notes/1", "DELETE, GET"),
        ("POST", "/livez", "GET"),
        ("DELETE", "/api/audit/openapi.json", "GET"),
    ],
)
async def test_an_impossible_method_names_the_possible_ones(
    http: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    """405 carries every method of the path, not only those of the first route there."""
    answer = await http.request(method, path, headers={"content-type": "application/json"})
    problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) - {"HEAD"} == set(allowed.split(", "))


async def test_a_refusal_becomes_the_status_of_its_code(http: httpx.AsyncClient) -> None:
    """Not there is 404, forbidden by a rule is 409, and its facts stand beside the code."""
    problem(await http.post("/api/notes", json={"fund_id": 1, "text": "gone"}), 404, "fund_not_found")
    refused = problem(await http.post("/api/notes", json={"fund_id": 1, "text": "refuse"}), 409, "over_commitment")
    assert refused["free"] == "5.00"
    assert refused["title"] == "Over commitment"
    problem(await http.get("/api/notes/17"), 404, "note_not_found")


NO_OBJECTS = [
    b"",
    b"{",
    b"\xff\xfe\0",
    b"nonsense",
    b"[]",
    b"17",
    b"null",
    b'"text"',
    b"[" * 100_000,
    b'{"a": NaN',
    b"\0",
]


async def test_a_body_that_is_no_json_object_is_400(http: httpx.AsyncClient) -> None:
    """What cannot be read at all is told apart from a wrong value."""
    for body in NO_OBJECTS:
        answer = await http.post("/api/notes", content=body, headers={"content-type": "application/json"})
        problem(answer, 400, "body_unreadable")


WRONG: list[tuple[dict[str, object], list[str]]] = [
    ({}, ["body", "fund_id"]),
    ({"fund_id": 1, "surprise": 1}, ["body", "surprise"]),
    ({"fund_id": 0}, ["body", "fund_id"]),
    ({"fund_id": 2**63}, ["body", "fund_id"]),
    ({"fund_id": "1"}, ["body", "fund_id"]),
    ({"fund_id": True}, ["body", "fund_id"]),
    ({"fund_id": 1.5}, ["body", "fund_id"]),
    ({"fund_id": None}, ["body", "fund_id"]),
    ({"fund_id": [1]}, ["body", "fund_id"]),
    ({"fund_id": 1, "fundId": 1}, ["body", "fundId"]),
    ({"fund_id": 1, "text": "a\nb"}, ["body", "text"]),
    ({"fund_id": 1, "text": "a\0b"}, ["body", "text"]),
    ({"fund_id": 1, "text": ""}, ["body", "text"]),
    ({"fund_id": 1, "text": "x" * 201}, ["body", "text"]),
    ({"fund_id": 1, "text": "\ud800"}, ["body", "text"]),
    ({"fund_id": 1, "\ud800": 1}, ["body"]),
    ({"fund_id": 1, "due_date": "2026-02-30"}, ["body", "due_date"]),
    ({"fund_id": 1, "due_date": "2026-3-1"}, ["body", "due_date"]),
    ({"fund_id": 1, "due_date": 1772409600}, ["body", "due_date"]),
    ({"fund_id": 1, "due_date": "2026-03-01T00:00:00"}, ["body", "due_date"]),
]


async def test_a_wrong_value_is_named(http: httpx.AsyncClient) -> None:
    """422 says where each wrong value stands."""
    for body, loc in WRONG:
        content = json.dumps(body).encode()
        answer = await http.post("/api/notes", content=content, headers={"content-type": "application/json"})
        errors = problem(answer, 422, "invalid_value")["errors"]
        assert [error["loc"] for error in errors] == [loc], body
        assert all(error["msg"] for error in errors)


@pytest.mark.parametrize("name", ["fund_id", "fundId"])
async def test_both_spellings_are_read(http: httpx.AsyncClient, name: str) -> None:
    """The four camelCase names mean the same as ours."""
    camel = name == "fundId"
    body = {name: 7, "dueDate" if camel else "due_date": "2026-03-15"}
    answer = await http.post("/api/notes", json=body)
    assert (answer.status_code, answer.json()["fund_id"]) == (201, 7)


UNREADABLE = [
    "/api/notes/0",
    "/api/notes/-1",
    "/api/notes/x",
    "/api/notes/1.0",
    "/api/notes/1_0",
    "/api/notes/+1",
    "/api/notes/%201",
    "/api/notes/%D9%A1",
    "/api/notes/9223372036854775808",
    "/api/notes?fund_id=x",
    "/api/notes?fund_id=",
    "/api/notes?limit=0",
    "/api/notes?limit=201",
    "/api/notes?since=2026-13-01",
    "/api/notes?since=17",
]


async def test_a_parameter_that_cannot_be_read_is_400(http: httpx.AsyncClient) -> None:
    """Paths and queries are read exactly, and named when they cannot be."""
    for path in UNREADABLE:
        (error,) = problem(await http.get(path), 400, "parameter_unreadable")["errors"]
        assert error["loc"][0] in {"path", "query"}


async def test_the_document_shows_every_error(http: httpx.AsyncClient) -> None:
    """Each route of the OpenAPI document says how errors look, and nobody's 422 of another shape is left."""
    document = (await http.get("/api/audit/openapi.json")).json()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == 9
    for operation in operations:
        for status in ("4XX", "5XX"):
            schema = operation["responses"][status]["content"][MEDIA_TYPE]["schema"]
            assert schema == {"$ref": "#/components/schemas/ProblemOut"}
    created = document["paths"]["/api/notes"]["post"]
    assert {"201", "404", "409", "422"} <= created["responses"].keys()
    assert {"Idempotency-Key", "x-actor"} == {parameter["name"] for parameter in created["parameters"]}


async def test_the_document_is_the_same_every_time(http: httpx.AsyncClient) -> None:
    """It can be committed and compared."""
    first, second = await http.get("/api/audit/openapi.json"), await http.get("/api/audit/openapi.json")
    assert first.content == second.content


async def test_a_router_within_a_router_is_refused(runtime: StubRuntime) -> None:
    """What is asked of every route, its methods and whether it takes a file, would pass by those inside unnoticed."""
    outer = APIRouter()
    outer.include_router(APIRouter(), prefix="/api/inside")
    with pytest.raises(TypeError, match="one list"):
        create_app("audit", [outer], state=runtime)


def test_an_etag_is_true_for_the_versions_it_names() -> None:
    """Strong tags name versions, a star any version there is; a weak tag, and what is no number, name none."""
    assert etag(7) == '"7"'
    assert versions_of('"7"', 9) == {7}
    assert versions_of(' "7", W/"8", "x", "10" ', 9) == {7, 10}
    assert versions_of("*", 9) == {9}
    assert versions_of("7", 9) == set()
