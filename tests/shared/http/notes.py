"""A small service of one table, and what it needs of a process, to show what every service gets from shared.http."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from shared.http import (
    DEFAULT_LIMIT,
    Body,
    Cursor,
    Day,
    Id,
    Limit,
    MajorAmount,
    Page,
    PathId,
    PositiveAmount,
    QueryId,
    Read,
    Text,
    Write,
    decode_cursor,
    minor,
    page_of,
    problems,
    refuse,
    upload,
)
from shared.ids import LARGEST
from shared.outbox import Origin
from shared.postgres import Connection, Pool
from shared.refusal import Refused
from shared.settings import Settings

NOW = datetime(2026, 3, 2, 9, 31, tzinfo=UTC)


@dataclass
class FixedClock:
    time: datetime = NOW

    def now(self) -> datetime:
        return self.time


@dataclass
class StubRuntime:
    """What the API needs of a process, without its broker."""

    pool: Pool
    settings: Settings
    name: str = "audit"
    clock: FixedClock = field(default_factory=FixedClock)
    woken: int = 0
    found: dict[str, dict[str, object]] = field(default_factory=lambda: {"database": {"ok": True}})

    def wake(self) -> None:
        self.woken += 1

    async def checks(self) -> dict[str, dict[str, object]]:
        return self.found


class NewNote(Body):
    fund_id: Id
    amount: MajorAmount = "1"
    fee: PositiveAmount | None = None
    text: Text = "a note"
    due_date: Day | None = None


class NoteOut(BaseModel):
    id: int
    fund_id: int
    text: str


router = APIRouter(prefix="/api/notes")


async def _add(db: Connection, body: NewNote) -> NoteOut | Refused:
    minor(body.amount, "JPY", "amount")
    note_id = await db.fetchval(
        "insert into note (fund_id, text) values ($1, $2) returning id", body.fund_id, body.text
    )
    match body.text:
        case "refuse":
            return Refused("over_commitment", "7 is more than the 5 still free", facts={"free": "5.00"})
        case "gone":
            return Refused("fund_not_found", "there is no such fund")
        case "break":
            raise RuntimeError("a secret of the inside")
        case "slow":
            await asyncio.sleep(0.3)
        case _:
            pass
    return NoteOut(id=note_id, fund_id=body.fund_id, text=body.text)


@router.post("", status_code=201, response_model=NoteOut, responses=problems(404, 409, 422))
async def create_note(body: NewNote, write: Write) -> Response:
    async def work(db: Connection, origin: Origin) -> NoteOut | Refused:
        return await _add(db, body)

    return await write(work, action="note.create", resource_type="note", status=201, statuses={"gone_away": 410})


@router.get("", response_model=Page[NoteOut])
async def list_notes(
    read: Read,
    fund_id: Annotated[QueryId | None, Query()] = None,
    since: Annotated[Day | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> object:
    after = decode_cursor(cursor, int)
    async with read.connection() as db:
        rows = await db.fetch(
            "select id, fund_id, text from note where id < $1 order by id desc limit $2",
            LARGEST if after is None else after[0],
            limit + 1,
        )
    return page_of(rows, limit, key=lambda row: (row["id"],), show=lambda row: NoteOut(**row))


@router.get("/{note_id}", response_model=NoteOut, responses=problems(404))
async def get_note(note_id: PathId, read: Read) -> object:
    async with read.connection() as db:
        row = await db.fetchrow("select id, fund_id, text from note where id = $1", note_id)
    if row is None:
        refuse(404, "note_not_found", f"there is no note {note_id}")
    return NoteOut(**row)


@router.delete("/{note_id}", response_model=NoteOut, responses=problems(404))
async def delete_note(note_id: PathId, write: Write) -> Response:
    async def work(db: Connection, origin: Origin) -> NoteOut | Refused:
        row = await db.fetchrow("delete from note where id = $1 returning id, fund_id, text", note_id)
        return NoteOut(**row) if row else Refused("note_not_found", f"there is no note {note_id}")

    return await write(work, action="note.delete", resource_type="note")


files = APIRouter()


@files.post("/api/files", response_model=NoteOut, openapi_extra=upload())
async def upload_file(request: Request, write: Write) -> Response:
    body = await request.body()

    async def work(db: Connection, origin: Origin) -> NoteOut:
        return NoteOut(id=len(body), fund_id=1, text="file")

    return await write(work, action="file.upload", resource_type="file")
