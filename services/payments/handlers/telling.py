"""What the service says of its changes: versions of calls and of holds as events."""

from datetime import datetime
from functools import lru_cache
from json.encoder import encode_basestring as _quoted
from typing import Final

from pydantic_core import to_json

from services.payments.domain import Entry, Hold, Outcome, Posting, PostingKind, Status, Version
from shared.contracts import CallStatusChanged, PaymentHeld
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
    """A call as it now is, with the postings that this version adds.

    Half of what this service does is to say this, so it is written out: to the byte what the contract's own serializer
    makes of the same values, in a tenth of its time. All of them were checked when they came in, and a test holds both
    ways to say it side by side.
    """
    call = version.call
    decimals = exponent(call.currency)
    original = text(call.original, exponent=decimals)
    released = text(call.released, exponent=decimals)
    amount = text(call.amount, exponent=decimals) if call.released else original
    paid, outstanding = text(call.paid, exponent=decimals), text(call.outstanding, exponent=decimals)
    last_paid_on = "null" if call.last_paid_on is None else f'"{call.last_paid_on.isoformat()}"'
    previous = "null" if version.previous_status is None else f'"{_WORD[version.previous_status]}"'
    data = (
        f'{{"call_id":{call.id},"allocation_id":{call.allocation_id},"fund_id":{call.fund_id},'
        f'"deal_id":{call.deal_id},"seq_no":{call.seq_no},"reference":{_quoted(call.reference)},'
        f'"currency":"{call.currency}","original_amount":"{original}","released":"{released}","amount":"{amount}",'
        f'"paid":"{paid}","outstanding":"{outstanding}","due_date":"{call.due_on.isoformat()}",'
        f'"last_paid_on":{last_paid_on},"status":"{_WORD[call.status]}","previous_status":{previous},'
        f'"postings":{call.postings},"version":{call.version},"occurred_at":{_moment(now)},'
        f'"applied":[{",".join([_told(posting, decimals) for posting in version.applied])}]}}'
    )
    return Event(CallStatusChanged.topic, str(call.allocation_id), f"call/{call.id}", data.encode(), now)


def _told(posting: Posting, decimals: int) -> str:
    """A posting as events show it."""
    return (
        f'{{"posting_id":{posting.id},"kind":"{_WORD[posting.kind]}",'
        f'"undoes":{"null" if posting.undoes is None else posting.undoes},"source":{_quoted(posting.source)},'
        f'"payment_id":{_quoted(posting.external_id)},"amount":"{text(posting.amount, exponent=decimals)}",'
        f'"value_date":"{posting.value_date.isoformat()}","recorded_at":{_moment(posting.recorded_at)}}}'
    )


# Enums to the contract's words: a look-up is quicker than asking a member for its value.
_WORD: Final[dict[Status | PostingKind, str]] = {word: word.value for words in (Status, PostingKind) for word in words}


@lru_cache(maxsize=100)  # a batch has one
def _moment(moment: datetime) -> str:
    return to_json(moment).decode()


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
