"""HTTP of the queue of holds: page by page, in numbers, whose they are, and many decisions at once."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from services.payments import handlers, store
from services.payments.api.hold_shapes import (
    Assign,
    DecidedOut,
    DecisionsOut,
    HoldDecision,
    HoldDecisions,
    HoldDetail,
    HoldOut,
    State,
    SummaryOut,
    decision_out,
    hold_out,
    summary_out,
)
from services.payments.api.shapes import Alias
from services.payments.api.waiting import NewNumbers
from services.payments.domain import Reason
from services.payments.store import HoldsAsked, Numbers, QueuedHold, Sort
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
    Text,
    Write,
    Writer,
    decode_cursor,
    naming,
    page_of,
    problem_of,
    problems,
)
from shared.ids import CallId, FundId, HoldId, PaymentId
from shared.outbox import Origin
from shared.postgres import Connection, is_lost_race
from shared.refusal import Refused

router = APIRouter(tags=["holds"])

CANDIDATES_QUEUED: Final = 3
_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MARGIN: Final = timedelta(days=1)  # clocks differ

OlderThan = Annotated[int, Query(ge=0, le=36_500, description="open for at least so many whole days")]


@router.get("/api/holds", response_model=Page[HoldOut], responses=problems(400, 422))
async def list_holds(
    read: Read,
    reason: Reason | None = None,
    fund_id: QueryId | None = None,
    owner: Annotated[Text | None, Query(description="only those that this person looks after")] = None,
    source: Annotated[Alias | None, Query(description="only what this source told")] = None,
    older_than_days: OlderThan = 0,
    state: State = "open",
    sort: Annotated[Sort, Query(description="the oldest, or the largest, first; currencies are not converted")] = (
        Sort.AGE
    ),
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, object]:
    """Money on hold and conflicts, each with its best three candidates."""
    after, until = _place(cursor, sort, read.now), read.now - timedelta(days=older_than_days)
    async with read.snapshot() as db:
        source_id = None if source is None else (await store.find_sources(db, [source])).get(source, 0)
        asked = HoldsAsked(
            is_open=state == "open",
            sort=sort,
            until=until,
            reason=reason,
            fund_id=None if fund_id is None else FundId(fund_id),
            owner=owner,
            source_id=source_id,
            after=after,
            limit=limit + 1,
        )
        rows = await store.list_holds(db, asked)
        items = await _shown(db, rows[:limit], read.now)
    key = _age if sort is Sort.AGE else _amount
    return page_of(rows, limit, key=key, show=lambda row: items[row.hold.id])


def _age(row: QueuedHold) -> tuple[datetime, int]:
    return row.hold.opened_at, row.hold.id


def _amount(row: QueuedHold) -> tuple[int, int]:
    return row.hold.amount, row.hold.id


def _place(cursor: str | None, sort: Sort, now: datetime) -> tuple[datetime | int, int] | None:
    """Where the page before ended. A moment out of all time, which the database cannot take, is brought near ours."""
    place = decode_cursor(cursor, datetime if sort is Sort.AGE else int, int)
    if place is None:
        return None
    first, hold_id = place
    assert isinstance(first, datetime | int)
    assert isinstance(hold_id, int)
    return (min(max(first, _FIRST), now + _MARGIN) if isinstance(first, datetime) else first), hold_id


async def _shown(db: Connection, rows: list[QueuedHold], now: datetime) -> dict[HoldId, HoldOut]:
    shown = await store.show_payments(db, {row.subject_id for row in rows})
    waiting = [shown[row.subject_id] for row in rows if row.hold.is_open]
    found = await handlers.candidates_of(db, waiting, most=CANDIDATES_QUEUED)
    return {
        row.hold.id: HoldOut.model_validate(
            hold_out(row, shown[row.subject_id], found.get(row.subject_id, ()), now),
        )
        for row in rows
    }


@router.get("/api/holds/summary")
async def sum_holds(read: Read) -> SummaryOut:
    """What is open, counted and summed by reason and by currency, and how old the oldest is."""
    async with read.connection() as db:
        return summary_out(await store.total_holds(db), read.now)


# Digits alone, so that the names beside it are no ids of it.
@router.get("/api/holds/{hold_id:int}", responses=problems(404))
async def get_hold(hold_id: PathId, read: Read) -> HoldDetail:
    """One hold, with all its candidates and what was decided about its payment."""
    async with read.snapshot() as db:
        detail = await _detail(db, HoldId(hold_id), read.now)
    if detail is None:
        raise problem_of(handlers.hold_not_found(HoldId(hold_id)))
    return detail


async def _detail(db: Connection, hold_id: HoldId, now: datetime) -> HoldDetail | None:
    row = await store.get_hold(db, hold_id)
    if row is None:
        return None
    shown = (await store.show_payments(db, [row.subject_id]))[row.subject_id]
    found = await handlers.candidates_of(db, [shown]) if row.hold.is_open else {}
    decisions = (await store.decisions_of(db, [row.subject_id])).get(row.subject_id, ())
    members = hold_out(row, shown, found.get(row.subject_id, ()), now)
    return HoldDetail.model_validate({**members, "decisions": [decision_out(each) for each in decisions]})


@router.post("/api/holds/{hold_id:int}/assign", response_model=HoldDetail, responses=problems(404, 409, 422))
async def assign_hold(hold_id: PathId, body: Assign, write: Write) -> Response:
    """Says who looks after an open hold; whose it was before stands in the audit."""

    async def work(db: Connection, _origin: Origin) -> BaseModel | Refused:
        done = await handlers.assign(db, HoldId(hold_id), body.owner, write.now)
        if isinstance(done, Refused):
            return done
        detail = await _detail(db, HoldId(hold_id), write.now)
        assert detail is not None
        return detail

    return await write(work, action="hold.assign", resource_type="hold", resource_id=hold_id)


@router.post("/api/holds/resolve", responses=problems(400, 422))
async def resolve_holds(
    request: Request, body: HoldDecisions, numbers: NewNumbers, read: Read, write: Write
) -> DecisionsOut:
    """Decides about many payments, in the order of their ids: each in a transaction of its own, whole or not at all.

    With an Idempotency-Key, what was done before is not done again, so a request that broke off is simply repeated.
    """
    results = []
    for item in sorted(body.items, key=lambda each: each.payment_id):
        try:
            if body.dry_run:
                await _rehearse(read, numbers, item)
            else:
                await _decide(_writer_of(request, write, item), numbers, item)
        except Problem as problem:
            results.append(_refused(item, problem))
        except Exception as error:
            if not is_lost_race(error):
                raise
            busy = Problem(503, "busy", "too much happens at once to the same rows", "Send it again.")
            results.append(_refused(item, busy))
        else:
            results.append(DecidedOut(payment_id=item.payment_id, result="done", detail=None, recommendation=None))
    done = sum(result.result == "done" for result in results)
    return DecisionsOut(dry_run=body.dry_run, done=done, refused=len(results) - done, results=results)


def _writer_of(request: Request, write: Writer, item: HoldDecision) -> Writer:
    """A write of its own for each decision: the request's key, and the payment that it is about."""
    key = request.headers.get("Idempotency-Key")
    return Writer(request, None if key is None else f"{key}/{item.payment_id}", write.actor)


