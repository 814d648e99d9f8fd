"""Promises of a batch: every entry is booked once, matched by one rule, and applied whole or held whole."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.payments.domain import (
    Call,
    Entry,
    Kind,
    Known,
    Outcome,
    PaymentStatus,
    PostingKind,
    Reason,
    Rule,
    Status,
    payment_status_of,
)
from services.payments.domain.receiving import arrived
from shared.ids import CallId, FundId, PaymentId
from shared.money import Minor
from shared.reference import reference_of
from tests.payments.making import BANK, NOW, TODAY, book, call, credit, received, reversal

RF17, RF18 = reference_of(17), reference_of(18)


def reasons(outcome: Outcome) -> list[Reason]:
    return [hold.reason for hold in outcome.opened]


def test_a_credit_pays_the_call_that_it_names() -> None:
    """One posting, one version of the call with it, and the payment is applied."""
    outcome = received(book(call()), credit())
    (payment,), (posting,), (version,) = outcome.booked, outcome.postings, outcome.versions
    assert (payment.status, payment.applied, payment.applications) == (PaymentStatus.APPLIED, 400_000_00, (posting,))
    assert (posting.kind, posting.rule, posting.call_version) == (PostingKind.APPLIED, Rule.CALL_ID, 2)
    assert (version.call.status, version.previous_status, version.applied) == (Status.PAID, Status.CALLED, (posting,))
    assert (version.call.paid, version.call.postings, version.call.last_paid_on) == (400_000_00, 1, TODAY)
    assert outcome.opened == []


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(credit(), (17, Rule.CALL_ID), id="call_id"),
        pytest.param(credit(call_id=None, reference=RF17), (17, Rule.REFERENCE), id="reference"),
        pytest.param(
            credit(call_id=None, reference=" rf97 d000 0000 017 "), (17, Rule.REFERENCE), id="spaces and case"
        ),
        pytest.param(credit(call_id=None, remittance=f"for {RF17}, thanks"), (17, Rule.REFERENCE), id="remittance"),
        pytest.param(credit(reference=RF17), (17, Rule.CALL_ID), id="both the same"),
        pytest.param(credit(call_id=None, reference=RF17, remittance=RF17), (17, Rule.REFERENCE), id="said twice"),
        pytest.param(credit(call_id=None, reference="RF12D0000000017"), Reason.NO_MATCH, id="wrong check digits"),
        pytest.param(credit(call_id=None, reference=reference_of(17)[:-1]), Reason.NO_MATCH, id="cut short"),
        pytest.param(credit(call_id=None, reference="E2E-1", remittance="capital call"), Reason.NO_MATCH, id="neither"),
        pytest.param(credit(reference=RF18), Reason.AMBIGUOUS_MATCH, id="both and different"),
        pytest.param(
            credit(call_id=None, reference=RF17, remittance=RF18), Reason.AMBIGUOUS_MATCH, id="two references"
        ),
        pytest.param(credit(call_id=99), Reason.UNKNOWN_CALL, id="a call that is not here"),
        pytest.param(
            credit(call_id=None, reference=reference_of(99)), Reason.UNKNOWN_CALL, id="an RF of no known call"
        ),
    ],
)
def test_matching(entry: Entry, expected: tuple[int, Rule] | Reason) -> None:
    """A call id or a reference of ours decides; two of them decide nothing, and nothing is guessed."""
    outcome = received(book(call(17), call(18)), entry)
    if isinstance(expected, Reason):
        assert reasons(outcome) == [expected]
        assert outcome.versions == []
    else:
        assert [(p.call_id, p.rule) for p in outcome.postings] == [expected]


def test_the_named_call_decides_and_no_other_is_tried() -> None:
    """Money for a call that cannot take it is held, though another call waits for exactly that amount."""
    outcome = received(book(call(17, 100), call(18, 400)), credit(amount=400, call_id=17))
    assert reasons(outcome) == [Reason.OVER_PAYMENT]


@pytest.mark.parametrize(
    ("state", "entry", "reason"),
    [
        pytest.param(call(cancelled=True, watch_on=None), credit(), Reason.CALL_CLOSED, id="cancelled"),
        pytest.param(call(), credit(currency="EUR"), Reason.CURRENCY_MISMATCH, id="another currency"),
        pytest.param(call(), credit(amount=400_000_01), Reason.OVER_PAYMENT, id="one cent too much"),
        pytest.param(
            call(paid=Minor(400_000_00), last_paid_on=TODAY), credit(amount=1), Reason.OVER_PAYMENT, id="paid already"
        ),
        pytest.param(
            call(paid=Minor(100), last_paid_on=TODAY, released=Minor(399_999_00)),
            credit(amount=1),
            Reason.OVER_PAYMENT,
            id="closed by a release",
        ),
        pytest.param(call(17, 0), credit(amount=1), Reason.OVER_PAYMENT, id="a zero call"),
        pytest.param(call(fund_id=FundId(2)), credit(), Reason.WRONG_ACCOUNT, id="another fund's call"),
    ],
)
def test_what_a_call_cannot_take_is_held_whole(state: Call, entry: Entry, reason: Reason) -> None:
    """The payment is booked and all its money on hold with the reason; the call does not change."""
    outcome = received(book(state, accounts={BANK: FundId(1)}), entry)
    assert reasons(outcome) == [reason]
    (payment,) = outcome.booked
    assert (payment.held, payment.applied, payment.status) == (entry.amount, 0, PaymentStatus.HELD)
    assert (outcome.opened[0].call_id, outcome.opened[0].amount) == (17, entry.amount)
    assert (outcome.postings, outcome.versions) == ([], [])


def test_money_for_a_call_that_will_never_be_issued_is_told_so() -> None:
    """A rejected or withdrawn call is closed, not unknown: no sweep will ever apply it."""
    assert reasons(received(book(closed={CallId(17)}), credit())) == [Reason.CALL_CLOSED]


def test_an_unregistered_account_pays_any_fund() -> None:
    """Only an alias that is registered is bound to its fund."""
    assert received(book(call(fund_id=FundId(2)), accounts={"bank/other": FundId(1)}), credit()).opened == []


def test_a_batch_makes_one_version_per_call() -> None:
    """Two payments of one call are one event with two postings, and the last state wins."""
    outcome = received(book(call()), credit("E1", 100), credit("E2", 200, value_date=TODAY + timedelta(days=1)))
    (version,) = outcome.versions
    assert [p.amount for p in version.applied] == [100, 200]
    assert (version.call.paid, version.call.version, version.call.postings) == (300, 2, 2)
    assert version.call.last_paid_on == TODAY + timedelta(days=1)


def test_more_than_two_hundred_postings_make_more_versions() -> None:
    """No event grows without bound; versions follow each other without a gap, each with the sums so far."""
    outcome = received(book(call(amount=1_000)), *(credit(f"E{n}", 1) for n in range(450)))
    assert [(v.call.version, len(v.applied), v.call.paid, v.call.postings) for v in outcome.versions] == [
        (2, 200, 200, 200),
        (3, 200, 400, 400),
        (4, 50, 450, 450),
    ]
    assert all(p.call_version == v.call.version for v in outcome.versions for p in v.applied)
    assert [c.version for c in outcome.calls] == [4]


def test_who_comes_first_to_a_nearly_full_call_is_paid() -> None:
    """In a batch as between batches the order decides; what no longer fits is held, what fits behind it is not."""
    outcome = received(book(call(amount=500)), credit("E1", 300), credit("E2", 300), credit("E3", 200))
    assert [p.external_id for p in outcome.postings] == ["E1", "E3"]
    assert reasons(outcome) == [Reason.OVER_PAYMENT]


# --- identity --------------------------------------------------------------------------------------------------------


def test_the_same_key_twice_in_one_batch_is_applied_once() -> None:
    """formancehq/stack#1633: a key that came twice in one batch crashed it; here the second is counted."""
    outcome = received(book(call()), *[credit(amount=100)] * 10)
    assert (len(outcome.postings), outcome.duplicates, len(outcome.booked)) == (1, 9, 1)


