"""Promises of setting up: what is named is as it is wanted, what is not stays, and all of it is one version more."""

from typing import Any, Final

import pytest

from services.allocations.reallocation.domain import (
    COMPANIES_MAX,
    LARGEST_MINOR,
    Book,
    NewReserve,
    Reserve,
    Unsaid,
    set_up,
)
from shared.ids import DealId
from shared.money import Minor
from shared.refusal import Refused
from tests.allocations.reallocation.facts import book, planned

NAMES: Final = {DealId(n): f"C{n}" for n in range(1, 10)}


def new(company: int, planned: int | None = None, cap: int | Unsaid | None = Unsaid.UNSAID) -> NewReserve:
    wanted = Unsaid.UNSAID if planned is None else Minor(planned)
    return NewReserve(DealId(company), wanted, Minor(cap) if isinstance(cap, int) else cap)


def done(of: Book, *wanted: NewReserve) -> Book:
    after = set_up(of, wanted, NAMES)
    assert isinstance(after, Book), after
    return after


def refused(of: Book, *wanted: NewReserve) -> Refused:
    after = set_up(of, wanted, NAMES)
    assert isinstance(after, Refused), after
    return after


def test_the_first_companies_are_version_one() -> None:
    """In the order of ids, with nothing planned and no cap where none is said."""
    after = done(book(version=0), new(3, 50, 60), new(1))
    assert after.version == 1
    assert after.reserves == [Reserve(DealId(1), "C1", Minor(0)), Reserve(DealId(3), "C3", Minor(50), Minor(60))]


def test_later_ones_are_the_next_version() -> None:
    """Who was there stays as it was, between whom they come."""
    after = done(book(10, 20, caps={2: 25}), new(5, 7))
    assert (after.version, planned(after)) == (8, [10, 20, 7])
    assert after.reserves[1].cap == 25


@pytest.mark.parametrize(
    ("wanted", "cap"), [(new(1, cap=30), 30), (new(1, cap=0), 0), (new(1, cap=None), None), (new(1, 10, 15), 15)]
)
def test_a_cap_is_set_or_taken_away(wanted: NewReserve, cap: int | None) -> None:
    """As the next version, also below what is planned: a cap says what may be proposed, not what is there."""
    after = done(book(10, caps={1: 20}), wanted)
    assert (after.version, after.reserves[0].cap, planned(after)) == (8, cap, [10])


@pytest.mark.parametrize("wanted", [new(1), new(1, 10), new(1, cap=20), new(1, 10, 20)])
def test_what_is_there_already_is_a_version_too(wanted: NewReserve) -> None:
    """Each set-up counts, as each reallocation does: nothing else changes."""
    of = book(10, caps={1: 20})
    after = done(of, wanted)
    assert (after.version, after.reserves) == (8, of.reserves)


@pytest.mark.parametrize("amount", [0, 9, 11])
def test_a_reserve_may_be_set_anew(amount: int) -> None:
    """Another figure for a company that is there counts; its cap stays."""
    after = done(book(10, 30, caps={1: 20}), new(1, amount))
    assert (planned(after), after.reserves[0].cap) == ([amount, 30], 20)


def test_a_company_must_exist() -> None:
    """Nobody plans for what nobody knows."""
    assert refused(book(10), new(2, 5), new(77)).code == "company_not_found"


def test_a_fund_has_so_many_companies_at_most() -> None:
    """Ten thousand fit, and one more does not."""
    of = book(*[0] * (COMPANIES_MAX - 1))
    names: dict[DealId, Any] = {DealId(n): f"C{n}" for n in range(1, COMPANIES_MAX + 2)}
    last, beyond = new(COMPANIES_MAX), new(COMPANIES_MAX + 1)
    assert isinstance(set_up(of, [last], names), Book)
    after = set_up(of, [last, beyond], names)
    assert isinstance(after, Refused)
    assert after.code == "too_many_companies"


def test_all_reserves_have_a_most() -> None:
    """As in a proposal: what everybody's JSON holds, and not one more."""
    assert done(book(1), new(2, LARGEST_MINOR - 1)).total == LARGEST_MINOR
    assert refused(book(1), new(2, LARGEST_MINOR)).code == "invalid_total"
