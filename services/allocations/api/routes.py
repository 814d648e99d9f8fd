"""The routes of allocations."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Query, Response

from services.allocations import handlers, store
from services.allocations.api.answers import (
    AllocationOut,
    CallOut,
    DealOut,
    FundOut,
    show_allocation,
    show_call,
    show_deal,
    show_fund,
)
from services.allocations.api.bodies import NewAllocation, NewCall, NewDeal, NewFund
from services.allocations.domain import Command
from services.allocations.handlers import AllocationView, CallView
from shared.contracts.allocations import AllocationStatus
from shared.http import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    Page,
    PathId,
    QueryId,
    Read,
    Write,
    decode_cursor,
    page_of,
    problems,
    refuse,
)
from shared.ids import AllocationId, CallId, DealId, FundId
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

router = APIRouter()


def _after(cursor: str | None) -> int:
    """Where a list goes on: behind the id, or place, that the cursor holds."""
    values = decode_cursor(cursor, int)
    return cast("int", values[0]) if values else 0


# ---- funds


@router.post("/api/funds", status_code=201, response_model=FundOut, responses=problems(400, 422))
async def create_fund(body: NewFund, write: Write) -> Response:
    """Makes a fund; its currency and time zone stay what they are."""

    async def work(db: Connection, origin: Origin) -> FundOut:
        size = body.read_size()
        fund = await handlers.create_fund(
            db, name=body.name, code=body.currency, time_zone=body.time_zone, size=size, now=write.now, origin=origin
        )
        return show_fund(fund)

    return await write(work, action="fund.create", resource_type="fund", status=201)


@router.get("/api/funds", response_model=Page[FundOut], responses=problems(400))
async def list_funds(read: Read, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT) -> dict[str, object]:
    """Funds in the order they were made."""
    after = _after(cursor)
    async with read.connection() as db:
        funds = await store.list_funds(db, after=after, limit=limit + 1)
    return page_of(funds, limit, key=lambda fund: (fund.id,), show=show_fund)


@router.get("/api/funds/{fund_id}", responses=problems(400, 404))
async def get_fund(fund_id: PathId, read: Read) -> FundOut:
    """One fund."""
    async with read.connection() as db:
        fund = await store.get_fund(db, FundId(fund_id))
    if fund is None:
        refuse(404, "fund_not_found", f"There is no fund {fund_id}.")
    return show_fund(fund)


# ---- deals


@router.post("/api/deals", status_code=201, response_model=DealOut, responses=problems(400, 422))
async def create_deal(body: NewDeal, write: Write) -> Response:
    """Makes a deal, a prospect until somebody commits to it."""

    async def work(db: Connection, origin: Origin) -> DealOut:
        return show_deal(await handlers.create_deal(db, name=body.name, now=write.now, origin=origin))

    return await write(work, action="deal.create", resource_type="deal", status=201)


@router.get("/api/deals", response_model=Page[DealOut], responses=problems(400))
async def list_deals(read: Read, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT) -> dict[str, object]:
    """Deals in the order they were made."""
    after = _after(cursor)
    async with read.connection() as db:
        deals = await store.list_deals(db, after=after, limit=limit + 1)
    return page_of(deals, limit, key=lambda deal: (deal.id,), show=show_deal)


@router.get("/api/deals/{deal_id}", responses=problems(400, 404))
async def get_deal(deal_id: PathId, read: Read) -> DealOut:
    """One deal."""
    async with read.connection() as db:
        deal = await store.get_deal(db, DealId(deal_id))
    if deal is None:
        refuse(404, "deal_not_found", f"There is no deal {deal_id}.")
    return show_deal(deal)


# ---- allocations


@router.post("/api/allocations", status_code=201, response_model=AllocationOut, responses=problems(400, 404, 409, 422))
async def create_allocation(body: NewAllocation, write: Write) -> Response:
    """Commits a fund's money to a deal, once per fund and deal, with the calls of its schedule."""

    async def work(db: Connection, origin: Origin) -> AllocationOut | Refused:
        fund = await store.get_fund(db, FundId(body.fund_id))
        if fund is None:
            return Refused("fund_not_found", f"There is no fund {body.fund_id}.", "Create the fund first.")
        if await store.get_deal(db, DealId(body.deal_id)) is None:  # wins over a value that is wrong
            return handlers.no_such_deal(DealId(body.deal_id))
        made = await handlers.create_allocation(
            db,
            fund,
            DealId(body.deal_id),
            committed=body.read_committed(fund.currency),
            schedule=None if body.schedule is None else body.schedule.read(fund.currency),
            now=write.now,
            origin=origin,
        )
        return made if isinstance(made, Refused) else show_allocation(made)

    return await write(work, action="allocation.create", resource_type="allocation", status=201)


