"""Promises of the rules of imports: pure decisions over rows in any order."""

from datetime import date
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from services.allocations.imports.rules import (
    AllocationRow,
    Book,
    CallRow,
    DealRow,
    Decided,
    FundRow,
    Kind,
    Result,
    Row,
    decide,
)
from shared.money import Minor
from tests.allocations.facts import NOW, TODAY

ZONE: Final = "America/New_York"
FUND: Final = FundRow(2, "F1", "Balerion II", "USD", ZONE, Minor(50_000_000_00))
DEAL: Final = DealRow(3, "D1", "Acme")
PROMISE: Final = AllocationRow(4, "A1", "F1", "D1", "1000.00", None)


def a_call(row: int, amount: str) -> CallRow:
    return CallRow(row, f"C{row}", "A1", amount, date(2020, 3, 15), issued_on=date(2020, 3, 1))


def decided(rows: list[Row]) -> tuple[Book, Decided]:
    """The rows on an empty book."""
    book = Book({}, {}, {}, {}, {}, {}, {ZONE: TODAY})
    ids = {kind: list(range(1, len(rows) + 1)) for kind in Kind}
    return book, decide(book, rows, ids, now=NOW)


def test_rows_refer_to_each_other_in_any_order() -> None:
    """A chunk may tell of a call before its allocation, and of that before its fund."""
    _, done = decided([a_call(5, "400.00"), PROMISE, DEAL, FUND])
    assert [(one.row, one.outcome) for one in done.results] == [(n, Result.CREATED) for n in (2, 3, 4, 5)]


def test_equal_amounts_are_equal_however_they_are_written() -> None:
    """The same row exported with other zeros is the same row."""
    ways = {a_call(5, amount).content for amount in ("400", "400.0", "400.00", "0400")}
    assert len(ways) == 1
    assert a_call(5, "400.01").content not in ways


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 60_000), max_size=30))
def test_what_is_called_never_exceeds_what_is_committed(cents: list[int]) -> None:
    """Whatever calls a sheet has: those that fit are taken in their order, and amounts are their sums."""
    rows = [a_call(row, f"{amount // 100}.{amount % 100:02d}") for row, amount in enumerate(cents, 5)]
    book, done = decided([FUND, DEAL, PROMISE, *rows])
    taken, free = [], 1_000_00
    for amount in cents:
        if amount <= free:
            taken.append(amount)
            free -= amount
    assert [call.amount for call in done.calls] == taken
    assert [call.seq_no for call in done.calls] == list(range(1, len(taken) + 1))
    (allocation,) = book.allocations.values()
    assert (allocation.planned, allocation.called) == (sum(taken), sum(taken))
    assert allocation.version == (2 if taken else 1)
