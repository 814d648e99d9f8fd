"""Promises of exact sums: what is planted is found, nothing else is, and never later than one can wait."""

import time
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.payments.matching import exact_sums, totals

AMOUNTS = st.lists(st.integers(1, 60), min_size=2, max_size=9)


@given(
    st.lists(st.integers(1, 10**13), min_size=5, max_size=20),
    st.integers(2, 5),
    st.randoms(use_true_random=False),
)
@settings(max_examples=100, deadline=None)
def test_a_planted_sum_is_found(amounts: list[int], size: int, chance: object) -> None:
    """Wherever up to five of twenty amounts make up the total, one way to do so is found."""
    planted = sorted(chance.sample(range(len(amounts)), size))  # type: ignore[attr-defined]  # a seeded Random
    total = sum(amounts[place] for place in planted)
    found = exact_sums(amounts, total)
    assert found
    for places in found:
        assert sum(amounts[place] for place in places) == total
        assert 2 <= len(set(places)) == len(places) <= 5


@given(AMOUNTS, st.integers(1, 300), st.integers(1, 3))
@settings(max_examples=150, deadline=None)
def test_all_ways_are_found_in_their_order(amounts: list[int], total: int, fewest: int) -> None:
    """The same as trying every choice: the fewest parts first, then by place."""
    tried = [
        places
        for size in range(fewest, min(5, len(amounts)) + 1)
        for places in combinations(range(len(amounts)), size)
        if sum(amounts[place] for place in places) == total
    ]
    assert exact_sums(amounts, total, fewest=fewest, found=10_000) == tried
    assert exact_sums(amounts, total, fewest=fewest, found=2) == tried[:2]


@pytest.mark.parametrize(
    ("amounts", "total", "found"),
    [
        ([], 5, []),
        ([5], 5, []),  # one amount is no sum
        ([2, 3], 5, [(0, 1)]),
        ([1, 1, 1, 1, 1, 1], 6, []),  # six parts are too many
        ([1, 1, 1, 1, 1, 1], 5, [(0, 1, 2, 3, 4), (0, 1, 2, 3, 5), (0, 1, 2, 4, 5), (0, 1, 3, 4, 5)]),
        ([2, 2, 1], 4, [(0, 1)]),
        ([10] * 20 + [3, 4], 7, []),  # the first twenty alone are looked at
        ([3, 4], 0, []),
    ],
)
def test_what_is_a_sum(amounts: list[int], total: int, found: list[tuple[int, ...]]) -> None:
    """Two to five parts of the first twenty, each taken once."""
    assert exact_sums(amounts, total) == found


@pytest.mark.parametrize("amounts", [[2] * 20, [2 * 3**n for n in range(20)], [2 * n for n in range(1, 21)]])
def test_the_search_ends_soon_where_there_is_nothing(amounts: list[int]) -> None:
    """An odd total of even amounts: all is tried, in a few milliseconds on any machine, never in minutes."""
    began = time.perf_counter()
    assert exact_sums(amounts, sum(amounts) // 2 | 1) == []
    assert time.perf_counter() - began < 0.5


def test_totals_are_what_a_payment_makes_with_a_few_others() -> None:
    """With one or two of them, each sum once."""
    assert totals(10, [1, 2, 2]) == [11, 12, 13, 14]
    assert totals(10, []) == []
    assert len(totals(1, [2**n for n in range(30)])) == 20 + 20 * 19 // 2
