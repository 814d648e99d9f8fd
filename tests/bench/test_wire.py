"""Promises of the client by hand: it asks as told, reads the whole answer, and comes back when it was hung up on."""

import asyncio
import contextlib

import pytest

from bench.wire import NotDone, Wire

BODY = b'{"n": "' + b"x" * 200_000 + b'"}'  # more than a stream's buffer holds at once


async def test_one_request_after_the_other() -> None:
    """Over one connection while it stays open, over a new one where the service has hung up meanwhile."""
    asked: list[tuple[int, str, bytes]] = []
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        with contextlib.suppress(asyncio.IncompleteReadError):  # the client hangs up in the end
            for _ in range(2):  # and then it hangs up
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = int(head.lower().partition("content-length:")[2].partition("\r\n")[0] or 0)
                asked.append((connections, head.split(" HTTP")[0], await reader.readexactly(length)))
                status = "409 Conflict" if "stale" in head else "200 OK"
                writer.write(f"HTTP/1.1 {status}\r\nServer: a\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        wire = Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        assert await wire.ask("/a") == (200, BODY)
        assert await wire.insist("/b", BODY) == BODY
        await asyncio.sleep(0.05)
        with pytest.raises(NotDone, match="/stale: 409"):
            await wire.insist("/stale", b"{}")
        await wire.aclose()
        await asyncio.sleep(0.05)
    assert asked == [(1, "GET /a", b""), (1, "POST /b", BODY), (2, "POST /stale", b"{}")]
