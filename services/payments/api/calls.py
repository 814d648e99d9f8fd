"""HTTP of issued calls and of the accounts that pay them."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.payments import handlers, store
from services.payments.api.payment_shapes import PaidOut, payment_out
from services.payments.api.shapes import (
    AccountOut,
    CallDetail,
    CallOut,
    MaybeWhy,
    NewAccount,
    NewPayment,
    call_detail,
    call_out,
)
from services.payments.api.waiting import HeardOfCall, HeardOfFund, NewNumbers
from services.payments.domain import Call, Status
from services.payments.store import CallsAsked
from shared.http import (
    DEFAULT_LIMIT,
    Cursor,
    Day,
    Limit,
    Page,
    QueryId,
    Read,
    Write,
    decode_cursor,
    page_of,
    problem_of,
    problems,
)
from shared.ids import CallId, FundId
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

router = APIRouter(tags=["capital calls"])

APPLICATIONS_SHOWN: Final = 1_000


@router.get("/api/capital-calls", response_model=Page[CallOut], responses=problems(400, 422))
async def list_capital_calls(
    read: Read,
    fund_id: QueryId | None = None,
    status: Status | None = None,
    due_from: Annotated[Day | None, Query(description="due on this day or later")] = None,
    due_to: Annotated[Day | None, Query(description="due on this day or earlier")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, object]:
    """Issued calls by due date."""
    after: tuple[date, int] = (due_from or date.min, 0)
    if (place := decode_cursor(cursor, date, int)) is not None:
        due, call_id = place
        assert isinstance(due, date)
        assert isinstance(call_id, int)
        after = max(after, (due, call_id))
    asked = CallsAsked(after, due_to or date.max, status, None if fund_id is None else FundId(fund_id), limit + 1)
    async with read.connection() as db:
        rows = await store.list_calls(db, asked)
    return page_of(rows, limit, key=lambda row: (row.call.due_on, row.call.id), show=call_out)


@router.get("/api/capital-calls/{call_id}", responses=problems(404))
async def get_capital_call(call_id: HeardOfCall, read: Read) -> CallDetail:
    """One issued call with the money that counts towards it."""
    async with read.snapshot() as db:
        shown = await store.get_call(db, call_id)
        if shown is None:
            raise problem_of(await handlers.not_issued(db, call_id), dict.fromkeys(_NOT_A_RECEIVABLE, 404))
        applications = await store.applications_of_call(db, call_id, limit=APPLICATIONS_SHOWN)
        return call_detail(shown, applications, await store.charges_of_call(db, call_id))


_NOT_A_RECEIVABLE: Final = ("call_closed", "invalid_transition")


@router.post(
    "/api/capital-calls/{call_id}/payments",
    status_code=201,
    response_model=PaidOut,
    responses=problems(404, 409, 422),
)
async def pay_capital_call(call_id: HeardOfCall, body: NewPayment, numbers: NewNumbers, write: Write) -> Response:
    """Records a payment that a person saw arrive. The same `tx_ref` and content again answers the same."""

    async def work(db: Connection, origin: Origin) -> BaseModel | Refused:
        paid = await handlers.pay(
            db,
            numbers,
            call_id,
            amount=body.amount,
            tx_ref=body.tx_ref,
            value_date=body.value_date,
            now=write.now,
            origin=origin,
        )
        if isinstance(paid, Refused):
            return paid
        shown = await store.show_payments(db, [paid.payment.id])
        return PaidOut(payment=payment_out(shown[paid.payment.id], decisions=()), call=await _shown(db, call_id))

    return await write(work, action="call.pay", resource_type="call", resource_id=call_id, status=201)


async def _shown(db: Connection, call_id: CallId) -> CallOut:
    shown = await store.get_call(db, call_id)
    assert shown is not None
    return call_out(shown)


async def _changed(db: Connection, done: Call | Refused) -> BaseModel | Refused:
    return done if isinstance(done, Refused) else await _shown(db, done.id)


def _why(body: MaybeWhy | None) -> str | None:
    return None if body is None else body.reason


@router.post("/api/capital-calls/{call_id}/cancel", response_model=CallOut, responses=problems(404, 409, 422))
async def cancel_capital_call(call_id: HeardOfCall, write: Write, body: MaybeWhy | None = None) -> Response:
    """Takes back a call on which nothing is paid."""

    async def work(db: Connection, origin: Origin) -> BaseModel | Refused:
        return await _changed(db, await handlers.cancel(db, call_id, now=write.now, origin=origin))

    return await write(work, action="call.cancel", resource_type="call", reason=_why(body))


@router.post(
    "/api/capital-calls/{call_id}/release-remainder", response_model=CallOut, responses=problems(404, 409, 422)
)
async def release_remainder(call_id: HeardOfCall, write: Write, body: MaybeWhy | None = None) -> Response:
    """Closes a partly paid call at what was paid."""

    async def work(db: Connection, origin: Origin) -> BaseModel | Refused:
        return await _changed(db, await handlers.release_remainder(db, call_id, now=write.now, origin=origin))

    return await write(work, action="call.release_remainder", resource_type="call", reason=_why(body))


@router.post("/api/capital-calls/{call_id}/declare-default", response_model=CallOut, responses=problems(404, 409, 422))
async def declare_default(call_id: HeardOfCall, write: Write, body: MaybeWhy | None = None) -> Response:
    """Flags an unpaid call as in default, before the clock does."""

    async def work(db: Connection, origin: Origin) -> BaseModel | Refused:
        return await _changed(db, await handlers.declare_default(db, call_id, now=write.now, origin=origin))

    return await write(work, action="call.declare_default", resource_type="call", reason=_why(body))


@router.post(
    "/api/funds/{fund_id}/accounts",
    status_code=201,
    response_model=AccountOut,
    responses=problems(404, 409, 422),
    tags=["accounts"],
)
async def register_account(fund_id: HeardOfFund, body: NewAccount, write: Write) -> Response:
    """Lets a source pay this fund's calls only, from now on; also says that it shows the same bank account as another.

    A credit that both tell is applied once: the second one is held as a `possible_duplicate`.
    """

    async def work(db: Connection, _origin: Origin) -> BaseModel | Refused:
        done = await handlers.register_account(
            db,
            fund_id,
            alias=body.alias,
            currency=body.currency,
            same_account_as=body.same_account_as,
            now=write.now,
        )
        if isinstance(done, Refused):
            return done
        account = done.account
        return AccountOut(
            alias=account.alias,
            fund_id=account.fund_id,
            currency=account.currency,
            same_account_as=list(done.same_account_as),
        )

    return await write(work, action="account.register", resource_type="account", resource_id=body.alias, status=201)
