"""HTTP of imports: chunks of payments in, what became of each out."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal, cast

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from typing_extensions import TypedDict

from services.payments.consumer import Consumer, Unusable, terms_of
from services.payments.imports import handlers
from services.payments.imports.handlers import AssumedCall
from services.payments.imports.rules import Read as ReadRow
from services.payments.imports.rules import RowResult
from services.payments.store import Numbers
from shared.contracts import CallTermsChanged, Unreadable, decode
from shared.currency import UnknownCurrency
from shared.http import FROM_JSON, Body, Id, MajorAmount, Read, Write, problems, runtime_of, upload, wrong_value
from shared.ids import LARGEST, CallId
from shared.money import NotAnAmount
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

router = APIRouter(tags=["imports"])

MOST_ROWS: Final = 10_000  # of a chunk: one transaction, and one answer


class RowIn(TypedDict):
    """A row: its number in the file, and the members of ``payment.received``."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]  # how pydantic configures a dict

    row: Annotated[int, Field(ge=1, le=LARGEST), FROM_JSON]


class AssumedCallIn(Body):
    """A call that a dry run takes for granted: its `terms` where it is not there, and what was `paid` besides."""

    call_id: Id
    terms: dict[str, JsonValue] | None = None
    paid: MajorAmount = "0"


class ChunkIn(Body):
    """Some rows of a file."""

    import_id: str = Field(pattern=r"^[0-9a-f]{64}$", description="sha256 of the file that the rows stand in")
    rows: Annotated[list[RowIn], Field(max_length=MOST_ROWS)]


class RehearsedChunkIn(ChunkIn):
    """Some rows of a file, and what would have happened to calls before them."""

    assume: list[AssumedCallIn] = Field(default_factory=list, max_length=MOST_ROWS)


class RowOut(TypedDict):
    """What became of a row: its payment and where the money is, or why it was refused."""

    row: int
    outcome: Literal["created", "already_there", "refused"]
    id: int | None
    status: str | None
    code: str | None
    detail: str | None


class ImportOut(BaseModel):
    """What became of each row, in the order of their numbers."""

    results: list[RowOut]


class CallsIn(Body):
    """Calls, by their ids."""

    call_ids: Annotated[list[Id], Field(max_length=MOST_ROWS)]


class HeardOut(BaseModel):
    """How many of the calls are not known here yet."""

    unheard: int


@router.post(
    "/api/payments/imports",
    response_model=ImportOut,
    responses=problems(400, 409, 413, 415, 422),
    openapi_extra=upload(),
)
async def import_payments(request: Request, body: ChunkIn, write: Write) -> Response:
    """Books payments of the past as a bank would have reported them. The same rows again change nothing; a chunk that
    names a call which was not heard of yet is refused whole, to be sent again."""
    numbers: Numbers = request.app.state.numbers
    told, unreadable = _read(request, body.rows)

    async def work(db: Connection, origin: Origin) -> ImportOut | Refused:
        imported = await handlers.import_payments(db, numbers, told, now=write.now, origin=origin)
        return imported if isinstance(imported, Refused) else _shown(imported, unreadable)

    return await write(work, action="import.payments", resource_type="import", resource_id=body.import_id)


@router.post("/api/payments/imports/dry-run", responses=problems(400, 413, 415, 422), openapi_extra=upload())
async def rehearse_import_of_payments(request: Request, body: RehearsedChunkIn, read: Read) -> ImportOut:
    """Says what an import would make of payments once what is assumed had happened. Nothing of either is kept."""
    numbers: Numbers = request.app.state.numbers
    told, unreadable = _read(request, body.rows)
    assumed = _assumed(body.assume)
    async with read.rehearsal() as db:
        looked = await handlers.look_at_payments(db, numbers, assumed, told, now=read.now)
    return _shown(looked, unreadable)


@router.post("/api/payments/imports/unheard", responses=problems(400, 413, 415, 422), openapi_extra=upload())
async def count_unheard_calls(body: CallsIn, read: Read) -> HeardOut:
    """How many of these calls were not heard of yet, so that whoever imports can wait for them."""
    async with read.connection() as db:
        return HeardOut(unheard=await handlers.unheard_calls(db, [CallId(id) for id in body.call_ids]))


def _read(request: Request, told: Sequence[RowIn]) -> tuple[list[ReadRow], list[RowResult]]:
    """The rows that can be read, and the refusals of the others."""
    account_key = runtime_of(request).settings.account_key.get_secret_value().encode()
    entry_of = Consumer(Numbers(), account_key).entry_of
    found: list[ReadRow] = []
    unreadable: list[RowResult] = []
    for one in told:
        row = handlers.read(one["row"], one, entry_of, account_key)
        if isinstance(row, RowResult):
            unreadable.append(row)
        else:
            found.append(row)
    return found, unreadable


def _assumed(told: Sequence[AssumedCallIn]) -> list[AssumedCall]:
    try:
        return [
            AssumedCall(
                CallId(one.call_id),
                None if one.terms is None else terms_of(decode(CallTermsChanged, orjson.dumps(one.terms))),
                one.paid,
            )
            for one in told
        ]
    except (Unreadable, Unusable, UnknownCurrency, NotAnAmount, TypeError) as wrong:
        raise wrong_value(("body", "assume"), f"terms: {wrong}", code="invalid_terms") from wrong


def _shown(imported: Sequence[RowResult], unreadable: Sequence[RowResult]) -> ImportOut:
    results = sorted([*imported, *unreadable], key=lambda result: result.row)
    return ImportOut.model_construct(results=[cast("RowOut", one._asdict()) for one in results])
