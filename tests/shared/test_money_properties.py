"""Promises of amounts for every currency and every split, against the rules written out in fractions."""

import re
from fractions import Fraction

import iso4217
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared import currency
from shared.money import Minor, NotAnAmount, parse, split, text
from tests.support.effort import effort

CODES = sorted(each.code for each in iso4217.Currency if each.exponent is not None)
LARGEST = 10**17  # minor units: more than any commitment

totals = st.one_of(st.integers(0, 100), st.integers(0, LARGEST))
weights = st.lists(st.one_of(st.integers(0, 3), st.integers(0, 10**12)), min_size=1, max_size=25)

anything = st.text(alphabet=st.sampled_from("0123456789.-+ eE_,１٢\n"), max_size=8)
digits = st.integers(0, 17).flatmap(lambda size: st.text(alphabet="0123456789", min_size=size, max_size=size))
nearly = st.tuples(
    st.sampled_from(["", "", "", "-", " ", "１"]),
    digits,
    st.sampled_from(["", ".", ".", ".."]),
    st.text(alphabet="0123456789", max_size=5),
    st.sampled_from(["", "", "", "\n", "e3", "٢"]),
).map("".join)


def by_the_book(total: int, weights: list[int]) -> list[int]:
    """Largest remainder as a person would do it: floors first, then one by one to whoever was cut most."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    exact = [Fraction(total * weight, whole) for weight in weights]
    parts = [int(share) for share in exact]
    for _ in range(total - sum(parts)):
        cut = [share - part if part == int(share) else Fraction(-1) for share, part in zip(exact, parts, strict=True)]
        parts[cut.index(max(cut))] += 1
    return parts


@effort(80)
@given(total=totals, weights=weights)
def test_a_split_is_largest_remainder(total: int, weights: list[int]) -> None:
    """Parts are exactly those of the rule, ties by position: they sum to the whole, none is negative, none is more than
    a minor unit from its share, and what weighs nothing gets nothing."""
    parts = split(Minor(total), weights)
    assert parts == by_the_book(total, weights)
    assert sum(parts) == (total if any(weights) else 0)
    assert min(parts) >= 0
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0)


@effort(60)
@given(total=totals, weights=weights, data=st.data())
def test_a_split_is_fair_and_stable(total: int, weights: list[int], data: st.DataObject) -> None:
    """Who weighs more never gets less; of equals, the earlier never gets less; and where the parts of a split stand
    follows the weights: where no two remainders are equal, parts move with their weights."""
    parts = split(Minor(total), weights)
    ranked = sorted(range(len(weights)), key=lambda n: (-weights[n], n))
    assert [parts[n] for n in ranked] == sorted(parts, reverse=True)
    order = data.draw(st.permutations(range(len(weights))))
    moved = split(Minor(total), [weights[n] for n in order])
    whole = sum(weights) or 1
    if len({total * weight % whole for weight in weights}) == len(weights):  # no ties, so position decides nothing
        assert moved == [parts[n] for n in order]


@effort(60)
@given(amount=st.one_of(st.integers(0, 2_000), st.integers(0, 10**15 - 1)), code=st.sampled_from(CODES))
def test_every_currency_is_read_back_as_written(amount: int, code: str) -> None:
    """Out and in again is the same amount in every currency of ISO 4217, always with exactly its decimals; trailing
    zeros may be left out, one decimal too many is refused."""
    decimals = currency.exponent(code)
    written = currency.text(amount, code)
    assert re.fullmatch(r"[0-9]+" if decimals == 0 else rf"[0-9]+\.[0-9]{{{decimals}}}", written)
    assert currency.parse(written, code) == amount
    assert Fraction(written) * 10**decimals == amount
    short = written.rstrip("0").rstrip(".") if decimals else written
    assert currency.parse(short or "0", code) == amount
    with pytest.raises(NotAnAmount):
        currency.parse(f"{written}0" if decimals else f"{written}.0", code)


def test_every_exponent_is_met() -> None:
    """The currencies above have all the decimals that there are."""
    assert {currency.exponent(code) for code in CODES} == {0, 2, 3, 4}


@effort(60)
@given(told=st.one_of(anything, nearly), exponent=st.integers(0, 4))
@example(told="9" * 15, exponent=0)
@example(told="9" * 16, exponent=0)
@example(told="1.", exponent=2)
@example(told=".5", exponent=2)
def test_only_plain_amounts_are_read(told: str, exponent: int) -> None:
    """A text is an amount if and only if it is 1 to 15 digits, and after a point 1 to as many as the currency has;
    then it is read to the last of them."""
    plain = re.fullmatch(r"[0-9]{1,15}(\.[0-9]+)?", told, re.ASCII)
    if plain and len(told.partition(".")[2]) <= exponent:
        assert parse(told, exponent=exponent) == Fraction(told) * 10**exponent
    else:
        with pytest.raises(NotAnAmount):
            parse(told, exponent=exponent)


@effort(50)
@given(amount=st.integers(-LARGEST, LARGEST), exponent=st.integers(0, 4))
def test_negative_amounts_are_written_as_their_opposites(amount: int, exponent: int) -> None:
    """A sign and the amount without it: nothing is rounded towards anywhere."""
    assert Fraction(text(amount, exponent=exponent)) * 10**exponent == amount
