"""The dependency of every route that writes: one transaction, one audit entry, and the same answer for the same key."""

import asyncio
import hashlib
import ipaddress
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from shared import outbox, postgres
from shared.contracts.audit import AuditRecorded
from shared.crashpoint import crashpoint
from shared.currency import UnknownCurrency
from shared.http import idempotency
from shared.http.fields import unreadable
from shared.http.idempotency import Claim, Stored
from shared.http.port import connection, runtime_of
from shared.http.problems import Problem, problem_of
from shared.money import NotAnAmount
from shared.outbox import Event, Origin
from shared.postgres import Connection
from shared.refusal import Refused

Work = Callable[[Connection, Origin], Awaitable[BaseModel | Refused]]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,200}$",
        description="Makes a repeat safe: the same key and body get the same answer, for 30 days.",
    ),
]
Actor = Annotated[
    str | None,
    Header(alias="x-actor", pattern=r"^[!-~]([ -~]{0,198}[!-~])?$", description="Who acts; stored as claimed."),
]

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_ATTEMPTS: Final = 3
_PATIENCE_SECONDS: Final = 4.0
_AUDITED_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Act:
    """What the audit says of a write: ``call.issue`` on ``call`` 17, and the reason that a person gave."""

    action: str
    resource_type: str
    resource_id: str | None
    reason: str | None


class _KeyRefused(Exception):
    """The key stands in the way; nothing was tried, so there is nothing to audit."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Writer:
    """One write of one caller. Call it once per request, with the work to do inside the transaction."""

    def __init__(self, request: Request, key: str | None, actor: str) -> None:
        self._request = request
        self._runtime = runtime_of(request)
        self._key = key
        self.actor = actor
        self.now: datetime = self._runtime.clock.now()
        self.origin = Origin(actor=actor, correlation_id=_correlation_id(request), traceparent=_traceparent(request))

    async def __call__(
        self,
        work: Work,
        *,
        action: str,
        resource_type: str,
        resource_id: int | str | None = None,
        status: int = 200,
        reason: str | None = None,
        statuses: Mapping[str, int] | None = None,
        fingerprint: bytes | None = None,
    ) -> Response:
        """Does the work in one transaction and answers with what it returns, or raises the problem that refuses it.

        Exactly one ``audit.recorded`` is written: in the transaction of the effect (outcome done), or, where the work
        was refused and rolled back, in a small one of its own (outcome refused). A replayed answer writes none.
        `resource_id` defaults to the answer's ``id``, else to the last id of the path. `statuses` overrides the status
        of refusals by code. `fingerprint` stands for the body of an upload, whose bytes are not here any more.
        """
        claim = await self._claim(fingerprint)
        act = Act(action, resource_type, None if resource_id is None else str(resource_id), reason)
        try:
            answer = await self._until_won(lambda: self._effect(work, act, claim, status, statuses))
        except _KeyRefused as refused:
            raise refused.problem from None
        except Problem as problem:
            # What would have been made has no id, and that in the path is another's.
            await self._audit_alone(act, problem, None if status == HTTPStatus.CREATED else self._id_in_path())
            raise
        finally:
            self._runtime.wake()
        return answer

    async def _until_won(self, attempt: Callable[[], Awaitable[Response]]) -> Response:
        """Does a transaction again that lost a race and so changed nothing, a few times, if not too late."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE_SECONDS
        for tried in range(1, _ATTEMPTS):
            try:
                return await attempt()
            except Exception as error:
                if not (postgres.is_lost_race(error) or postgres.is_taken(error)) or loop.time() > deadline:
                    raise
                await asyncio.sleep(0.02 * tried)
        return await attempt()

    async def _effect(
        self, work: Work, act: Act, claim: Claim | None, status: int, statuses: Mapping[str, int] | None
    ) -> Response:
        async with connection(self._runtime.pool) as db, db.transaction():
            if claim is not None:
                try:
                    stored = await idempotency.claim(db, claim, self.now)
                except Problem as problem:
                    raise _KeyRefused(problem) from problem
                if stored is not None:
                    return _shown(stored, replayed=True)
            try:
                answer = await work(db, self.origin)
            except (NotAnAmount, UnknownCurrency) as error:
                raise unreadable(error, *_usual_place(error)) from error
            if isinstance(answer, Refused):
                raise problem_of(answer, statuses)
            stored = Stored(status, answer.model_dump_json().encode())
            await outbox.add(db, [self._entry(act, answer, stored.answer)], self.origin)
            if claim is not None:
                await idempotency.keep(db, claim, stored)
            crashpoint("http.effect_done")
            crashpoint("http.commit_sent")
        crashpoint("http.committed")
        return _shown(stored)

    async def _claim(self, fingerprint: bytes | None) -> Claim | None:
        if self._key is None:
            return None
        digest = fingerprint or hashlib.sha256(await self._request.body()).digest()
        return Claim(self.actor, self._request.method, self._request.url.path, self._key, digest)

    def _entry(self, act: Act, answer: BaseModel, text: bytes) -> Event:
        resource_id = act.resource_id or _id_of(answer) or self._id_in_path()
        return self._event(act, resource_id, "done", act.reason, _auditable(text))

    async def _audit_alone(self, act: Act, problem: Problem, resource_id: str | None) -> None:
        event = self._event(act, act.resource_id or resource_id, "refused", problem.code, None)
        async with connection(self._runtime.pool) as db, db.transaction():
            await outbox.add(db, [event], self.origin)

    def _event(
        self, act: Act, resource_id: str | None, outcome: str, reason: str | None, after: dict[str, Any] | None
    ) -> Event:
        entry = AuditRecorded(
            actor=self.actor,
            action=act.action,
            resource_type=act.resource_type,
            resource_id=resource_id,
            outcome="done" if outcome == "done" else "refused",
            reason=reason,
            before=None,
            after=after,
            address=_address(self._request),
            occurred_at=self.now,
        )
        subject = f"{act.resource_type}/{resource_id or ''}"
        return Event(AuditRecorded.topic, self.actor, subject, entry, self.now)

    def _id_in_path(self) -> str | None:
        ids = list(self._request.path_params.values())
        return str(ids[-1]) if ids else None


