"""Forwards a request to the service that owns its path, and streams both ways."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from shared.http.problems import Problem, away
from web.routes import owner_of
from web.upstream import Answer, Away, BrokeOff, Upstream

# What belongs to one connection only (RFC 9110), and what this side states by itself.
_HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_OURS_IN: Final = _HOP_BY_HOP | {
    b"expect",
    b"forwarded",
    b"host",
    b"x-correlation-id",
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-proto",
}
_OURS_OUT: Final = _HOP_BY_HOP | {b"date", b"server", b"x-correlation-id"}
_SMALL_BYTES: Final = 64 * 1024


class Proxy:
    """An ASGI application for everything under ``/api``."""

    def __init__(self, services: Mapping[str, str]) -> None:
        self._upstreams = {name: Upstream(url) for name, url in services.items()}

    def close(self) -> None:
        """Gives up the kept connections."""
        for upstream in self._upstreams.values():
            upstream.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if "content-length" in request.headers and "transfer-encoding" in request.headers:
            # Whoever stands before us may have taken the other for the end of the request: nothing behind it is read.
            detail = "a body has a content-length or a transfer-encoding, not both"
            raise Problem(400, "body_unreadable", detail, headers={"Connection": "close"})
        service = owner_of(scope["path"])
        target = scope.get("raw_path") or scope["path"].encode()
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        started = False
        try:
            body, headers = await _body(request), _headers_in(request)
            async with self._upstreams[service].ask(scope["method"], target, headers, body) as answer:
                started = True
                await _pass_on(answer, receive, send)
        except Away as error:
            raise away("service_away", f"the {service} service cannot be reached at the moment") from error
        except BrokeOff as error:
            if started:
                raise
            detail = f"the {service} service broke off before it answered"
            raise Problem(502, "service_broke_off", detail, headers={"Retry-After": "1"}) from error
        except ClientDisconnect as error:
            raise Problem(400, "body_unreadable", "the body ended too early") from error


async def _body(request: Request) -> bytes | AsyncIterator[bytes]:
    """A small body at once, so that it goes out in one piece; a large one, or one of unknown length, as it comes."""
    length = request.headers.get("content-length", "")
    if "transfer-encoding" in request.headers or (length.isdecimal() and int(length[:20]) > _SMALL_BYTES):
        return request.stream()
    return b"" if length in {"", "0"} else await request.body()


async def _pass_on(answer: Answer, receive: Receive, send: Send) -> None:
    headers = list(_without(answer.headers, _OURS_OUT))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if any(name.lower() == b"content-length" for name, _ in headers):
        await _pass_on_body(answer, send)
        return
    # Nobody knows how long this will take; it must end when the caller goes away.
    passing = asyncio.create_task(_pass_on_body(answer, send))
    leaving = asyncio.create_task(_gone(receive))
    try:
        await asyncio.wait({passing, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if passing.done():
            await passing
    finally:
        for task in (passing, leaving):
            task.cancel()
        await asyncio.gather(passing, leaving, return_exceptions=True)


async def _pass_on_body(answer: Answer, send: Send) -> None:
    async for part, more in answer.parts():
        await send({"type": "http.response.body", "body": part, "more_body": more})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _headers_in(request: Request) -> list[tuple[bytes, bytes]]:
    """What the caller said, but for what it claims of itself: who asked, and under which name, is ours to say.

    The Host was checked at this door, so services are told localhost, wherever they run.
    """
    ours = [
        (b"host", b"localhost"),
        (b"x-forwarded-host", request.headers.get("host", "").encode("latin-1")),
        (b"x-forwarded-proto", request.scope["scheme"].encode()),
        (b"x-correlation-id", request.state.correlation_id.encode()),
    ]
    if request.client is not None:
        ours.append((b"x-forwarded-for", request.client.host.encode()))
    if "transfer-encoding" in request.headers:
        ours.append((b"transfer-encoding", b"chunked"))
        return [*_without(request.scope["headers"], _OURS_IN | {b"content-length"}), *ours]
    return [*_without(request.scope["headers"], _OURS_IN), *ours]


def _without(headers: Iterable[tuple[bytes, bytes]], ours: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    """The headers that travel on: not ours, and not those that ``Connection`` names."""
    headers = list(headers)
    named = {
        name.strip().lower() for key, value in headers if key.lower() == b"connection" for name in value.split(b",")
    }
    return [(key, value) for key, value in headers if key.lower() not in ours and key.lower() not in named]
