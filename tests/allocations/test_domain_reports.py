"""Promises of folding: the same facts end in the same state, however they come."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.allocations.domain import Call, ReceivableStatus, Report, Stage, Status
from shared.ids import AllocationId, CallId
from shared.money import Minor
from tests.allocations.facts import Book, K, call, report


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, list[Report]]]:
    """Some issued calls, and for each what payments said of it: paid up and down, released, cancelled, in versions."""
    told: list[tuple[int, list[Report]]] = []
    for n in range(1, draw(st.integers(1, 4)) + 1):
        made = call(n, draw(st.integers(0, 50)))
        told.append((made.amount, draw(lives(made))))
    return told


@st.composite
def lives(draw: st.DrawFn, made: Call) -> list[Report]:
    """The versions of one receivable, each a thing that can happen to it."""
    said = [report(made, 1)]
    paid = postings = released = 0
    for version in range(2, draw(st.integers(1, 8)) + 2):
        event = draw(st.sampled_from(["pay", "reverse", "round_trip", "release", "cancel", "clock"]))
        if event == "pay":
            paid = draw(st.integers(paid, made.amount - released))
            postings += 1
        elif event == "reverse" and paid:
            paid = draw(st.integers(0, paid - 1))
            postings += 1
        elif event == "round_trip":
            postings += 2
        elif event == "release" and not released:
            released = made.amount - max(paid, 1) if made.amount else 0
        elif event == "cancel" and not paid and made.amount:
            said.append(report(made, version, postings=postings, released=released, cancelled=True))
            break
        said.append(report(made, version, paid=paid, postings=postings, released=released))
    return said


def book_of(history: list[tuple[int, list[Report]]]) -> Book:
    book = Book(200)
    for amount, _ in history:
        book.issue(amount)
    return book


@settings(max_examples=300, deadline=None)
@given(history=histories(), data=st.data())
def test_order_duplicates_and_batches_do_not_matter(
    history: list[tuple[int, list[Report]]], data: st.DataObject
) -> None:
    """The same reports in any order, any of them twice, cut into any batches: the same state as one by one in order."""
    reports = [said for _, life in history for said in life]
    in_order = book_of(history)
    for said in reports:
        in_order.hear(said)
    shuffled = data.draw(st.permutations(reports + data.draw(st.lists(st.sampled_from(reports), max_size=5))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(shuffled)), max_size=6)))
    batched = book_of(history)
    for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True):
        batched.hear(*shuffled[start:end])
    assert batched.state == in_order.state
    assert in_order.doubts == batched.doubts == []


@settings(deadline=None)
@given(history=histories())
def test_a_batch_is_at_most_one_version(history: list[tuple[int, list[Report]]]) -> None:
    """However many reports a batch holds, the allocation moves by one version or none."""
    book = book_of(history)
    before = book.allocation
    book.hear(*(said for _, life in history for said in life))
    unchanged = (before.planned, before.called, before.funded, before.fresh) == (
        book.allocation.planned,
        book.allocation.called,
        book.allocation.funded,
        book.allocation.fresh,
    )
    assert book.allocation.version == before.version + (not unchanged)


def test_the_same_batch_again_is_no_version() -> None:
    """A replay changes nothing and says nothing."""
    book = Book()
    first = book.issue(400)
    book.pay(first, 100)
    known = book.allocation
    book.hear(report(first, 1, paid=100, postings=1))
    assert book.allocation is known


def test_money_that_came_and_went_is_remembered() -> None:
    """A payment and its reversal in one batch end where they end one by one: money came last."""
    book = Book(100)
    paid, other = book.issue(50), book.issue(50)
    book.pay(paid, 10)
    book.issue(0)
    assert book.status() == Status.PARTIALLY_FUNDED
    apart = Book(100)
    for each in (book, apart):
        each.allocation = replace(each.allocation, fresh=True)
    book.hear(report(other, 1, postings=2))
    assert book.status() == Status.PARTIALLY_FUNDED
    assert not book.allocation.fresh


def test_a_call_after_money_is_fresh_again() -> None:
    """Issuing says that a call came last; the next payment says that money did."""
    book = Book(100)
    first = book.issue(50)
    book.pay(first, 10)
    book.issue(20)
    assert book.status() == Status.PARTIALLY_CALLED
    book.pay(first, 10)
    assert book.status() == Status.PARTIALLY_FUNDED


def test_the_clocks_reports_change_no_allocation() -> None:
    """A call that becomes overdue is kept as such, and its allocation stays as it is."""
    book = Book(100)
    late = book.issue(50)
    known = book.allocation
    book.hear(report(late, 1)._replace(status=ReceivableStatus.OVERDUE))
    assert book.allocation is known
    assert book.calls[late.id].receivable.status is ReceivableStatus.OVERDUE


def test_released_room_may_be_called_again() -> None:
    """What a release or a cancellation frees is free for the next call."""
    book = Book(100)
    part, gone = book.issue(60), book.issue(40)
    book.hear(report(part, 1, paid=20, postings=1), report(part, 2, paid=20, postings=1, released=40))
    book.hear(report(gone, 1, cancelled=True))
    assert (book.allocation.called, book.allocation.free) == (20, 80)


LIES = {
    "another allocation": {"allocation_id": AllocationId(2)},
    "another currency": {"currency": "EUR"},
    "another original amount": {"original": Minor(51), "amount": Minor(51)},
    "an amount that does not add up": {"amount": Minor(49)},
    "more paid than called": {"paid": Minor(51)},
    "less paid than nothing": {"paid": Minor(-1)},
    "paid and cancelled": {"paid": Minor(1), "status": ReceivableStatus.CANCELLED},
    "fewer postings than before": {"postings": 0},
    "a release taken back": {"released": Minor(0), "amount": Minor(50)},
}


@pytest.mark.parametrize("lie", LIES)
def test_what_cannot_be_true_is_set_aside(lie: str) -> None:
    """A report that no receivable of ours can make changes nothing, and the good one beside it is folded."""
    book = Book(100)
    doubtful, good = book.issue(50), book.issue(50)
    book.hear(report(doubtful, 1, paid=10, postings=1, released=5))
    told = report(doubtful, 2, paid=10, postings=1, released=5, place=0)
    book.hear(told._replace(**LIES[lie]), report(good, 1, paid=50, postings=1, place=1))  # type: ignore[arg-type]  # members by name
    assert book.doubts == ["impossible_report"]
    assert (book.allocation.called, book.allocation.funded) == (95, 60)


def test_a_cancelled_call_never_comes_back() -> None:
    """A later version cannot raise C again, so the room it freed stays free."""
    book = Book(100)
    gone = book.issue(100)
    book.hear(report(gone, 1, cancelled=True))
    book.issue(100)
    book.hear(report(gone, 2))
    assert book.doubts == ["impossible_report"]
    assert book.allocation.called == 100


@pytest.mark.parametrize("stage", [Stage.PENDING_APPROVAL, Stage.SCHEDULED, Stage.REJECTED, Stage.WITHDRAWN])
def test_a_plan_has_no_receivable(stage: Stage) -> None:
    """Nothing is paid on a call that was never issued."""
    book = Book(100)
    planned = call(1, 50, stage)
    book.calls[planned.id] = planned
    book.hear(report(planned, 1))
    assert book.doubts == ["impossible_report"]


def test_an_unknown_call_is_set_aside_by_its_place() -> None:
    """The caller learns which of its reports nobody here can place."""
    book = Book()
    known = book.issue(K)
    book.hear(report(known, 1, place=0), report(known, 1, place=1)._replace(call_id=CallId(99)))
    assert book.doubts == ["unknown_call"]
