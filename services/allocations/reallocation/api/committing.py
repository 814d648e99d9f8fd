"""Reserves as they are, what a proposal would make of them, and doing it."""

import time
from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response
from pydantic import TypeAdapter

from services.allocations.reallocation import handlers, store
from services.allocations.reallocation.api.answers import (
    CommitOut,
    CommitsOut,
    PreviewOut,
    ReservesOut,
    preview_text,
    show_commit,
    show_commits,
    show_reserves,
)
from services.allocations.reallocation.api.bodies import CommitIn, CommitsIn, PreviewIn, ReservesIn
from services.allocations.reallocation.api.contract import ContractRoute, log_commits
from services.allocations.reallocation.domain import Book
from services.allocations.reallocation.handlers import Committed
from shared.http import PathId, Read, Write, etag, problem_of, problems, versions_of
from shared.ids import FundId
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

router = APIRouter(tags=["reallocation"], route_class=ContractRoute)
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="the ETag of the reserves as you saw them; may stand for current_version"),
]

# Refusals that say something of the body, which is a 400 in this contract.
STATUSES: Final = {"unknown_company": 400, "cap_exceeded": 400}


@router.get("/api/funds/{fund_id}/reallocation", responses=problems(400, 404))
async def get_reserves(fund_id: PathId, read: Read, response: Response) -> ReservesOut:
    """What a fund plans for each of its companies. The version is what a proposal is made for."""
    async with read.connection() as db:
        book = await store.get_book(db, FundId(fund_id))
    if book is None:
        raise problem_of(handlers.no_such_fund(FundId(fund_id)))
    response.headers["ETag"] = etag(book.version)
    return show_reserves(book)


@router.put(
    "/api/funds/{fund_id}/reserves",
    response_model=ReservesOut,
    responses=problems(400, 404, 409, 412, 428),
)
async def set_up_reserves(fund_id: PathId, body: ReservesIn, write: Write, if_match: IfMatch = None) -> Response:
    """Sets up what a fund plans for companies, and their caps; companies that are not named stay as they are."""

    async def work(db: Connection, origin: Origin) -> ReservesOut | Refused:
        book = await handlers.set_up(
            db,
            FundId(fund_id),
            [one.read() for one in body.reserves],
            meant=lambda book: _not_meant(book, body.current_version, if_match),
            reason=body.reason,
            now=write.now,
            origin=origin,
        )
        return book if isinstance(book, Refused) else show_reserves(book)

    response = await write(
        work,
        action="reallocation.set_up",
        resource_type="fund",
        resource_id=fund_id,
        reason=body.reason,
        statuses={"precondition_failed": 412, "version_required": 428},
    )
    response.headers["ETag"] = etag(_ANSWER.validate_json(bytes(response.body)).version)
    return response


def _not_meant(book: Book, current_version: int | None, if_match: str | None) -> Refused | None:
    """Whoever changes reserves says which: by a version, by a condition, or both; the first of a fund need neither."""
    facts = {"current_versions": [book.version]}
    detail = f"The reserves of fund {book.fund_id} are at version {book.version}."
    if if_match is not None and book.version not in versions_of(if_match, book.version):
        return Refused("precondition_failed", detail, "Read the reserves again and send their ETag.", facts)
    if current_version is not None and current_version != book.version:
        return Refused("version_conflict", detail, "Read the reserves again and send their version.", facts)
    if current_version is None and if_match is None and book.version > 0:
        return Refused("version_required", detail, "Send it as current_version, or its ETag as If-Match.", facts)
    return None


_ANSWER: Final = TypeAdapter(ReservesOut)  # a repeated request is answered from its key, with the tag of that answer


@router.post("/api/funds/{fund_id}/reallocation/preview", response_model=PreviewOut, responses=problems(400, 404, 409))
async def preview_reallocation(fund_id: PathId, body: PreviewIn, read: Read) -> Response:
    """What a proposal comes to, with warnings; nothing is written and nothing locked."""
    async with read.connection() as db:
        outcome = await handlers.preview(db, body.proposal(fund_id))
    if isinstance(outcome, Refused):
        raise problem_of(outcome, STATUSES)
    return Response(preview_text(outcome), media_type="application/json")


@router.post(
    "/api/funds/{fund_id}/reallocation/commit", response_model=CommitOut, responses=problems(400, 404, 409, 422)
)
async def commit_reallocation(fund_id: PathId, body: CommitIn, write: Write) -> Response:
    """Does what a preview showed: every company of the fund gets the next version, or nothing happens."""
    commit = body.read(fund_id)
    log_it = _Told()

    async def work(db: Connection, origin: Origin) -> CommitOut | Refused:
        done = await handlers.commit(db, [commit], now=write.now, origin=origin)
        if isinstance(done, Refused):
            return done
        log_it.done = done
        return show_commit(done[0], write.now)

    response = await write(
        work,
        action="reallocation.commit",
        resource_type="fund",
        resource_id=fund_id,
        reason=body.reason,
        statuses=STATUSES,
    )
    log_it()
    return response


@router.post("/api/reallocation/commit", response_model=CommitsOut, responses=problems(400, 404, 409, 422))
async def commit_reallocations(body: CommitsIn, write: Write) -> Response:
    """Does what previews of several funds showed: all of them, or nothing."""
    commits = [one.read(one.fund_id) for one in body.commits]
    log_it = _Told()

    async def work(db: Connection, origin: Origin) -> CommitsOut | Refused:
        done = await handlers.commit(db, commits, now=write.now, origin=origin)
        if isinstance(done, Refused):
            return done
        log_it.done = done
        return show_commits(done, write.now)

    response = await write(work, action="reallocation.commit", resource_type="funds", statuses=STATUSES)
    log_it()
    return response


class _Told:
    """What a commit did, logged once it is committed; nothing for an answer that is only repeated."""

    def __init__(self) -> None:
        self.done: Sequence[Committed] = ()
        self._began_seconds = time.perf_counter()

    def __call__(self) -> None:
        log_commits(self.done, duration_ms=round(1000 * (time.perf_counter() - self._began_seconds)))
