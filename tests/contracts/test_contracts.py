"""Promises of the contracts: what is read, what is refused and why, and that bytes and events are two sides of one."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shared import topics
from shared.contracts import (
    BY_TOPIC,
    CONTRACTS,
    POSTINGS_LIMIT,
    RECORD_LIMIT_BYTES,
    CallStatusChanged,
    Contract,
    FundChanged,
    PaymentReceived,
    Unreadable,
    decode,
    encode,
)
from shared.contracts.examples import EXAMPLES

SAMPLES = Path(__file__).parent / "samples"
PAYMENT = EXAMPLES["payment.received.v1"]


def raw(**changes: Any) -> bytes:
    """A good payment's bytes, but for what is changed."""
    return json.dumps({**PAYMENT, **changes}).encode()


def without(name: str) -> bytes:
    return json.dumps({member: value for member, value in PAYMENT.items() if member != name}).encode()


def verdict(data: bytes, contract: type[Contract] = PaymentReceived) -> str:
    """``ok``, or the reason of the refusal."""
    try:
        decode(contract, data)
    except Unreadable as refusal:
        return refusal.reason if refusal.detail else "unexplained"
    return "ok"


def test_every_topic_has_its_contract() -> None:
    """A topic without a contract would be read as nothing; a contract without a topic would never travel."""
    assert set(BY_TOPIC) == set(topics.ALL)


def test_the_newest_version_has_a_sample() -> None:
    """A new version comes with a golden sample, which stays for ever."""
    assert {contract.type() for contract in CONTRACTS} <= {path.stem for path in SAMPLES.glob("*.json")}


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_samples_are_read_for_ever(path: Path) -> None:
    """What was once written can always be read, and is written again with the same content."""
    contract = {contract.type(): contract for contract in CONTRACTS}[path.stem]
    event = decode(contract, path.read_bytes())
    assert json.loads(encode(event)) == json.loads(path.read_bytes())
    assert decode(contract, encode(event)) == event


@pytest.mark.parametrize("contract", CONTRACTS, ids=Contract.type.__func__)  # type: ignore[attr-defined]  # a bound class method
def test_members_stand_in_the_contracts_order(contract: type[Contract]) -> None:
    """Examples, models and bytes agree on names and order."""
    example = EXAMPLES[contract.type()]
    assert list(example) == list(contract.model_fields)
    assert list(json.loads(encode(decode(contract, json.dumps(example).encode())))) == list(example)


def test_written_bytes_are_compact() -> None:
    """No space is spent: a million events pass here."""
    assert encode(decode(PaymentReceived, raw())) == json.dumps(dict(PAYMENT), separators=(",", ":")).encode()


def test_unknown_members_are_ignored() -> None:
    """A newer writer may say more than an older reader knows."""
    assert decode(PaymentReceived, raw(colour="blue", nested={"deep": [1, 2]})) == decode(PaymentReceived, raw())


@pytest.mark.parametrize(
    "member", ["reverses", "call_id", "reference", "remittance", "remitter", "method", "booked_at"]
)
def test_optional_members_may_be_missing_or_null(member: str) -> None:
    """Banks will not change for us: what is optional may be left out or be null."""
    assert decode(PaymentReceived, without(member)) == decode(PaymentReceived, raw(**{member: None}))


@pytest.mark.parametrize("member", ["source", "payment_id", "kind", "amount", "currency", "value_date"])
def test_needed_members_are_named_when_missing(member: str) -> None:
    """The refusal says which member is missing."""
    with pytest.raises(Unreadable, match=member) as refusal:
        decode(PaymentReceived, without(member))
    assert refusal.value.reason == "missing_field"


def test_events_do_not_change() -> None:
    """An event is a fact: nobody changes one on its way."""
    event = decode(PaymentReceived, raw())
    with pytest.raises(ValidationError):
        event.amount = "1.00"  # type: ignore[misc]  # what the test is about


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"{",
        b"{}x",
        b"null",
        b"[]",
        b'"text"',
        b"17",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"\x00\x00\x00\x00\x01{}",
        b"'{}'",
        b'{"source":"\xc3\x28"}',
        b'{"source":"\\ud800"}',
        b'{"source":"a\nb"}',
        b"{'source': 'x'}",
        b'{"a":' * 500 + b"1" + b"}" * 500,
        raw()[:-1],
        raw() + raw(),
    ],
)
def test_bytes_that_are_no_json_object(data: bytes) -> None:
    """Broken JSON, broken UTF-8, lone surrogates and anything but an object are refused, whatever the contract."""
    assert {verdict(data, contract) for contract in CONTRACTS} == {"bad_json"}


