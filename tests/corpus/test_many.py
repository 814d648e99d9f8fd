"""Promises to clients that ask many times at once, too slowly, or in two tongues at the same time."""

import asyncio
import contextlib
import json
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import pytest

from drawdown.localstack.waiting import finish
from tests.corpus.asking import watching
from tests.corpus.events import clients
from tests.support.desk import Desk
from tests.support.house import House

TIMES: Final = 50
SILENCE_SECONDS: Final = 2
BODY: Final = b'{"amount": "1.00", "tx_ref": "smuggled", "value_date": "2026-03-02"}'


@pytest.fixture(scope="module")
def call(house: House) -> int:
    """A call of 1000.00 that payments knows."""
    desk = Desk(house)
    made = desk.call(desk.allocation("1000.00"), "1000.00")
    desk.until(f"/api/capital-calls/{made['id']}", {"status": "called"})
    found: int = made["id"]
    return found


def test_fifty_at_once_under_one_key(house: House, call: int) -> None:
    """One effect and one answer, however many ask at once; a twin that waited too long is told to ask again."""

    async def ask() -> list[tuple[int, bytes]]:
        async with clients(house) as http:
            body = {"amount": "1.00", "tx_ref": "fifty", "value_date": "2026-03-02"}
            headers = {"Idempotency-Key": "fifty"}
            path = f"/api/capital-calls/{call}/payments"
            answers = await asyncio.gather(*(http.post(path, json=body, headers=headers) for _ in range(TIMES)))
            last = await http.post(path, json=body, headers=headers)
            return [(each.status_code, each.content) for each in (*answers, last)]

    answers = finish(ask())
    done = [content for status, content in answers if status == 201]
    others = [json.loads(content)["code"] for status, content in answers if status != 201]
    assert len(set(done)) == 1
    assert answers[-1][0] == 201
    assert set(others) <= {"request_in_progress"}
    assert Desk(house).seen_call({"id": call})["postings"] == 1


def test_fifty_at_once_without_a_key(house: House) -> None:
    """The reference alone names the payment too: fifty requests are one payment, or say why not."""
    desk = Desk(house)
    made = desk.call(desk.allocation("1000.00"), "1000.00")
    desk.until(f"/api/capital-calls/{made['id']}", {"status": "called"})

    async def ask() -> set[int]:
        async with clients(house) as http:
            body = {"amount": "1.00", "tx_ref": "bare", "value_date": "2026-03-02"}
            path = f"/api/capital-calls/{made['id']}/payments"
            return {r.status_code for r in await asyncio.gather(*(http.post(path, json=body) for _ in range(TIMES)))}

    assert 201 in finish(ask())
    assert desk.seen_call(made)["paid"] == "1.00"


def test_fifty_funds_under_one_key(house: House) -> None:
    """A thing with no name of its own is made once."""

    async def ask() -> list[int]:
        async with clients(house) as http:
            body = {"name": "Fifty", "currency": "USD", "time_zone": "UTC", "size": "1"}
            headers = {"Idempotency-Key": "fifty-funds"}
            answers = await asyncio.gather(*(http.post("/api/funds", json=body, headers=headers) for _ in range(TIMES)))
            return [each.json()["id"] for each in answers if each.status_code == 201]

    made = finish(ask())
    assert len(set(made)) == 1


# ---- two tongues at once: what one reads as a body another may read as a request

