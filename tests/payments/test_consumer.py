"""Promises of what comes in from Kafka: mixed batches in the right order, dead letters, and no account number kept."""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.payments import consumer
from services.payments.consumer import Consumer
from services.payments.store import Numbers
from shared import topics
from shared.kafka.records import Arrival
from shared.reference import reference_of
from tests.payments.counter import Counter
from tests.payments.making import NOW

Json = dict[str, Any]

FUND: Json = {"id": 1, "name": "Balerion II", "currency": "USD", "time_zone": "UTC", "size": "1.00", "version": 1}
TERMS: Json = {
    "call_id": 17,
    "allocation_id": 5,
    "fund_id": 1,
    "deal_id": 9,
    "seq_no": 1,
    "reference": reference_of(17),
    "currency": "USD",
    "amount": "400000.00",
    "due_date": "2026-03-15",
    "notice_date": "2026-02-27",
    "issued_on": "2026-02-27",
    "priority": "normal",
    "time_zone": "America/New_York",
    "grace_days": 0,
    "cure_days": 10,
    "stage": "issued",
    "previous_stage": "scheduled",
    "terms_version": 2,
    "occurred_at": "2026-02-27T00:00:00Z",
}
PAYMENT: Json = {
    "source": "bank/acme-usd-1",
    "payment_id": "E1",
    "kind": "credit",
    "amount": "100.00",
    "currency": "USD",
    "value_date": "2026-03-02",
    "call_id": 17,
}


def record(topic: str, said: Json | bytes, offset: int = 0, headers: tuple[tuple[str, bytes], ...] = ()) -> Arrival:
    """A record as the engine hands it over."""
    value = said if isinstance(said, bytes) else json.dumps(said).encode()
    return Arrival(topic, 0, 1, offset, b"k", value, headers, 0)


def payments(*said: Json | bytes) -> list[Arrival]:
    return [record(topics.PAYMENT_RECEIVED, each, offset) for offset, each in enumerate(said)]


async def apply(counter: Counter, *batch: Arrival, key: bytes = b"secret") -> None:
    async with counter.db.transaction():
        await Consumer(counter.numbers, key).apply(counter.db, batch, NOW)


async def letters(counter: Counter) -> list[tuple[int, str]]:
    rows = await counter.rows("select record_offset, reason from payments.dead_letter order by record_offset")
    return [(row["record_offset"], row["reason"]) for row in rows]


def test_three_topics_are_read() -> None:
    """Funds, terms and money, and nothing else."""
    assert set(consumer.TOPICS) == {topics.FUND_CHANGED, topics.CALL_TERMS_CHANGED, topics.PAYMENT_RECEIVED}


async def test_a_mixed_batch_is_done_as_funds_then_terms_then_payments(counter: Counter) -> None:
    """However they stand in the batch, the payment finds its call and the call its fund."""
    await apply(
        counter,
        record(topics.PAYMENT_RECEIVED, PAYMENT),
        record(topics.CALL_TERMS_CHANGED, TERMS),
        record(topics.FUND_CHANGED, FUND),
    )
    assert (await counter.call())["paid_minor"] == 100_00
    assert await counter.rows("select time_zone, version from payments.fund") == [{"time_zone": "UTC", "version": 1}]
    assert await counter.holds() == []


async def test_garbage_between_two_good_events_harms_neither(counter: Counter) -> None:
    """Both are applied; the garbage is a dead letter with its reason, in the table and for its topic."""
    await counter.issue(17)
    await apply(counter, *payments(PAYMENT, b"\xff{", {**PAYMENT, "payment_id": "E2"}))
    assert (await counter.call())["paid_minor"] == 200_00
    assert await letters(counter) == [(1, "bad_json")]
    sent = await counter.rows("select payload from payments.outbox_event where topic = 'payment.received.dlt'")
    assert [row["payload"] for row in sent] == [b"\xff{"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": "0.00"}, "bad_amount"),
        ({"amount": "-1.00"}, "bad_amount"),
        ({"amount": "1.001"}, "bad_amount"),
        ({"amount": 1.5}, "bad_amount"),
        ({"amount": "1000000000000000"}, "bad_amount"),
        ({"currency": "XXX"}, "bad_currency"),
        ({"call_id": 0}, "bad_id"),
        ({"value_date": "2026-02-30"}, "bad_date"),
        ({"source": "manual/17"}, "reserved_source"),
        ({"source": "edited/3"}, "reserved_source"),
        ({"payment_id": "a\u0000b"}, "bad_text"),
        ({"kind": "reversal"}, "bad_value"),
    ],
)
async def test_what_can_never_be_used_is_a_dead_letter(counter: Counter, change: Json, reason: str) -> None:
    """Nothing is booked, and the reason is stable."""
    await counter.issue(17)
    await apply(counter, *payments({**PAYMENT, **change}))
    assert await letters(counter) == [(0, reason)]
    assert await counter.rows("select id from payments.payment") == []


