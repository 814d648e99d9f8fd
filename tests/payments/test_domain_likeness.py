"""Promises about one bank account under several names: what both tell is applied once, and what only one tells too."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.payments.domain import (
    LIKENESS_DAYS,
    Entry,
    Lookalikes,
    Outcome,
    PaymentStatus,
    Reason,
    Seen,
    receive,
    seen,
)
from shared.ids import CallId, PaymentId
from shared.money import Minor
from shared.reference import reference_of
from tests.payments.making import NOW, TODAY, book, call, came, credit, ids
from tests.support.effort import effort

LIVE: Final = "bank/acme-live"
FILE: Final = "bank/acme-files"
THIRD: Final = "bank/acme-portal"
ONE_ACCOUNT: Final = {LIVE: "acme", FILE: "acme", THIRD: "acme"}
AMOUNT: Final = 100_00


def told(source: str, name: str, **given: Any) -> Entry:
    """A wire of 100 for call 17, as one of the account's names tells it."""
    return replace(credit(name, AMOUNT, source=source), **given)


def outcome_of(*entries: Entry, before: tuple[Seen, ...] = ()) -> Outcome:
    """What a batch comes to where three sources show one account."""
    loaded = book(call(17), call(18), lookalikes=Lookalikes(ONE_ACCOUNT, before))
    return receive(loaded, came(entries), ids(), NOW)


def became(outcome: Outcome) -> dict[tuple[str, str], str]:
    """Where each payment's money is, or why it is held."""
    return {p.entry.identity: str(p.hold.reason if p.hold else p.status) for p in outcome.booked}


def test_what_a_second_name_tells_is_held_and_names_the_first() -> None:
    """The money is applied once; the hold says which payment it resembles, and which call it named."""
    outcome = outcome_of(told(LIVE, "L1"), told(FILE, "F1"))
    assert became(outcome) == {(LIVE, "L1"): "applied", (FILE, "F1"): "possible_duplicate"}
    (hold,) = outcome.opened
    first = next(p for p in outcome.booked if p.entry.source == LIVE)
    assert (hold.resembles_id, hold.call_id, hold.amount) == (first.id, 17, AMOUNT)
    assert outcome.calls[0].paid == AMOUNT


def test_two_equal_wires_in_both_feeds_leave_two_held_and_a_third_is_applied() -> None:
    """In whatever order the five reports come, and however they mix: three wires are applied, two likenesses held."""
    wires = [told(LIVE, "L1"), told(LIVE, "L2"), told(LIVE, "L3"), told(FILE, "F1"), told(FILE, "F2")]
    for order in permutations(wires):
        counts = Counter(became(outcome_of(*order)).values())
        assert counts == {"applied": 3, "possible_duplicate": 2}, order


def test_three_names_of_one_wire_leave_two_held() -> None:
    """Each other name may tell it once more, and neither counts against the other."""
    for order in permutations([told(LIVE, "L1"), told(FILE, "F1"), told(THIRD, "T1")]):
        counts = Counter(became(outcome_of(*order)).values())
        assert counts == {"applied": 1, "possible_duplicate": 2}, order


@pytest.mark.parametrize("days", [LIKENESS_DAYS, -LIKENESS_DAYS])
def test_value_dates_may_differ_by_some_days(days: int) -> None:
    """A feed dates a wire by its arrival, a statement by its booking; a day more, and they are two."""
    first = told(LIVE, "L1")
    near, far = (told(FILE, "F1", value_date=TODAY + timedelta(days=n)) for n in (days, days + (1 if days > 0 else -1)))
    assert became(outcome_of(first, near))[FILE, "F1"] == "possible_duplicate"
    assert became(outcome_of(first, far))[FILE, "F1"] == "applied"


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"reference": "E2E-1"}, {"reference": "E2E-2"}, False),
        ({"reference": "E2E-1"}, {"reference": "e2e 1"}, True),
        ({"reference": "E2E-1"}, {"reference": None}, True),
        ({"reference": "E2E-1"}, {"reference": "NOTPROVIDED"}, True),
        ({"reference": "E2E-1"}, {"reference": "NONREF"}, True),
        ({"reference": "ACME-CALL-2026-03-000017"}, {"reference": "ACME-CALL-2026-0"}, True),  # cut to 16
        ({"reference": "ACME-CALL-2026-03-000017"}, {"reference": "ACME-CALL-2026"}, False),  # cut by nobody
        ({"reference": "E2E-1"}, {"reference": reference_of(17), "call_id": None}, True),  # each its own reference
        ({"call_id": 17}, {"reference": reference_of(17), "call_id": None}, True),
        ({"call_id": 17}, {"call_id": 18}, False),
        ({"call_id": None, "remittance": reference_of(18)}, {"call_id": 17}, False),
        ({"call_id": None}, {"call_id": 17}, True),
        ({"amount": Minor(AMOUNT)}, {"amount": Minor(AMOUNT + 1)}, False),
        ({"currency": "USD"}, {"currency": "EUR"}, False),
    ],
)
def test_what_tells_two_wires_apart(one: dict[str, Any], other: dict[str, Any], alike: bool) -> None:
    """Another amount or currency, another call, or another end-to-end reference, as far as both have one."""
    for first, second in ((one, other), (other, one)):
        reasons = became(outcome_of(told(LIVE, "L1", **first), told(FILE, "F1", **second)))
        assert (reasons[FILE, "F1"] == Reason.POSSIBLE_DUPLICATE) is alike


