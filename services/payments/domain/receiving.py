"""A batch of bank entries, in the order it came: each is booked once, its money applied whole or held whole."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from services.payments.domain.entries import Entry, Identity, Kind, Rule, named_calls, rule_of
from services.payments.domain.likeness import seen
from services.payments.domain.payments import Hold, Payment, Reason, Resolution
from services.payments.domain.worksheet import Book, Ids, Outcome, Worksheet
from shared.ids import CallId, PaymentId
from shared.money import Minor
from shared.value import value


@value
class Arrived:
    """An entry with what follows from its text alone: its identity, and the calls that it names."""

    entry: Entry
    identity: Identity
    calls: tuple[CallId, ...]


def arrived(entry: Entry) -> Arrived:
    """The entry as it is taken in."""
    return Arrived(entry, entry.identity, named_calls(entry) if entry.kind is Kind.CREDIT else ())


def receive(book: Book, arrivals: Iterable[Arrived], ids: Ids, now: datetime) -> Outcome:
    """Books each entry once, in order, and applies or holds its money; one version per call, or one per 200 postings.

    An entry that is known already is counted and changes nothing; one that contradicts what is known is a conflict.
    """
    sheet = Worksheet(book, ids, now)
    for arrival in arrivals:
        take_in(sheet, arrival)
    return sheet.finish()


def take_in(sheet: Worksheet, arrival: Arrived) -> None:
    """Books one entry, unless its identity is taken."""
    entry = arrival.entry
    known = sheet.taken(arrival.identity)
    if known is not None:
        if known.content == entry.content:
            sheet.duplicate()
        else:
            sheet.contradict(entry, known)
        return
    payment_id = PaymentId(sheet.ids.payments.popleft())
    if entry.kind is Kind.REVERSAL:
        _take_reversal(sheet, payment_id, arrival)
    else:
        _take_credit(sheet, payment_id, arrival)


def _take_credit(sheet: Worksheet, payment_id: PaymentId, arrival: Arrived) -> None:
    """Applies a credit to the one call that it names, or holds it."""
    entry, calls = arrival.entry, arrival.calls
    if sheet.pairing is not None and _is_likeness(sheet, payment_id, arrival):
        return
    reason: Reason | None
    call_id: CallId | None
    if len(calls) == 1:
        call_id = calls[0]
        reason = sheet.why_not(entry, call_id, entry.amount)
        if reason is None:
            sheet.book(payment_id, entry, call_id, rule_of(entry))
            return
        if reason is Reason.OVER_PAYMENT and (fits := sheet.room(call_id)) > 0:
            _apply(sheet, Payment(payment_id, entry, sheet.now, held=entry.amount), call_id, fits)
            return
    else:
        call_id, reason = None, Reason.AMBIGUOUS_MATCH if calls else Reason.NO_MATCH
    hold = sheet.hold(payment_id, entry, reason, entry.amount, call_id)
    sheet.keep(Payment(payment_id, entry, sheet.now, held=entry.amount, hold=hold))


def _is_likeness(sheet: Worksheet, payment_id: PaymentId, arrival: Arrived) -> bool:
    """Holds a credit that another name of its bank account has told already, as it seems."""
    entry, pairing = arrival.entry, sheet.pairing
    if pairing is None or not pairing.concerns(entry.source):
        return False
    one = seen(payment_id, entry, calls=arrival.calls)
    original_id = pairing.original_of(one)
    if original_id is None:
        sheet.see(one)
        return False
    sheet.see(replace(one, resembles=original_id))
    call_id = arrival.calls[0] if len(arrival.calls) == 1 else None
    hold = sheet.hold(payment_id, entry, Reason.POSSIBLE_DUPLICATE, entry.amount, call_id, original_id)
    sheet.keep(Payment(payment_id, entry, sheet.now, held=entry.amount, hold=hold))
    return True


def _apply(sheet: Worksheet, payment: Payment, call_id: CallId, fits: Minor) -> None:
    """Applies to a call what fits of the money that a payment holds; what does not is on hold as too much."""
    posting = sheet.post(payment.id, payment.entry, call_id, fits, rule_of(payment.entry))
    rest = Minor(payment.held - fits)
    hold = sheet.hold(payment.id, payment.entry, Reason.OVER_PAYMENT, rest, call_id) if rest else None
    sheet.keep(
        replace(
            payment,
            applied=Minor(payment.applied + fits),
            held=rest,
            applications=(*payment.applications, posting),
            hold=hold,
        )
    )


def _take_reversal(sheet: Worksheet, payment_id: PaymentId, arrival: Arrived) -> None:
    """Takes the original's money back, or holds the reversal."""
    entry = arrival.entry
    original = sheet.payment(original_of(entry))
    reason = why_not_reversed(entry, original)
    if reason is None and original is not None:
        take_back(sheet, original, entry, rule=Rule.REVERSAL)
        sheet.keep(Payment(payment_id, entry, sheet.now, reversed=entry.amount, original_id=original.id))
        return
    hold = sheet.hold(payment_id, entry, reason or Reason.ORIGINAL_NOT_FOUND, entry.amount, None)
    sheet.keep(Payment(payment_id, entry, sheet.now, held=entry.amount, hold=hold))


