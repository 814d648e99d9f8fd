"""Promises of candidates: each disposes of just the held money, says why, and stands where its reasons put it."""

import random
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.payments.domain import Call, Hold, Part, Reason
from services.payments.matching import (
    MATCHED,
    Candidate,
    Found,
    Held,
    Known,
    Mentions,
    Other,
    Sign,
    chosen,
    propose,
)
from shared.ids import AllocationId, CallId, FundId, HoldId, PaymentId
from shared.money import Minor
from shared.reference import reference_of
from tests.payments.making import DUE, NOW, TODAY, call, credit


def held(amount: int = 500, **given: Any) -> Held:
    return Held(PaymentId(1), Minor(amount), "USD", TODAY, **given)


def known(allocation_id: int = 5, fund_id: int = 1, *, by: Sign = Sign.KNOWN_ACCOUNT, times: int = 1) -> Known:
    return Known(by, AllocationId(allocation_id), FundId(fund_id), times)


def others(*amounts: int) -> tuple[Other, ...]:
    return tuple(Other(PaymentId(100 + n), Minor(amount)) for n, amount in enumerate(amounts))


def seen(candidates: tuple[Candidate, ...]) -> list[tuple[str, int, list[int]]]:
    """Rule, score and calls of each."""
    return [(str(c.rule), c.score, [part.call_id for part in c.parts]) for c in candidates]


# ---- what is always so

CALLS = st.lists(
    st.builds(
        lambda number, amount, paid, fund, allocation, days, money: call(
            number,
            amount,
            paid=Minor(min(paid, amount)),
            last_paid_on=TODAY if min(paid, amount) else None,
            fund_id=FundId(fund),
            allocation_id=AllocationId(allocation),
            due_on=DUE + timedelta(days),
            currency=money,
        ),
        st.integers(1, 40),
        st.integers(1, 12),
        st.integers(0, 6),
        st.integers(1, 2),
        st.integers(1, 4),
        st.integers(-9, 9),
        st.sampled_from(["USD", "USD", "USD", "EUR"]),
    ),
    max_size=25,
    unique_by=lambda each: each.id,
)
KNOWN = st.lists(
    st.builds(
        lambda allocation, fund, sign: known(allocation, fund, by=sign),
        st.integers(1, 4),
        st.integers(1, 2),
        st.sampled_from([Sign.KNOWN_ACCOUNT, Sign.KNOWN_NAME]),
    ),
    max_size=4,
    unique_by=lambda each: each.allocation_id,
)
FOUND = st.builds(
    lambda calls, known_, amounts, tolerance: Found(
        tuple(calls), tuple(known_), others(*amounts), {FundId(1): Minor(tolerance)}
    ),
    CALLS,
    KNOWN,
    st.lists(st.integers(1, 9), max_size=12),
    st.integers(0, 2),
)
HELD = st.builds(
    lambda amount, fund, named, nearly: held(
        amount,
        fund_id=fund,
        said=Mentions(frozenset(map(CallId, named)), {CallId(n): "RF…" for n in nearly}),
    ),
    st.integers(1, 20),
    st.sampled_from([None, None, FundId(1)]),
    st.sets(st.integers(1, 40), max_size=3),
    st.sets(st.integers(1, 40), max_size=2),
)


@given(HELD, FOUND)
@settings(max_examples=150, deadline=None)
def test_a_candidate_disposes_of_exactly_the_held_money(money: Held, found: Found) -> None:
    """Never more than the payment has, or than a call takes; in its currency, and to its account's fund alone."""
    amounts = {other.payment_id: other.amount for other in found.others}
    proposed = propose(money, found, most=100)
    for candidate in proposed:
        assert sum(part.amount for part in candidate.parts) == money.amount
        assert len({part.call_id for part in candidate.parts}) == len(candidate.parts)
        for part, told in zip(candidate.parts, candidate.calls, strict=True):
            assert (part.call_id, told.currency) == (told.id, money.currency)
            assert 0 < part.amount <= told.outstanding
            assert money.fund_id in {None, told.fund_id}
        if candidate.with_payments:
            (only,) = candidate.calls
            assert money.amount + sum(amounts[each] for each in candidate.with_payments) == only.outstanding
        assert 0 < candidate.score <= 100
        assert candidate.inputs[0].points == max(one.points for one in candidate.inputs)
        assert all(one.told and one.matched for one in candidate.inputs)
    assert [c.score for c in proposed] == sorted((c.score for c in proposed), reverse=True)
    ways = [(c.parts, c.with_payments) for c in proposed]
    assert len(set(ways)) == len(ways)


