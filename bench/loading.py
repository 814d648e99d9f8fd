"""Puts a book into the allocations service's tables as an import would: by COPY, each row with its event in the outbox,
so that every other service learns of it by events alone."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from bench.book import Book, BookedAllocation
from bench.model import BookedCall
from shared import outbox
from shared.clock import SystemClock
from shared.contracts.allocations import AllocationStatusChanged, CallTermsChanged, DealChanged, FundChanged
from shared.contracts.base import Contract
from shared.outbox import Event, Origin
from shared.postgres import Connection, connect
from shared.reference import reference_of

_FIRST_DUE: Final = date(2033, 1, 1)  # far ahead, so that no clock moves anything while it is measured
_DUE_DAYS: Final = 700
_NOTICE: Final = timedelta(days=14)
_CURRENCY: Final = "USD"
_ORIGIN: Final = Origin(actor="bench")
_ALLOCATIONS_AT_ONCE: Final = 2_000

TAKE_IDS: Final = """
select max(nextval($1::regclass)) from generate_series(1, $2)
"""


async def load(database_url: str, book: Book, *, late: bool) -> int:
    """Loads the book without its late part, or that part alone; gives the number of calls.

    `database_url` is the allocations service's own.
    """
    now = SystemClock().now()
    db = await connect(database_url, application="bench-import", settings={"synchronous_commit": "on"})
    try:
        if not late:
            await _funds_and_deals(db, book, now)
        calls: dict[int, list[BookedCall]] = {}
        for call in book.calls:
            calls.setdefault(call.allocation_id, []).append(call)
        wanted = [allocation for allocation in book.allocations if allocation.late == late]
        for start in range(0, len(wanted), _ALLOCATIONS_AT_ONCE):
            await _allocations(db, wanted[start : start + _ALLOCATIONS_AT_ONCE], calls, now)
        return sum(len(calls[allocation.id]) for allocation in wanted)
    finally:
        await db.close()


async def _funds_and_deals(db: Connection, book: Book, now: datetime) -> None:
    sizes = dict.fromkeys(range(1, book.funds + 1), 0)
    for allocation in book.allocations:
        sizes[allocation.fund_id] += allocation.committed_minor
    async with db.transaction():
        await db.copy_records_to_table(
            "fund",
            columns=["id", "name", "currency", "exponent", "time_zone", "size_minor", "changed_at", "version"],
            records=[(n, f"Fund {n}", _CURRENCY, 2, "UTC", size, now, 1) for n, size in sizes.items()],
        )
        await db.copy_records_to_table(
            "deal",
            columns=["id", "name", "stage", "changed_at", "version"],
            records=[(n, f"Company {n}", "committed", now, 1) for n in range(1, book.deals + 1)],
        )
        funds = [
            FundChanged(id=n, name=f"Fund {n}", currency=_CURRENCY, time_zone="UTC", size=_text(size), version=1)
            for n, size in sizes.items()
        ]
        deals = [DealChanged(id=n, name=f"Company {n}", stage="committed", version=1) for n in range(1, book.deals + 1)]
        await outbox.add(db, [_event(fund, fund.id, f"fund/{fund.id}", now) for fund in funds], _ORIGIN)
        await outbox.add(db, [_event(deal, deal.id, f"deal/{deal.id}", now) for deal in deals], _ORIGIN)
        for sequence, count in (
            ("fund_id", book.funds),
            ("deal_id", book.deals),
            ("allocation_id", len(book.allocations)),
            ("call_id", len(book.calls)),
        ):
            await db.fetchval(TAKE_IDS, sequence, count)


async def _allocations(
    db: Connection, allocations: Sequence[BookedAllocation], calls: dict[int, list[BookedCall]], now: datetime
) -> None:
    """One transaction: allocations with all of their calls, issued."""
    rows: list[tuple[Any, ...]] = []
    call_rows: list[tuple[Any, ...]] = []
    events: list[Event] = []
    today = now.astimezone(UTC).date()
    for a in allocations:
        called = sum(call.amount_minor for call in calls[a.id])
        status = "called" if called == a.committed_minor else "partially_called"
        amounts = (a.committed_minor, called, called, 0)
        rows.append((a.id, a.fund_id, a.deal_id, _CURRENCY, 2, *amounts, True, status, None, "ALLOCATE", now, 1))
        events.append(_event(_allocation(a, called, status, now), a.id, f"allocation/{a.id}", now))
        for c in calls[a.id]:
            call_rows.append(
                (
                    *(c.id, a.id, c.seq_no, c.amount_minor, _due(c), _due(c) - _NOTICE, "normal", False),
                    *(0, 10, "issued", today, now, 1),
                )
            )
            events.append(_event(terms_of(c, today, now), a.id, f"call/{c.id}", now))
    async with db.transaction():
        await db.copy_records_to_table("allocation", columns=_ALLOCATION_COLUMNS, records=rows)
        await db.copy_records_to_table("call", columns=_CALL_COLUMNS, records=call_rows)
        await outbox.add(db, events, _ORIGIN)


_ALLOCATION_COLUMNS: Final = (
    *("id", "fund_id", "deal_id", "currency", "exponent", "committed_minor", "planned_minor", "called_minor"),
    *("funded_minor", "fresh", "status", "previous_status", "cause", "changed_at", "version"),
)
_CALL_COLUMNS: Final = (
    *("id", "allocation_id", "seq_no", "amount_minor", "due_date", "notice_date", "priority", "from_schedule"),
    *("grace_days", "cure_days", "stage", "issued_on", "changed_at", "terms_version"),
)


def _allocation(a: BookedAllocation, called: int, status: Any, now: datetime) -> AllocationStatusChanged:
    return AllocationStatusChanged(
        allocation_id=a.id,
        fund_id=a.fund_id,
        deal_id=a.deal_id,
        currency=_CURRENCY,
        committed=_text(a.committed_minor),
        planned=_text(called),
        called=_text(called),
        funded=_text(0),
        uncalled=_text(a.committed_minor - called),
        outstanding=_text(called),
        status=status,
        previous_status=None,
        funding_status="committed",
        cause="ALLOCATE",
        version=1,
        occurred_at=now,
    )


def terms_of(c: BookedCall, today: date, now: datetime) -> CallTermsChanged:
    """A call as issued at once, as the event that tells of it."""
    return CallTermsChanged(
        call_id=c.id,
        allocation_id=c.allocation_id,
        fund_id=c.fund_id,
        deal_id=c.deal_id,
        seq_no=c.seq_no,
        reference=reference_of(c.id),
        currency=_CURRENCY,
        amount=_text(c.amount_minor),
        due_date=_due(c),
        notice_date=_due(c) - _NOTICE,
        issued_on=today,
        priority="normal",
        time_zone="UTC",
        grace_days=0,
        cure_days=10,
        stage="issued",
        previous_stage=None,
        terms_version=1,
        occurred_at=now,
    )


def _due(call: BookedCall) -> date:
    return _FIRST_DUE + timedelta(days=call.id % _DUE_DAYS)


def _event(data: Contract, key: int, subject: str, now: datetime) -> Event:
    return Event(data.topic, str(key), subject, data, now)


def _text(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
