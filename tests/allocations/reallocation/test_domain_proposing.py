"""Promises of a proposal: what it comes to, what it warns of and from where on, and what refuses it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.allocations.reallocation.domain import (
    LARGEST_MINOR,
    Book,
    Commit,
    Delta,
    Limits,
    Outcome,
    Reserve,
    decide,
    digest_of,
    propose,
)
from shared.ids import DealId, FundId
from shared.money import Minor
from shared.refusal import Refused
from tests.allocations.reallocation.facts import Wanted, book, outcome, planned, proposal, refused, warned
from tests.support.effort import effort

EVEN: Final = book(300, 300, 200, 200)  # just 30 % at most

# ---- what it comes to


def test_companies_that_are_not_named_stay_and_count() -> None:
    """Deltas for who is named, in the order of ids, moved or not; totals over all of them; the next version."""
    done = outcome(book(100, 200, 300, 400), {3: 350, 1: 100})
    assert done.deltas == [
        Delta(DealId(1), "C1", Minor(100), Minor(100)),
        Delta(DealId(3), "C3", Minor(300), Minor(350)),
    ]
    assert (done.total_before, done.total_after, done.total_pct) == (1000, 1050, 50)
    assert planned(done.after) == [100, 200, 350, 400]
    assert (done.book.version, done.after.version) == (7, 8)


def test_the_cap_of_a_proposal_is_not_kept() -> None:
    """It counts for that one alone: the stored caps are after it what they were before."""
    done = outcome(book(100, 200, caps={1: 150}), {1: (160, 170), 2: (10, 20)})
    assert [reserve.cap for reserve in done.after.reserves] == [150, None]


# ---- warnings, and just where they begin


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({1: 300, 2: 300}, []),
        ({1: 301, 4: 199}, [("high_concentration", 1), ("negative_delta", 4)]),
        ({1: 301}, [("high_concentration", 1)]),  # of 1001, 30 % is 300.3
        ({3: 201}, []),  # and 300 is below it
    ],
)
def test_concentration_begins_above_thirty_percent(wanted: Wanted, found: Sequence[tuple[str, int]]) -> None:
    """At just 30 % of all reserves nothing is said, one minor unit above it is; shares are not rounded first."""
    assert warned(EVEN, wanted) == found


def test_concentration_of_a_company_that_is_not_named() -> None:
    """Who holds too much without being named is told too: the share counts, not the proposal."""
    assert warned(book(400, 300, 300), {2: 300}) == [("high_concentration", 1)]
    assert warned(EVEN, {4: 199}) == [("high_concentration", n) for n in (1, 2)] + [("negative_delta", 4)]


def test_nothing_at_all_is_no_concentration() -> None:
    """A total of zero has no shares: the fall is told, and nothing divided by nothing."""
    assert warned(book(100), {1: 0}) == [("negative_delta", 1)]
    assert warned(book(0, 0), {1: 0}) == []
    assert warned(book(0), {1: 1}) == [("high_concentration", 1)]


MANY: Final = (50,) * 10  # of which none holds more than a tenth


@pytest.mark.parametrize(
    ("size", "wanted", "found"),
    [
        (1000, {1: 50}, []),  # 500 of 1000
        (1000, {1: 51}, [None]),
        (999, {1: 50}, [None]),  # 50 % is 499.5
        (1001, {1: 50}, []),  # 50 % is 500.5
        (1001, {1: 51}, [None]),
        (100, {1: 50}, [None]),
        (100, {1: 51}, [1, None]),
        (99, {2: 50}, [*range(1, 11), None]),  # 50 % is 49.5, and who is not named counts
    ],
)
def test_moic_begins_above_half_the_fund(size: int, wanted: Wanted, found: Sequence[int | None]) -> None:
    """At just 50 % of the fund's size nothing is said; one minor unit above, by company, and of all without one."""
    assert warned(book(*MANY, size=size), wanted) == [("unrealistic_moic", company) for company in found]


def test_a_fall_is_told_and_a_rise_is_not() -> None:
    """One minor unit less is a negative delta; the same, or more, is none."""
    assert warned(EVEN, {3: 199, 4: 201}) == [("negative_delta", 3)]


