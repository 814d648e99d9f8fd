"""Promises of amounts: text in, integers inside, text out, nothing rounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.money import Minor, NotAnAmount, parse, split, text


@given(st.integers(0, 10**15 - 1), st.integers(0, 4))
def test_what_is_written_is_read_back(amount: int, exponent: int) -> None:
    """An amount survives the way out and in again, in a currency of any number of decimals."""
    assert parse(text(amount, exponent=exponent), exponent=exponent) == amount


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "1e3",
        "+1",
        "-1",
        " 1",
        "1 ",
        "1_000.50",
        "1,000.00",
        "1.",
        ".5",
        "１２",
        "١٢٣",
        "NaN",
        "1.005",
        "9" * 16,
        "1\n",
    ],
)
def test_anything_but_plain_digits_is_refused(bad: str) -> None:
    """What a lenient parser would take for some amount is no amount here."""
    with pytest.raises(NotAnAmount):
        parse(bad, exponent=2)


def test_decimals_follow_the_currency() -> None:
    """Missing decimals are zeros; output always carries exactly the currency's."""
    assert parse("400000", exponent=2) == 400_000_00
    assert parse("1.5", exponent=3) == 1_500
    assert text(400_000_00, exponent=2) == "400000.00"
    assert text(5, exponent=3) == "0.005"
    assert text(-5, exponent=2) == "-0.05"
    assert text(7, exponent=0) == "7"


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**6), min_size=1, max_size=40))
def test_parts_sum_to_the_whole(total: int, weights: list[int]) -> None:
    """No cent is lost or made by a split, and no part is off by more than one."""
    parts = split(Minor(total), weights)
    whole = sum(weights)
    if whole == 0:
        assert parts == [0] * len(weights)
        return
    assert sum(parts) == total
    assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True))


def test_remainders_go_to_the_largest_then_to_the_first() -> None:
    """The cents that are left over go where most was cut off, ties by position."""
    assert split(Minor(100), [1, 1, 1]) == [34, 33, 33]
    assert split(Minor(5), [1, 2, 2]) == [1, 2, 2]
    assert split(Minor(1), [1, 2]) == [0, 1]
