"""Promises of reversals, and of money that waits: what was undone stays undone, what was held is decided again."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from services.payments.domain import (
    Book,
    Call,
    Entry,
    Known,
    Outcome,
    Payment,
    PaymentStatus,
    PostingKind,
    Reason,
    Resolution,
    Rule,
    Status,
    reconsider,
)
from shared.ids import CallId, HoldId, PaymentId
from shared.money import Minor
from shared.reference import reference_of
from tests.payments.making import NOW, TODAY, book, call, credit, ids, received, reversal

RF17 = reference_of(17)


def reasons(outcome: Outcome) -> list[Reason]:
    return [hold.reason for hold in outcome.opened]


def booked(entry: Entry, payment_id: int = 7, state: Call | None = None) -> tuple[Payment, Call]:
    """A payment of an earlier batch and the call after it."""
    outcome = received(book(state or call()), entry)
    payment = outcome.booked[0]
    calls = outcome.calls
    return payment, calls[0] if calls else call()


def loaded_with(payment: Payment, paid: Call) -> Book:
    days: dict[date, int] = {}
    for posting in payment.applications:
        days[posting.value_date] = days.get(posting.value_date, 0) + 1
    entry = payment.entry
    return book(
        paid,
        payments={entry.identity: payment},
        known={entry.identity: Known(payment.id, payment.content)},
        paid_days={CallId(17): days},
    )


def test_a_reversal_takes_its_original_back() -> None:
    """The application is undone by a posting of its own, and the call is open again for exactly that."""
    entry = credit()
    payment, paid = booked(entry)
    taken = reversal(entry, value_date=TODAY + timedelta(days=3))
    outcome = received(loaded_with(payment, paid), taken)
    (undone,), (version,), (back,), (changed,) = outcome.postings, outcome.versions, outcome.booked, outcome.changed
    assert (undone.kind, undone.undoes, undone.payment_id) == (
        PostingKind.UNDONE,
        payment.applications[0].id,
        payment.id,
    )
    assert (undone.rule, undone.value_date) == (Rule.REVERSAL, taken.value_date)
    assert (version.call.status, version.previous_status, version.call.last_paid_on) == (
        Status.CALLED,
        Status.PAID,
        None,
    )
    assert (version.call.paid, version.call.postings) == (0, 2)
    assert (changed.reversed, changed.applied, changed.applications) == (400_000_00, 0, ())
    assert (back.reversed, back.original_id, back.status) == (400_000_00, payment.id, PaymentStatus.REVERSED)


def test_a_batch_with_both_an_original_and_its_reversal_ends_with_nothing_paid() -> None:
    """One version tells of both postings; the call is as it was but for its history."""
    entry = credit()
    outcome = received(book(call()), entry, reversal(entry))
    (version,) = outcome.versions
    assert [p.kind for p in version.applied] == [PostingKind.APPLIED, PostingKind.UNDONE]
    assert (version.call.paid, version.call.status, version.call.postings) == (0, Status.CALLED, 2)
    assert [p.status for p in outcome.booked] == [PaymentStatus.REVERSED, PaymentStatus.REVERSED]
    assert outcome.changed == []


def test_a_reversal_of_held_money_closes_its_hold() -> None:
    """Money that never reached a call goes back without a posting."""
    entry = credit(call_id=None)
    outcome = received(book(), entry, reversal(entry))
    assert [(h.reason, h.resolution, h.version) for h in outcome.opened] == [(Reason.NO_MATCH, Resolution.REVERSED, 2)]
    assert [(h.version, h.is_open) for h, _ in outcome.told_holds] == [(1, True), (2, False)]
    assert (outcome.postings, [p.reversed for p in outcome.booked]) == ([], [400_000_00, 400_000_00])


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        pytest.param({"reverses": "E9"}, Reason.ORIGINAL_NOT_FOUND, id="unknown original"),
        pytest.param({"source": "bank/other"}, Reason.ORIGINAL_NOT_FOUND, id="another source"),
        pytest.param({"amount": Minor(1)}, Reason.REVERSAL_MISMATCH, id="another amount"),
        pytest.param({"currency": "EUR"}, Reason.REVERSAL_MISMATCH, id="another currency"),
    ],
)
def test_a_reversal_that_does_not_fit_is_held(told: dict[str, Any], reason: Reason) -> None:
    """The original stays as it was; a person looks at the reversal."""
    entry = credit()
    outcome = received(book(call()), entry, replace(reversal(entry), **told))
    assert reasons(outcome) == [reason]
    assert [p.status for p in outcome.booked] == [PaymentStatus.APPLIED, PaymentStatus.HELD]


def test_the_second_return_of_one_payment_is_refused() -> None:
    """blnkfinance/blnk#152: a refund was applied repeatedly; here the second is held as already reversed."""
    entry = credit()
    outcome = received(book(call()), entry, reversal(entry, "R1"), reversal(entry, "R2"))
    assert reasons(outcome) == [Reason.ALREADY_REVERSED]
    assert [p.kind for p in outcome.postings] == [PostingKind.APPLIED, PostingKind.UNDONE]


def test_a_reversal_of_a_reversal_is_for_a_person() -> None:
    """Only credits can be taken back; another amount is a mismatch in every order."""
    entry = credit()
    back = reversal(entry, "R1")
    outcome = received(book(call()), entry, back, replace(reversal(back, "R2"), amount=entry.amount))
    assert reasons(outcome) == [Reason.REVERSAL_MISMATCH]


