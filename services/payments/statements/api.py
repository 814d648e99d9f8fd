"""HTTP of bank statements: upload a file, see what was in it."""

import asyncio
import re
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.payments import feeds
from services.payments.feeds import Entry, Limits
from services.payments.statements import handlers, store
from services.payments.statements.handlers import Upload, show_account
from services.payments.statements.store import StoredFile, StoredStatement
from shared import currency
from shared.http import PathId, Read, Write, problem_of, problems, refuse, runtime_of, upload, wrong_value
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

router = APIRouter(tags=["bank statements"])

# Reading a large file is seconds of pure CPU: never on the event loop, and never more than two at once.
_READERS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="bank-file")
_STATUSES: Final = {"source_needed": 422}

_NAME: Final = re.compile(r"[!-~]{1,100}")
SourceName = Annotated[
    str | None,
    Query(min_length=1, max_length=100, pattern=r"^[!-~]+$", description="Who reports, on which account."),
]


class RemitterOut(BaseModel):
    """Who sent the money; of the account only its end is shown."""

    name: str | None
    account: str | None


class EntryOut(BaseModel):
    """One entry as the bank shows it; `posted` says that it is sent on as a payment, else `why_not`."""

    payment_id: str
    kind: str | None
    mark: str
    amount: str
    currency: str
    booking_date: date | None
    value_date: date | None
    reference: str | None
    remittance: str | None
    remitter: RemitterOut | None
    reverses: str | None
    posted: bool
    why_not: str | None
    line: int


class ProblemPlace(BaseModel):
    """Something a person should look at, and where it stands."""

    where: str
    what: str


class Sums(BaseModel):
    """Simple sums of a statement's entries; amounts are in the statement's currency."""

    entries: int
    posted: int
    not_posted: int
    pending: int
    credits: str
    debits: str
    booked: str


class StatementOut(BaseModel):
    """One account over one period.

    `proven`: opening + booked entries = closing, to the cent; null where the bank does not state both.
    """

    id: int | None
    statement_id: str
    source: str
    account: str
    currency: str
    opening: str | None
    closing: str | None
    proven: bool | None
    sums: Sums
    entries: list[EntryOut]
    problems: list[ProblemPlace]


class BankFileOut(BaseModel):
    """A file that was taken; without `id` it was only looked at."""

    id: int | None
    format: str
    sha256: str
    size_bytes: int
    statements: list[StatementOut]
    problems: list[ProblemPlace]


_FILE: Final = {"schema": {"type": "string", "format": "binary"}}
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": "The file as it is, or a form with the part `file` (and `source`, `dry_run`).",
    "content": {
        "application/xml": _FILE,
        "application/octet-stream": _FILE,
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "source": {"type": "string"},
                    "dry_run": {"type": "string", "enum": ["true", "false"]},
                },
            }
        },
    },
}


@router.post(
    "/api/bank-statements",
    status_code=201,
    response_model=BankFileOut,
    responses={
        **problems(400, 409, 413, 415, 422),
        200: {"model": BankFileOut, "description": "A dry run: what would be taken; nothing is kept."},
    },
    openapi_extra={**upload(), "requestBody": _BODY},
)
async def upload_bank_statement(
    request: Request, write: Write, read: Read, source: SourceName = None, *, dry_run: bool = False
) -> Response:
    """Takes a bank's file whole, or refuses it whole; the same file again changes nothing."""
    data, form = await _file_of(request)
    source = source or form.get("source") or None
    if source is not None and not _NAME.fullmatch(source):
        msg = "write a name without blanks, such as bank/acme-usd-1"
        raise wrong_value(("body", "source"), msg, code="invalid_source")
    settings = runtime_of(request).settings
    limits = Limits(size_bytes=settings.upload_limit_bytes)
    content = await asyncio.get_running_loop().run_in_executor(_READERS, feeds.read, data, limits)
    file, account_key = Upload(data, content, source), settings.account_key.get_secret_value().encode()

    if dry_run or form.get("dry_run") == "true":
        async with read.connection() as db:
            looked = await handlers.look_at_file(db, file, account_key=account_key, now=read.now)
        if isinstance(looked, Refused):
            raise problem_of(looked, _STATUSES)
        shown = await asyncio.to_thread(_file_out, looked)
        return Response(shown.model_dump_json(), 200, media_type="application/json")

    async def work(db: Connection, origin: Origin) -> BankFileOut | Refused:
        taken = await handlers.take_file(db, file, account_key=account_key, now=write.now, origin=origin)
        return taken if isinstance(taken, Refused) else await asyncio.to_thread(_file_out, taken)

    return await write(
        work,
        action="bank_statement.upload",
        resource_type="bank_file",
        status=201,
        statuses=_STATUSES,
        fingerprint=sha256(file.sha256 + (source or "").encode()).digest(),
    )


