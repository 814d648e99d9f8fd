"""Promises of arrivals: whatever foreign headers and envelopes hold, the record can be handled."""

import json

from shared.kafka.records import Arrival


def arrival(value: bytes, *headers: tuple[str, bytes]) -> Arrival:
    return Arrival("payment.received", 0, 1, 7, b"k", value, headers, 1_000)


def test_binary_mode_and_bare_json_are_the_value_itself() -> None:
    """Banks will not change for us: no headers at all is fine."""
    assert arrival(b'{"a":1}').data == b'{"a":1}'
    assert arrival(b'{"a":1}', ("content-type", b"application/json"), ("ce_id", b"e1")).data == b'{"a":1}'


def test_structured_mode_is_unwrapped() -> None:
    """A CloudEvent that came whole gives its data."""
    event = json.dumps({"specversion": "1.0", "id": "x", "data": {"a": 1}}).encode()
    assert json.loads(arrival(event, ("content-type", b"application/cloudevents+json; charset=utf-8")).data) == {"a": 1}


def test_a_broken_envelope_is_left_to_its_decoder() -> None:
    """What cannot be unwrapped is handed on as it is, so the dead letter holds the very bytes."""
    for broken in (b"", b"[]", b'{"data"', b'{"id":1}', b"\xff", b"[" * 100_000):
        assert arrival(broken, ("content-type", b"application/cloudevents+json")).data == broken


def test_headers_of_any_bytes_can_be_read() -> None:
    """One header that is not UTF-8 must not cost a batch."""
    odd = arrival(b"{}", ("ce_id", b"\xff\xfe"), ("x", None))  # type: ignore[arg-type]  # Kafka allows it
    assert odd.event_id == "��"
    assert odd.header("x") is None
    assert odd.origin().actor == "system"


def test_what_follows_names_its_cause() -> None:
    """The causing event's id is carried on, and the first one of the chain stays the correlation."""
    first = arrival(b"{}", ("ce_id", b"e1")).origin()
    assert (first.causation_id, first.correlation_id) == ("e1", "e1")
    second = arrival(b"{}", ("ce_id", b"e2"), ("ce_correlationid", b"e1"), ("traceparent", b"00-a-b-01")).origin()
    assert (second.causation_id, second.correlation_id, second.traceparent) == ("e2", "e1", "00-a-b-01")
