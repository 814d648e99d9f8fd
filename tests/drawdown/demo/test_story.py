"""Promises of the demo's story: it adds up by itself, whatever the day, before any ledger is asked."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drawdown.demo.acts import Made, roman, statement
from drawdown.demo.figures import bank_sum, differences, figures_of, plain
from drawdown.demo.story import months_on, shown, spelled, tell, total, usd
from shared.money import Minor

DAY = date(2026, 3, 2)


def test_the_totals_as_anyone_can_check_them() -> None:
    """Each figure is the sum that is spelled beside it."""
    assert {figure.meaning: f"{figure.sum} = {shown(figure.amount)}" for figure in figures_of(tell(DAY))} == {
        "committed": "1,000,000.00 + 2,500,000.00 + 750,000.00 = 4,250,000.00",
        "planned": "400,000.00 + 2 × 1,250,000.00 + 3 × 250,000.00 = 3,650,000.00",
        "called": "400,000.00 + 1,250,000.00 + 250,000.00 = 1,900,000.00",
        "funded": "400,000.00 + 250,000.00 + 900,000.00 + 200,000.00 + 90,000.00 − 250,000.00 = 1,590,000.00",
        "uncalled": "4,250,000.00 − 1,900,000.00 = 2,350,000.00",
        "outstanding": "1,900,000.00 − 1,590,000.00 = 310,000.00",
        "overdue": "250,000.00 − 200,000.00 = 50,000.00",
        "held": "75,000.00 + 300,000.00 = 375,000.00",
    }


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_it_adds_up_on_every_day(day: date) -> None:
    """Calls fill their commitments at most, no call is paid beyond its amount in any order, and the bank's balance is
    what is funded and held."""
    story = tell(day)
    for promise in story.promises:
        assert total(call.amount for call in promise.calls) <= promise.committed
    for key, call in story.calls():
        assert total(max(amount, 0) for named, amount in story.postings() if named == key) <= call.amount
    assert bank_sum(story).endswith("the closing balance")
    assert [story.status(key, call) for key, call in story.calls()] == [
        "paid", "paid", "partially_paid", "scheduled", "overdue", "scheduled", "scheduled",
    ]  # fmt: skip


def test_reserves_move_and_none_is_lost() -> None:
    """What one deal's reserve loses, the two others gain; each percent and warning is what the amounts come to."""
    story = tell(DAY)
    reserves, before, after = story.reserves, total(story.before()), total(story.after())
    assert before == after == usd("6,000,000.00")
    assert [(shown(each.after - each.before), each.change_pct) for each in reserves] == [
        ("400,000.00", "20.0"),
        ("−500,000.00", "-16.7"),
        ("100,000.00", "10.0"),
    ]
    for each in reserves:
        exactly = Fraction(100 * (each.after - each.before), each.before)
        assert abs(exactly - Fraction(each.change_pct)) < Fraction(1, 20)
        assert ("high_concentration" in each.warnings) == (100 * each.after > 30 * after)
        assert ("negative_delta" in each.warnings) == (each.after < each.before)


def test_sums_are_spelled_as_on_paper() -> None:
    """Signs stand between, equal neighbours are multiplied, zeros are left out, and nothing is 0.00."""
    assert spelled([usd("400,000.00"), usd("250,000.00"), Minor(-usd("50,000.00"))]) == (
        "400,000.00 + 250,000.00 − 50,000.00"
    )
    assert spelled([5, 5, 0, 1]) == "2 × 0.05 + 0.01"
    assert spelled([-5]) == "−0.05"
    assert spelled([]) == "0.00"


def test_a_difference_is_said() -> None:
    """A figure that the ledger has otherwise is named, with its sum and with what the ledger says."""
    figures = figures_of(tell(DAY))
    answered = {figure.name: plain(figure.amount) for figure in figures}
    assert differences(figures, answered) == []
    [said] = differences(figures, {**answered, "overdue": "50000.01"})
    assert said == "overdue should be 50,000.00 = 250,000.00 − 200,000.00, but the ledger says 50000.01"


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 9, 30), 3, date(2026, 12, 30)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
    ],
)
def test_months_are_clamped(day: date, months: int, later: date) -> None:
    """Months are counted from the first date, and end where the month does."""
    assert months_on(day, months) == later


def test_funds_are_numbered() -> None:
    """I, II, III, as funds are."""
    assert [roman(n) for n in (1, 2, 3, 4, 9, 14, 40, 99)] == ["I", "II", "III", "IV", "IX", "XIV", "XL", "XCIX"]


def test_statements_follow_each_other() -> None:
    """The second day opens with what the first day's booked entries left; pending ones count for nothing."""
    story = tell(DAY)
    calls = {key: {"reference": "RF18D0000000001"} for key, _ in story.calls()}
    made = Made(1, 1, "", "bank/demo", calls)
    assert b">2125000.00<" in statement(story, made, 0)
    assert b">2125000.00<" in statement(story, made, 1)
    assert b">1965000.00<" in statement(story, made, 1)
