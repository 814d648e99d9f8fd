"""Promises of templates and suggestions: ordinary proposals, whose figures a person can check by the formula."""

from collections.abc import Mapping
from typing import Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.allocations.reallocation.domain import (
    Basis,
    Book,
    Outcome,
    Share,
    Suggested,
    Template,
    applied,
    limited,
    pro_rata,
    propose,
    scaled,
    unfit,
)
from shared.ids import DealId
from shared.money import Minor
from shared.refusal import Refused
from tests.allocations.reallocation.facts import book
from tests.support.effort import effort

WHOLE: Final = 100_0000  # 100 % in ten-thousandths


def template(basis: Basis, **shares: int) -> Template:
    """Shares by company: ``c1=…``."""
    return Template("usual", basis, [Share(DealId(int(name[1:])), weight) for name, weight in shares.items()])


def figures(done: Suggested | Refused) -> dict[int, int]:
    """What each company is to have."""
    assert isinstance(done, Suggested), done
    return {one.company_id: one.planned for one in done.proposal.proposed}


def why_not(done: Suggested | Refused) -> str:
    assert isinstance(done, Refused), done
    return f"{done.code}: {done.detail}"


# ---- templates


def test_percents_by_largest_remainder() -> None:
    """What the named companies have today, spread among them; nobody else is named."""
    of = book(50, 7, 30, 20)
    thirds = template(Basis.PERCENT, c1=33_3333, c3=33_3333, c4=33_3334)
    assert figures(applied(thirds, of)) == {1: 33, 3: 33, 4: 34}
    halves = template(Basis.PERCENT, c1=50_0000, c2=0, c3=50_0000)
    assert figures(applied(halves, of)) == {1: 44, 2: 0, 3: 43}  # 87: the odd one goes to the first


def test_amounts_count_in_proportion() -> None:
    """Amounts are shares: what they sum to need not be what there is."""
    of = book(100, 200, 101)
    assert figures(applied(template(Basis.AMOUNT, c1=1, c2=1, c3=2), of)) == {1: 100, 2: 100, 3: 201}


def test_a_template_says_what_it_does() -> None:
    """The proposal is for the version of today, with the formula and its figures in words."""
    done = applied(template(Basis.PERCENT, c1=WHOLE), book(150, 1))
    assert isinstance(done, Suggested)
    assert (done.proposal.fund_id, done.proposal.version) == (1, 7)
    assert done.formula == "to = total today of the companies named · share / sum of shares, by largest remainder"
    assert done.explanation == "USD 1.50 of 1 companies spread by the percents of template usual"


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        (template(Basis.PERCENT, c1=50_0000, c9=50_0000), "invalid_company: Fund 1 has no reserves for company 9."),
        (template(Basis.PERCENT, c1=99_9999), "invalid_percent: The percents sum to 99.9999, not to 100."),
        (template(Basis.PERCENT, c1=WHOLE, c2=1), "invalid_percent: The percents sum to 100.0001, not to 100."),
        (template(Basis.PERCENT, c1=0), "invalid_percent: The percents sum to 0, not to 100."),
        (template(Basis.AMOUNT, c1=0, c2=0), "invalid_amount: All amounts are 0, so nothing can be spread by them."),
    ],
)
def test_a_template_that_does_not_fit(wanted: Template, refusal: str) -> None:
    """Refused when it is saved and when it is used, with the reason."""
    of = book(10, 20)
    assert why_not(applied(wanted, of)) == refusal
    assert unfit(wanted, of) == applied(wanted, of)


@effort(100)
@given(
    before=st.lists(st.integers(0, 10**9), min_size=3, max_size=3),
    weights=st.lists(st.integers(0, 10**9), min_size=2, max_size=2).filter(any),
)
def test_a_template_moves_nothing_in_or_out(before: list[int], weights: list[int]) -> None:
    """The total of the companies it names is after it what it was, and so is that of the fund."""
    of = book(*before)
    shares = figures(applied(template(Basis.AMOUNT, c1=weights[0], c3=weights[1]), of))
    assert sum(shares.values()) == before[0] + before[2]


# ---- suggestions, by hand


def test_scaled_by_hand() -> None:
    """6.00 to 12.00 doubles each; where 5.00 is the most for the third, the other two share 7.00 as 1 to 2."""
    of = book(100, 200, 300)
    assert figures(scaled(of, Minor(1200))) == {1: 200, 2: 400, 3: 600}
    assert figures(scaled(of, Minor(0))) == {1: 0, 2: 0, 3: 0}
    done = scaled(book(100, 200, 300, caps={3: 500}), Minor(1200))
    assert figures(done) == {1: 233, 2: 467, 3: 500}
    assert isinstance(done, Suggested)
    assert done.explanation == "USD 6.00 scaled to USD 12.00; at its cap: C3"
    assert done.formula == (
        "to = total · from / sum of from, by largest remainder; at most the cap, the rest to others likewise"
    )


