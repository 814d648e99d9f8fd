"""Commits that wait for their time."""

from datetime import UTC
from typing import Annotated, cast

from fastapi import APIRouter, Query, Response

from services.allocations.reallocation import handlers, store
from services.allocations.reallocation.api.answers import ScheduledOut, show_scheduled
from services.allocations.reallocation.api.bodies import ScheduleIn
from services.allocations.reallocation.api.committing import STATUSES
from services.allocations.reallocation.api.contract import ContractRoute
from services.allocations.reallocation.store import Status
from shared.http import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    Page,
    PathId,
    Read,
    Write,
    decode_cursor,
    page_of,
    problem_of,
    problems,
)
from shared.ids import LARGEST
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

router = APIRouter(tags=["reallocation"], route_class=ContractRoute)


@router.post(
    "/api/reallocation/scheduled",
    status_code=201,
    response_model=ScheduledOut,
    responses=problems(400, 404, 409),
)
async def schedule_reallocation(body: ScheduleIn, write: Write) -> Response:
    """Keeps commits to be done together at their time, each with the digest of what it comes to today. What would come
    to anything else then is parked with the reason, and nothing of it is done."""

    async def work(db: Connection, origin: Origin) -> ScheduledOut | Refused:
        commits = [one.read(one.fund_id) for one in body.commits]
        new = await handlers.schedule(db, commits, run_at=body.run_at.astimezone(UTC), now=write.now, origin=origin)
        return new if isinstance(new, Refused) else show_scheduled(new)

    return await write(
        work, action="reallocation.schedule", resource_type="scheduled_reallocation", status=201, statuses=STATUSES
    )


@router.get("/api/reallocation/scheduled", response_model=Page[ScheduledOut], responses=problems(400))
async def list_scheduled_reallocations(
    read: Read,
    status: Annotated[Status | None, Query(description="only those")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, object]:
    """What waits, was done, parked or cancelled, the newest first."""
    place = decode_cursor(cursor, int)
    before = LARGEST if place is None else cast("int", place[0])
    async with read.connection() as db:
        found = await store.list_scheduled(db, status=status, before=before, limit=limit + 1)
    return page_of(found, limit, key=lambda one: (one.id,), show=show_scheduled)


@router.get("/api/reallocation/scheduled/{schedule_id}", responses=problems(400, 404))
async def get_scheduled_reallocation(schedule_id: PathId, read: Read) -> ScheduledOut:
    """One schedule, and what became of it."""
    async with read.connection() as db:
        found = await store.get_scheduled(db, schedule_id)
    if found is None:
        raise problem_of(handlers.no_such_schedule(schedule_id))
    return show_scheduled(found)


@router.post(
    "/api/reallocation/scheduled/{schedule_id}/cancel",
    response_model=ScheduledOut,
    responses=problems(400, 404, 409),
)
async def cancel_scheduled_reallocation(schedule_id: PathId, write: Write) -> Response:
    """Takes back a schedule that waits; a cancelled one is answered as it is."""

    async def work(db: Connection, _: Origin) -> ScheduledOut | Refused:
        ended = await handlers.cancel(db, schedule_id, now=write.now)
        return ended if isinstance(ended, Refused) else show_scheduled(ended)

    return await write(work, action="reallocation.cancel_scheduled", resource_type="scheduled_reallocation")
