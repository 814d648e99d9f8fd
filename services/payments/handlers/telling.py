"""What the service says of its changes: versions of calls and of holds as events."""

from datetime import datetime
from typing import Final, Literal

from services.payments.domain import Entry, Hold, Outcome, Posting, PostingKind, Status, Version
from shared.contracts import CallStatusChanged, PaymentHeld
from shared.contracts import Posting as PostingTold
from shared.contracts.payments import CallStatus
from shared.currency import exponent
from shared.money import text
from shared.outbox import Event


def events_of(outcome: Outcome, now: datetime) -> list[Event]:
    """Every version of calls and holds that a transaction made, in their order."""
    return [
        *(call_status_changed(version, now) for version in outcome.versions),
        *(payment_held(hold, entry, _key_of(hold, outcome), now) for hold, entry in outcome.told_holds),
    ]


def _key_of(hold: Hold, outcome: Outcome) -> int:
    """The payment that a hold is about; a conflict is about the payment that has its identity."""
    if hold.payment_id is not None:
        return hold.payment_id
    return next(c.payment_id for c in outcome.conflicts if c.id == hold.conflict_id)


def call_status_changed(version: Version, now: datetime) -> Event:
    """A call as it now is, with the postings that this version adds."""
    call = version.call
    decimals = exponent(call.currency)
    original = text(call.original, exponent=decimals)
    data = CallStatusChanged(
        call_id=call.id,
        allocation_id=call.allocation_id,
        fund_id=call.fund_id,
        deal_id=call.deal_id,
        seq_no=call.seq_no,
        reference=call.reference,
        currency=call.currency,
        original_amount=original,
        released=text(call.released, exponent=decimals),
        amount=text(call.amount, exponent=decimals) if call.released else original,
        paid=text(call.paid, exponent=decimals),
        outstanding=text(call.outstanding, exponent=decimals),
        due_date=call.due_on,
        last_paid_on=call.last_paid_on,
        status=_STATUS[call.status],
        previous_status=None if version.previous_status is None else _STATUS[version.previous_status],
        postings=call.postings,
        version=call.version,
        occurred_at=now,
        applied=tuple([_told(posting, decimals) for posting in version.applied]),
    )
    return Event(CallStatusChanged.topic, str(call.allocation_id), f"call/{call.id}", data, now)


# Enums to the contract's words: a look-up is quicker than asking a member for its value.
_STATUS: Final[dict[Status, CallStatus]] = {status: status.value for status in Status}
_KIND: Final[dict[PostingKind, Literal["applied", "undone"]]] = {kind: kind.value for kind in PostingKind}


def _told(posting: Posting, decimals: int) -> PostingTold:
    """A posting as events show it."""
    return PostingTold(
        posting_id=posting.id,
        kind=_KIND[posting.kind],
        undoes=posting.undoes,
        source=posting.source,
        payment_id=posting.external_id,
        amount=text(posting.amount, exponent=decimals),
        value_date=posting.value_date,
        recorded_at=posting.recorded_at,
    )


def payment_held(hold: Hold, entry: Entry, payment_id: int, now: datetime) -> Event:
    """A hold as it now is; keyed by the payment, so that all about one payment stays in order."""
    data = PaymentHeld(
        hold_id=hold.id,
        source=entry.source,
        payment_id=entry.external_id,
        kind=entry.kind.value,
        amount=text(hold.amount, exponent=exponent(entry.currency)),
        currency=entry.currency,
        value_date=entry.value_date,
        fund_id=hold.fund_id,
        call_id=hold.call_id,
        reason=hold.reason.value,
        state="open" if hold.is_open else "resolved",
        resolution=None if hold.resolution is None else hold.resolution.value,
        version=hold.version,
        occurred_at=now,
    )
    return Event(PaymentHeld.topic, str(payment_id), f"hold/{hold.id}", data, now)
