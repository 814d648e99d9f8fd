"""HTTP of imports: chunks of rows in, what became of each row out."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from services.allocations.imports import handlers, rows
from services.allocations.imports.handlers import Imported
from services.allocations.imports.rules import Kind, Row, RowResult
from shared.contracts.allocations import CallTermsChanged
from shared.http import FROM_JSON, Body, Read, Write, problems, upload
from shared.ids import LARGEST
from shared.outbox import Origin
from shared.postgres import Connection

router = APIRouter(tags=["imports"])

MOST_ROWS: Final = 10_000  # of a chunk: one transaction, and one answer


class RowIn(BaseModel):
    """A row: its number in the file, what it tells of, and its cells by the names of their columns."""

    model_config = ConfigDict(extra="allow", frozen=True)

    row: Annotated[int, Field(ge=1, le=LARGEST), FROM_JSON]


class ChunkIn(Body):
    """Some rows of a file."""

    import_id: str = Field(pattern=r"^[0-9a-f]{64}$", description="sha256 of the file that the rows stand in")
    rows: Annotated[list[RowIn], Field(max_length=MOST_ROWS)]


class RehearsedChunkIn(ChunkIn):
    """Some rows of a file, and earlier ones that are to be taken for granted."""

    assume: list[RowIn] = Field(default_factory=list, max_length=5 * MOST_ROWS)


class RowOut(BaseModel):
    """What became of a row: the id of what it tells of, or why it was refused."""

    row: int
    outcome: Literal["created", "already_there", "refused"]
    id: int | None
    code: str | None
    detail: str | None


class ImportOut(BaseModel):
    """What became of each row, in the order of their numbers."""

    results: list[RowOut]


class RehearsedOut(ImportOut):
    """What would become of each row, and the terms of the calls that would be new."""

    terms: list[CallTermsChanged]


class KeysIn(Body):
    """Keys of one kind."""

    kind: Kind
    keys: Annotated[list[str], Field(max_length=MOST_ROWS)]


class KeysOut(BaseModel):
    """The ids of those keys that stand for something."""

    ids: dict[str, int]


@router.post(
    "/api/imports", response_model=ImportOut, responses=problems(400, 409, 413, 415, 422), openapi_extra=upload()
)
async def import_promises(body: ChunkIn, write: Write) -> Response:
    """Takes rows of funds, deals, allocations and calls by their own keys, each that the rules allow; the others are
    refused one by one. The same rows again change nothing."""
    told, unreadable = _read(body.rows)
    import_id = bytes.fromhex(body.import_id)

    async def work(db: Connection, origin: Origin) -> ImportOut:
        imported = await handlers.import_rows(db, told, import_id=import_id, now=write.now, origin=origin)
        return ImportOut(results=_shown(imported, unreadable))

    return await write(work, action="import.promises", resource_type="import", resource_id=body.import_id)


@router.post("/api/imports/dry-run", responses=problems(400, 413, 415, 422), openapi_extra=upload())
async def rehearse_import_of_promises(body: RehearsedChunkIn, read: Read) -> RehearsedOut:
    """Says what an import would make of rows once those that are assumed were taken. Nothing of either is kept."""
    told, unreadable = _read(body.rows)
    assumed, _ = _read(body.assume)
    import_id = bytes.fromhex(body.import_id)
    async with read.rehearsal() as db:
        looked = await handlers.look_at_rows(db, assumed, told, import_id=import_id, now=read.now)
    return RehearsedOut(results=_shown(looked, unreadable), terms=list(looked.terms))


@router.post("/api/imports/keys", responses=problems(400, 413, 415, 422), openapi_extra=upload())
async def find_import_keys(body: KeysIn, read: Read) -> KeysOut:
    """What keys stand for, so that later rows and files can refer to it."""
    async with read.connection() as db:
        return KeysOut(ids=dict(await handlers.find_keys(db, body.kind, body.keys)))


def _read(told: Sequence[RowIn]) -> tuple[list[Row], list[RowResult]]:
    """The rows that can be read, and the refusals of the others."""
    found: list[Row] = []
    unreadable: list[RowResult] = []
    for one in told:
        row = rows.read({"row": one.row, **(one.model_extra or {})})
        if isinstance(row, RowResult):
            unreadable.append(row)
        else:
            found.append(row)
    return found, unreadable


def _shown(imported: Imported, unreadable: Sequence[RowResult]) -> list[RowOut]:
    results = sorted([*imported.results, *unreadable], key=lambda result: result.row)
    return [
        RowOut(row=one.row, outcome=one.outcome.value, id=one.id, code=one.code, detail=one.detail) for one in results
    ]
