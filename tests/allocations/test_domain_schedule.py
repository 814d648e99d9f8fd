"""Promises of schedules: to the cent, on the dates a person would write down."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.allocations.domain import Cadence, Custom, Regular, Schedule, Single, Tranche, spread
from services.allocations.domain.schedule import MOST_CALLS, WHOLE
from shared.money import Minor
from shared.refusal import Refused
from tests.allocations.facts import DUE, K


def pieces(schedule: Schedule, committed: int = K) -> list[tuple[Minor, date]]:
    made = spread(schedule, Minor(committed))
    assert not isinstance(made, Refused), made
    return made


def refused(schedule: Schedule, committed: int = K) -> str:
    made = spread(schedule, Minor(committed))
    assert isinstance(made, Refused)
    return made.code


def shares(*percents: int) -> Custom:
    return Custom([Tranche(DUE, share=percent * 10_000) for percent in percents])


def test_single_calls_all_at_once() -> None:
    """One call of the whole commitment."""
    assert pieces(Single(DUE)) == [(K, DUE)]


def test_monthly_from_the_end_of_january() -> None:
    """Months are counted from the first date and clamped to their end: no drift to the 28th."""
    dates = [day for _, day in pieces(Regular(Cadence.MONTHLY, date(2026, 1, 31), 14))]
    assert dates[:5] == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]
    assert dates[12:] == [date(2027, 1, 31), date(2027, 2, 28)]


@pytest.mark.parametrize(
    ("cadence", "dates"),
    [
        (Cadence.QUARTERLY, [date(2026, 11, 30), date(2027, 2, 28), date(2027, 5, 30)]),
        (Cadence.SEMI_ANNUAL, [date(2026, 11, 30), date(2027, 5, 30), date(2027, 11, 30)]),
        (Cadence.ANNUAL, [date(2026, 11, 30), date(2027, 11, 30), date(2028, 11, 30)]),
    ],
)
def test_every_other_cadence(cadence: Cadence, dates: list[date]) -> None:
    """Three, six and twelve months apart."""
    assert [day for _, day in pieces(Regular(cadence, dates[0], 3))] == dates


def test_a_leap_day_comes_back() -> None:
    """Yearly from the 29th of February: the 28th in between, the 29th again in the next leap year."""
    dates = [day for _, day in pieces(Regular(Cadence.ANNUAL, date(2024, 2, 29), 5))]
    assert dates[1] == date(2025, 2, 28)
    assert dates[4] == date(2028, 2, 29)


def test_the_remainder_goes_to_the_first() -> None:
    """A hundred cents in three: the largest remainder takes the odd cent, ties by position."""
    assert [amount for amount, _ in pieces(Regular(Cadence.MONTHLY, DUE, 3), committed=100)] == [34, 33, 33]


def test_zero_fifty_fifty() -> None:
    """A tranche of nothing is a call of zero; the halves are exact."""
    assert [amount for amount, _ in pieces(shares(0, 50, 50))] == [0, 500_000_00, 500_000_00]


def test_the_uncalled_rest_is_a_part_of_its_own() -> None:
    """Percents below 100 leave the rest uncalled; it takes its share of the rounding, then is dropped."""
    assert [amount for amount, _ in pieces(shares(33, 33), committed=100)] == [33, 33]
    assert [amount for amount, _ in pieces(shares(1), committed=10)] == [0]
    assert [amount for amount, _ in pieces(Custom([Tranche(DUE, share=333_333)]), committed=K)] == [333_333_00]


def test_amounts_are_taken_as_written() -> None:
    """Amounts need not be the whole commitment; whether they fit at all is the guard's to say."""
    assert pieces(Custom([Tranche(DUE, amount=Minor(7)), Tranche(DUE, amount=Minor(3))]), committed=10) == [
        (7, DUE),
        (3, DUE),
    ]


@pytest.mark.parametrize(
    "schedule",
    [
        shares(60, 41),
        Custom([]),
        Custom([Tranche(DUE)]),
        Custom([Tranche(DUE, share=1, amount=Minor(1))]),
        Custom([Tranche(DUE, share=1), Tranche(DUE, amount=Minor(1))]),
        Custom([Tranche(DUE, share=1)] * (MOST_CALLS + 1)),
        Regular(Cadence.MONTHLY, DUE, 0),
        Regular(Cadence.ANNUAL, DUE, MOST_CALLS + 1),
        Regular(Cadence.ANNUAL, date(2998, 1, 1), 3),
        Regular(Cadence.ANNUAL, date(9999, 1, 1), 3),
        Single(date(1899, 12, 31)),
        Single(date(3000, 1, 1)),
    ],
)
def test_what_cannot_be_planned_is_refused(schedule: Schedule) -> None:
    """More than 100 %, nothing, mixed, too many, or beyond all calendars: a refusal that is a value."""
    assert refused(schedule) == "invalid_schedule"


@settings(deadline=None)
@given(
    committed=st.integers(1, 10**17),
    parts=st.lists(st.integers(0, WHOLE), min_size=1, max_size=30).filter(lambda parts: sum(parts) <= WHOLE),
)
def test_percents_sum_to_what_they_say(committed: int, parts: list[int]) -> None:
    """Each part is within a minor unit of its exact share, and parts that sum to 100 % sum to the commitment."""
    amounts = [amount for amount, _ in pieces(Custom([Tranche(DUE, share=part) for part in parts]), committed)]
    assert all(abs(amount * WHOLE - committed * part) < WHOLE for amount, part in zip(amounts, parts, strict=True))
    assert sum(amounts) <= committed
    if sum(parts) == WHOLE:
        assert sum(amounts) == committed


@settings(deadline=None)
@given(committed=st.integers(1, 10**17), count=st.integers(1, MOST_CALLS))
def test_equal_calls_sum_to_the_commitment(committed: int, count: int) -> None:
    """Not a cent is lost or made, and no two calls differ by more than one minor unit."""
    amounts = [amount for amount, _ in pieces(Regular(Cadence.MONTHLY, date(2026, 1, 31), count), committed)]
    assert sum(amounts) == committed
    assert max(amounts) - min(amounts) <= 1
