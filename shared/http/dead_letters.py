"""Dead letters over HTTP, the same for every service that reads topics: look, replay, discard."""

import base64
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from shared import dead_letters, outbox
from shared.http.fields import Body, PathId, Text
from shared.http.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, page_of
from shared.http.problems import problems, refuse
from shared.http.read import Read
from shared.http.write import Write
from shared.ids import LARGEST
from shared.outbox import Origin
from shared.postgres import Connection, Record
from shared.refusal import Refused

State = Literal["open", "replayed", "discarded"]

_ADVICE: Final = "Read the dead letter again: its state says who decided it, when and why."


class Decision(Body):
    """Why a person replays or discards a record."""

    reason: Text


class DeadLetterOut(BaseModel):
    """A record that could not be used, where it stood, and why."""

    id: int
    topic: str
    partition: int
    incarnation: int
    offset: int
    reason: str
    detail: str
    bytes: int = Field(description="length of the record, of which the first 64 KiB are kept")
    sha256: str
    recorded_at: datetime
    state: State
    decided_at: datetime | None
    decided_by: str | None
    decision_reason: str | None


class FullDeadLetterOut(DeadLetterOut):
    """The same with its raw bytes."""

    key_base64: str | None
    payload_base64: str
    payload_text: str | None = Field(description="the payload where it is UTF-8 text, else null")
    headers: list[tuple[str, str]] = Field(description="names and values as they came, bytes as Latin-1")


def _shown(row: Record) -> DeadLetterOut:
    return DeadLetterOut(**_members(row))


def _members(row: Record) -> dict[str, Any]:
    same = ("id", "topic", "partition", "incarnation", "reason", "detail", "recorded_at", "state")
    decided = ("decided_at", "decided_by", "decision_reason")
    return {
        **{name: row[name] for name in (*same, *decided)},
        "offset": row["record_offset"],
        "bytes": row["payload_bytes"],
        "sha256": row["payload_sha256"].hex(),
    }


def _full(row: Record) -> FullDeadLetterOut:
    key, payload = row["key"], row["payload"]
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = None
    return FullDeadLetterOut(
        **_members(row),
        key_base64=None if key is None else base64.b64encode(key).decode(),
        payload_base64=base64.b64encode(payload).decode(),
        payload_text=text,
        headers=[(name, value.decode("latin-1")) for name, value in outbox.headers_from_text(row["headers"])],
    )


async def _decide(
    db: Connection,
    letter_id: int,
    state: Literal["replayed", "discarded"],
    *,
    reason: str,
    origin: Origin,
    now: datetime,
) -> DeadLetterOut | Refused:
    row = await dead_letters.locked(db, letter_id)
    if row is None:
        return Refused("dead_letter_not_found", f"there is no dead letter {letter_id}")
    if row["state"] != "open":
        return Refused("dead_letter_closed", f"dead letter {letter_id} is {row['state']} already", _ADVICE)
    try:
        await dead_letters.decide(db, row, state=state, by=origin.actor, reason=reason, now=now)
    except ValueError as error:
        return Refused("dead_letter_incomplete", str(error), "Ask its writer to send it again, then discard this one.")
    decided = await dead_letters.locked(db, letter_id)
    assert decided is not None, "it is locked"
    return _shown(decided)


def dead_letter_router(service: str) -> APIRouter:
    """The routes under ``/api/<service>/dead-letters``."""
    router = APIRouter(prefix=f"/api/{service}/dead-letters", tags=["dead letters"])

    @router.get("", response_model=Page[DeadLetterOut])
    async def list_dead_letters(
        read: Read, state: Annotated[State | None, Query()] = None, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
    ) -> object:
        """Records that could never be understood, newest first."""
        after = decode_cursor(cursor, int)
        before = LARGEST if after is None else after[0]
        assert isinstance(before, int), "decode_cursor was asked for one"
        async with read.connection() as db:
            rows = await dead_letters.newest(db, before=before, state=state, limit=limit + 1)
        return page_of(rows, limit, key=lambda row: (row["id"],), show=_shown)

    @router.get("/{letter_id}", response_model=FullDeadLetterOut, responses=problems(404))
    async def get_dead_letter(letter_id: PathId, read: Read) -> object:
        """One of them, with its raw bytes."""
        async with read.connection() as db:
            row = await dead_letters.locked(db, letter_id)
        if row is None:
            refuse(404, "dead_letter_not_found", f"there is no dead letter {letter_id}")
        return _full(row)

    @router.post("/{letter_id}/replay", response_model=DeadLetterOut, responses=problems(404, 409, 422))
    async def replay_dead_letter(letter_id: PathId, body: Decision, write: Write) -> Response:
        """Publishes the same bytes to the same topic again, by the outbox."""
        return await write(
            lambda db, origin: _decide(db, letter_id, "replayed", reason=body.reason, origin=origin, now=write.now),
            action="dead_letter.replay",
            resource_type="dead_letter",
            resource_id=letter_id,
            reason=body.reason,
        )

    @router.post("/{letter_id}/discard", response_model=DeadLetterOut, responses=problems(404, 409, 422))
    async def discard_dead_letter(letter_id: PathId, body: Decision, write: Write) -> Response:
        """Marks it as dealt with; its bytes stay."""
        return await write(
            lambda db, origin: _decide(db, letter_id, "discarded", reason=body.reason, origin=origin, now=write.now),
            action="dead_letter.discard",
            resource_type="dead_letter",
            resource_id=letter_id,
            reason=body.reason,
        )

    return router
