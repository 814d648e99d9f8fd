"""Promises of a call's stages, and of its notice date."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.allocations.domain import (
    Call,
    Command,
    Policy,
    ReceivableStatus,
    Stage,
    decide,
    notice_date,
    shown_status,
)
from services.allocations.domain.call import TRANSITIONS
from shared.money import Minor
from shared.refusal import Refused
from tests.allocations.facts import NOW, POLICY, TODAY, call

LATER = NOW + timedelta(hours=1)


def told(call: Call, command: Command, policy: Policy = POLICY) -> Call | Refused:
    return decide(call, command, policy=policy, today=TODAY, now=LATER)


def cancelled(of: Call) -> Call:
    return replace(of, receivable=of.receivable._replace(version=2, status=ReceivableStatus.CANCELLED))


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("command", Command)
def test_every_stage_answers_every_command(stage: Stage, command: Command) -> None:
    """What the table allows is done, as the next version; everything else is refused with a word of advice."""
    before = call(1, 100, stage)
    after = told(before, command)
    allowed = TRANSITIONS.get((stage, command))
    if allowed is None:
        assert isinstance(after, Refused)
        closed = stage in {Stage.REJECTED, Stage.WITHDRAWN}
        assert after.code == ("call_closed" if closed else "invalid_transition")
        assert after.advice.endswith(".")
    else:
        assert isinstance(after, Call)
        assert after.stage is allowed
        if allowed is not stage:
            assert (after.previous_stage, after.terms_version, after.changed_at) == (stage, 2, LATER)


def test_issuing_an_issued_call_changes_nothing() -> None:
    """The clock may have been first: the answer is the call as it is, with the day on which it was issued."""
    before = replace(call(1, 100), issued_on=TODAY - timedelta(days=3))
    assert told(before, Command.ISSUE) is before


@pytest.mark.parametrize("command", Command)
def test_a_cancelled_call_stays_closed(command: Command) -> None:
    """What payments took back takes no command any more, not even the one it had already."""
    refused = told(cancelled(call(1, 100)), command)
    assert isinstance(refused, Refused)
    assert refused.code == "call_closed"
    assert "cancelled" in refused.detail


def test_issuing_freezes_grace_and_cure() -> None:
    """The policy of the day of issue counts, not that of the day of planning."""
    issued = told(call(1, 100, Stage.SCHEDULED), Command.ISSUE, Policy(grace_days=3, cure_days=30))
    assert isinstance(issued, Call)
    assert (issued.issued_on, issued.grace_days, issued.cure_days) == (TODAY, 3, 30)


@pytest.mark.parametrize(
    ("stage", "planned", "called"),
    [
        (Stage.PENDING_APPROVAL, 100, 0),
        (Stage.REJECTED, 0, 0),
        (Stage.SCHEDULED, 100, 0),
        (Stage.WITHDRAWN, 0, 0),
        (Stage.ISSUED, 100, 100),
    ],
)
def test_what_a_stage_counts_for(stage: Stage, planned: int, called: int) -> None:
    """Pending, scheduled and issued calls are planned, issued ones called, cancelled and closed ones nothing."""
    made = call(1, 100, stage)
    assert (made.planned, made.called) == (planned, called)
    assert (cancelled(made).planned, cancelled(made).called) == (0, 0)


def test_what_was_released_is_not_called() -> None:
    """A released remainder leaves P and C."""
    made = call(1, 100)
    part = replace(made, receivable=made.receivable._replace(version=3, released=Minor(40), paid=Minor(60)))
    assert (part.planned, part.called, part.outstanding) == (60, 60, 0)


def test_one_word_for_both_owners() -> None:
    """The stage is shown until payments has spoken, and issued shows as called."""
    assert [shown_status(call(1, 100, stage)) for stage in Stage] == [
        "pending_approval",
        "rejected",
        "scheduled",
        "withdrawn",
        "called",
    ]
    assert shown_status(cancelled(call(1, 100))) == "cancelled"


@pytest.mark.parametrize(
    ("due", "notice"),
    [
        (date(2026, 3, 15), date(2026, 2, 27)),  # a Sunday, counted from the Friday before
        (date(2026, 3, 14), date(2026, 2, 27)),
        (date(2026, 3, 13), date(2026, 2, 27)),
        (date(2026, 3, 16), date(2026, 3, 2)),
        (date(2024, 3, 1), date(2024, 2, 16)),
    ],
)
def test_notice_goes_out_ten_business_days_before(due: date, notice: date) -> None:
    """Ten days from Monday to Friday; a due date at a weekend never shortens the notice."""
    assert notice_date(due, notice_days=10) == notice


@pytest.mark.parametrize("days", range(15))
def test_notice_days_are_counted_one_by_one(days: int) -> None:
    """The formula is what counting on the fingers gives, for any start and any number of days."""
    for offset in range(14):
        due = date(2026, 3, 2) + timedelta(days=offset)
        day = due
        while day.weekday() > 4:
            day -= timedelta(days=1)
        for _ in range(days):
            day -= timedelta(days=3 if day.weekday() == 0 else 1)
        assert notice_date(due, notice_days=days) == day
