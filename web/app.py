"""The front as one application: the index page, static files, health, and the way to every service's API."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import telemetry
from shared.http.middleware import Envelope, HostGuard
from shared.http.problems import Problem
from web import pages, proofs
from web.proxy import Proxy
from web.settings import WebSettings

_STATIC: Final = Path(__file__).parent / "static"
_SECURITY: Final = (
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def create_front(settings: WebSettings) -> Starlette:
    """The application of the front; it asks the services at the addresses of `settings`."""
    client = httpx.AsyncClient(trust_env=False)
    ledger = pages.Ledger(settings.services, client)
    proxy = Proxy(settings.services)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield
        proxy.close()

    front = Starlette(
        routes=[
            Route("/", _index(ledger)),
            Route("/bank-statements/{statement_id:int}", _proof(ledger)),
            Route("/livez", _livez),
            Route("/readyz", _readyz(ledger)),
            Route("/metrics", _metrics),
            Mount("/static", StaticFiles(directory=_STATIC)),
            _Everything("/api", proxy),
        ],
        middleware=[
            Middleware(Envelope),
            Middleware(SecurityHeaders),
            Middleware(HostGuard, hosts=settings.allowed_hosts.split(",")),
        ],
        exception_handlers={HTTPException: _show},
        lifespan=lifespan,
    )
    front.router.redirect_slashes = False
    return front


Endpoint = Callable[[Request], Awaitable[Response]]


def _index(ledger: pages.Ledger) -> Endpoint:
    async def show_index(_: Request) -> Response:
        services, funds = await ledger.readiness(), await ledger.funds()
        return HTMLResponse(pages.index(services, funds), headers={"Cache-Control": "no-store"})

    return show_index


def _proof(ledger: pages.Ledger) -> Endpoint:
    async def show_proof(request: Request) -> Response:
        found = await proofs.find(ledger, request.path_params["statement_id"])
        return HTMLResponse(proofs.page(found), 200 if found.statement else 404, headers={"Cache-Control": "no-store"})

    return show_proof


def _readyz(ledger: pages.Ledger) -> Endpoint:
    async def show_readiness(_: Request) -> Response:
        services = await ledger.readiness()
        ready = all(service.ready for service in services)
        checks = {s.name: {"ok": True} if s.ready else {"ok": False, "why_not": s.why_not} for s in services}
        answer = {"service": "web", "status": "ready" if ready else "not_ready", "checks": checks}
        return JSONResponse(answer, 200 if ready else 503, headers={"Cache-Control": "no-store"})

    return show_readiness


async def _livez(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _metrics(_: Request) -> Response:
    return Response(telemetry.exposition(), media_type=telemetry.EXPOSITION_MEDIA_TYPE)


async def _show(request: Request, error: Exception) -> Response:
    if isinstance(error, Problem):
        return error.response()
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code == 405:
        detail = f"{request.method} is not possible at {path}"
        return Problem(405, "method_not_allowed", detail, headers=error.headers).response()
    return Problem(404, "not_found", f"there is nothing at {path}").response()


class _Everything(Mount):
    """A mount that leaves the path as it is: what stands behind it is the same address elsewhere."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, _ = super().matches(scope)
        return match, {"endpoint": self.app}


class SecurityHeaders:
    """Lets a page load only what this address serves, and be framed by nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_SECURITY]
            await send(message)

        await self._app(scope, receive, send_secured)