def test_the_order_of_warnings() -> None:
    """By company in the order of ids, each company's in the order cap, fall, share, fund; that of all comes last."""
    done = outcome(book(900, 100, caps={1: 500}, size=1000), {2: 99, 1: 899})
    assert [(one.type, one.company_id, one.severity) for one in done.warnings] == [
        ("cap_exceeded", 1, "error"),
        ("negative_delta", 1, "warning"),
        ("high_concentration", 1, "warning"),
        ("unrealistic_moic", 1, "warning"),
        ("negative_delta", 2, "warning"),
        ("unrealistic_moic", None, "warning"),
    ]


@pytest.mark.parametrize(
    ("currency", "words"),
    [
        ("USD", ("USD 8,999.99", "USD 5,000.00", "USD 9,000.00", "USD 9,999.99", "USD 10,000.00")),
        ("JPY", ("JPY 899,999", "JPY 500,000", "JPY 900,000", "JPY 999,999", "JPY 1,000,000")),
        ("KWD", ("KWD 899.999", "KWD 500.000", "KWD 900.000", "KWD 999.999", "KWD 1,000.000")),
    ],
)
def test_amounts_are_worded_in_the_currency_of_the_fund(currency: str, words: Sequence[str]) -> None:
    """Every amount of every warning, with the decimals that the currency has."""
    after, cap, before, total, size = words
    of = book(900_000, 100_000, caps={1: 500_000}, currency=currency, size=1_000_000)
    assert [one.message for one in outcome(of, {1: 899_999}).warnings] == [
        f"C1: a reserve of {after} exceeds its cap of {cap}",
        f"C1: the reserve falls from {before} to {after}",
        f"C1: {after} is 90.0 % of all reserves, more than 30 %",
        f"C1: {after} is more than 50 % of the fund's size of {size}",
        f"All reserves: {total} is more than 50 % of the fund's size of {size}",
    ]


def test_the_limits_are_settings() -> None:
    """Each of the three shares has a name, and moves where its warning begins."""
    of = book(400, 300, 300, size=2000)
    none = Limits(concentration_pct=40, company_of_fund_pct=20, total_of_fund_pct=50)
    loud = Limits(concentration_pct=39, company_of_fund_pct=19, total_of_fund_pct=49)
    quiet_outcome, loud_outcome = (propose(of, proposal(of, {2: 300}), limits=limits) for limits in (none, loud))
    assert isinstance(quiet_outcome, Outcome)
    assert isinstance(loud_outcome, Outcome)
    assert quiet_outcome.warnings == []
    found = [(one.type, one.company_id) for one in loud_outcome.warnings]
    assert found == [("high_concentration", 1), ("unrealistic_moic", 1), ("unrealistic_moic", None)]


# ---- caps


@pytest.mark.parametrize(
    ("stored", "wanted", "cap"),
    [
        (100, {1: 100}, None),
        (100, {1: 101}, 100),
        (None, {1: 10**9}, None),
        (100, {1: (150, 150)}, None),  # the request's stands over the stored one, up
        (100, {1: (151, 150)}, 150),
        (100, {1: (60, 50)}, 50),  # and down
        (None, {1: (1, 0)}, 0),
        (0, {1: 0}, None),
        (0, {1: 1}, 0),
        (5, {2: 1}, None),  # who is not named may be above its cap: nothing is proposed for it
    ],
)
def test_above_its_cap_is_an_error(stored: int | None, wanted: Wanted, cap: int | None) -> None:
    """At the cap is fine, one above is not: the preview shows it, a commit is refused and names the company."""
    of = book(90, 90, caps={} if stored is None else {1: stored})
    done = outcome(of, wanted)
    assert [one.type for one in done.warnings if one.severity == "error"] == ([] if cap is None else ["cap_exceeded"])
    committed = decide(of, Commit(proposal(of, wanted)))
    if cap is None:
        assert done.errors == []
        assert isinstance(committed, Outcome)
        return
    assert isinstance(committed, Refused)
    assert committed.code == "cap_exceeded"
    assert done.errors == [committed.detail]
    assert committed.detail.endswith(f"exceeds its cap of {of.words(cap)}")
    told = {"loc": ["body", "proposed_allocations"], "company_id": 1, "msg": committed.detail}
    assert committed.facts == {"details": [told]}


# ---- what refuses it