async def test_the_same_record_read_again_changes_nothing(counter: Counter) -> None:
    """A lost position or a replay: good entries are duplicates, dead letters are kept once."""
    await counter.issue(17)
    batch = payments(PAYMENT, b"{", {**PAYMENT, "amount": "5.00"})
    for _ in range(3):
        await apply(counter, *batch)
    assert (await counter.call())["paid_minor"] == 100_00
    assert (len(await letters(counter)), len(await counter.holds()), len(await counter.told())) == (1, 1, 2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"time_zone": "Mars/Olympus"}, "bad_time_zone"),
        ({"time_zone": "../etc/passwd"}, "bad_time_zone"),
        ({"grace_days": 10**9}, "bad_value"),
        ({"amount": "1.001"}, "bad_amount"),
    ],
)
async def test_terms_that_no_calendar_can_hold_are_dead_letters(counter: Counter, change: Json, reason: str) -> None:
    """A fault of another service stops none of ours: the next call is issued."""
    good = {**TERMS, "call_id": 18, "reference": reference_of(18)}
    bad = record(topics.CALL_TERMS_CHANGED, {**TERMS, **change})
    await apply(counter, bad, record(topics.CALL_TERMS_CHANGED, good, 1))
    assert await letters(counter) == [(0, reason)]
    assert await counter.rows("select id from payments.call") == [{"id": 18}]


async def test_account_numbers_are_cut_before_anything_is_stored(counter: Counter) -> None:
    """A keyed hash and the last four characters, however the number was written; nothing else anywhere."""
    await counter.issue(17)
    spellings = ("GB33 BUKB 2020 1555 5555 55", "gb33bukb20201555555555")
    for n, account in enumerate(spellings):
        remitter = {"name": "Acme LP", "account": account}
        await apply(counter, *payments({**PAYMENT, "payment_id": f"E{n}", "remitter": remitter}))
    expected = hmac.new(b"secret", b"GB33BUKB20201555555555", hashlib.sha256).digest()
    rows = await counter.rows("select account_hash, account_last4, remitter_name from payments.payment")
    assert rows == [{"account_hash": expected, "account_last4": "5555", "remitter_name": "Acme LP"}] * 2
    everything = await counter.rows(
        "select p::text as row from payments.payment p union all select o::text from outbox o"
    )
    assert all("BUKB2020" not in row["row"] for row in everything)


async def test_every_member_of_an_entry_is_kept(counter: Counter) -> None:
    """What the bank said is on record as it was said, but the end of a very long remittance."""
    said = {
        **PAYMENT,
        "reference": "E2E 1",
        "remittance": "x" * 2_000,
        "remitter": {"name": "Acme LP"},
        "method": "wire",
        "booked_at": "2026-03-02T09:31:00Z",
    }
    await apply(counter, *payments(said))
    row = await counter.payment()
    assert (row["reference"], row["remittance"], row["method"]) == ("E2E 1", "x" * 500, "wire")
    assert row["booked_at"] == datetime(2026, 3, 2, 9, 31, tzinfo=UTC)


async def test_events_name_the_one_record_that_caused_them(counter: Counter) -> None:
    """A single record is the cause of what follows; what a whole batch caused is the system's."""
    await counter.issue(17)
    alone = record(topics.PAYMENT_RECEIVED, PAYMENT, headers=(("ce_id", b"id-1"),))
    await apply(counter, alone)
    await apply(counter, *payments({**PAYMENT, "payment_id": "E2"}, {**PAYMENT, "payment_id": "E3"}))
    causes = await counter.rows("select causation_id, actor from payments.outbox_event order by id, number")
    assert causes[1:] == [{"causation_id": "id-1", "actor": "system"}, {"causation_id": None, "actor": "system"}]


def test_a_consumer_says_what_it_needs() -> None:
    """New ids and the account key, and nothing global."""
    assert Consumer(Numbers(), b"k").account_key == b"k"
