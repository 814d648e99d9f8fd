"""HTTP of uploads: a bank's file in, streamed to disk, read by its content, and taken whole or refused whole."""

import asyncio
import re
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.payments import feeds
from services.payments.feeds import Limits, Profile
from services.payments.profiles import store as profiles
from services.payments.statements import handlers
from services.payments.statements.api.shapes import BankFileOut, file_out
from services.payments.statements.handlers import Upload
from services.payments.statements.spool import Spool
from shared.http import Read, Write, problem_of, problems, refuse, runtime_of, upload, wrong_value
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

router = APIRouter(tags=["bank statements"])

# Reading a large file is seconds of pure CPU: never on the event loop, and one at a time, which bounds the memory.
_READERS: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bank-file")
_STATUSES: Final = {"source_needed": 422}
_CHUNK_BYTES: Final = 64 * 1024

_NAME: Final = re.compile(r"[!-~]{1,100}")
SourceName = Annotated[
    str | None,
    Query(min_length=1, max_length=100, pattern=r"^[!-~]+$", description="Who reports, on which account."),
]
_PROFILE: Final = re.compile(r"([!-?A-~]{1,100})(?:@([1-9][0-9]{0,8}))?")
ProfileName = Annotated[
    str | None,
    Query(min_length=1, max_length=120, description="The saved profile of a CSV file: `name` or `name@version`."),
]

_FILE: Final = {"schema": {"type": "string", "format": "binary"}}
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "description": "The file as it is, or a form with the part `file` (and `source`, `profile`, `dry_run`).",
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
                    "profile": {"type": "string"},
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
    request: Request,
    write: Write,
    read: Read,
    source: SourceName = None,
    profile: ProfileName = None,
    *,
    dry_run: bool = False,
) -> Response:
    """Takes a bank's file whole, or refuses it whole; the same file again changes nothing."""
    with Spool() as spool:
        form = await _spool(request, spool)
        source = source or form.get("source") or None
        if source is not None and not _NAME.fullmatch(source):
            msg = "write a name without blanks, such as bank/acme-usd-1"
            raise wrong_value(("body", "source"), msg, code="invalid_source")
        settings = runtime_of(request).settings
        limits = Limits(size_bytes=settings.upload_limit_bytes)
        profile = profile or form.get("profile") or None
        how = await _profile(read, profile)
        content = await asyncio.get_running_loop().run_in_executor(_READERS, feeds.read, spool, limits, how)
        file, account_key = Upload(spool, content, source), settings.account_key.get_secret_value().encode()
        if dry_run or form.get("dry_run") == "true":
            return await _look(read, file, account_key)
        return await _take(write, file, account_key, profile)


async def _profile(read: Read, name: str | None) -> Profile | None:
    """The saved profile of that name, ``acme-csv`` for its newest version or ``acme-csv@2`` for one that is fixed."""
    if name is None:
        return None
    match = _PROFILE.fullmatch(name)
    if match is not None:
        async with read.connection() as db:
            found = await profiles.get_profile(db, match[1], int(match[2]) if match[2] else None)
        if found is not None:
            return found
    msg = "there is no saved profile of this name and version; GET /api/bank-profiles lists what there is"
    raise wrong_value(("query", "profile"), msg, code="unknown_profile")


async def _look(read: Read, file: Upload, account_key: bytes) -> Response:
    async with read.connection() as db:
        looked = await handlers.look_at_file(db, file, account_key=account_key, now=read.now)
    if isinstance(looked, Refused):
        raise problem_of(looked, _STATUSES)
    shown = await asyncio.to_thread(file_out, looked)
    return Response(shown.model_dump_json(), 200, media_type="application/json")


async def _take(write: Write, file: Upload, account_key: bytes, profile: str | None) -> Response:
    async def work(db: Connection, origin: Origin) -> BaseModel | Refused:
        taken = await handlers.take_file(db, file, account_key=account_key, now=write.now, origin=origin)
        return taken if isinstance(taken, Refused) else await asyncio.to_thread(file_out, taken)

    return await write(
        work,
        action="bank_statement.upload",
        resource_type="bank_file",
        status=201,
        statuses=_STATUSES,
        fingerprint=sha256(file.file.sha256 + f"{file.source or ''}\n{profile or ''}".encode()).digest(),
    )


async def _spool(request: Request, spool: Spool) -> dict[str, str]:
    """Puts the file's bytes into the spool, from a form or from the bare body; the other fields are the answer."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "multipart/form-data":
        async for chunk in request.stream():
            spool.add(chunk)
        return {}

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
        while chunk := await file.read(_CHUNK_BYTES):
            spool.add(chunk)
        return {name: value for name, value in form.items() if isinstance(value, str)}
    finally:
        await form.close()
