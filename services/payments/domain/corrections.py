"""What people do about payments: resolve a hold, take a wrong match back, record that the money left again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from services.payments.domain.entries import Entry, Kind, Rule
from services.payments.domain.payments import Conflict, Hold, Payment, Reason, Resolution
from services.payments.domain.receiving import take_back
from services.payments.domain.worksheet import Worksheet
from shared.currency import text
from shared.ids import CallId, PaymentId
from shared.money import Minor
from shared.refusal import Refused


class Action(StrEnum):
    """How a person resolves a hold."""

    APPLY = "apply"
    RETURN = "return"
    DISMISS = "dismiss"


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a payment's money, and the call it is for."""

    call_id: CallId
    amount: Minor


ADVICE: dict[Reason, str] = {
    Reason.UNKNOWN_CALL: "Check the call's id; a call must be issued before it can be paid.",
    Reason.CALL_CLOSED: "Choose another call, or return the money.",
    Reason.OVER_PAYMENT: "Apply what fits to this call and the rest to others, or return the money.",
    Reason.CURRENCY_MISMATCH: "Choose a call in the payment's currency.",
    Reason.WRONG_ACCOUNT: "Choose a call of the fund that the account belongs to.",
}


def refused(reason: Reason, call_id: CallId, entry: Entry, outstanding: int | None) -> Refused:
    """The refusal that a reason to hold is, where a person asks instead of a bank."""
    what = {
        Reason.UNKNOWN_CALL: f"no call {call_id} is issued",
        Reason.CALL_CLOSED: f"call {call_id} is closed",
        Reason.OVER_PAYMENT: f"call {call_id} takes at most what is outstanding",
        Reason.CURRENCY_MISMATCH: f"call {call_id} is not in {entry.currency}",
        Reason.WRONG_ACCOUNT: f"account {entry.source} pays another fund's calls only",
    }[reason]
    facts = {} if outstanding is None else {"outstanding": text(outstanding, entry.currency)}
    return Refused(str(reason), what, ADVICE[reason], facts)


def apply_held(sheet: Worksheet, payment: Payment, parts: Sequence[Part]) -> Payment | Refused:
    """Applies all the money on hold to one or more calls; all of it or none."""
    hold = payment.hold
    if hold is None or payment.entry.kind is not Kind.CREDIT:
        return _nothing_to(Action.APPLY, payment)
    if not parts or any(part.amount <= 0 for part in parts) or sum(part.amount for part in parts) != hold.amount:
        held = text(hold.amount, payment.entry.currency)
        return Refused(
            "invalid_parts", f"the parts must be above zero and sum to the {held} on hold", "", {"held_amount": held}
        )
    postings = []
    for part in parts:
        reason = sheet.why_not(payment.entry, part.call_id, part.amount)
        if reason is not None:
            tab = sheet.tab(part.call_id)
            outstanding = tab.call.amount - tab.paid if tab and reason is Reason.OVER_PAYMENT else None
            return refused(reason, part.call_id, payment.entry, outstanding)
        postings.append(sheet.post(payment.id, payment.entry, part.call_id, part.amount, Rule.PERSON))
    sheet.rehold(hold.resolved(Resolution.APPLIED), payment.entry)
    changed = replace(
        payment,
        applied=Minor(payment.applied + hold.amount),
        held=Minor(payment.held - hold.amount),
        applications=(*payment.applications, *postings),
        hold=None,
    )
    sheet.keep(changed)
    return changed


def return_held(sheet: Worksheet, payment: Payment) -> Payment | Refused:
    """Records that the money on hold goes back to its sender."""
    hold = payment.hold
    if hold is None or payment.entry.kind is not Kind.CREDIT:
        return _nothing_to(Action.RETURN, payment)
    sheet.rehold(hold.resolved(Resolution.RETURNED), payment.entry)
    changed = replace(
        payment,
        held=Minor(payment.held - hold.amount),
        returned=Minor(payment.returned + hold.amount),
        hold=None,
    )
    sheet.keep(changed)
    return changed


def dismiss_held(sheet: Worksheet, payment: Payment) -> Payment | Refused:
    """Records that the money on hold never was: the same entry under another name, or a reversal of nothing."""
    hold = payment.hold
    if hold is None:
        return _nothing_to(Action.DISMISS, payment)
    sheet.rehold(hold.resolved(Resolution.DISMISSED), payment.entry)
    changed = replace(
        payment,
        held=Minor(payment.held - hold.amount),
        dismissed=Minor(payment.dismissed + hold.amount),
        hold=None,
    )
    sheet.keep(changed)
    return changed


def dismiss_conflict(conflict: Conflict, hold: Hold, action: Action) -> Hold | Refused:
    """Closes a conflict; it holds no money, so nothing can be applied or returned."""
    if not hold.is_open:
        return Refused("invalid_transition", f"conflict {conflict.id} is {hold.resolution} already")
    if action is not Action.DISMISS:
        return Refused(
            "invalid_transition",
            "an identity conflict is not booked and holds no money",
            "Dismiss it; if the money is real, ask the bank to report it under an identity of its own.",
        )
    return hold.resolved(Resolution.DISMISSED)


def _nothing_to(action: Action, payment: Payment) -> Refused:
    if payment.hold is None:
        return Refused("invalid_transition", f"payment {payment.id} has no money on hold; it is {payment.status}")
    return Refused("invalid_transition", f"a reversal cannot be resolved by {action}", "Dismiss it instead.")


def unapply(sheet: Worksheet, payment: Payment) -> Payment | Refused:
    """Takes a wrong match back: what was applied is on hold again, for a person to resolve."""
    if not payment.applications:
        return Refused("invalid_transition", f"payment {payment.id} is applied to no call; it is {payment.status}")
    if payment.hold is not None:
        return Refused(
            "invalid_transition",
            f"some of payment {payment.id} is on hold for {payment.hold.reason}",
            "Resolve that hold first.",
        )
    for posting in payment.applications:
        sheet.undo(posting, posting.value_date, Rule.PERSON)
    hold = sheet.hold(payment.id, payment.entry, Reason.UNAPPLIED, payment.applied, None)
    changed = replace(payment, applied=Minor(0), held=Minor(payment.held + payment.applied), applications=(), hold=hold)
    sheet.keep(changed)
    return changed


def reverse(sheet: Worksheet, payment: Payment, reversal: Entry) -> Payment | Refused:
    """Records that a payment's money left again, on a person's word; gives the payment as it now is."""
    if payment.reversed > 0 and payment.entry.kind is Kind.CREDIT:
        return Refused("already_reversed", f"payment {payment.id} was reversed before")
    if not payment.is_whole:
        return Refused("invalid_transition", f"payment {payment.id} is {payment.status}; nothing of it can be reversed")
    reversal_id = PaymentId(sheet.ids.payments.popleft())
    take_back(sheet, payment, reversal, rule=Rule.PERSON)
    sheet.keep(Payment(reversal_id, reversal, sheet.now, reversed=reversal.amount, original_id=payment.id))
    changed = sheet.payment(payment.entry.identity)
    assert changed is not None
    return changed