def test_the_last_of_two_equal_members_counts() -> None:
    """Every reader of ours sees the same event in bytes that say one thing twice."""
    twice = raw()[:-1] + b',"amount":"7.00"}'
    assert decode(PaymentReceived, twice).amount == "7.00"


def test_records_have_a_limit() -> None:
    """A record of 256 KiB is read; one byte more is refused before it is looked at."""
    padded = raw(padding="")
    most = padded[:-2] + b"x" * (RECORD_LIMIT_BYTES - len(padded)) + b'"}'
    assert len(most) == RECORD_LIMIT_BYTES
    assert verdict(most) == "ok"
    assert verdict(most + b" ") == "too_large"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source": ""}, "bad_text"),
        ({"source": "s" * 100}, "ok"),
        ({"source": "s" * 101}, "too_long"),
        ({"source": 17}, "bad_value"),
        ({"payment_id": "p" * 200}, "ok"),
        ({"payment_id": "p" * 201}, "too_long"),
        ({"payment_id": None}, "bad_value"),
        ({"reference": "r" * 64}, "ok"),
        ({"reference": "r" * 65}, "too_long"),
        ({"remittance": "m" * 2_000}, "ok"),
        ({"remittance": "ü" * 2_001}, "too_long"),
        ({"remittance": "m" * 250_000}, "too_long"),
        ({"remittance": "m" * 1_000_000}, "too_large"),
        ({"remittance": "a\0b"}, "bad_text"),
        ({"remittance": "a\nb"}, "bad_text"),
        ({"remittance": "a\x7fb"}, "bad_text"),
        ({"remittance": "a\x85b"}, "bad_text"),
        ({"remittance": "תשלום ראשון"}, "ok"),
        ({"remittance": "\u202egnp.exe"}, "ok"),  # shown isolated; no control character of the C0 and C1 blocks
        ({"remittance": "=cmd|' /C calc'!A0"}, "ok"),
        ({"remittance": "🏦 e\u0301"}, "ok"),
        ({"remitter": {"name": "n" * 201}}, "too_long"),
        ({"remitter": {"account": "DE\0"}}, "bad_text"),
        ({"remitter": {}}, "ok"),
        ({"remitter": "Acme LP"}, "bad_value"),
        ({"kind": "debit"}, "bad_value"),
        ({"kind": "CREDIT"}, "bad_value"),
        ({"kind": "reversal"}, "bad_value"),
        ({"kind": "reversal", "reverses": "AcctSvcrRef-8811"}, "ok"),
        ({"reverses": "AcctSvcrRef-8811"}, "bad_value"),
        ({"method": "pigeon"}, "bad_value"),
        ({"call_id": 1}, "ok"),
        ({"call_id": 2**63 - 1}, "ok"),
        ({"call_id": 2**63}, "bad_id"),
        ({"call_id": 10**400}, "bad_id"),
        ({"call_id": 0}, "bad_id"),
        ({"call_id": -1}, "bad_id"),
        ({"call_id": "17"}, "bad_id"),
        ({"call_id": 17.0}, "bad_id"),
        ({"call_id": True}, "bad_id"),
        ({"value_date": "2024-02-29"}, "ok"),
        ({"value_date": "2026-02-29"}, "bad_date"),
        ({"value_date": "2026-3-2"}, "bad_date"),
        ({"value_date": "20260302"}, "bad_date"),
        ({"value_date": "02.03.2026"}, "bad_date"),
        ({"value_date": "2026-03-02T00:00:00Z"}, "bad_date"),
        ({"value_date": "1699920000"}, "bad_date"),
        ({"value_date": 1_699_920_000}, "bad_date"),
        ({"value_date": "0000-00-00"}, "bad_date"),
        ({"value_date": "\uff12\uff10\uff12\uff16-03-02"}, "bad_date"),
        ({"booked_at": "2026-03-02T09:31:00Z"}, "ok"),
        ({"booked_at": "2026-03-02T09:31:00.123456789+05:30"}, "ok"),
        ({"booked_at": "2026-03-02T09:31:00"}, "bad_time"),
        ({"booked_at": "2026-03-02"}, "bad_time"),
        ({"booked_at": "1700000000"}, "bad_time"),
        ({"booked_at": 1_700_000_000}, "bad_time"),
        ({"booked_at": "2026-03-02T25:00:00Z"}, "bad_time"),
        ({"booked_at": "0001-01-01T00:00:00+14:00"}, "bad_time"),
        ({"booked_at": "9999-12-31T23:59:59-14:00"}, "bad_time"),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_what_a_bank_may_write(changes: dict[str, Any], reason: str) -> None:
    """Each member has its limits; what is over them is refused under a stable reason."""
    assert verdict(raw(**changes)) == reason


