"""Clerks: commands over HTTP, each with an Idempotency-Key, repeated until they are answered."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import httpx

from tests.faults.journal import Journal
from tests.faults.load.gate import Gate

# Not answers: a dependency is away, or a call is not known there yet; a twin is still running, or that the call was
# issued has not been heard there.
_LATER: Final = frozenset({404, 408, 425, 429, 500, 502, 503, 504})
_COMMAND_SECONDS: Final = 10
_UPLOAD_SECONDS: Final = 120  # who gives up on a long file too soon and sends it again only makes work
_RUNNING: Final = b"request_in_progress"
_NOT_HEARD: Final = b"invalid_transition"

Then = Callable[[Any], Awaitable[None]]


class Clerk:
    """Commands the services of a house, whichever of their copies answers."""

    def __init__(
        self, chance: random.Random, journal: Journal, gate: Gate, services: Mapping[str, Sequence[str]], name: str
    ) -> None:
        self._chance = chance
        self._journal = journal
        self._gate = gate
        self._services = services
        self._name = name
        self._asked = 0
        self._http = httpx.AsyncClient(
            timeout=_COMMAND_SECONDS, trust_env=False, limits=httpx.Limits(max_keepalive_connections=8)
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def do(
        self,
        what: str,
        path: str,
        body: Mapping[str, Any],
        *,
        method: str = "POST",
        then: Then | None = None,
        gated: bool = True,
        **facts: Any,
    ) -> Any:
        """Sends a command; its answer, or None where it was refused.

        `then` does with an answer what must be over before the load counts as paused; what it asks is not `gated`.
        """
        if gated:
            await self._gate.open()
        content = json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        return await self._ask(what, method, path, content, headers, body, facts, then)

    async def look(self, path: str, body: Mapping[str, Any] | None = None, *, gated: bool = True) -> Any:
        """Asks for what changes nothing, by POST where there is a body; None where it was refused."""
        if gated:
            await self._gate.open()
        content = None if body is None else json.dumps(body).encode()
        method, headers = "GET" if body is None else "POST", {"content-type": "application/json"}
        status, answer = await self._until_answered(method, path, content, headers)
        return _read(answer) if status < 300 else None

    async def upload(self, source: str, file: bytes, **facts: Any) -> Any:
        """Sends a bank's file; what was taken of it, or None where it was refused."""
        headers = {"x-drawdown-upload": "1", "content-type": "application/octet-stream"}
        path = f"/api/bank-statements?source={source}"
        await self._gate.open()
        return await self._ask("bank_statement.upload", "POST", path, file, headers, {}, facts)

    async def _ask(
        self,
        what: str,
        method: str,
        path: str,
        content: bytes,
        headers: Mapping[str, str],
        body: Mapping[str, Any],
        facts: Mapping[str, Any],
        then: Then | None = None,
    ) -> Any:
        with self._gate.passing():
            self._asked += 1
            key = f"{self._name}-{self._asked}"
            self._journal.ask(key, what, path, body, facts)
            sent = {**headers, "Idempotency-Key": key, "x-actor": self._name}
            status, answer = await self._until_answered(method, path, content, sent)
            self._journal.answer(key, status, _read(answer))
            if self._chance.random() < 0.08 and status < 300:
                _, repeated = await self._until_answered(method, path, content, sent)
                self._journal.again(key, same=repeated == answer)
            if then is not None and status < 300:
                await then(_read(answer))
            return _read(answer) if status < 300 else None

    async def _until_answered(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        while True:
            url = self._chance.choice(self._services[_owner(path)])
            try:
                seconds = _UPLOAD_SECONDS if "x-drawdown-upload" in headers else _COMMAND_SECONDS
                response = await self._http.request(
                    method, url + path, content=content, headers=dict(headers), timeout=seconds
                )
            except httpx.HTTPError:
                await asyncio.sleep(0.1)  # nobody knows whether it was done
                continue
            if response.status_code not in _LATER and not any(word in response.content for word in _not_yet(path)):
                return response.status_code, response.content
            await asyncio.sleep(0.2)


def _not_yet(path: str) -> Sequence[bytes]:
    """A schedule that has ended stays as it is; whatever else refuses a transition may allow it later."""
    return (_RUNNING,) if path.startswith("/api/reallocation") else (_RUNNING, _NOT_HEARD)


def _owner(path: str) -> str:
    return "payments" if path.startswith(("/api/payments", "/api/capital-calls", "/api/bank-")) else "allocations"


def _read(answer: bytes) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return answer.decode("utf-8", "replace")
