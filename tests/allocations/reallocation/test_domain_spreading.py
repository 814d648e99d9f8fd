"""Promises of spreading a total: it is spread whole, in proportion, and nobody gets more than the ceiling."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocations.reallocation.domain import fill
from shared.money import Minor, split
from tests.support.effort import effort

Parts = tuple[int, list[int], list[Minor | None]]


@st.composite
def tasks(draw: st.DrawFn) -> Parts:
    """A total, weights and ceilings, in sizes that bind often and not always."""
    count = draw(st.integers(1, 8))
    weights = draw(st.lists(st.integers(0, 9) | st.integers(0, 10**12), min_size=count, max_size=count))
    one = st.none() | st.integers(0, 60).map(Minor)
    ceilings = draw(st.lists(one, min_size=count, max_size=count))
    return draw(st.integers(0, 200)), weights, ceilings


def most(ceilings: Sequence[int | None]) -> int | None:
    """What the ceilings together let through; None where there is no limit."""
    return None if None in ceilings else sum(one for one in ceilings if one is not None)


@effort(200)
@given(tasks())
def test_the_total_is_spread_whole_and_below_the_ceilings(task: Parts) -> None:
    """Parts sum to the total, none is negative or above its ceiling; None just where the ceilings are too low."""
    total, weights, ceilings = task
    parts = fill(Minor(total), weights, ceilings)
    limit = most(ceilings)
    if limit is not None and limit < total:
        assert parts is None
        return
    assert parts is not None
    assert sum(parts) == total
    assert all(
        part >= 0 and (ceiling is None or part <= ceiling) for part, ceiling in zip(parts, ceilings, strict=True)
    )


@effort(200)
@given(tasks())
def test_more_weight_never_gets_less(task: Parts) -> None:
    """Who weighs more, with a ceiling as high, gets as much or more."""
    total, weights, ceilings = task
    parts = fill(Minor(total), weights, ceilings)
    for one, other in permutations(range(len(weights)), 2):
        mine, theirs = ceilings[one], ceilings[other]
        as_high = mine is None or (theirs is not None and mine >= theirs)
        if parts is not None and weights[one] > weights[other] and as_high:
            assert parts[one] >= parts[other]


@effort(200)
@given(tasks())
def test_nobody_gets_more_for_their_weight_than_who_had_room(task: Parts) -> None:
    """Parts are in proportion to weights, but for rounding and for those who are full: what these leave is shared."""
    total, weights, ceilings = task
    parts = fill(Minor(total), weights, ceilings)
    for one, other in permutations(range(len(weights)), 2):
        ceiling = ceilings[one]
        if parts is not None and weights[one] and weights[other] and (ceiling is None or parts[one] < ceiling):
            assert (parts[other] - 1) * weights[one] <= (parts[one] + 1) * weights[other]


@effort(200)
@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**12), min_size=1, max_size=8).filter(any))
def test_without_ceilings_it_is_the_split_of_all_money(total: int, weights: list[int]) -> None:
    """By largest remainder, ties by position, as everywhere."""
    assert fill(Minor(total), weights, [None] * len(weights)) == split(Minor(total), weights)


@pytest.mark.parametrize(
    ("total", "weights", "ceilings", "parts"),
    [
        (100, [1, 1, 1], [None, None, None], [34, 33, 33]),
        (100, [1, 1, 1], [10, None, None], [10, 45, 45]),
        (100, [3, 2, 1], [40, 40, None], [40, 40, 20]),  # 50, 33, 17; then of 60: 40, 20
        (100, [3, 2, 1], [40, 39, None], [40, 39, 21]),
        (100, [1, 0, 0], [60, None, None], [60, 20, 20]),  # none with weight has room: the others share alike
        (100, [1, 0, 0], [60, 5, None], [60, 5, 35]),
        (100, [0, 0], [None, None], [50, 50]),
        (100, [1, 1], [50, 50], [50, 50]),
        (100, [1, 1], [50, 49], None),
        (0, [1, 1], [0, 0], [0, 0]),
        (1, [0], [0], None),
        (0, [], [], []),
        (1, [], [], None),
    ],
)
def test_by_hand(total: int, weights: list[int], ceilings: list[Minor | None], parts: list[int] | None) -> None:
    """Examples that a person can check."""
    assert fill(Minor(total), weights, ceilings) == parts