def test_a_refusal_shows_what_to_write() -> None:
    """Whoever reads the dead letter learns the member, a good example, and what was found there."""
    with pytest.raises(Unreadable) as refusal:
        decode(PaymentReceived, raw(amount="1,000.00"))
    assert refusal.value.detail.startswith("amount: ")
    assert '"400000.00"' in refusal.value.detail
    assert "1,000.00" in refusal.value.detail


def test_a_refusal_does_not_show_what_is_private() -> None:
    """An account number that cannot be read is not spread by the refusal."""
    with pytest.raises(Unreadable) as refusal:
        decode(PaymentReceived, raw(remitter={"account": "DE89370400440532013000\0"}))
    assert "3704" not in str(refusal.value)


def test_writers_use_the_same_types() -> None:
    """A service that would write what no reader takes is stopped at its own desk."""
    good = {**EXAMPLES["fund.changed.v1"]}
    assert FundChanged(**good).id == good["id"]
    for wrong in ({"id": 0}, {"size": "1e6"}, {"size": 5}, {"currency": "usd"}, {"name": ""}, {"version": 0}):
        with pytest.raises(ValidationError):
            FundChanged(**{**good, **wrong})


def test_writers_give_python_values() -> None:
    """Dates and times are given as such, postings in any sequence; they come back as they were, in UTC or not."""
    example = EXAMPLES["call.status_changed.v1"]
    half_past = timezone(timedelta(hours=5, minutes=30))
    event = CallStatusChanged(
        **{
            **example,
            "due_date": date(2026, 3, 15),
            "last_paid_on": None,
            "occurred_at": datetime(2026, 3, 2, 9, 31, tzinfo=half_past),
            "applied": [],
        }
    )
    assert decode(CallStatusChanged, encode(event)) == event
    assert event.occurred_at == datetime(2026, 3, 2, 4, 1, tzinfo=UTC)
    with pytest.raises(ValidationError):
        CallStatusChanged(**{**example, "due_date": "2026-03-15"})


def test_a_version_holds_a_limited_number_of_postings() -> None:
    """More postings make more versions, so a record never grows without limit."""
    example = EXAMPLES["call.status_changed.v1"]
    posting = {**example["applied"][0], "source": "s" * 100, "payment_id": "p" * 200}
    most = json.dumps({**example, "applied": [posting] * POSTINGS_LIMIT}).encode()
    assert verdict(most, CallStatusChanged) == "ok"
    assert len(most) < RECORD_LIMIT_BYTES
    more = json.dumps({**example, "applied": [posting] * (POSTINGS_LIMIT + 1)}).encode()
    assert verdict(more, CallStatusChanged) == "too_long"


def test_the_longest_version_of_a_call_is_read() -> None:
    """200 postings with the longest names that a bank may give: what our own service writes, every reader takes."""
    example = EXAMPLES["call.status_changed.v1"]
    longest = {"source": "\U0001f600" * 100, "payment_id": "\U0001f600" * 200}
    applied = [{**example["applied"][0], **longest, "posting_id": n} for n in range(1, POSTINGS_LIMIT + 1)]
    data = json.dumps({**example, "applied": applied}, ensure_ascii=False).encode()
    assert len(data) > RECORD_LIMIT_BYTES
    assert len(decode(CallStatusChanged, data).applied) == POSTINGS_LIMIT