_LENGTH: Final = f"content-length: {len(BODY)}"
SMUGGLED: Final[Mapping[str, tuple[str, bytes]]] = {
    "length-and-chunks": (f"{_LENGTH}\r\ntransfer-encoding: chunked", b"0\r\n\r\n" + b"POST {path} HTTP/1.1\r\n\r\n"),
    "two-lengths": (f"{_LENGTH}\r\ncontent-length: 0", BODY),
    "lengths-in-one": (f"content-length: {len(BODY)}, 0", BODY),
    "signed-length": (f"content-length: +{len(BODY)}", BODY),
    "negative-length": ("content-length: -1", BODY),
    "length-in-words": ("content-length: many", BODY),
    "unknown-encoding": ("transfer-encoding: xchunked", BODY),
    "encoding-twice": ("transfer-encoding: chunked\r\ntransfer-encoding: identity", BODY),
    "bad-chunk-size": ("transfer-encoding: chunked", b"zz\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "negative-chunk": ("transfer-encoding: chunked", b"-1\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "folded-header": (f"{_LENGTH}\r\nx-a: b\r\n\tc: d", BODY[:10]),
    "space-before-colon": (f"content-length : {len(BODY)}", BODY),
    "nul-in-a-header": (f"{_LENGTH}\r\nx-a: b\0c", BODY),
    "no-host": ("", BODY),
    "huge-header": (f"{_LENGTH}\r\nx-a: {'a' * 200_000}", BODY),
    "body-cut-off": (f"content-length: {len(BODY)}", BODY[:20]),
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_two_tongues(name: str, house: House, call: int) -> None:
    """A request that can be read in two ways is refused or left unanswered: it never changes a row, it never answers
    twice, and the next request is served."""
    answers, changed = finish(_speak(house, call, *SMUGGLED[name]))
    assert changed == []
    assert answers.count(b"HTTP/1.1 ") <= 1, answers
    assert not answers or answers.split(b" ")[1][:1] == b"4", answers[:200]
    assert Desk(house).get("/api/funds")["items"]


async def _speak(house: House, call: int, headers: str, body: bytes) -> tuple[bytes, list[str]]:
    """What came back over a bare socket, and the tables that changed."""
    path = f"/api/capital-calls/{call}/payments"
    host = "" if not headers else "host: localhost\r\n"
    lines = f"POST {path} HTTP/1.1\r\n{host}content-type: application/json\r\n{headers or _LENGTH}\r\n\r\n"
    async with watching(house) as watch:
        before = await watch.digest()
        answers = await _exchange(house, lines.encode("latin-1") + body.replace(b"{path}", path.encode()))
        after = await watch.digest()
    return answers, [table for table in after if after[table] != before[table]]


async def _exchange(house: House, request: bytes) -> bytes:
    """Everything that comes back until the other side closes, or has been silent for a while."""
    address = urlsplit(house.addresses.front)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    answers = b""
    try:
        with contextlib.suppress(OSError, TimeoutError):  # hung up on: that is an answer too
            writer.write(request)
            while part := await asyncio.wait_for(reader.read(65_536), SILENCE_SECONDS):
                answers += part
    finally:
        writer.close()
    return answers


def test_one_tongue(house: House) -> None:
    """The same request, said plainly over the same bare socket, is done: so refusals have their reasons."""
    desk = Desk(house)
    made = desk.call(desk.allocation("1000.00"), "1000.00")
    desk.until(f"/api/capital-calls/{made['id']}", {"status": "called"})
    answers, changed = finish(_speak(house, made["id"], f"{_LENGTH}\r\nconnection: close", BODY))
    assert answers.startswith(b"HTTP/1.1 201")
    assert "payments.payment" in changed


def test_a_body_that_comes_slowly(house: House) -> None:
    """One that drips is taken when it is whole, and holds nobody up meanwhile."""
    desk = Desk(house)
    made = desk.call(desk.allocation("1000.00"), "1000.00")
    desk.until(f"/api/capital-calls/{made['id']}", {"status": "called"})

    async def drip() -> bytes:
        address = urlsplit(house.addresses.front)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        head = f"POST /api/capital-calls/{made['id']}/payments HTTP/1.1\r\nhost: localhost\r\n"
        writer.write(f"{head}content-type: application/json\r\nconnection: close\r\n{_LENGTH}\r\n\r\n".encode())
        for start in range(0, len(BODY), 20):
            writer.write(BODY[start : start + 20])
            await writer.drain()
            await asyncio.sleep(0.2)
            asked = time.monotonic()
            async with clients(house) as http:
                assert (await http.get("/livez")).status_code == 200
            assert time.monotonic() - asked < 5
        answer = await reader.read()
        writer.close()
        return answer

    assert b"HTTP/1.1 201" in finish(drip())
    assert desk.seen_call(made)["paid"] == "1.00"