@router.get("/api/bank-statements/{statement_id}", responses=problems(404))
async def get_bank_statement(statement_id: PathId, read: Read) -> StatementOut:
    """A statement with its entries and simple sums."""
    async with read.connection() as db:
        found = await store.get_statement(db, statement_id)
    if found is None:
        refuse(404, "statement_not_found", f"there is no bank statement {statement_id}")
    return _statement_out(found)


async def _file_of(request: Request) -> tuple[bytes, dict[str, str]]:
    """The file's bytes and the other fields, from a form or from the bare body."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        return await request.body(), {}

    async def stream() -> AsyncGenerator[bytes, None]:
        async for chunk in request.stream():
            yield chunk

    try:
        form = await MultiPartParser(request.headers, stream(), max_files=1, max_fields=10).parse()
    except (MultiPartException, KeyError) as error:
        refuse(400, "body_unreadable", f"the form cannot be read: {error}")
    try:
        file = next((value for value in form.values() if isinstance(value, UploadFile)), None)
        if file is None:
            refuse(400, "body_unreadable", "the form has no part `file` with a file in it")
        return await file.read(), {name: value for name, value in form.items() if isinstance(value, str)}
    finally:
        await form.close()


def _file_out(file: StoredFile) -> BankFileOut:
    statements = [_statement_out(one) for one in file.statements]
    return BankFileOut(
        id=file.id or None,
        format=file.format,
        sha256=file.sha256.hex(),
        size_bytes=file.size_bytes,
        statements=statements,
        problems=[problem for statement in statements for problem in statement.problems],
    )


def _statement_out(stored: StoredStatement) -> StatementOut:
    statement = stored.statement
    code = statement.currency
    counted = [entry for entry in statement.entries if entry.booked and entry.currency == code]
    posted = sum(entry.posted for entry in statement.entries)
    return StatementOut(
        id=stored.id or None,
        statement_id=statement.id,
        source=stored.source,
        account=show_account(statement.account),
        currency=code,
        opening=None if statement.opening is None else currency.text(statement.opening, code),
        closing=None if statement.closing is None else currency.text(statement.closing, code),
        proven=statement.proven,
        sums=Sums(
            entries=len(statement.entries),
            posted=posted,
            not_posted=len(statement.entries) - posted,
            pending=sum(not entry.booked for entry in statement.entries),
            credits=currency.text(sum(max(entry.signed, 0) for entry in counted), code),
            debits=currency.text(sum(max(-entry.signed, 0) for entry in counted), code),
            booked=currency.text(sum(entry.signed for entry in counted), code),
        ),
        entries=[_entry_out(entry) for entry in statement.entries],
        problems=[ProblemPlace(where=problem.where, what=problem.what) for problem in statement.problems],
    )


def _entry_out(entry: Entry) -> EntryOut:
    account = entry.remitter_account and f"…{entry.remitter_account.rpartition('/')[2]}"
    return EntryOut(
        payment_id=entry.payment_id,
        kind=entry.kind,
        mark=entry.mark,
        amount=currency.text(entry.amount, entry.currency),
        currency=entry.currency,
        booking_date=entry.booking_date,
        value_date=entry.value_date,
        reference=entry.reference,
        remittance=entry.remittance,
        remitter=RemitterOut(name=entry.remitter_name, account=account) if entry.remitter_name or account else None,
        reverses=entry.reverses,
        posted=entry.posted,
        why_not=entry.why_not,
        line=entry.line,
    )
