"""HTTP in: the figures of funds, allocations and calls, read from the read model and from nothing else.

Shares and the amounts of the stats route are JSON numbers written from integers; every other amount is a string.
"""

from collections.abc import Callable
from datetime import UTC, date
from decimal import Decimal
from typing import Annotated, Any, Final, cast

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, WithJsonSchema

from services.metrics import domain, store
from services.metrics.domain import Call, Fund, Tenths
from shared import currency
from shared.clock import business_date
from shared.http import (
    DEFAULT_LIMIT,
    Cursor,
    Day,
    Limit,
    Page,
    PathId,
    Read,
    decode_cursor,
    page_of,
    problems,
    refuse,
    wrong_value,
)
from shared.money import Minor
from shared.postgres import Connection

router = APIRouter(tags=["metrics"])

Amount = Annotated[str, Field(description="major units with all decimals of the currency", examples=["400000.00"])]
Percent = Annotated[Decimal, WithJsonSchema({"type": "number", "description": "to one decimal, half up"})]


class FundCapital(BaseModel):
    """A fund's amounts on the notice basis: what was promised, planned, called and paid, over all its allocations."""

    fund_id: int
    currency: str
    total_committed: Amount
    total_planned: Amount
    total_called: Amount
    total_funded: Amount
    uncalled_capital: Amount = Field(description="committed less called")
    outstanding_calls: Amount = Field(description="called less funded")
    overdue: Amount = Field(description="outstanding on overdue and defaulted calls")
    counts: dict[str, int] = Field(description="calls by status; every status is named")
    collection_rate: Percent | None = Field(description="100 · funded / called; null before anything is called")
    aum: Amount = Field(description="funded")
    as_of: str = Field(description="when this was read", examples=["2026-03-02T09:31:00Z"])


class FundReserves(BaseModel):
    """What a fund plans for its companies beyond what it has promised, by the newest version of its reserves."""

    fund_id: int
    currency: str
    planned_reserves: Amount = Field(description="of all companies together")
    companies: int = Field(description="how many the fund has reserves for")
    version: int = Field(description="of the reserves; 0 where there are none")
    as_of: str = Field(description="when this was read", examples=["2026-03-02T09:31:00Z"])


class AllocationProgress(BaseModel):
    """How far one allocation has come, and whether somebody is late today."""

    allocation_id: int
    fund_id: int
    deal_id: int
    currency: str
    committed: Amount
    called: Amount
    paid: Amount
    outstanding: Amount = Field(description="called less paid")
    uncalled: Amount = Field(description="committed less called")
    status: str
    funding_status: str
    earliest_unpaid_due_date: date | None
    is_late: bool = Field(description="something is outstanding and its due date has passed, without grace")
    business_date: date = Field(description="today, where the fund is")


class CalendarEntry(BaseModel):
    """A call on the day it is due."""

    call_id: int
    allocation_id: int
    deal_id: int
    deal_name: str | None
    seq_no: int
    reference: str
    due_date: date
    status: str
    currency: str
    amount: Amount
    paid: Amount
    outstanding: Amount
    paid_pct: Percent
    last_paid_on: date | None = Field(description="the greatest value date of what was paid and not taken back")


STATS: Final[dict[str, Any]] = {
    "description": "Cash basis; the currency's code, in small letters, ends the names of the amounts.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["fund_id", "currency", "basis", "called_pct"],
                "properties": {
                    "fund_id": {"type": "integer"},
                    "currency": {"type": "string"},
                    "basis": {"const": "cash"},
                    "called_pct": {"type": "number"},
                    "as_of": {"type": "string", "format": "date-time"},
                },
                "patternProperties": {"^(called|uncalled|committed)_[a-z]{3}$": {"type": "number"}},
                "example": {"called_usd": 400000, "uncalled_usd": 600000, "called_pct": 40.0, "basis": "cash"},
            }
        }
    },
}


@router.get("/api/funds/{fund_id}/capital", response_model=FundCapital, responses=problems(404))
async def fund_capital(fund_id: PathId, read: Read) -> Response:
    """The fund's totals, each the sum over its allocations; zeros for a fund that has none."""
    async with read.snapshot() as db:
        fund = await _fund(db, fund_id)
        totals = await store.sum_allocations(db, fund_id)
        groups = await store.group_calls(db, fund_id)
    show = _writer(fund.currency)
    return _json(
        {
            "fund_id": fund.id,
            "currency": fund.currency,
            "total_committed": show(totals.committed),
            "total_planned": show(totals.planned),
            "total_called": show(totals.called),
            "total_funded": show(totals.funded),
            "uncalled_capital": show(totals.uncalled),
            "outstanding_calls": show(totals.outstanding),
            "overdue": show(domain.overdue_amount(groups)),
            "counts": domain.count_by_status(groups),
            "collection_rate": _percent(totals.collection_rate),
            "aum": show(totals.funded),
            "as_of": read.now.astimezone(UTC),
        }
    )


