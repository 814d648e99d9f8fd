"""Promises of what people do: every unit of money stays accounted for, all of it moves or none, nothing moves twice."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.payments.domain import (
    Action,
    Call,
    Conflict,
    Hold,
    Part,
    Payment,
    PaymentStatus,
    PostingKind,
    Reason,
    Resolution,
    Rule,
    Worksheet,
    apply_held,
    dismiss_conflict,
    dismiss_held,
    return_held,
    reverse,
    unapply,
)
from shared.ids import CallId, FundId, HoldId, PaymentId
from shared.money import Minor
from shared.refusal import Refused
from tests.payments.making import BANK, NOW, TODAY, book, call, credit, ids, received, reversal

HELD = received(book(), credit(call_id=None, amount=500)).booked[0]
HELD_REVERSAL = received(book(), reversal(credit("E9"))).booked[0]
PAID = received(book(call(17, 500)), credit(amount=500))
APPLIED, PAID_CALL = PAID.booked[0], PAID.calls[0]


def sheet_of(payment: Payment, *calls: Call, accounts: dict[str, FundId] | None = None) -> Worksheet:
    days = {c.id: {TODAY: 1} for c in calls}
    loaded = book(*calls, payments={payment.entry.identity: payment}, paid_days=days, accounts=accounts or {})
    return Worksheet(loaded, ids(100), NOW)


def parts(*amounts: tuple[int, int]) -> list[Part]:
    return [Part(CallId(call_id), Minor(amount)) for call_id, amount in amounts]


def test_held_money_is_applied_to_several_calls() -> None:
    """The parts sum to what was held; each is a posting by a person's word, and the hold is resolved."""
    sheet = sheet_of(HELD, call(17, 300), call(18, 300))
    done = apply_held(sheet, HELD, parts((17, 300), (18, 200)))
    outcome = sheet.finish()
    assert isinstance(done, Payment)
    assert (done.applied, done.held, done.hold, len(done.applications)) == (500, 0, None, 2)
    assert [(p.call_id, p.amount, p.rule) for p in outcome.postings] == [(17, 300, Rule.PERSON), (18, 200, Rule.PERSON)]
    assert [h.resolution for h in outcome.reheld] == [Resolution.APPLIED]
    assert [c.paid for c in outcome.calls] == [300, 200]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        pytest.param(parts((17, 300), (18, 100)), "invalid_parts", id="less than held"),
        pytest.param(parts((17, 300), (18, 300)), "invalid_parts", id="more than held"),
        pytest.param(parts((17, 500), (18, 0)), "invalid_parts", id="a part of nothing"),
        pytest.param([], "invalid_parts", id="no parts"),
        pytest.param(parts((17, 200), (18, 300)), "over_payment", id="more than one call takes"),
        pytest.param(parts((17, 250), (17, 250)), "over_payment", id="one call twice, too much together"),
        pytest.param(parts((17, 200), (19, 300)), "call_closed", id="a cancelled call"),
        pytest.param(parts((17, 200), (20, 300)), "currency_mismatch", id="another currency"),
        pytest.param(parts((17, 200), (21, 300)), "wrong_account", id="another fund's call"),
        pytest.param(parts((17, 200), (99, 300)), "unknown_call", id="no such call"),
    ],
)
def test_all_of_it_or_none(wanted: list[Part], code: str) -> None:
    """Where one part does not fit nothing is applied, and the answer says why."""
    sheet = sheet_of(
        HELD,
        call(17, 300),
        call(18, 200),
        call(19, 300, cancelled=True, watch_on=None),
        call(20, 300, currency="EUR"),
        call(21, 300, fund_id=FundId(2)),
        accounts={BANK: FundId(1)},
    )
    refused = apply_held(sheet, HELD, wanted)
    assert isinstance(refused, Refused)
    assert refused.code == code


def test_a_refusal_for_too_much_says_what_still_fits() -> None:
    """The outstanding amount is part of the answer, after the parts that stand before."""
    refused = apply_held(sheet_of(HELD, call(17, 300)), HELD, parts((17, 200), (17, 300)))
    assert isinstance(refused, Refused)
    assert refused.facts == {"outstanding": "1.00"}


@pytest.mark.parametrize(
    ("settle", "where", "resolution"),
    [(return_held, "returned", Resolution.RETURNED), (dismiss_held, "dismissed", Resolution.DISMISSED)],
)
def test_held_money_is_returned_or_dismissed(
    settle: Callable[[Worksheet, Payment], Payment | Refused], where: str, resolution: Resolution
) -> None:
    """It leaves the hold for good, and the payment says where it went."""
    sheet = sheet_of(HELD)
    done = settle(sheet, HELD)
    outcome = sheet.finish()
    assert isinstance(done, Payment)
    assert (getattr(done, where), done.held, done.status) == (500, 0, where)
    assert [h.resolution for h in outcome.reheld] == [resolution]
    assert outcome.postings == []