def original_of(entry: Entry) -> Identity:
    """The identity that a reversal names: always one of its own source."""
    return entry.source, entry.reverses or ""


def why_not_reversed(entry: Entry, original: Payment | None) -> Reason | None:
    """Why a reversal cannot take its original back; None where it can."""
    if original is None:
        return Reason.ORIGINAL_NOT_FOUND
    told = original.entry
    if told.kind is not Kind.CREDIT or told.amount != entry.amount or told.currency != entry.currency:
        return Reason.REVERSAL_MISMATCH
    return None if original.is_whole else Reason.ALREADY_REVERSED


def take_back(sheet: Worksheet, original: Payment, reversal: Entry, *, rule: Rule) -> None:
    """Undoes what of a payment is applied, and closes its open hold as reversed: all its money is gone."""
    for posting in original.applications:
        sheet.undo(posting, reversal.value_date, rule)
    if original.hold is not None:
        sheet.rehold(original.hold.resolved(Resolution.REVERSED), original.entry)
    sheet.keep(
        replace(original, applied=Minor(0), held=Minor(0), reversed=original.entry.amount, applications=(), hold=None)
    )


def reconsider(book: Book, ids: Ids, now: datetime) -> Outcome:
    """Decides the loaded payments again, in the order of their ids: those that wait for a call or for an original.

    A hold whose cause is still there stays as it is.
    """
    sheet = Worksheet(book, ids, now)
    waiting = (payment for payment in book.payments.values() if payment.hold is not None)
    for loaded in sorted(waiting, key=lambda payment: payment.id):
        # An earlier one of this very run may have closed its hold.
        payment = sheet.payment(loaded.entry.identity) or loaded
        if payment.hold is None:
            continue
        if payment.hold.reason is Reason.UNKNOWN_CALL:
            _reconsider_credit(sheet, payment, payment.hold)
        elif payment.hold.reason is Reason.ORIGINAL_NOT_FOUND:
            _reconsider_reversal(sheet, payment, payment.hold)
    return sheet.finish()


def _reconsider_credit(sheet: Worksheet, payment: Payment, hold: Hold) -> None:
    """Applies money whose call has come, or says why that call cannot take it."""
    assert hold.call_id is not None, hold
    entry, call_id = payment.entry, hold.call_id
    reason = sheet.why_not(entry, call_id, hold.amount)
    if reason is hold.reason:
        return
    fits = hold.amount if reason is None else sheet.room(call_id) if reason is Reason.OVER_PAYMENT else 0
    if reason is not None and fits == 0:
        renamed = sheet.rehold(hold.renamed(reason, sheet.fund_of(entry, call_id)), entry)
        sheet.keep(replace(payment, hold=renamed))
        return
    sheet.rehold(hold.resolved(Resolution.APPLIED), entry)
    _apply(sheet, payment, call_id, Minor(fits))


def _reconsider_reversal(sheet: Worksheet, payment: Payment, hold: Hold) -> None:
    """Takes back an original that has come, or says why it cannot be."""
    original = sheet.payment(original_of(payment.entry))
    reason = why_not_reversed(payment.entry, original)
    if reason is hold.reason:
        return
    if reason is not None or original is None:
        assert reason is not None
        renamed = sheet.rehold(hold.renamed(reason, None), payment.entry)
        sheet.keep(replace(payment, hold=renamed))
        return
    take_back(sheet, original, payment.entry, rule=Rule.REVERSAL)
    sheet.rehold(hold.resolved(Resolution.REVERSED), payment.entry)
    sheet.keep(replace(payment, held=Minor(0), reversed=payment.entry.amount, original_id=original.id, hold=None))