def test_a_known_identity_with_the_same_content_changes_nothing() -> None:
    """A re-sent entry is counted, and nothing else happens."""
    entry = credit()
    outcome = received(book(call(), known={entry.identity: Known(PaymentId(7), entry.content)}), entry)
    assert (outcome.duplicates, outcome.booked, outcome.versions, outcome.opened) == (1, [], [], [])


def test_two_equal_wires_with_two_identities_are_two_payments() -> None:
    """LerianStudio/midaz#1974: a body's hash is no identity; honest repeats are paid twice."""
    outcome = received(book(call()), credit("E1", 100), credit("E2", 100))
    assert (len(outcome.booked), outcome.versions[-1].call.paid, outcome.duplicates) == (2, 200, 0)


def test_one_bank_id_from_two_accounts_is_two_payments() -> None:
    """The source is part of the identity."""
    outcome = received(book(call()), credit(amount=100), credit(amount=100, source="bank/acme-usd-2"))
    assert len(outcome.booked) == 2


CONTRADICTIONS = [
    pytest.param({"amount": Minor(401)}, id="amount"),
    pytest.param({"currency": "EUR"}, id="currency"),
    pytest.param({"value_date": TODAY + timedelta(days=1)}, id="value date"),
    pytest.param({"call_id": CallId(18)}, id="call id"),
    pytest.param({"call_id": None}, id="no call id"),
    pytest.param({"reference": "OTHER"}, id="reference"),
    pytest.param({"kind": Kind.REVERSAL, "reverses": "E0"}, id="kind"),
]
SAME = [
    pytest.param({"reference": "inv-1 / 2"}, id="spaces and case of the reference"),
    pytest.param({"remittance": "other words"}, id="remittance"),
    pytest.param({"remitter": "Somebody"}, id="remitter"),
    pytest.param({"booked_at": NOW, "method": "wire"}, id="how and when it was booked"),
]


