"""The front on a real socket, and services that answer with what they were asked."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from web.app import create_front
from web.settings import WebSettings


@dataclass
class Echo:
    """A service that says what it was asked; `answers` gives some paths another answer."""

    name: str
    answers: dict[str, Any] = field(default_factory=dict)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> ASGIApp:
        app = Starlette()
        app.add_route("/api/stream", self._stream)
        app.add_route("/api/bank-statements/refused", self._refuse, methods=["POST"])
        app.add_route("/{path:path}", self._echo, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
        return app

    async def _echo(self, request: Request) -> Response:
        if request.url.path in self.answers:
            return JSONResponse(self.answers[request.url.path])
        length = 0
        async for chunk in request.stream():
            length += len(chunk)
        asked = {
            "service": self.name,
            "method": request.method,
            "target": request.scope["raw_path"].decode(),
            "query": request.url.query,
            "headers": [[name.decode(), value.decode("latin-1")] for name, value in request.scope["headers"]],
            "length": length,
        }
        return JSONResponse(asked, 207, headers={"Idempotent-Replayed": "true", "Connection": "x-hop", "x-hop": "1"})

    async def _refuse(self, _: Request) -> Response:
        """Answers without reading the body."""
        return JSONResponse({"code": "too_large"}, 413)

    async def _stream(self, _: Request) -> Response:
        async def events() -> AsyncIterator[bytes]:
            try:
                yield b"data: first\n\n"
                await self.go_on.wait()
                yield b"data: second\n\n"
            finally:
                self.left.set()

        return StreamingResponse(events(), media_type="text/event-stream")


@contextlib.asynccontextmanager
async def listening(*apps: ASGIApp) -> AsyncIterator[list[str]]:
    """The addresses of some applications, each on a port of its own, for as long as the block lasts."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in apps]
    by_port = {each.getsockname()[1]: app for each, app in zip(sockets, apps, strict=True)}

    async def whose(scope: Scope, receive: Receive, send: Send) -> None:
        app = apps[0] if scope["type"] == "lifespan" else by_port[scope["server"][1]]
        await app(scope, receive, send)

    config = uvicorn.Config(
        whose, log_config=None, access_log=False, proxy_headers=False, lifespan="on", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve(sockets))
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield [f"http://127.0.0.1:{port}" for port in by_port]
    finally:
        server.should_exit = True
        await serving


@dataclass
class Front:
    """The front under test, a client on it, and the services behind it."""

    http: httpx.AsyncClient
    services: dict[str, Echo]


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    """All of it, each on a socket of its own."""
    echoes = {name: Echo(name) for name in ("allocations", "payments", "metrics", "audit")}
    async with listening(*(echo.app() for echo in echoes.values())) as behind:
        urls = {f"{name}_url": url for name, url in zip(echoes, behind, strict=True)}
        settings = WebSettings.model_validate({"allowed_hosts": "ledger.example", **urls})
        async with (
            listening(create_front(settings)) as (address,),
            httpx.AsyncClient(base_url=address, trust_env=False, timeout=10) as http,
        ):
            yield Front(http, echoes)