def _refused(item: HoldDecision, problem: Problem) -> DecidedOut:
    return DecidedOut(
        payment_id=item.payment_id,
        result=problem.code,
        detail=str(problem.detail),
        recommendation=problem.recommendation,
    )


class _Settled(BaseModel):
    """What the audit says of one of many decisions."""

    id: int
    status: str


async def _decide(write: Writer, numbers: Numbers, item: HoldDecision) -> None:
    async def work(db: Connection, origin: Origin) -> BaseModel | Refused:
        return await _resolve(db, numbers, item, write.now, origin)

    await write(
        work,
        action=f"payment.{item.action}",
        resource_type="payment",
        resource_id=item.payment_id,
        reason=item.reason,
        fingerprint=hashlib.sha256(item.model_dump_json().encode()).digest(),
    )


async def _resolve(
    db: Connection, numbers: Numbers, item: HoldDecision, now: datetime, origin: Origin
) -> _Settled | Refused:
    done = await handlers.resolve(
        db,
        numbers,
        PaymentId(item.payment_id),
        action=item.action,
        parts=[(CallId(part.call_id), part.amount) for part in item.parts or ()],
        reason=item.reason,
        now=now,
        origin=origin,
    )
    if isinstance(done, Refused):
        return done
    status = "dismissed" if isinstance(done, tuple) else str(done.status)
    return _Settled(id=item.payment_id, status=status)


async def _rehearse(read: Reader, numbers: Numbers, item: HoldDecision) -> None:
    """Does it and takes it back; raises the problem that it would meet."""
    async with read.connection() as db:
        rehearsal = db.transaction()
        await rehearsal.start()
        try:
            with naming("amount"):
                done = await _resolve(db, numbers, item, read.now, Origin())
        finally:
            await rehearsal.rollback()
    if isinstance(done, Refused):
        raise problem_of(done)
