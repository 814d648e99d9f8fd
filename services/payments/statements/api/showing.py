"""HTTP of what was taken: statements with their proof, their entries, the raw files, and the accounts' chains."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from services.payments.statements import handlers, store
from services.payments.statements.api.shapes import (
    AccountOut,
    BreakOut,
    EntryOut,
    ProvenStatementOut,
    StatementOut,
    entry_out,
    proven_out,
    statement_out,
)
from services.payments.statements.handlers import show_account
from services.payments.statements.proving import Follows, Joint
from shared import currency
from shared.http import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    Page,
    PathId,
    Read,
    decode_cursor,
    page_of,
    problems,
    refuse,
    runtime_of,
)
from shared.ids import LARGEST
from shared.postgres import Connection

router = APIRouter(tags=["bank statements"])

_SHOWN: int = 200  # entries of a statement, beside its proof


@router.get("/api/bank-statements", response_model=Page[StatementOut], responses=problems(400))
async def list_bank_statements(
    read: Read,
    source: Annotated[
        str | None, Query(max_length=100, pattern=r"^[!-~]+$", description="only of this account")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, object]:
    """Statements that were taken, the newest first, with their sums and without their entries."""
    place = decode_cursor(cursor, int)
    before = LARGEST if place is None else place[0]
    assert isinstance(before, int)
    async with read.snapshot() as db:
        rows = await store.list_statements(db, before=before, source=source, limit=limit + 1)
    return page_of(rows, limit, key=lambda row: (row.id,), show=statement_out)


@router.get("/api/bank-statements/{statement_id}", responses=problems(404))
async def get_bank_statement(statement_id: PathId, read: Read) -> ProvenStatementOut:
    """A statement with its proof as of now, and the first of its entries."""
    async with read.snapshot() as db:
        found = await store.get_statement(db, statement_id)
        if found is None:
            refuse(404, "statement_not_found", f"there is no bank statement {statement_id}")
        shown = await store.with_entries(db, found, limit=_SHOWN)
        proof = await handlers.prove(db, found)
        file = await store.get_file_by_id(db, found.file_id)
    assert file is not None, "a statement stands in a file"
    return proven_out(shown, proof, file)


@router.get("/api/bank-statements/{statement_id}/entries", response_model=Page[EntryOut], responses=problems(400, 404))
async def list_entries(
    statement_id: PathId, read: Read, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> dict[str, object]:
    """Every entry of a statement in its order, each with the payment that it became."""
    place = decode_cursor(cursor, int)
    after = -1 if place is None else place[0]
    assert isinstance(after, int)
    async with read.snapshot() as db:
        rows = await store.entries(db, statement_id, start=min(max(after, -1), 2**31 - 2) + 1, limit=limit + 1)
        if not rows and await store.get_statement(db, statement_id) is None:
            refuse(404, "statement_not_found", f"there is no bank statement {statement_id}")
    return page_of(rows, limit, key=lambda row: (row.position,), show=entry_out)


@router.get(
    "/api/bank-files/{file_id}/content",
    response_class=StreamingResponse,
    responses={**problems(404), 200: {"content": {"application/octet-stream": {}}, "description": "The bytes."}},
)
async def get_bank_file(file_id: PathId, request: Request, read: Read) -> StreamingResponse:
    """The file as it came, byte for byte; its SHA-256 is in the header `x-content-sha256`."""
    async with read.connection() as db:
        file = await store.get_file_by_id(db, file_id)
    if file is None:
        refuse(404, "file_not_found", f"there is no bank file {file_id}")
    pool = runtime_of(request).pool

    async def stream() -> AsyncIterator[bytes]:
        async with pool.acquire() as db:
            async for piece in store.pieces(db, file_id):
                yield piece

    headers = {
        "content-length": str(file.size_bytes),
        "content-disposition": f'attachment; filename="bank-file-{file_id}"',
        "x-content-sha256": file.sha256.hex(),
        "x-content-type-options": "nosniff",
    }
    return StreamingResponse(stream(), media_type="application/octet-stream", headers=headers)


@router.get("/api/bank-accounts", response_model=Page[AccountOut], responses=problems(400))
async def list_bank_accounts(read: Read, cursor: Cursor = None, limit: Limit = 20) -> dict[str, object]:
    """Accounts that report, by name: the latest balance, and each place where two statements do not meet."""
    place = decode_cursor(cursor, str)
    after = "" if place is None else place[0]
    assert isinstance(after, str)
    async with read.snapshot() as db:
        rows = await store.list_sources(db, after=after, limit=limit + 1)
        accounts = [await _account(db, *row) for row in rows]
    return page_of(accounts, limit, key=lambda account: (account.source,), show=lambda account: account)


async def _account(db: Connection, id: int, name: str, account: str, code: str) -> AccountOut:
    joints = await handlers.chain_of(db, id)
    known = [joint.link for joint in joints if joint.follows is not Follows.UNKNOWN]
    last = known[-1] if known else None
    return AccountOut(
        source=name,
        account=show_account(account),
        currency=code,
        statements=len(joints),
        last_statement_id=None if last is None else last.id,
        last_day=None if last is None else last.last_day,
        balance=currency.text(last.closing, code) if last and last.closing is not None else None,
        gaps=[_gap(joint, code) for joint in joints if joint.follows is Follows.GAP],
    )


def _gap(joint: Joint, code: str) -> BreakOut:
    assert joint.previous is not None
    return BreakOut(
        statement_id=joint.link.id,
        previous_id=joint.previous.id,
        first_day=joint.link.first_day,
        missing=currency.text(joint.missing_minor, code),
    )
