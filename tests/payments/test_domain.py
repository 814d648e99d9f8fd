"""Promises of the receivable: its status, and what people and the calendar may do to it."""

import itertools
from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.payments.domain import (
    Call,
    Stage,
    Status,
    cancel,
    declare_default,
    issue,
    newest_terms,
    release_remainder,
    status_of,
    tick,
)
from shared.money import Minor
from shared.refusal import Refused
from tests.payments.making import DUE, TODAY, call, terms

PAST = DUE + timedelta(days=1)
LAPSED = DUE + timedelta(days=11)

CALLED = call()
PARTLY = call(paid=Minor(100_00), last_paid_on=TODAY, postings=1)
PAID = call(paid=Minor(400_000_00), last_paid_on=TODAY, postings=1)
ZERO = issue(terms(amount=0), TODAY)
OVERDUE = tick(CALLED, PAST)
OVERDUE_PARTLY = tick(PARTLY, PAST)
DEFAULTED = tick(CALLED, LAPSED)
DEFAULTED_PARTLY = tick(PARTLY, LAPSED)
CANCELLED = call(cancelled=True, watch_on=None)
RELEASED = call(paid=Minor(100_00), released=Minor(399_900_00), last_paid_on=TODAY, postings=1)
REOPENED = call(paid=Minor(0), released=Minor(399_900_00), postings=2)


def test_the_status_is_the_first_line_that_holds() -> None:
    """Every combination of the five facts has the status that the table of the domain gives it."""
    for amount, paid, cancelled, defaulted, past in itertools.product(
        (0, 10), (0, 4, 10), (False, True), (False, True), (False, True)
    ):
        if paid > amount:
            continue
        lines = [
            (cancelled, "cancelled"),
            (paid == amount, "paid"),
            (defaulted, "defaulted"),
            (past, "overdue"),
            (paid > 0, "partially_paid"),
            (True, "called"),
        ]
        expected = next(status for holds, status in lines if holds)
        assert status_of(amount=amount, paid=paid, cancelled=cancelled, defaulted=defaulted, past_due=past) == expected


def test_an_issued_call_is_a_receivable_of_version_one() -> None:
    """Nothing is paid, all is outstanding, and a call of zero is paid at once."""
    assert (CALLED.status, CALLED.version, CALLED.outstanding) == (Status.CALLED, 1, 400_000_00)
    assert (ZERO.status, ZERO.version, ZERO.outstanding, ZERO.watch_on) == (Status.PAID, 1, 0, None)


def test_a_call_that_is_due_in_the_past_is_overdue_from_its_issue() -> None:
    """Any date is a valid due date; the status is right at once, not at the next tick."""
    assert issue(terms(due_on=TODAY - timedelta(days=1)), TODAY).status is Status.OVERDUE


@pytest.mark.parametrize(
    ("state", "cancelled", "released", "declared"),
    [
        pytest.param(CALLED, "cancelled", "invalid_transition", "defaulted", id="called"),
        pytest.param(PARTLY, "invalid_transition", "paid", "defaulted", id="partially_paid"),
        pytest.param(PAID, "invalid_transition", "invalid_transition", "invalid_transition", id="paid"),
        pytest.param(ZERO, "invalid_transition", "invalid_transition", "invalid_transition", id="zero"),
        pytest.param(OVERDUE, "cancelled", "invalid_transition", "defaulted", id="overdue"),
        pytest.param(OVERDUE_PARTLY, "invalid_transition", "paid", "defaulted", id="overdue, partly paid"),
        pytest.param(DEFAULTED, "cancelled", "invalid_transition", "invalid_transition", id="defaulted"),
        pytest.param(DEFAULTED_PARTLY, "invalid_transition", "paid", "invalid_transition", id="defaulted, partly"),
        pytest.param(CANCELLED, "call_closed", "call_closed", "call_closed", id="cancelled"),
        pytest.param(RELEASED, "invalid_transition", "invalid_transition", "invalid_transition", id="released"),
        pytest.param(REOPENED, "cancelled", "invalid_transition", "defaulted", id="released, then reversed"),
    ],
)
def test_what_people_may_do_in_every_state(state: Call, cancelled: str, released: str, declared: str) -> None:
    """Each state answers each command with one status or one refusal, and a refusal changes nothing."""
    for command, expected in ((cancel, cancelled), (release_remainder, released), (declare_default, declared)):
        done = command(state)
        if isinstance(done, Refused):
            assert done.code == expected
        else:
            assert (done.status, done.version) == (expected, state.version + 1)


