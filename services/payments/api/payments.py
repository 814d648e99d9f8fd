"""HTTP of payments: where each one's money is, and what people decide about money on hold."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from services.payments import handlers, store
from services.payments.api.payment_shapes import PaymentOut, PaymentPage, StatusAsked, payment_out
from services.payments.api.shapes import Resolve, Reversal, Why
from services.payments.api.waiting import NewNumbers
from services.payments.domain import Conflict, Hold, Payment, PaymentStatus, Reason
from services.payments.store import PaymentsAsked
from shared.http import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    PathId,
    Read,
    Write,
    decode_cursor,
    page_of,
    problem_of,
    problems,
)
from shared.ids import LARGEST, CallId, PaymentId
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

router = APIRouter(tags=["payments"])

CANDIDATES_LISTED = 5


@router.get("/api/payments", response_model=PaymentPage, responses=problems(400, 422))
async def list_payments(
    read: Read,
    status: Annotated[StatusAsked | None, Query(description="`held` also gives what is partly held")] = None,
    reason: Annotated[Reason | None, Query(description="only money on hold for this reason")] = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, object]:
    """Payments and identity conflicts, newest first."""
    place = decode_cursor(cursor, int)
    before = LARGEST if place is None else place[0]
    assert isinstance(before, int)
    asked = PaymentsAsked(before, PaymentStatus(status) if status else None, reason, limit + 1)
    async with read.snapshot() as db:
        rows = await store.list_payments(db, asked)
        found = await handlers.candidates_of(db, rows[:limit], most=CANDIDATES_LISTED)
    return page_of(rows, limit, key=lambda row: (row.id,), show=lambda row: payment_out(row, found.get(row.id, ())))


# Digits alone, so that the names beside it are no ids of it.
@router.get("/api/payments/{payment_id:int}", responses=problems(404))
async def get_payment(payment_id: PathId, read: Read) -> PaymentOut:
    """One payment, with why it is applied where it is and, while it is on hold, the calls that it may be for."""
    async with read.snapshot() as db:
        shown = await _shown(db, PaymentId(payment_id))
    if shown is None:
        raise problem_of(handlers.payment_not_found(PaymentId(payment_id)))
    return shown


async def _shown(db: Connection, payment_id: PaymentId) -> PaymentOut | None:
    shown = (await store.show_payments(db, [payment_id])).get(payment_id)
    if shown is None:
        return None
    found = await handlers.candidates_of(db, [shown])
    decisions = await store.decisions_of(db, [payment_id])
    return payment_out(shown, found.get(payment_id, ()), decisions.get(payment_id, ()))


async def _answer(db: Connection, done: Payment | tuple[Conflict, Hold] | Refused) -> BaseModel | Refused:
    """The payment or conflict after what was done to it."""
    if isinstance(done, Refused):
        return done
    shown = await _shown(db, done.id if isinstance(done, Payment) else done[0].id)
    assert shown is not None
    return shown


@router.post("/api/payments/{payment_id}/resolve", response_model=PaymentOut, responses=problems(404, 409, 422))
async def resolve_payment(payment_id: PathId, body: Resolve, numbers: NewNumbers, write: Write) -> Response:
    """Settles money on hold: applies all of it to calls, returns it to its sender, or dismisses it as a duplicate."""

    async def work(db: Connection, origin: Origin) -> BaseModel | Refused:
        done = await handlers.resolve(
            db,
            numbers,
            PaymentId(payment_id),
            action=body.action,
            parts=[(CallId(part.call_id), part.amount) for part in body.parts or ()],
            reason=body.reason,
            now=write.now,
            origin=origin,
        )
        return await _answer(db, done)

    return await write(
        work, action=f"payment.{body.action}", resource_type="payment", resource_id=payment_id, reason=body.reason
    )


@router.post("/api/payments/{payment_id}/unapply", response_model=PaymentOut, responses=problems(404, 409, 422))
async def unapply_payment(payment_id: PathId, body: Why, numbers: NewNumbers, write: Write) -> Response:
    """Takes a wrong match back: the money is on hold again."""

    async def work(db: Connection, origin: Origin) -> BaseModel | Refused:
        done = await handlers.unapply(
            db, numbers, PaymentId(payment_id), reason=body.reason, now=write.now, origin=origin
        )
        return await _answer(db, done)

    return await write(
        work, action="payment.unapply", resource_type="payment", resource_id=payment_id, reason=body.reason
    )


@router.post("/api/payments/{payment_id}/reverse", response_model=PaymentOut, responses=problems(404, 409, 422))
async def reverse_payment(payment_id: PathId, body: Reversal, numbers: NewNumbers, write: Write) -> Response:
    """Records that a payment's money left again. The same `tx_ref` again answers the same."""

    async def work(db: Connection, origin: Origin) -> BaseModel | Refused:
        done = await handlers.reverse(
            db,
            numbers,
            PaymentId(payment_id),
            tx_ref=body.tx_ref,
            reason=body.reason,
            now=write.now,
            origin=origin,
        )
        return await _answer(db, done)

    return await write(
        work, action="payment.reverse", resource_type="payment", resource_id=payment_id, reason=body.reason
    )