@router.get("/api/funds/{fund_id}/capital-calls/stats", response_model=None, responses={200: STATS, **problems(404)})
async def fund_stats(fund_id: PathId, read: Read) -> Response:
    """Cash basis: called is what came in, uncalled is what is still to come in, of what was committed."""
    async with read.snapshot() as db:
        fund = await _fund(db, fund_id)
        totals = await store.sum_allocations(db, fund_id)
    code, decimals = fund.currency.lower(), currency.exponent(fund.currency)

    def number(amount: Minor) -> orjson.Fragment:
        return orjson.Fragment(domain.number_text(amount, exponent=decimals))

    return _json(
        {
            "fund_id": fund.id,
            "currency": fund.currency,
            f"called_{code}": number(totals.funded),
            f"uncalled_{code}": number(totals.unfunded),
            f"committed_{code}": number(totals.committed),
            "called_pct": _percent(totals.called_pct),
            "basis": "cash",
            "as_of": read.now.astimezone(UTC),
        }
    )


@router.get("/api/funds/{fund_id}/planned-reserves", response_model=FundReserves, responses=problems(404))
async def fund_reserves(fund_id: PathId, read: Read) -> Response:
    """What is planned for the fund's companies in all; zeros at version 0 for a fund that has no reserves."""
    async with read.snapshot() as db:
        fund = await _fund(db, fund_id)
        reserves = await store.find_reserves(db, fund_id)
    code = reserves.currency if reserves else fund.currency
    return _json(
        {
            "fund_id": fund.id,
            "currency": code,
            "planned_reserves": _writer(code)(reserves.planned if reserves else domain.ZERO),
            "companies": reserves.companies if reserves else 0,
            "version": reserves.version if reserves else 0,
            "as_of": read.now.astimezone(UTC),
        }
    )


@router.get("/api/allocations/{allocation_id}/progress", response_model=AllocationProgress, responses=problems(404))
async def allocation_progress(allocation_id: PathId, read: Read) -> Response:
    """What was called and paid of one allocation, and whether anything is late by the fund's business date."""
    async with read.snapshot() as db:
        allocation = await store.find_allocation(db, allocation_id)
        if allocation is None:
            refuse(404, "allocation_not_found", f"no event has told of allocation {allocation_id} yet", _JUST_MADE)
        fund = await store.find_fund(db, allocation.fund_id)
        calls = await store.calls_of_allocation(db, allocation_id)
    today = business_date(read.now, fund.time_zone if fund else "UTC")
    earliest = domain.earliest_unpaid(calls)
    show = _writer(allocation.currency)
    return _json(
        {
            "allocation_id": allocation.id,
            "fund_id": allocation.fund_id,
            "deal_id": allocation.deal_id,
            "currency": allocation.currency,
            "committed": show(allocation.committed),
            "called": show(allocation.called),
            "paid": show(allocation.funded),
            "outstanding": show(allocation.outstanding),
            "uncalled": show(allocation.uncalled),
            "status": allocation.status,
            "funding_status": allocation.funding_status,
            "earliest_unpaid_due_date": earliest,
            "is_late": domain.is_late(allocation.outstanding, earliest, today=today),
            "business_date": today,
        }
    )


From = Annotated[Day | None, Query(alias="from", description="first due date")]
To = Annotated[Day | None, Query(description="last due date")]
IncludeClosed = Annotated[bool, Query(description="also calls that were rejected, withdrawn or cancelled")]


@router.get("/api/funds/{fund_id}/calendar", response_model=Page[CalendarEntry], responses=problems(400, 404, 422))
async def fund_calendar(
    *,
    fund_id: PathId,
    read: Read,
    first: From = None,
    to: To = None,
    include_closed: IncludeClosed = False,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """The fund's calls by due date, both days included. A call that nobody will pay any more is left out unless asked
    for."""
    if first and to and to < first:
        raise wrong_value(("query", "to"), f"{to} is before from ({first})", code="invalid_range")
    after = cast("tuple[date, int] | None", decode_cursor(cursor, date, int)) or (date.min, 0)
    async with read.snapshot() as db:
        fund = await _fund(db, fund_id)
        calls = await store.calendar(
            db,
            fund_id,
            first=first or date.min,
            last=to or date.max,
            after=after,
            leave_out=() if include_closed else sorted(domain.FALLEN_AWAY),
            limit=limit + 1,
        )
    return _json(page_of(calls, limit, key=lambda c: (c.due_date, c.id), show=lambda call: _entry(call, fund)))


def _entry(call: Call, fund: Fund) -> dict[str, object]:
    show = _writer(fund.currency)
    return {
        "call_id": call.id,
        "allocation_id": call.allocation_id,
        "deal_id": call.deal_id,
        "deal_name": call.deal_name,
        "seq_no": call.seq_no,
        "reference": call.reference,
        "due_date": call.due_date,
        "status": call.status,
        "currency": fund.currency,
        "amount": show(call.amount),
        "paid": show(call.paid),
        "outstanding": show(call.outstanding),
        "paid_pct": _percent(call.paid_pct),
        "last_paid_on": call.last_paid_on,
    }


_JUST_MADE: Final = "If it was made a moment ago, ask again: figures follow their events within a second."


async def _fund(db: Connection, fund_id: int) -> Fund:
    fund = await store.find_fund(db, fund_id)
    if fund is None:
        refuse(404, "fund_not_found", f"no event has told of fund {fund_id} yet", _JUST_MADE)
    return fund


def _writer(code: str) -> Callable[[Minor], str]:
    return lambda amount: currency.text(amount, code)


def _percent(share: Tenths | None) -> orjson.Fragment | None:
    return None if share is None else orjson.Fragment(domain.percent_text(share))


def _json(body: object) -> Response:
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")