def test_a_payment_without_a_hold_has_nothing_to_resolve() -> None:
    """Neither applied nor already settled money can be resolved."""
    for settle in (return_held, dismiss_held, lambda sheet, payment: apply_held(sheet, payment, parts((17, 500)))):
        refused = settle(sheet_of(APPLIED, PAID_CALL), APPLIED)
        assert isinstance(refused, Refused)
        assert refused.code == "invalid_transition"


def test_a_held_reversal_can_be_dismissed_only() -> None:
    """It brings no money that could be applied or returned."""
    for settle in (return_held, lambda sheet, payment: apply_held(sheet, payment, parts((17, 500)))):
        refused = settle(sheet_of(HELD_REVERSAL, call()), HELD_REVERSAL)
        assert isinstance(refused, Refused)
        assert refused.code == "invalid_transition"
    done = dismiss_held(sheet_of(HELD_REVERSAL), HELD_REVERSAL)
    assert isinstance(done, Payment)
    assert done.status is PaymentStatus.DISMISSED


def test_unapplied_money_is_on_hold_again() -> None:
    """The call gets it back as outstanding, by a posting on the application's own value date."""
    sheet = sheet_of(APPLIED, PAID_CALL)
    done = unapply(sheet, APPLIED)
    outcome = sheet.finish()
    assert isinstance(done, Payment)
    assert (done.held, done.applied, done.applications) == (500, 0, ())
    assert done.hold is not None
    assert (done.hold.reason, done.hold.amount) == (Reason.UNAPPLIED, 500)
    (undone,) = outcome.postings
    assert (undone.kind, undone.rule, undone.value_date) == (PostingKind.UNDONE, Rule.PERSON, TODAY)
    assert (outcome.calls[0].paid, outcome.calls[0].outstanding) == (0, 500)


def test_what_is_not_applied_cannot_be_unapplied() -> None:
    """Held money is on hold already."""
    refused = unapply(sheet_of(HELD), HELD)
    assert isinstance(refused, Refused)
    assert refused.code == "invalid_transition"


def test_a_person_records_that_money_left_again() -> None:
    """Like the bank's own reversal: applications undone, holds closed, a payment of its own that says so."""
    for payment, calls in ((APPLIED, (PAID_CALL,)), (HELD, ())):
        sheet = sheet_of(payment, *calls)
        back = replace(reversal(payment.entry, "T1"), source="manual/reversal/1")
        done = reverse(sheet, payment, back)
        outcome = sheet.finish()
        assert isinstance(done, Payment)
        assert (done.reversed, done.status) == (500, PaymentStatus.REVERSED)
        assert [(p.original_id, p.reversed) for p in outcome.booked] == [(payment.id, 500)]
        assert all(c.paid == 0 for c in outcome.calls)


def test_money_that_has_left_cannot_be_reversed_again() -> None:
    """Neither reversed nor returned money is here any more."""
    reversed_ = replace(HELD, held=Minor(0), hold=None, reversed=Minor(500))
    returned = replace(HELD, held=Minor(0), hold=None, returned=Minor(500))
    for payment, code in ((reversed_, "already_reversed"), (returned, "invalid_transition")):
        refused = reverse(sheet_of(payment), payment, reversal(payment.entry))
        assert isinstance(refused, Refused)
        assert refused.code == code


def test_a_conflict_can_be_dismissed_and_nothing_else() -> None:
    """It holds no booked money; once dismissed it stays so."""
    conflict = Conflict(PaymentId(3), PaymentId(1), credit(), NOW)
    hold = Hold(HoldId(4), None, conflict.id, Reason.IDENTITY_CONFLICT, Minor(500), NOW)
    for action in (Action.APPLY, Action.RETURN):
        assert isinstance(dismiss_conflict(conflict, hold, action), Refused)
    done = dismiss_conflict(conflict, hold, Action.DISMISS)
    assert isinstance(done, Hold)
    assert (done.resolution, done.version) == (Resolution.DISMISSED, 2)
    assert isinstance(dismiss_conflict(conflict, done, Action.DISMISS), Refused)


def test_money_that_does_not_add_up_cannot_even_be_said() -> None:
    """A payment whose parts are not its amount is never made."""
    with pytest.raises(AssertionError):
        replace(HELD, applied=Minor(1))
