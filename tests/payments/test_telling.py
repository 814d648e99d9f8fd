"""Promises of what is said of calls: written out by hand, and to the byte what the contract makes of it."""

from datetime import UTC, datetime
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from services.payments.domain import Call, Posting, PostingKind, Rule, Status, Version
from services.payments.handlers.telling import call_status_changed
from shared.contracts import CallStatusChanged, decode, encode
from shared.contracts import Posting as PostingTold
from shared.currency import exponent
from shared.ids import LARGEST, AllocationId, CallId, DealId, FundId, PaymentId, PostingId
from shared.money import Minor, text
from tests.payments.making import NOW, call

IDS: Final = st.integers(1, LARGEST)
COUNTS: Final = st.integers(0, LARGEST)
DAYS: Final = st.dates()
MOMENTS: Final = st.datetimes(datetime(1900, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  (Hypothesis adds the zone)
# Everything that a contract lets into a name: no control characters, but quotes, backslashes, and any script.
NAMES: Final = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)


@st.composite
def versions(draw: st.DrawFn) -> tuple[Version, datetime]:
    """A version of a call with some postings, of any size, and when it is told."""
    currency = draw(st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
    original = draw(st.integers(0, 10**15 - 1))
    released = draw(st.integers(0, original))
    paid = draw(st.integers(0, original - released))
    made = Call(
        CallId(draw(IDS)),
        AllocationId(draw(IDS)),
        FundId(draw(IDS)),
        DealId(draw(IDS)),
        draw(IDS),
        draw(NAMES),
        currency,
        Minor(original),
        draw(DAYS),
        draw(st.integers(0, 100)),
        draw(st.integers(0, 100)),
        1,
        draw(DAYS),
        released=Minor(released),
        paid=Minor(paid),
        postings=draw(COUNTS),
        last_paid_on=draw(st.none() | DAYS),
        cancelled=draw(st.booleans()),
        defaulted=draw(st.booleans()),
        version=draw(IDS),
    )
    posting = st.builds(
        Posting,
        id=IDS.map(PostingId),
        payment_id=IDS.map(PaymentId),
        source=NAMES,
        external_id=NAMES,
        call_id=st.just(made.id),
        call_version=st.just(made.version),
        kind=st.sampled_from(PostingKind),
        amount=st.integers(1, 10**15 - 1).map(Minor),
        currency=st.just(currency),
        value_date=DAYS,
        recorded_at=MOMENTS,
        rule=st.just(Rule.CALL_ID),
        undoes=st.none() | IDS.map(PostingId),
    )
    previous = draw(st.none() | st.sampled_from(Status))
    return Version(made, previous, tuple(draw(st.lists(posting, max_size=4)))), draw(MOMENTS)


def by_contract(version: Version, now: datetime) -> CallStatusChanged:
    """What the contract's own models make of it."""
    told, decimals = version.call, exponent(version.call.currency)
    return CallStatusChanged(
        call_id=told.id,
        allocation_id=told.allocation_id,
        fund_id=told.fund_id,
        deal_id=told.deal_id,
        seq_no=told.seq_no,
        reference=told.reference,
        currency=told.currency,
        original_amount=text(told.original, exponent=decimals),
        released=text(told.released, exponent=decimals),
        amount=text(told.amount, exponent=decimals),
        paid=text(told.paid, exponent=decimals),
        outstanding=text(told.outstanding, exponent=decimals),
        due_date=told.due_on,
        last_paid_on=told.last_paid_on,
        status=told.status.value,
        previous_status=None if version.previous_status is None else version.previous_status.value,
        postings=told.postings,
        version=told.version,
        occurred_at=now,
        applied=tuple(
            PostingTold(
                posting_id=posting.id,
                kind=posting.kind.value,
                undoes=posting.undoes,
                source=posting.source,
                payment_id=posting.external_id,
                amount=text(posting.amount, exponent=decimals),
                value_date=posting.value_date,
                recorded_at=posting.recorded_at,
            )
            for posting in version.applied
        ),
    )


@given(versions())
def test_a_version_is_told_to_the_byte_as_its_contract_would(told: tuple[Version, datetime]) -> None:
    """Whatever names, amounts, dates and times it has; and so every reader of the contract understands it."""
    version, now = told
    event, expected = call_status_changed(version, now), by_contract(version, now)
    assert event.data == encode(expected)
    assert decode(CallStatusChanged, encode(expected)) == expected


def test_a_version_is_keyed_by_its_allocation() -> None:
    """What is said of one allocation stays in order; the subject names the call."""
    event = call_status_changed(Version(call(17), None), NOW)
    assert (event.topic, event.key, event.subject) == ("call.status_changed", "5", "call/17")