def test_last_paid_on_is_the_greatest_value_date_that_still_counts() -> None:
    """Undoing the latest application brings the one before it back."""
    first, second = credit("E1", 100), credit("E2", 100, value_date=TODAY + timedelta(days=5))
    outcome = received(book(call()), first, second, reversal(second))
    assert outcome.calls[0].last_paid_on == TODAY
    assert received(book(call()), first, second, reversal(first)).calls[0].last_paid_on == second.value_date


def test_a_defaulted_call_is_defaulted_again_after_a_reversal() -> None:
    """The flag survives the payment."""
    entry = credit()
    outcome = received(book(call(defaulted=True, watch_on=None)), entry)
    assert outcome.calls[0].status is Status.PAID
    outcome = received(book(call(defaulted=True, watch_on=None)), entry, reversal(entry))
    assert outcome.calls[0].status is Status.DEFAULTED


def test_the_clock_looks_again_at_a_call_that_a_reversal_re_opens() -> None:
    """A call that was paid when the clock stopped looking falls into default at the next tick, not never."""
    entry = credit()
    payment, paid = booked(entry)
    silent = replace(paid, watch_on=None)
    outcome = received(loaded_with(payment, silent), reversal(entry))
    assert outcome.calls[0].watch_on == outcome.calls[0].default_from


# --- decided again ---------------------------------------------------------------------------------------------------


def waiting(entry: Entry) -> Payment:
    """A payment that an earlier batch held because its call or original was not there."""
    return received(book(), entry).booked[0]


def test_held_money_is_applied_when_its_call_has_come() -> None:
    """A payment before its terms: the same hold is resolved, and the money counts by the rule it came with."""
    payment = waiting(credit(call_id=None, reference=RF17))
    outcome = reconsider(book(call(), payments={payment.entry.identity: payment}), ids(100), NOW)
    assert [(p.call_id, p.rule) for p in outcome.postings] == [(17, Rule.REFERENCE)]
    assert [(h.resolution, h.version) for h in outcome.reheld] == [(Resolution.APPLIED, 2)]
    assert [(p.applied, p.held, p.hold) for p in outcome.changed] == [(400_000_00, 0, None)]


@pytest.mark.parametrize(
    ("loaded", "reason"),
    [
        pytest.param(book(closed={CallId(17)}), Reason.CALL_CLOSED, id="it was rejected or withdrawn"),
        pytest.param(book(call(amount=1)), Reason.OVER_PAYMENT, id="it is smaller"),
        pytest.param(book(call(currency="EUR")), Reason.CURRENCY_MISMATCH, id="it is in another currency"),
    ],
)
def test_held_money_whose_call_cannot_take_it_is_held_for_that(loaded: Book, reason: Reason) -> None:
    """The same hold, open, in a new version with the new reason."""
    payment = waiting(credit())
    again = replace(loaded, payments={payment.entry.identity: payment})
    outcome = reconsider(again, ids(100), NOW)
    assert payment.hold is not None
    assert [(h.id, h.reason, h.is_open, h.version) for h in outcome.reheld] == [(payment.hold.id, reason, True, 2)]
    assert outcome.postings == []


def test_money_that_still_waits_stays_as_it_is() -> None:
    """No version, no event, while the cause of a hold is there."""
    payment, back = waiting(credit()), waiting(reversal(credit("E9")))
    loaded = book(payments={p.entry.identity: p for p in (payment, replace(back, id=PaymentId(2)))})
    outcome = reconsider(loaded, ids(100), NOW)
    assert (outcome.changed, outcome.reheld, outcome.told_holds, outcome.versions) == ([], [], [], [])


def test_a_reversal_finds_its_original_when_it_has_come() -> None:
    """Before its original it was held; then the original is taken back, and the hold resolved as reversed."""
    entry = credit()
    payment, paid = booked(entry)
    back = replace(waiting(reversal(entry)), id=PaymentId(50))
    loaded = loaded_with(payment, paid)
    loaded = replace(loaded, payments={entry.identity: payment, back.entry.identity: back})
    outcome = reconsider(loaded, ids(100), NOW)
    assert [p.kind for p in outcome.postings] == [PostingKind.UNDONE]
    assert [(p.id, p.reversed, p.held, p.original_id) for p in outcome.changed] == [
        (payment.id, 400_000_00, 0, None),
        (50, 400_000_00, 0, payment.id),
    ]
    assert [(h.reason, h.resolution) for h in outcome.reheld] == [(Reason.ORIGINAL_NOT_FOUND, Resolution.REVERSED)]


def test_held_money_is_decided_in_the_order_of_payments() -> None:
    """The earlier payment is paid where a call has room for one of two."""
    first = waiting(credit("E1", 300))
    second = replace(waiting(credit("E2", 300)), id=PaymentId(2))
    assert second.hold is not None
    hold = replace(second.hold, id=HoldId(2), payment_id=PaymentId(2))
    second = replace(second, hold=hold)
    loaded = book(call(amount=500), payments={p.entry.identity: p for p in (second, first)})
    outcome = reconsider(loaded, ids(100), NOW)
    assert [p.external_id for p in outcome.postings] == ["E1"]
    assert {h.reason for h in outcome.reheld if h.is_open} == {Reason.OVER_PAYMENT}