@given(HELD, FOUND, st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_what_is_proposed_does_not_depend_on_loading_order(money: Held, found: Found, seed: int) -> None:
    """The same calls and the same history, shuffled and doubled: the same candidates, in the same order."""
    chance = random.Random(seed)
    calls = [*found.calls, *found.calls[:3]]
    history = list(found.known)
    chance.shuffle(calls)
    chance.shuffle(history)
    shuffled = Found(tuple(calls), tuple(history), found.others, found.tolerances)
    assert propose(money, shuffled) == propose(money, found)


@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=20), st.integers(2, 5), st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_a_planted_sum_of_calls_is_proposed(amounts: list[int], size: int, seed: int) -> None:
    """Up to five open calls of one fund that sum to the payment are found among twenty."""
    calls = [call(n, amount, due_on=DUE + timedelta(n % 7)) for n, amount in enumerate(amounts, 1)]
    planted = random.Random(seed).sample(calls, min(size, len(calls)))
    total = sum(each.amount for each in planted)
    proposed = propose(held(total), Found(tuple(calls)))
    ways = [c for c in proposed if len(c.parts) > 1]
    assert ways
    assert all(sum(part.amount for part in way.parts) == total for way in ways)


# ---- what speaks for a call


def test_the_more_speaks_for_a_call_the_higher_it_stands() -> None:
    """Amount, remitter and text add up; what is equal goes by the nearest due date, then by call."""
    calls = (
        call(1, 500, due_on=DUE + timedelta(5)),
        call(2, 500, allocation_id=AllocationId(8)),
        call(3, 500, fund_id=FundId(2), allocation_id=AllocationId(9)),
        call(4, 900, allocation_id=AllocationId(6)),
        call(5, 500, fund_id=FundId(2), allocation_id=AllocationId(9)),
    )
    said = Mentions(nearly={CallId(4): "RF00D0000000004"})
    proposed = propose(held(500, said=said), Found(calls, (known(5, times=3),)))
    assert seen(proposed) == [
        ("exact_amount", 60, [1]),
        ("exact_amount", 50, [2]),
        ("exact_amount", 40, [3]),
        ("exact_amount", 40, [5]),
        ("near_reference", 35, [4]),
    ]
    assert [(one.told, one.matched) for one in proposed[0].inputs] == [
        ("5.00 on hold", "5.00 outstanding on call 1"),
        ("the remitter's account", "paid allocation 5 before, 3 times"),
    ]
    assert proposed[1].inputs[1].matched == "paid fund 1 before, 3 times"
    (slip,) = proposed[4].inputs
    assert (slip.told, slip.matched) == (
        "RF00D0000000004",
        f"looks like {reference_of(4)} with a typing error",
    )


@pytest.mark.parametrize(
    ("amount", "tolerance", "rule"),
    [
        (500, 0, "exact_amount"),
        (499, 0, None),
        (499, 1, "within_tolerance"),
        (475, 25, "within_tolerance"),
        (474, 25, None),
        (501, 25, None),
    ],
)
def test_banks_charges_are_tolerated_as_far_as_the_fund_says(amount: int, tolerance: int, rule: str | None) -> None:
    """Short by the tolerance or less, never over; a fund that says nothing tolerates nothing."""
    proposed = propose(held(amount), Found((call(1, 500),), tolerances={FundId(1): Minor(tolerance)}))
    assert [str(c.rule) for c in proposed] == ([rule] if rule else [])
    assert propose(held(499), Found((call(1, 500),), tolerances={FundId(2): Minor(9)})) == ()


def test_a_known_remitter_alone_points_to_open_calls_of_the_allocation() -> None:
    """Part of what is outstanding; that the fund is known says too little of a call."""
    calls = call(1, 900), call(2, 900, allocation_id=AllocationId(6)), call(3, 400)
    assert seen(propose(held(500), Found(calls, (known(5),)))) == [("known_account", 20, [1])]
    by_name = propose(held(500), Found(calls, (known(5, by=Sign.KNOWN_NAME, times=2),)))
    assert seen(by_name) == [("known_name", 12, [1])]
    assert by_name[0].inputs[0].matched == "paid allocation 5 before, 2 times"


def test_closed_and_foreign_calls_are_never_proposed() -> None:
    """Paid, cancelled, in another currency, of another fund than the account's."""
    calls = (
        call(1, 500, paid=Minor(500), last_paid_on=TODAY),
        call(2, 500, cancelled=True),
        call(3, 500, currency="EUR"),
        call(4, 500, fund_id=FundId(2)),
    )
    said = Mentions(frozenset(map(CallId, (1, 2, 3, 4))))
    assert propose(held(500, fund_id=FundId(1), said=said), Found(calls, (known(),))) == ()


