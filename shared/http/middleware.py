"""What stands before every route: a name for the request, who may call from where, and how much may come in."""

import re
from collections.abc import Collection
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import postgres
from shared.http.problems import Problem, away
from shared.ids import new_event_id

JSON_LIMIT_BYTES: Final = 1024 * 1024
UPLOAD_HEADER: Final = "x-drawdown-upload"

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_PROBES: Final = frozenset({"/livez", "/readyz", "/metrics"})
_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_PORT: Final = re.compile(r":[0-9]*$")
_CORRELATION_ID: Final = re.compile(r"[!-~]{1,100}")

log = structlog.get_logger(__name__)


class Envelope:
    """Outermost: names each request by a correlation id, and turns what nobody expected into a problem.

    The id is the caller's ``x-correlation-id`` or a new one; it is on the answer, in the logs and in the events. An
    unexpected error is logged with it and shown without anything internal; a database that is away is a 503.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-correlation-id", "")
        name = given if _CORRELATION_ID.fullmatch(given) else str(new_event_id())
        scope.setdefault("state", {})["correlation_id"] = name
        started = False

        async def send_named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message["headers"], (b"x-correlation-id", name.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(correlation_id=name):
            try:
                await self._app(scope, receive, send_named)
            except Exception as error:
                problem = problem_of_unexpected(error, scope)
                if started:
                    raise
                await problem.response()(scope, receive, send_named)


def problem_of_unexpected(error: Exception, scope: Scope) -> Problem:
    """The problem that shows whatever a request ended with, logged where nobody meant it to."""
    where = {"method": scope["method"], "path": scope["path"]}
    if isinstance(error, Problem):
        return error
    if postgres.is_away(error):
        log.warning("database away", **where, error=type(error).__name__)
        return away("database_away", "the database cannot be reached at the moment")
    if postgres.is_lost_race(error):
        log.warning("database busy", **where, error=type(error).__name__)
        return away("busy", "too much happens at once to the same rows")
    log.error("request failed", **where, exc_info=error)
    return Problem(
        500, "internal_error", "the service made a mistake", facts={"correlation_id": scope["state"]["correlation_id"]}
    )


class HostGuard:
    """Answers to loopback names and to `hosts` alone: a foreign name that resolves to this machine reaches nothing."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = _LOOPBACK | {host.strip().lower() for host in hosts if host.strip()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in _PROBES:
            host = _PORT.sub("", Headers(scope=scope).get("host", "")).lower()
            if host not in self._hosts:
                raise Problem(
                    400,
                    "host_not_allowed",
                    "the Host header names an address that this service does not answer to",
                    "Use localhost, or add the name to DRAWDOWN_ALLOWED_HOSTS.",
                )
        await self._app(scope, receive, send)


class BodyGuard:
    """Refuses writes that a web page elsewhere could make a browser send, and bodies beyond a limit.

    A write needs ``content-type: application/json``; an upload (a method and path of `uploads`) needs the header
    ``x-drawdown-upload`` instead: a browser sends neither to another site without asking it first. A write without a
    body needs neither if it has no ``Origin``, which browsers always add.
    """

    def __init__(
        self, app: ASGIApp, *, uploads: Collection[tuple[str, str]] = (), upload_limit_bytes: int = JSON_LIMIT_BYTES
    ) -> None:
        self._app = app
        self._uploads = frozenset(uploads)
        self._upload_limit_bytes = upload_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _WRITES:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        upload = (scope["method"], scope["path"]) in self._uploads
        limit = self._upload_limit_bytes if upload else JSON_LIMIT_BYTES
        _check_kind(headers, upload=upload)
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared[:20]) > limit:
            raise _too_large(limit)
        taken = 0

        async def receive_limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, receive_limited, send)


def _check_kind(headers: Headers, *, upload: bool) -> None:
    if upload:
        if headers.get(UPLOAD_HEADER) == "1":
            return
        advice = f"Send it with the header {UPLOAD_HEADER}: 1."
        raise Problem(415, "upload_header_missing", "an upload needs a header of its own", advice)
    content_type = headers.get("content-type")
    if content_type is None:
        empty = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        if empty and "origin" not in headers:
            return
    elif content_type.partition(";")[0].strip().lower() == "application/json":
        return
    raise Problem(415, "json_needed", "a write needs the header content-type: application/json")


def _too_large(limit_bytes: int) -> Problem:
    return Problem(413, "too_large", f"the body is larger than {limit_bytes} bytes", facts={"limit_bytes": limit_bytes})
