"""Promises of reading records for the record: everything is entered, as it was said, and nothing can stop it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit import consumer
from services.audit.consumer import READS, read
from services.audit.domain import metadata
from shared import topics
from shared.contracts.examples import EXAMPLES
from shared.kafka.records import Arrival
from tests.audit.records import KEY, NOW, arrival, item
from tests.support.ledger import Ledger


def test_every_topic_is_read() -> None:
    """What travels anywhere is on the record, dead letters included."""
    assert set(READS) == {*topics.ALL, *map(topics.dead_letter_topic, topics.ALL)}


def test_an_event_of_ours() -> None:
    """Its headers say who and what; its id makes it one; its bytes stay as they are."""
    facts, payload = item(
        "call.status_changed",
        41,
        partition=3,
        ce_subject="call/17",
        ce_causationid="cause",
        ce_correlationid="began",
    )
    assert facts.identity == "call.status_changed-41"
    assert facts.claimed_id is None
    assert (facts.partition, facts.incarnation, facts.offset) == (3, 1, 41)
    assert (facts.type, facts.actor, facts.action) == ("call.status_changed.v1", "system", None)
    assert (facts.resource_type, facts.resource_id) == ("call", "17")
    assert (facts.causation_id, facts.correlation_id) == ("cause", "began")
    assert facts.occurred_at == datetime(2026, 3, 2, 9, 31, 2, 500_000, UTC)
    assert facts.recorded_at == NOW
    assert json.loads(payload) == EXAMPLES["call.status_changed.v1"]


def test_a_banks_entry_without_any_header() -> None:
    """Bare JSON is entered under the identity that the bank gave it."""
    facts, payload = item("payment.received", 7, headers=())
    assert facts.identity == "@1/0/7"
    assert (facts.resource_type, facts.resource_id) == ("payment", "bank/acme-usd-1/AcctSvcrRef-8812")
    assert (facts.claimed_id, facts.type, facts.actor, facts.occurred_at) == (None, None, None, None)
    assert b"SVBK" not in payload


def test_what_a_bank_claims_is_noted_as_claimed() -> None:
    """A foreign id proves nothing, so it never decides what is one event."""
    facts = item("payment.received", 7, ce_id="theirs", ce_actor="their robot", ce_subject="call/99").facts
    assert (facts.identity, facts.claimed_id, facts.actor) == ("@1/0/7", "theirs", "their robot")
    assert (facts.resource_type, facts.resource_id) == ("payment", "bank/acme-usd-1/AcctSvcrRef-8812")


def test_structured_cloudevents_are_understood() -> None:
    """A bank's entry in an envelope is found by its identity; its bytes are kept with the envelope."""
    envelope = {"specversion": "1.0", "id": "x", "data": EXAMPLES["payment.received.v1"]}
    headers = (("content-type", b"application/cloudevents+json"),)
    facts, payload = item("payment.received", 7, envelope, headers=headers)
    assert facts.resource_id == "bank/acme-usd-1/AcctSvcrRef-8812"
    assert json.loads(payload)["specversion"] == "1.0"
    assert b"SVBK" not in payload


def test_an_action_tells_who_and_what() -> None:
    """Of an action the actor, the deed, its object and its outcome can be looked up."""
    facts = item("audit.recorded", 0).facts
    assert (facts.actor, facts.action, facts.outcome) == ("local", "call.issue", "done")
    assert (facts.resource_type, facts.resource_id) == ("call", "17")


def test_an_action_that_cannot_be_read_is_entered() -> None:
    """Audit judges nothing: it enters what was said."""
    facts, payload = item("audit.recorded", 0, b"{broken", ce_actor="ada")
    assert (facts.actor, facts.action, facts.resource_id) == ("ada", None, None)
    assert payload == b"{broken"


def test_a_dead_letter_tells_where_it_stood() -> None:
    """It is found by its record's place and by the reason; the id it carries is not its own."""
    facts = item(
        "payment.received.dlt",
        2,
        b"\xff\x00",
        ce_id="of the event that it was",
        dlt__topic="payment.received",
        dlt__partition="3",
        dlt__offset="1704",
        dlt__reason="bad_json",
    ).facts
    assert (facts.identity, facts.claimed_id) == ("@1/0/2", "of the event that it was")
    assert (facts.action, facts.outcome) == ("dead_letter", "bad_json")
    assert (facts.resource_type, facts.resource_id) == ("record", "payment.received/3/1704")


@pytest.mark.parametrize("event_id", ["", "@1/0/9", "x" * 500])
def test_an_id_that_is_none_does_not_count(event_id: str) -> None:
    """An id that is empty, cut, or looks like a place cannot make two events one."""
    assert item("fund.changed", 9, ce_id=event_id).facts.identity == "@1/0/9"


@pytest.mark.parametrize(
    "time", ["", "yesterday", "2026-03-02T09:31:02", "1700000000", "0001-01-01T00:00:00+14:00", "\0"]
)
def test_a_time_that_is_none_is_left_out(time: str) -> None:
    """A header can say anything; only an instant is entered as one."""
    assert item("fund.changed", 0, ce_time=time).facts.occurred_at is None


BYTES = st.binary(max_size=40)
NAMES = st.sampled_from(["ce_id", "ce_type", "ce_time", "ce_subject", "ce_actor", "ce_causationid", "dlt-reason", "x"])
ANYTHING = st.builds(
    Arrival,
    topic=st.sampled_from(READS),
    partition=st.integers(0, 5),
    incarnation=st.integers(1, 3),
    offset=st.integers(0, 2**63 - 1),
    key=st.none() | BYTES,
    value=BYTES | st.just(b'{"source":"\\u0000","payment_id":"\\ud800"}'),
    headers=st.lists(st.tuples(NAMES, BYTES)).map(tuple),
    timestamp_ms=st.integers(-1, 2**62),
)


@settings(deadline=None)
@given(ANYTHING)
def test_nothing_can_stop_the_record(strange: Arrival) -> None:
    """Any bytes in any header, key or value become facts that can be hashed."""
    facts, payload = read(strange, NOW, KEY)
    assert json.loads(metadata(facts))[6] == facts.identity
    assert len(facts.identity) <= 200
    assert payload == strange.value or b"account" in strange.value or b"\\u" in strange.value


STRANGE: list[dict[str, Any]] = [
    {"value": b"\x00\xff", "ce_actor": "a\0b", "ce_id": "\0", "key": None},
    {"value": b"", "headers": (("ce_actor", b"\xff\xfe\x00"), ("ce_id", b"\xc3\x28"))},
    {"value": b'{"source":"\\u0000","payment_id":"\\ud800"}'},
    {"value": b"x", "ce_subject": "a/" + "\0" * 300, "ce_type": "t" * 5_000, "key": b"k" * 5_000},
    {"value": b'"account"', "ce_actor": "\u202e\U0001f3e6"},
]


async def test_strange_records_can_be_stored(ledger: Ledger) -> None:
    """What PostgreSQL cannot hold never reaches it, so no record ever stops the audit."""
    async with ledger.connect("audit") as db, db.transaction():
        batch = [arrival(topic, n, **one) for topic in READS for n, one in enumerate(STRANGE)]
        await consumer.apply(db, batch, NOW, account_key=KEY)
        assert await db.fetchval("select count(*) from audit.entry") == len(batch)