def test_what_has_the_same_reference_is_paired_first() -> None:
    """Not what came first: so the one that is left alone is the one that only one feed told."""
    before = (
        seen(PaymentId(900), told(LIVE, "L1")),
        seen(PaymentId(901), told(LIVE, "L2", reference="E2E-2")),
        seen(PaymentId(902), told(LIVE, "L3", call_id=None, value_date=TODAY + timedelta(days=1))),
    )
    (hold,) = outcome_of(told(FILE, "F1", reference="E2E-2"), before=before).opened
    assert hold.resembles_id == 901
    (hold,) = outcome_of(told(FILE, "F1"), before=before).opened
    assert hold.resembles_id == 900


def test_a_payment_that_has_its_likeness_is_nobody_elses() -> None:
    """Loaded or of this batch, whatever numbers the copies of the service gave them."""
    first = seen(PaymentId(901), told(LIVE, "L1"))
    likeness = seen(PaymentId(900), told(FILE, "F1"), PaymentId(901))
    outcome = outcome_of(told(FILE, "F2"), told(LIVE, "L2"), before=(first, likeness))
    assert became(outcome) == {(FILE, "F2"): "applied", (LIVE, "L2"): "possible_duplicate"}


def test_a_likeness_is_held_whatever_else_is_wrong_with_it() -> None:
    """Else a sweep or a person would apply it later for the other reason's sake."""
    unknown = outcome_of(told(LIVE, "L1", call_id=99), told(FILE, "F1", call_id=99))
    assert became(unknown) == {(LIVE, "L1"): "unknown_call", (FILE, "F1"): "possible_duplicate"}
    nameless = outcome_of(told(LIVE, "L1", call_id=None), told(FILE, "F1", call_id=None))
    assert became(nameless) == {(LIVE, "L1"): "no_match", (FILE, "F1"): "possible_duplicate"}


def test_other_accounts_and_equal_wires_of_one_name_are_left_alone() -> None:
    """Two equal wires with two identities are two payments, where no other name may have told one of them."""
    outcome = outcome_of(told(LIVE, "L1"), told(LIVE, "L2"), told("bank/other", "O1"), told("bank/other", "O2"))
    assert set(became(outcome).values()) == {"applied"}
    assert [one.source for one in outcome.seen] == [LIVE, LIVE]


@st.composite
def stories(draw: st.DrawFn) -> tuple[list[Entry], int, int]:
    """Wires told by one name or by both, alike but for what tells some of them apart, in any order; with how many there
    are, and how many are told twice."""
    told_by = draw(st.lists(st.sampled_from([(LIVE,), (FILE,), (LIVE, FILE)]), min_size=1, max_size=8))
    kind = draw(st.sampled_from(["alike", "apart"]))
    entries = [
        told(source, f"{source}-{n}", reference=f"E2E-{n}" if kind == "apart" else None)
        for n, sources in enumerate(told_by)
        for source in sources
    ]
    twice = sum(len(sources) == 2 for sources in told_by)
    if kind == "alike":  # nobody can tell which wire the other name did not tell: as many are paired as can be
        by_live, by_file = (sum(name in sources for sources in told_by) for name in (LIVE, FILE))
        twice = min(by_live, by_file)
    return draw(st.permutations(entries)), len(entries) - twice, twice


@effort(150)
@given(story=stories(), cut=st.integers(0, 16))
def test_no_order_and_no_batches_change_what_is_applied(story: tuple[list[Entry], int, int], cut: int) -> None:
    """As many wires are applied as the account can have got, and as many likenesses are held, in whatever order and
    batches they come; no payment has two likenesses under one name."""
    entries, applied, held = story
    first = outcome_of(*entries[:cut])
    loaded = book(call(17), lookalikes=Lookalikes(ONE_ACCOUNT, first.seen))
    second = receive(loaded, came(entries[cut:]), ids(600), NOW)
    payments = [*first.booked, *second.booked]
    assert sum(p.status is PaymentStatus.APPLIED for p in payments) == applied
    pairs = [(p.hold.resembles_id, p.entry.source) for p in payments if p.hold]
    assert len(pairs) == len(set(pairs)) == held
    sources = {p.id: p.entry.source for p in payments}
    assert all(original is not None and sources[original] != source for original, source in pairs)


def test_a_flood_of_equal_wires_is_compared_quickly() -> None:
    """Thousands of one amount, each for a call of its own, told by both names: each finds its own."""
    calls = range(1, 2_001)
    live = [told(LIVE, f"L{n}", call_id=n) for n in calls]
    files = [told(FILE, f"F{n}", call_id=None, remittance=f"for {reference_of(n)}") for n in reversed(calls)]
    before = tuple(seen(PaymentId(10_000 + n), entry) for n, entry in zip(calls, live, strict=True))
    numbers = ids()
    numbers.payments.extend(range(20_000, 22_000))
    numbers.holds.extend(range(20_000, 22_000))
    loaded = book(*(call(n) for n in calls), lookalikes=Lookalikes(ONE_ACCOUNT, before))
    outcome = receive(loaded, came(files), numbers, NOW)
    assert {hold.call_id: hold.resembles_id for hold in outcome.opened} == {CallId(n): 10_000 + n for n in calls}