def test_a_cancelled_call_waits_for_nothing() -> None:
    """Its amount stays on record, and nothing of it is outstanding."""
    assert (CANCELLED.amount, CANCELLED.outstanding) == (400_000_00, 0)


def test_releasing_closes_a_call_at_what_was_paid() -> None:
    """The amount falls to what was paid, once; a later reversal re-opens only that."""
    done = release_remainder(PARTLY)
    assert isinstance(done, Call)
    assert (done.amount, done.released, done.outstanding) == (100_00, 399_900_00, 0)
    assert (REOPENED.amount, REOPENED.outstanding) == (100_00, 100_00)


@pytest.mark.parametrize(
    ("grace", "days_after_due", "expected"),
    [
        (0, 0, "called"),
        (0, 1, "overdue"),
        (5, 5, "called"),
        (5, 6, "overdue"),
        (0, 10, "overdue"),
        (0, 11, "defaulted"),
        (5, 15, "overdue"),
        (5, 16, "defaulted"),
    ],
)
def test_the_calendar_makes_a_call_overdue_and_then_defaulted(grace: int, days_after_due: int, expected: str) -> None:
    """Overdue is after due date and grace, default after the cure days besides: never on the last good day."""
    start = issue(terms(grace_days=grace), TODAY)
    assert tick(start, DUE + timedelta(days=days_after_due)).status == expected


@pytest.mark.parametrize("state", [CALLED, PARTLY, PAID, OVERDUE, DEFAULTED, CANCELLED, RELEASED, REOPENED])
def test_a_tick_makes_a_version_only_where_the_status_changes(state: Call) -> None:
    """However often the clock looks, a day that changes nothing is no news; and the clock never goes back."""
    for day in (TODAY, DUE, PAST, PAST + timedelta(days=3), LAPSED, TODAY):
        seen = tick(state, day)
        assert seen.version == state.version + (seen.status is not state.status)
        assert seen.business_date >= state.business_date
        assert tick(seen, day) == seen
        state = seen


def test_the_clock_stops_looking_when_nothing_can_change_any_more() -> None:
    """It looks when a call may become overdue, when it may fall into default, and then no more."""
    assert CALLED.watch_on == PAST
    assert OVERDUE.watch_on == LAPSED
    assert DEFAULTED.watch_on is None
    assert tick(PAID, LAPSED).watch_on is None


def test_every_date_of_the_calendar_is_a_due_date() -> None:
    """The last day that there is does not overflow."""
    last = issue(terms(due_on=date.max, cure_days=36_500), TODAY)
    assert last.status is Status.CALLED
    assert tick(last, DUE).status is Status.CALLED


def test_the_newest_terms_win() -> None:
    """Terms may come twice and in any order; only the newest version of each call counts."""
    told = [terms(2, terms_version=3), terms(1, terms_version=1), terms(2, stage=Stage.SCHEDULED, terms_version=1)]
    assert [(t.id, t.stage) for t in newest_terms(told)] == [(1, Stage.ISSUED), (2, Stage.ISSUED)]


def test_more_paid_than_demanded_cannot_even_be_said() -> None:
    """A call that breaks its own bounds is never made."""
    with pytest.raises(AssertionError):
        replace(CALLED, paid=Minor(400_000_01))
