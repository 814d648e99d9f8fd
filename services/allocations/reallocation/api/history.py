"""The history of reserves: who moved what, and why."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from services.allocations.reallocation import handlers, store
from services.allocations.reallocation.api.answers import EntryOut, show_entry
from services.allocations.reallocation.api.contract import ContractRoute
from services.allocations.reallocation.store import Asked
from shared.http import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    Page,
    PathId,
    Problem,
    QueryId,
    Read,
    Reader,
    decode_cursor,
    page_of,
    problem_of,
    problems,
)
from shared.ids import DealId, FundId

router = APIRouter(tags=["reallocation"], route_class=ContractRoute)

OfUser = Annotated[QueryId | None, Query(description="only what this user is said to have decided")]
OfCompany = Annotated[QueryId | None, Query(description="only what named this company")]
OfVersion = Annotated[int | None, Query(ge=1, le=2**31 - 1, description="only what made this version")]


@router.get("/api/funds/{fund_id}/reallocation/audit", response_model=Page[EntryOut], responses=problems(400, 404))
async def list_reallocations_of_fund(
    fund_id: PathId,
    read: Read,
    *,
    user_id: OfUser = None,
    company_id: OfCompany = None,
    version: OfVersion = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, object]:
    """Every version of a fund's reserves, the newest first."""
    asked = Asked(FundId(fund_id), user_id, None if company_id is None else DealId(company_id), version)
    return await _page(read, asked, cursor, limit)


@router.get("/api/reallocation/audit", response_model=Page[EntryOut], responses=problems(400))
async def list_reallocations(
    read: Read,
    *,
    fund_id: Annotated[QueryId | None, Query(description="only this fund's")] = None,
    user_id: OfUser = None,
    company_id: OfCompany = None,
    version: OfVersion = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, object]:
    """Every version of all funds' reserves, the newest first."""
    fund = None if fund_id is None else FundId(fund_id)
    asked = Asked(fund, user_id, None if company_id is None else DealId(company_id), version)
    return await _page(read, asked, cursor, limit)


async def _page(read: Reader, asked: Asked, cursor: str | None, limit: int) -> dict[str, object]:
    before = _before(cursor)
    async with read.connection() as db:
        entries = await store.list_audits(db, asked, before=before, limit=limit + 1)
        if not entries and asked.fund_id is not None and await store.get_book(db, asked.fund_id) is None:
            raise problem_of(handlers.no_such_fund(asked.fund_id))
    return page_of(entries, limit, key=lambda entry: (str(entry.id),), show=show_entry)


def _before(cursor: str | None) -> UUID | None:
    place = decode_cursor(cursor, str)
    if place is None:
        return None
    try:
        return UUID(str(place[0]))
    except ValueError as error:
        detail, advice = "cursor is not one of this list", "Begin again without a cursor."
        raise Problem(400, "cursor_unreadable", detail, advice) from error