@router.get("/api/allocations", response_model=Page[AllocationOut], responses=problems(400))
async def list_allocations(
    read: Read,
    *,
    fund_id: Annotated[QueryId | None, Query(description="only this fund's")] = None,
    deal_id: Annotated[QueryId | None, Query(description="only those to this deal")] = None,
    status: AllocationStatus | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, object]:
    """Allocations in the order they were made, each with its calls."""
    after = _after(cursor)
    async with read.snapshot() as db:
        if fund_id is None:
            found = await store.list_allocations(db, deal_id=deal_id, status=status, after=after, limit=limit + 1)
        else:
            found = await store.list_allocations_of_fund(
                db, FundId(fund_id), deal_id=deal_id, status=status, after=after, limit=limit + 1
            )
        calls = await store.calls_of(db, [allocation.id for allocation in found[:limit]])
        funds = await store.get_funds(db, {allocation.fund_id for allocation in found})
    return page_of(
        found,
        limit,
        key=lambda allocation: (allocation.id,),
        show=lambda a: show_allocation(AllocationView(a, calls[a.id], funds[a.fund_id])),
    )


@router.get("/api/allocations/{allocation_id}", responses=problems(400, 404))
async def get_allocation(allocation_id: PathId, read: Read) -> AllocationOut:
    """One allocation with its calls."""
    async with read.snapshot() as db:
        allocation = await store.get_allocation(db, AllocationId(allocation_id))
        if allocation is None:
            refuse(404, "allocation_not_found", f"There is no allocation {allocation_id}.")
        calls = await store.calls_of(db, [allocation.id])
        funds = await store.get_funds(db, [allocation.fund_id])
    return show_allocation(AllocationView(allocation, calls[allocation.id], funds[allocation.fund_id]))


# ---- calls


async def _known_allocation(allocation_id: PathId, read: Read, write: Write) -> AllocationId:
    """The allocation of a path; that it is not there wins over whatever is wrong in the body."""
    known = AllocationId(allocation_id)
    async with read.connection() as db:
        if await store.get_allocation(db, known) is not None:
            return known

    async def refuse_it(_db: Connection, _origin: Origin) -> Refused:
        return handlers.no_such_allocation(known)

    await write(refuse_it, action="call.create", resource_type="call")
    raise AssertionError("a refusal ends the request")


@router.post(
    "/api/allocations/{allocation_id}/calls",
    status_code=201,
    response_model=CallOut,
    responses=problems(400, 404, 409, 422),
)
async def create_call(
    allocation_id: Annotated[AllocationId, Depends(_known_allocation)], body: NewCall, write: Write
) -> Response:
    """Calls part of what is still free: at once, on its notice date, or after approval."""

    async def work(db: Connection, origin: Origin) -> CallOut | Refused:
        made = await handlers.create_call(
            db,
            allocation_id,
            amount=body.amount,
            due_date=body.due_date,
            stage=body.stage,
            now=write.now,
            origin=origin,
        )
        return made if isinstance(made, Refused) else show_call(made)

    return await write(work, action="call.create", resource_type="call", status=201)


@router.get("/api/allocations/{allocation_id}/calls", response_model=Page[CallOut], responses=problems(400, 404))
async def list_calls(
    allocation_id: PathId, read: Read, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> dict[str, object]:
    """The calls of an allocation, in their order."""
    after = _after(cursor)
    async with read.snapshot() as db:
        allocation = await store.get_allocation(db, AllocationId(allocation_id))
        if allocation is None:
            refuse(404, "allocation_not_found", f"There is no allocation {allocation_id}.")
        calls = await store.list_calls(db, allocation.id, after=after, limit=limit + 1)
        funds = await store.get_funds(db, [allocation.fund_id])
    fund = funds[allocation.fund_id]
    return page_of(
        calls, limit, key=lambda call: (call.seq_no,), show=lambda call: show_call(CallView(call, allocation, fund))
    )


def _mover(command: Command) -> Callable[..., Awaitable[Response]]:
    async def move(allocation_id: PathId, call_id: PathId, write: Write) -> Response:
        async def work(db: Connection, origin: Origin) -> CallOut | Refused:
            moved = await handlers.move_call(
                db, AllocationId(allocation_id), CallId(call_id), command, now=write.now, origin=origin
            )
            return moved if isinstance(moved, Refused) else show_call(moved)

        return await write(work, action=f"call.{command}", resource_type="call")

    return move


_MOVES: Final = {
    Command.ISSUE: "Issues a scheduled call before its notice date; an issued one is answered as it is.",
    Command.APPROVE: "Approves a call that waits for it: from then on it is scheduled.",
    Command.REJECT: "Rejects a call that waits for approval; its amount is free again.",
    Command.WITHDRAW: "Takes a call back that is not issued; its amount is free again.",
}

for _command, _promise in _MOVES.items():
    router.add_api_route(
        f"/api/allocations/{{allocation_id}}/calls/{{call_id}}/{_command}",
        _mover(_command),
        methods=["POST"],
        name=f"{_command}_call",
        description=_promise,
        response_model=CallOut,
        responses=problems(400, 404, 409),
    )