def test_one_payment_for_several_calls() -> None:
    """The parts are what is outstanding; calls that the payment names are looked at first, and speak for it."""
    calls = (
        call(1, 300),
        call(2, 250, paid=Minor(50), last_paid_on=TODAY),
        call(3, 200, fund_id=FundId(2)),
        call(4, 777),
    )
    (only,) = propose(held(500), Found(calls))
    assert (only.parts, only.rule, only.score) == (
        (Part(CallId(1), Minor(300)), Part(CallId(2), Minor(200))),
        "sum_of_calls",
        30,
    )
    assert only.inputs[0].matched == "3.00 (call 1) + 2.00 (call 2) outstanding"
    (named,) = propose(held(500, said=Mentions(frozenset(map(CallId, (1, 2))))), Found(calls))
    assert (named.rule, named.score) == ("reference", 70)


def test_a_sum_that_can_be_made_in_several_ways_counts_half() -> None:
    """Three equal calls and money for two: three ways, none of them likely, the nearest due first."""
    calls = [call(n, 250, due_on=DUE + timedelta(n)) for n in (3, 1, 2)]
    proposed = propose(held(500), Found(tuple(calls)))
    assert seen(proposed) == [("sum_of_calls", 15, [1, 2]), ("sum_of_calls", 15, [1, 3]), ("sum_of_calls", 15, [2, 3])]
    assert proposed[0].inputs[0].matched.endswith("not the only way")


def test_the_search_looks_at_twenty_calls() -> None:
    """Those due nearest, unless the payment speaks of others."""
    calls = [call(n, 3**n, due_on=DUE + timedelta(n)) for n in range(1, 26)]
    money = calls[0].amount + calls[24].amount
    assert propose(held(money), Found(tuple(calls))) == ()
    said = Mentions(bare={CallId(25): "0000000025"})
    assert seen(propose(held(money, said=said), Found(tuple(calls))))[0][2] == [1, 25]


def test_several_payments_for_one_call() -> None:
    """Others on hold of the same remitter make it whole; the part is this payment's own money."""
    (only,) = propose(held(200), Found((call(1, 500),), others=others(300, 7)))
    assert (only.rule, only.score, only.with_payments) == ("sum_of_payments", 25, (100,))
    assert only.parts == (Part(CallId(1), Minor(200)),)
    assert only.inputs[0].told == "2.00 + 3.00 on hold, of the same remitter"
    assert propose(held(200), Found((call(1, 500),), others=others(299))) == ()


def test_only_what_may_belong_elsewhere_is_matched() -> None:
    """A reversal, a conflict or a possible duplicate has no call to look for."""
    assert {str(reason) for reason in MATCHED} == {
        *("no_match", "ambiguous_match", "unapplied", "over_payment", "unknown_call", "wrong_account"),
    }


def test_what_an_entry_says_is_read_from_id_and_texts() -> None:
    """The call that the bank named counts like a valid reference."""
    entry = credit(call_id=7, reference=reference_of(8), remittance="0000000009")
    hold = Hold(HoldId(1), PaymentId(3), None, Reason.OVER_PAYMENT, Minor(5), NOW, fund_id=FundId(4))
    found = Held.of(entry, hold, FundId(2))
    assert (found.payment_id, found.amount, found.fund_id, found.hint_fund_id) == (3, 5, 2, 4)
    assert sorted(found.said.named) == [7, 8]
    assert list(found.said.bare) == [9]


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_calendars_ends_break_nothing(day: date) -> None:
    """Systems write 9999-12-31 for "none"."""
    money = Held(PaymentId(1), Minor(500), "USD", day)
    assert seen(propose(money, Found((call(1, 500), call(2, 500, due_on=day))))) == [
        ("exact_amount", 40, [2]),
        ("exact_amount", 40, [1]),
    ]


# ---- what a person chose


def test_a_choice_names_its_rule_and_the_rivals_that_were_refused() -> None:
    """In whatever order the parts were given; kept with amounts in major units."""
    calls: tuple[Call, ...] = (call(1, 300), call(2, 200), call(3, 500))
    candidates = propose(held(500), Found(calls))
    parts = [Part(CallId(2), Minor(200)), Part(CallId(1), Minor(300))]
    choice = chosen(parts, candidates)
    assert (choice.rule, choice.score) == ("sum_of_calls", 30)
    assert choice.as_json("USD") == {
        "rule": "sum_of_calls",
        "score": 30,
        "inputs": [
            {
                "rule": "sum_of_calls",
                "points": 30,
                "told": "5.00 on hold",
                "matched": "3.00 (call 1) + 2.00 (call 2) outstanding",
            }
        ],
        "with_payments": [],
        "rivals": [
            {
                "rule": "exact_amount",
                "score": 40,
                "parts": [{"call_id": 3, "amount": "5.00"}],
                "with_payments": [],
            }
        ],
    }


def test_a_choice_that_was_no_candidate_is_a_persons_own() -> None:
    """All candidates are rivals then."""
    candidates = propose(held(500), Found((call(1, 500),)))
    choice = chosen([Part(CallId(9), Minor(500))], candidates)
    assert (choice.rule, choice.score, choice.inputs, len(choice.rivals)) == ("person", 0, (), 1)