def _usual_place(error: NotAnAmount | UnknownCurrency) -> tuple[str]:
    return ("currency",) if isinstance(error, UnknownCurrency) else ("amount",)


def _shown(stored: Stored, *, replayed: bool = False) -> Response:
    headers = {"Idempotent-Replayed": "true"} if replayed else None
    return Response(stored.answer, stored.status, headers=headers, media_type="application/json")


def _id_of(answer: BaseModel) -> str | None:
    found = getattr(answer, "id", None)
    return None if found is None else str(found)


def _auditable(text: bytes) -> dict[str, Any]:
    """The answer for the record; a very long one is named by its digest, since an event has a limit."""
    if len(text) > _AUDITED_BYTES:
        return {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
    after = json.loads(text)
    return after if isinstance(after, dict) else {"answer": after}


def _correlation_id(request: Request) -> str | None:
    found = getattr(request.state, "correlation_id", None)
    return None if found is None else str(found)


def _traceparent(request: Request) -> str | None:
    text = request.headers.get("traceparent", "")
    return text if _TRACEPARENT.fullmatch(text) else None


def _address(request: Request) -> str | None:
    """Where the request came from: what our front on this machine says of it, else the peer itself."""
    peer = request.client.host if request.client else None
    if peer is None or not _is_loopback(peer):
        return peer
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return forwarded if _is_address(forwarded) else peer


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(text: str) -> bool:
    return _is_address(text) and ipaddress.ip_address(text).is_loopback


def _writer(request: Request, key: IdempotencyKey = None, actor: Actor = None) -> Writer:
    return Writer(request, key, actor or "local")


Write = Annotated[Writer, Depends(_writer)]
