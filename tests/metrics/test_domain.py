"""Promises of the figures: snapshots to sums, shares and dates, in integers."""

from datetime import UTC, date, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain import (
    CALL_STATUSES,
    Call,
    CallGroup,
    Deal,
    Tenths,
    Totals,
    count_by_status,
    earliest_unpaid,
    is_late,
    newest,
    number_text,
    overdue_amount,
    percent,
    percent_text,
    status_shown,
)
from shared.money import Minor

DUE = date(2026, 3, 15)


def call(**changes: object) -> Call:
    """An issued call of 400,000.00 that nobody has paid."""
    facts: dict[str, object] = {
        "id": 1,
        "allocation_id": 1,
        "deal_id": 1,
        "seq_no": 1,
        "reference": "RF00",
        "due_date": DUE,
        "stage": "issued",
        "planned": Minor(400_000_00),
        "receivable_status": "called",
        "receivable_amount": Minor(400_000_00),
        "paid": Minor(0),
        "last_paid_on": None,
    }
    return Call(**{**facts, **changes})  # type: ignore[arg-type]  # every value has the type of its field


def test_newest_does_not_depend_on_order() -> None:
    """Whatever order versions come in, and however often, the newest of each entity is kept, in id order."""
    seen = [Deal(2, "b", "prospect", 1), Deal(1, "a", "prospect", 1), Deal(1, "a", "committed", 2)]
    for order in permutations([*seen, seen[1]]):
        assert newest(order) == [seen[2], seen[0]]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (400_000_00, 1_000_000_00, "40.0"),
        (1, 3, "33.3"),
        (2, 3, "66.7"),
        (1, 2000, "0.1"),  # 0.05 % is half, and half goes up
        (9994, 10000, "99.9"),
        (9995, 10000, "100.0"),
        (0, 7, "0.0"),
        (10**18, 10**18, "100.0"),
    ],
)
def test_percent_is_exact_to_one_decimal(part: int, whole: int, text: str) -> None:
    """Shares are rounded half up to one decimal, and never pass through binary fractions."""
    share = percent(part, whole)
    assert share is not None
    assert percent_text(share) == text


@given(st.integers(0, 10**18), st.integers(1, 10**18))
def test_percent_is_within_half_a_tenth(part: int, whole: int) -> None:
    """The rounded share is nearer than any other tenth: -0.5 <= exact - rounded < 0.5, in tenths."""
    share = percent(part, whole)
    assert share is not None
    assert -whole <= 2 * (1000 * part - share * whole) < whole


def test_no_whole_no_percent() -> None:
    """A share of nothing is not a number."""
    assert percent(0, 0) is None


@pytest.mark.parametrize(
    ("minor", "exponent", "text"),
    [
        (400_000_00, 2, "400000"),
        (400_000_50, 2, "400000.50"),
        (5, 2, "0.05"),
        (0, 2, "0"),
        (400_000, 0, "400000"),
        (400_000_001, 3, "400000.001"),
    ],
)
def test_numbers_are_written_from_integers(minor: int, exponent: int, text: str) -> None:
    """Whole amounts show no decimals, others all of their currency's."""
    assert number_text(Minor(minor), exponent=exponent) == text


def test_percent_text() -> None:
    """A share is a JSON number with exactly one decimal."""
    assert [percent_text(Tenths(t)) for t in (0, 5, 400, 1000)] == ["0.0", "0.5", "40.0", "100.0"]


def test_the_required_example() -> None:
    """Commit 1,000,000, call 400,000, pay 400,000: cash basis 400,000 / 600,000 / 40.0, all of the call collected."""
    totals = Totals(Minor(1_000_000_00), Minor(400_000_00), Minor(400_000_00), Minor(400_000_00))
    assert (totals.funded, totals.unfunded, totals.called_pct) == (400_000_00, 600_000_00, 400)
    assert (totals.uncalled, totals.outstanding, totals.collection_rate) == (600_000_00, 0, 1000)


def test_an_empty_fund_is_zeros() -> None:
    """Nothing committed: zeros, a cash share of 0.0, and no collection rate."""
    assert (Totals().uncalled, Totals().outstanding, Totals().called_pct) == (0, 0, 0)
    assert Totals().collection_rate is None


@pytest.mark.parametrize(
    ("stage", "status", "shown"),
    [
        ("scheduled", None, "scheduled"),
        ("pending_approval", None, "pending_approval"),
        ("issued", None, "called"),
        ("issued", "overdue", "overdue"),
        ("scheduled", "called", "called"),  # the receivable was heard before the newer terms
        (None, "paid", "paid"),
    ],
)
def test_one_status_word(stage: str | None, status: str | None, shown: str) -> None:
    """The receivable's status wins over the stage, and issued shows as called."""
    assert status_shown(stage, status) == shown


def test_counts_name_every_status() -> None:
    """Groups that show the same word are added; those that nobody has are zero."""
    groups = [
        CallGroup("issued", "called", 2, Minor(5)),
        CallGroup("issued", None, 1, Minor(0)),
        CallGroup("scheduled", None, 3, Minor(0)),
    ]
    counts = count_by_status(groups)
    assert list(counts) == list(CALL_STATUSES)
    assert {name: n for name, n in counts.items() if n} == {"called": 3, "scheduled": 3}


def test_overdue_is_overdue_and_defaulted() -> None:
    """What is outstanding on late calls, whether or not they were declared in default."""
    groups = [
        CallGroup("issued", "overdue", 1, Minor(100)),
        CallGroup("issued", "defaulted", 1, Minor(20)),
        CallGroup("issued", "partially_paid", 1, Minor(3)),
    ]
    assert overdue_amount(groups) == 120


def test_paid_share_of_a_call() -> None:
    """A call of zero is wholly paid once it is paid, and nothing before; others by their amounts."""
    nothing = {"receivable_amount": Minor(0), "planned": Minor(0)}
    assert call(paid=Minor(100_000_00)).paid_pct == 250
    assert call(**nothing, receivable_status="paid").paid_pct == 1000
    assert call(receivable_amount=None, planned=Minor(0), receivable_status=None, stage="scheduled").paid_pct == 0


def test_a_plan_owes_nothing() -> None:
    """Only issued calls are owed: not plans, not what was cancelled."""
    plan = {"receivable_status": None, "receivable_amount": None}
    assert call().outstanding == 400_000_00
    assert call(**plan).outstanding == 400_000_00  # issued, its receivable not heard of yet
    assert call(**plan, stage="scheduled").outstanding == 0
    assert call(receivable_status="cancelled").outstanding == 0
    assert call(stage=None, planned=None, paid=Minor(1)).outstanding == 399_999_99


def test_late_without_grace() -> None:
    """Late from the day after the earliest due date on which something is owed; never when nothing is outstanding."""
    paid = call(id=2, due_date=date(2026, 1, 1), paid=Minor(400_000_00), receivable_status="paid")
    plan = call(id=3, due_date=date(2026, 1, 2), stage="scheduled", receivable_status=None, receivable_amount=None)
    earliest = earliest_unpaid([paid, plan, call()])
    assert earliest == DUE
    assert not is_late(Minor(1), earliest, today=DUE)
    assert is_late(Minor(1), earliest, today=date(2026, 3, 16))
    assert not is_late(Minor(0), earliest, today=date(2026, 3, 16))
    assert not is_late(Minor(1), earliest_unpaid([paid]), today=datetime(2030, 1, 1, tzinfo=UTC).date())
