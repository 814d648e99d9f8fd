"""Promises of the way to the services: what is sent passes as it is, and what a caller claims of itself does not."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.web.conftest import Front, listening
from web.app import create_front
from web.settings import WebSettings


async def test_a_request_passes_as_it_was_sent(front: Front) -> None:
    """Method, address to the letter, headers and body; and the answer's status and headers come back."""
    answer = await front.http.put(
        "/api/capital-calls/a%2Fb%20c?x=1&y=%C3%A9", content=b"{}", headers={"Idempotency-Key": "k", "x-actor": "jane"}
    )
    asked = answer.json()
    assert (answer.status_code, answer.headers["Idempotent-Replayed"]) == (207, "true")
    assert (asked["service"], asked["method"], asked["length"]) == ("payments", "PUT", 2)
    assert (asked["target"], asked["query"]) == ("/api/capital-calls/a%2Fb%20c", "x=1&y=%C3%A9")
    assert {("idempotency-key", "k"), ("x-actor", "jane")} <= {tuple(header) for header in asked["headers"]}


async def test_what_belongs_to_one_connection_stays_there(front: Front) -> None:
    """Hop-by-hop headers end here, in both directions, and nothing is stated twice."""
    headers = {"connection": "keep-alive, x-private", "x-private": "1", "te": "trailers", "keep-alive": "timeout=5"}
    answer = await front.http.get("/api/payments", headers=headers)
    names = [name for name, _ in answer.json()["headers"]]
    assert not {"x-private", "te", "keep-alive"} & set(names)
    assert len(names) == len(set(names))
    assert "x-hop" not in answer.headers
    for once in ("date", "server", "x-correlation-id", "content-type"):
        assert len(answer.headers.get_list(once)) <= 1


async def test_what_the_caller_claims_is_replaced(front: Front) -> None:
    """Where a request came from is stated by the front alone."""
    claims = {"x-forwarded-for": "203.0.113.9", "x-forwarded-host": "evil", "forwarded": "for=evil"}
    asked = (await front.http.get("/api/payments", headers={**claims, "host": "ledger.example"})).json()
    seen = dict(asked["headers"])
    assert (seen["x-forwarded-for"], seen["x-forwarded-host"]) == ("127.0.0.1", "ledger.example")
    assert (seen["x-forwarded-proto"], seen["host"]) == ("http", "localhost")
    assert "forwarded" not in seen


async def test_one_name_follows_a_request(front: Front) -> None:
    """The correlation id of the answer is the one that the service saw."""
    answer = await front.http.get("/api/payments")
    assert dict(answer.json()["headers"])["x-correlation-id"] == answer.headers["x-correlation-id"]


async def test_an_answer_is_streamed(front: Front) -> None:
    """The first event is here while the service still waits to write the second."""
    async with front.http.stream("GET", "/api/stream") as answer:
        parts = answer.aiter_raw()
        assert await asyncio.wait_for(anext(parts), 5) == b"data: first\n\n"
        front.services["metrics"].go_on.set()
        assert await asyncio.wait_for(anext(parts), 5) == b"data: second\n\n"


async def test_a_body_is_streamed(front: Front) -> None:
    """A large body of unknown length arrives whole."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(65_536)

    answer = await front.http.post("/api/bank-statements", content=pieces(), headers={"x-drawdown-upload": "1"})
    assert answer.json()["length"] == 64 * 65_536


async def test_a_refusal_comes_back_before_the_body_is_through(front: Front) -> None:
    """A service that refuses a file without reading it is heard."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(512):
            yield bytes(65_536)

    answer = await front.http.post("/api/bank-statements/refused", content=pieces())
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_stream_ends_when_its_reader_leaves(front: Front) -> None:
    """The service is told, so nobody writes for a page that was closed."""
    async with front.http.stream("GET", "/api/stream") as answer:
        await anext(answer.aiter_raw())
    await asyncio.wait_for(front.services["metrics"].left.wait(), 5)


async def test_an_answer_without_a_body_is_passed(front: Front) -> None:
    """HEAD has the head of GET and nothing after it, and the connection serves the next request."""
    head = await front.http.head("/api/payments")
    assert (head.status_code, head.content) == (207, b"")
    assert int(head.headers["content-length"]) > 0
    assert (await front.http.get("/api/payments")).json()["method"] == "GET"


async def test_a_stale_connection_is_no_error(front: Front) -> None:
    """A service that hung up between two requests is simply asked again, if nothing can be done twice by it."""
    asked = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while asked < 3 and (await reader.read(65_536)):
            asked += 1
            if asked == 2:  # the second request of the first connection: hang up instead
                break
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, listening(create_front(WebSettings(payments_url=f"http://127.0.0.1:{port}"))) as (address,):
        answers = [await front.http.get(f"{address}/api/payments") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert asked == 3


async def test_many_at_once_share_the_way(front: Front) -> None:
    """Requests beside each other do not wait for each other's answers."""
    answers = await asyncio.gather(*(front.http.get(f"/api/payments/{n}") for n in range(1, 101)))
    assert [answer.json()["target"] for answer in answers] == [f"/api/payments/{n}" for n in range(1, 101)]


async def test_a_service_that_is_away_is_503(front: Front) -> None:
    """The others go on, and the caller learns when to come again."""
    async with listening(create_front(WebSettings(payments_url="http://127.0.0.1:1"))) as (address,):
        answer = await front.http.get(f"{address}/api/payments")
    assert (answer.status_code, answer.json()["code"]) == (503, "service_away")
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert "127.0.0.1:1" not in answer.text


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_service_that_breaks_off_is_502(front: Front, method: str) -> None:
    """No half answer passes for a whole one."""
    server = await asyncio.start_server(_hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, listening(create_front(WebSettings(payments_url=f"http://127.0.0.1:{port}"))) as (address,):
        answer = await front.http.request(method, f"{address}/api/payments", content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (502, "service_broke_off")