def test_limited_by_hand() -> None:
    """Of 10.00, 40 % is 4.00: the 1.00 that the first is above goes to the others as 3 to 2."""
    done = limited(book(500, 300, 200), 40_0000)
    assert figures(done) == {1: 400, 2: 360, 3: 240}
    assert isinstance(done, Suggested)
    assert done.explanation == "USD 10.00 with at most 40 %, USD 4.00, for each"
    assert figures(limited(book(600, 300, 100), 40_0000)) == {1: 400, 2: 400, 3: 200}  # the second is full then, too
    assert figures(limited(book(500, 300, 200, caps={3: 210}), 40_0000)) == {1: 400, 2: 390, 3: 210}


def test_pro_rata_by_hand() -> None:
    """10.00 by 3.00 and 1.00 that are promised and not paid: 7.50 and 2.50, and nothing to whom nothing is owed."""
    unfunded = {DealId(1): Minor(300), DealId(2): Minor(100), DealId(9): Minor(10**9)}
    done = pro_rata(book(400, 300, 300), unfunded)
    assert figures(done) == {1: 750, 2: 250, 3: 0}
    assert isinstance(done, Suggested)
    assert done.explanation == "USD 10.00 spread by USD 4.00 of unfunded commitments"
    assert figures(pro_rata(book(400, 300, 300, caps={1: 600}), unfunded)) == {1: 600, 2: 400, 3: 0}


@pytest.mark.parametrize(
    ("done", "refusal"),
    [
        (
            scaled(book(1, 1, caps={1: 5, 2: 5}), Minor(11)),
            "suggestion_impossible: The caps of fund 1's companies together are lower than USD 0.11.",
        ),
        (
            limited(book(50, 30, 20), 33_3333),
            (
                "suggestion_impossible: 3 companies with at most 33.3333 % each, and within their caps, cannot hold"
                " USD 1.00."
            ),
        ),
        (
            pro_rata(book(50), {DealId(9): Minor(5)}),
            "suggestion_impossible: Fund 1 owes nothing to any company that it has reserves for.",
        ),
        (
            pro_rata(book(50, caps={1: 49}), {DealId(1): Minor(5)}),
            "suggestion_impossible: The caps of fund 1's companies together are lower than USD 0.50.",
        ),
    ],
    ids=["caps", "limit", "nothing owed", "caps again"],
)
def test_what_cannot_be_is_said(done: Suggested | Refused, refusal: str) -> None:
    """No suggestion rather than a wrong one."""
    assert why_not(done) == refusal


# ---- suggestions, always

amounts = st.integers(0, 10**6)


@st.composite
def books(draw: st.DrawFn) -> Book:
    """Reserves with and without caps, some of them above theirs."""
    reserves = draw(st.lists(amounts, min_size=1, max_size=7))
    caps = draw(st.dictionaries(st.integers(1, len(reserves)), amounts, max_size=len(reserves)))
    return book(*reserves, caps=caps)


def keeps_its_promises(of: Book, done: Suggested, total: int) -> Mapping[int, int]:
    """It names every company, comes to the total, keeps caps, and previews without an error."""
    shares = figures(done)
    assert list(shares) == [reserve.company_id for reserve in of.reserves]
    assert sum(shares.values()) == total
    assert all(reserve.cap is None or shares[reserve.company_id] <= reserve.cap for reserve in of.reserves)
    previewed = propose(of, done.proposal)
    assert isinstance(previewed, Outcome)
    assert previewed.errors == []
    return shares


@effort(200)
@given(books(), amounts)
def test_scaled_comes_to_its_total(of: Book, total: int) -> None:
    """To the minor unit and within caps; refused only where caps are too low."""
    done = scaled(of, Minor(total))
    if isinstance(done, Refused):
        assert sum(reserve.cap or 0 for reserve in of.reserves) < total
        assert all(reserve.cap is not None for reserve in of.reserves)
        return
    keeps_its_promises(of, done, total)


@effort(200)
@given(books(), st.integers(0, WHOLE))
def test_limited_keeps_its_limit(of: Book, limit: int) -> None:
    """No company above the limit, the total what it was."""
    done = limited(of, limit)
    most = of.total * limit // WHOLE
    if isinstance(done, Refused):
        assert sum(most if one.cap is None else min(one.cap, most) for one in of.reserves) < of.total
        return
    shares = keeps_its_promises(of, done, of.total)
    assert all(share * WHOLE <= limit * of.total for share in shares.values())


@effort(100)
@given(books())
def test_limited_leaves_alone_what_is_within(of: Book) -> None:
    """Where nobody is above the limit or a cap, nothing moves."""
    assume(all(one.cap is None or one.planned <= one.cap for one in of.reserves))
    assert list(figures(limited(of, WHOLE)).values()) == [one.planned for one in of.reserves]


@effort(200)
@given(books(), st.dictionaries(st.integers(1, 7).map(DealId), amounts.map(Minor)))
def test_pro_rata_moves_nothing_in_or_out(of: Book, unfunded: dict[DealId, Minor]) -> None:
    """The total is what it was, within caps."""
    done = pro_rata(of, unfunded)
    if isinstance(done, Suggested):
        keeps_its_promises(of, done, of.total)
