"""Makes the things that tests of payments are about, with only what matters to the test spelled out."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from services.payments.domain import (
    Arrived,
    Book,
    Call,
    Entry,
    Ids,
    Kind,
    Outcome,
    Stage,
    Terms,
    arrived,
    issue,
    receive,
)
from shared.ids import AllocationId, CallId, DealId, FundId
from shared.money import Minor
from shared.reference import reference_of

NOW: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
TODAY: Final = date(2026, 3, 2)
DUE: Final = date(2026, 3, 15)
BANK: Final = "bank/acme-usd-1"


def terms(call_id: int = 17, amount: int = 400_000_00, **given: Any) -> Terms:
    """The terms of an issued call of fund 1, due on `DUE`."""
    told = Terms(
        id=CallId(call_id),
        allocation_id=AllocationId(5),
        fund_id=FundId(1),
        deal_id=DealId(9),
        seq_no=1,
        reference=reference_of(call_id),
        currency="USD",
        amount=Minor(amount),
        due_on=DUE,
        grace_days=0,
        cure_days=10,
        terms_version=2,
        stage=Stage.ISSUED,
        time_zone="America/New_York",
    )
    return replace(told, **given)


def call(call_id: int = 17, amount: int = 400_000_00, **given: Any) -> Call:
    """An issued call; `given` are fields of the call itself."""
    return replace(issue(terms(call_id, amount), TODAY), **given)


def credit(external_id: str = "E1", amount: int = 400_000_00, call_id: int | None = 17, **given: Any) -> Entry:
    """Money in, for a call that is named by its id."""
    entry = Entry(
        source=BANK,
        external_id=external_id,
        kind=Kind.CREDIT,
        amount=Minor(amount),
        currency="USD",
        value_date=TODAY,
        call_id=None if call_id is None else CallId(call_id),
    )
    return replace(entry, **given)


def reversal(of: Entry, external_id: str = "R1", **given: Any) -> Entry:
    """An entry taken back by its bank."""
    entry = Entry(
        source=of.source,
        external_id=external_id,
        kind=Kind.REVERSAL,
        amount=of.amount,
        currency=of.currency,
        value_date=of.value_date,
        reverses=of.external_id,
    )
    return replace(entry, **given)


def ids(first: int = 1) -> Ids:
    """More new ids than any test takes."""
    return Ids(deque(range(first, first + 500)), deque(range(first, first + 500)), deque(range(first, first + 500)))


def came(entries: Iterable[Entry]) -> list[Arrived]:
    return [arrived(entry) for entry in entries]


def book(*calls: Call, **given: Any) -> Book:
    """What was loaded: some calls, of which nothing was ever undone, and what else is given."""
    return replace(Book(calls={c.id: c for c in calls}, paid_days={c.id: {} for c in calls}), **given)


def received(loaded: Book, *entries: Entry) -> Outcome:
    """What a batch comes to."""
    return receive(loaded, came(entries), ids(1_000 if loaded.payments else 1), NOW)
