"""Promises of reserves and deltas: shares to one decimal, amounts in words."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocations.reallocation.domain import LARGEST_MINOR, Delta, Tenths, percent_text
from shared.ids import DealId
from shared.money import Minor
from tests.allocations.reallocation.facts import book
from tests.support.effort import effort

amounts = st.integers(0, LARGEST_MINOR)


def delta(before: int, after: int) -> Delta:
    return Delta(DealId(1), "C1", Minor(before), Minor(after))


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (0, 0, "0.0"),
        (0, 1, "100.0"),
        (0, LARGEST_MINOR, "100.0"),
        (100, 100, "0.0"),
        (100, 0, "-100.0"),
        (1, 0, "-100.0"),
        (1_000, 1_125, "12.5"),
        (3, 4, "33.3"),
        (3, 2, "-33.3"),
        (3, 5, "66.7"),
        (3, 1, "-66.7"),
        (10_000, 10_004, "0.0"),
        (10_000, 10_005, "0.1"),  # 0.05 %: half goes away from zero
        (10_000, 9_995, "-0.1"),
        (10_000, 9_996, "0.0"),  # and nothing is never negative
        (10_000, 10_015, "0.2"),
        (10_000, 10_025, "0.3"),  # not to the even one
        (10_000, 9_975, "-0.3"),
        (1, LARGEST_MINOR, "99999999999999800.0"),
        (LARGEST_MINOR, LARGEST_MINOR - 1, "0.0"),
    ],
)
def test_a_change_in_percent(before: int, after: int, shown: str) -> None:
    """One decimal, half away from zero, to the last digit however large; from nothing it is all, or nothing."""
    assert percent_text(delta(before, after).pct) == shown


@effort(200)
@given(amounts.filter(bool), amounts)
def test_a_percent_is_the_nearest_tenth(before: int, after: int) -> None:
    """No tenth of a percent is nearer to the exact quotient, and a half is never left on the side of zero."""
    exact = Fraction(1000 * (after - before), before)
    off = delta(before, after).pct - exact
    assert abs(off) <= Fraction(1, 2)
    if abs(off) == Fraction(1, 2):
        assert (off > 0) == (exact > 0)


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0.0"), (4, "0.4"), (-4, "-0.4"), (125, "12.5"), (-125, "-12.5"), (1000, "100.0")]
)
def test_a_percent_is_a_number_with_one_decimal(share: int, text: str) -> None:
    """What JSON carries, sign and all."""
    assert percent_text(Tenths(share)) == text


@pytest.mark.parametrize(
    ("before", "after", "change", "status"), [(5, 7, 2, "increased"), (7, 5, -2, "decreased"), (5, 5, 0, "unchanged")]
)
def test_a_delta_says_which_way(before: int, after: int, change: int, status: str) -> None:
    """To minus from, and its name."""
    assert (delta(before, after).change, delta(before, after).status) == (change, status)


@pytest.mark.parametrize(
    ("currency", "amount", "words"),
    [
        ("USD", 1_500_000_000, "USD 15,000,000.00"),
        ("USD", 5, "USD 0.05"),
        ("USD", 0, "USD 0.00"),
        ("JPY", 1_500_000_000, "JPY 1,500,000,000"),
        ("KWD", 1_234_567, "KWD 1,234.567"),
        ("USD", LARGEST_MINOR, "USD 9,999,999,999,999.99"),
    ],
)
def test_amounts_in_words(currency: str, amount: int, words: str) -> None:
    """In major units of the fund's currency with just its decimals, thousands apart."""
    assert book(currency=currency).words(amount) == words