def test_which_refusal_wins() -> None:
    """A company that nobody knows, then a version that is over, then a digest, then a cap."""
    of, above = book(100, caps={1: 100}), {1: 101}
    assert refused(of, {**above, 2: 5}, version=6, digest="0" * 64).code == "unknown_company"
    assert refused(of, above, version=6, digest="0" * 64).code == "version_conflict"
    assert refused(of, above, digest="0" * 64).code == "digest_mismatch"
    assert refused(of, above, digest=digest_of(outcome(of, above))).code == "cap_exceeded"


def test_an_unknown_company_is_named() -> None:
    """The first in words, each of them in the details."""
    done = refused(book(100), {3: 1, 2: 1, 1: 1})
    assert "company 2 and 1 others" in done.detail
    assert done.facts == {
        "details": [
            {"loc": ["body", "proposed_allocations"], "company_id": n, "msg": "the fund has no reserves for it"}
            for n in (2, 3)
        ]
    }


@pytest.mark.parametrize("version", [0, 6, 8, 2**31 - 1])
def test_another_version_is_stale(version: int) -> None:
    """Older or newer: neither is what there is, which is told."""
    done = refused(book(100), {1: 100}, version=version)
    assert (done.code, done.facts) == ("version_conflict", {"current_versions": [7]})


def test_all_reserves_have_a_most() -> None:
    """The total may come to the most that everybody's JSON holds, and not to one more."""
    of = book(0, 0)
    assert outcome(of, {1: LARGEST_MINOR - 1, 2: 1}).total_after == LARGEST_MINOR
    assert refused(of, {1: LARGEST_MINOR, 2: 1}).code == "invalid_total"


# ---- the digest

BEFORE: Final = book(300, 300, 200, 200, size=5000)


def with_first(name: str = "C1", planned: int = 300, cap: int | None = None) -> Book:
    first = Reserve(DealId(1), name, Minor(planned), None if cap is None else Minor(cap))
    return replace(BEFORE, reserves=[first, *BEFORE.reserves[1:]])


@pytest.mark.parametrize(
    "other",
    [
        replace(BEFORE, version=8),
        replace(BEFORE, size=Minor(5001)),
        replace(BEFORE, currency="EUR"),
        replace(BEFORE, fund_id=FundId(2)),
        with_first(name="C9"),
        with_first(planned=299),
        with_first(cap=249),
        book(300, 300, 200, 201, size=5000),  # one that is not named
    ],
    ids=["version", "size", "currency", "fund", "name", "reserve", "cap that is exceeded", "another's reserve"],
)
def test_a_digest_names_one_outcome(other: Book) -> None:
    """Whatever can be seen in an outcome changes its digest, and the commit of the old one is refused."""
    wanted = {1: 250}
    seen = digest_of(outcome(BEFORE, wanted))
    assert digest_of(outcome(other, wanted)) != seen
    done = decide(other, Commit(proposal(other, wanted), seen))
    assert isinstance(done, Refused)
    assert (done.code, done.facts) == ("digest_mismatch", {"current_versions": [other.version]})


@pytest.mark.parametrize("wanted", [{1: 251}, {1: (250, 250)}, {1: (250, 9999)}, {1: 250, 2: 300}, {2: 250}])
def test_a_digest_names_one_proposal(wanted: Wanted) -> None:
    """Another figure, another cap, another company named, even one that stays: another digest."""
    assert digest_of(outcome(BEFORE, wanted)) != digest_of(outcome(BEFORE, {1: 250}))


@effort(100)
@given(
    before=st.lists(st.integers(0, 10**6), min_size=1, max_size=6),
    moved=st.dictionaries(st.integers(1, 6), st.integers(0, 10**6), min_size=1),
    size=st.integers(1, 10**7),
)
def test_preview_and_commit_are_one_function(before: list[int], moved: dict[int, int], size: int) -> None:
    """Without caps, whatever is proposed for the fund's companies: the commit of a preview's digest is that preview."""
    of = book(*before, size=size)
    wanted = {n: amount for n, amount in moved.items() if n <= len(before)}
    if not wanted:
        return
    shown = outcome(of, wanted)
    assert decide(of, Commit(proposal(of, wanted), digest_of(shown))) == shown
    assert sum(one.change for one in shown.deltas) == shown.total_after - shown.total_before
    assert planned(shown.after) == [wanted.get(n, amount) for n, amount in enumerate(before, 1)]