@pytest.mark.parametrize("told", CONTRADICTIONS)
def test_the_same_identity_with_other_content_is_a_conflict(told: dict[str, Any]) -> None:
    """It is put on record with an alarm, is no payment, and changes no call; told again, it is a duplicate."""
    first = credit(amount=400, reference="INV-1/2")
    other = replace(first, **told)
    outcome = received(book(call()), first, other, other, first)
    assert reasons(outcome) == [Reason.IDENTITY_CONFLICT]
    assert (len(outcome.booked), len(outcome.postings), len(outcome.conflicts), outcome.duplicates) == (1, 1, 1, 2)
    (hold,), (conflict,) = outcome.opened, outcome.conflicts
    assert (hold.payment_id, hold.conflict_id, conflict.payment_id) == (None, conflict.id, outcome.booked[0].id)


@pytest.mark.parametrize("told", SAME)
def test_content_is_what_moves_money_and_nothing_else(told: dict[str, Any]) -> None:
    """How a statement words an entry does not make it another one."""
    first = credit(amount=400, reference="INV-1/2")
    assert received(book(call()), first, replace(first, **told)).duplicates == 1


def test_a_contradiction_on_record_is_not_recorded_again() -> None:
    """A replay of the topic adds no second alarm."""
    first, other = credit(amount=400), credit(amount=401)
    known = {first.identity: Known(PaymentId(7), first.content)}
    loaded = book(call(), known=known, conflicts={(other.identity, other.content)})
    assert (received(loaded, other).conflicts, received(loaded, other).duplicates) == ([], 1)


def test_the_word_for_a_payment_is_where_its_money_is() -> None:
    """The first line that holds wins, as the table's own column says it."""
    parts = ("applied", "held", "returned", "dismissed", "taken_back")
    for only, word in zip(parts, ("applied", "held", "returned", "dismissed", "reversed"), strict=True):
        amounts = {"amount": 10, "applied": 0, "held": 0, "returned": 0, "taken_back": 0}
        if only in amounts:
            amounts[only] = 10
        assert payment_status_of(**amounts) == word
    assert payment_status_of(amount=10, applied=6, held=4, returned=0, taken_back=0) == "partly_held"


def test_an_entry_is_looked_at_only_for_calls_that_credits_name() -> None:
    """A reversal names its original, never a call."""
    assert arrived(reversal(credit(), reference=RF17)).calls == ()
