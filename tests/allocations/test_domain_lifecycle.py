"""Promises of the lifecycle's table: it says what the function does, no less and no more."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from services.allocations.domain import Allocation, Cause, Status, advance, fold, moved
from services.allocations.domain.lifecycle import PLAYBOOK, TRANSITIONS, WHEN, document
from tests.allocations.facts import NOW, allocation

SMALL = 4  # enough for every order of 0 < F < C < P < K

Seen = dict[tuple[Status | None, Cause], set[Status]]


def commands(a: Allocation) -> Iterator[Allocation]:
    """Every plan, issue and withdrawal of one call that is possible from here."""
    for amount in range(1, a.free + 1):
        yield moved(a, planned_by=amount, called_by=amount)
        yield moved(a, planned_by=amount, called_by=0)
    for amount in range(1, a.planned - a.called + 1):
        yield moved(a, planned_by=0, called_by=amount)
        yield moved(a, planned_by=-amount, called_by=0)


def facts(a: Allocation) -> Iterator[Allocation]:
    """Every batch of payments, reversals, cancellations and releases that is possible from here."""
    for gone in range(a.called + 1):
        for paid in range(-a.funded, a.called - gone - a.funded + 1):
            yield fold(a, called_by=-gone, funded_by=paid, new_postings=1 if paid else 2)
            if not paid:
                yield fold(a, called_by=-gone)


def playbook(a: Allocation) -> Iterator[Allocation]:
    """Every call at once and every payment that is possible from here."""
    for amount in range(1, a.free + 1):
        yield moved(a, planned_by=amount, called_by=amount)
    for amount in range(1, a.outstanding + 1):
        yield fold(a, funded_by=amount, new_postings=1)


def everything(a: Allocation) -> Iterator[Allocation]:
    yield from commands(a)
    yield from facts(a)


def walked(steps: Callable[[Allocation], Iterator[Allocation]]) -> Seen:
    """Every pair of state and event that any sequence of steps meets, and where it led."""
    first = allocation(SMALL)
    seen: Seen = defaultdict(set, {(None, first.cause): {first.status}})
    known, waiting = set(), [first]
    while waiting:
        before = waiting.pop()
        for step in steps(before):
            after = advance(before, step, now=NOW)
            if after is before:
                continue
            seen[before.status, after.cause].add(after.status)
            mark = (after.planned, after.called, after.funded, after.fresh)
            if mark not in known:
                known.add(mark)
                waiting.append(after)
    return dict(seen)


def test_the_playbook_is_the_function() -> None:
    """Every sequence of ALLOCATE, CREATE_CALL and PAYMENT_RECEIVED goes as the playbook says, and no other way."""
    assert walked(playbook) == {pair: set(targets) for pair, targets in PLAYBOOK.items()}


def test_the_table_is_the_function() -> None:
    """Every (state, event) pair that can happen stands in the table with all its targets; no other can happen."""
    assert walked(everything) == {pair: set(targets) for pair, targets in TRANSITIONS.items()}


def test_every_state_is_described() -> None:
    """The page gives a reason for each state, in the order in which the function asks."""
    assert list(WHEN) == [
        Status.COMMITTED,
        Status.FUNDED,
        Status.PARTIALLY_FUNDED,
        Status.CALLED,
        Status.PARTIALLY_CALLED,
    ]


def test_the_page_is_drawn_from_the_table() -> None:
    """docs/lifecycle.md is what `python -m services.allocations lifecycle` prints."""
    page = Path(__file__).parents[2] / "docs" / "lifecycle.md"
    assert page.read_text() == document()
