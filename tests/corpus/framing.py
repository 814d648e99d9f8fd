"""H. Kafka framing: records as other people's clients write them. What frames an event is never a reason to lose it."""

from typing import Any, Final

from tests.corpus.cases import BAD_JSON, Applied, Case, Same, Say, case, entry, literal

_TAKEN: Final = Applied("100.00")


def framed(id: str, **how: Any) -> Case:
    """A good entry in an odd frame: it is booked as ever."""
    return case(id, entry(), _TAKEN, **how)


CASES: Final = [
    case("null-value", literal(None), BAD_JSON),
    case("null-value-with-headers", literal(None), BAD_JSON, headers=[("ce_type", b"payment.received.v1")]),
    framed("null-key", key=None),
    framed("key-that-is-no-text", key=b"\xff\xfe\x00\x80"),
    framed("key-of-a-nul", key=b"\0"),
    framed("key-of-16-kB", key=b"k" * 16_384),
    framed("key-of-another-call", key=b"999999999"),
    framed("no-headers"),
    framed("header-without-a-name", headers=[("", b"x")]),
    framed("header-without-a-value", headers=[("ce_id", None)]),
    framed("header-with-an-empty-value", headers=[("ce_id", b""), ("content-type", b"")]),
    framed(
        "header-value-that-is-no-text",
        headers=[("ce_id", b"\xff\xfe"), ("ce_type", b"\x80"), ("content-type", b"\xff")],
    ),
    framed("header-value-with-a-nul", headers=[("ce_id", b"a\0b"), ("ce_actor", b"\0")]),
    framed(
        "same-header-twice", headers=[("ce_id", b"1"), ("ce_id", b"2"), ("content-type", b"a"), ("content-type", b"b")]
    ),
    framed("a-thousand-headers", headers=[(f"h{n}", b"x") for n in range(1_000)]),
    framed("header-of-100-kB", headers=[("traceparent", b"0" * 100_000)]),
    framed("header-name-of-10-kB", headers=[("n" * 10_000, b"x")]),
    framed("type-of-a-later-version", headers=[("ce_specversion", b"1.0"), ("ce_type", b"payment.received.v2")]),
    framed("type-of-another-topic", headers=[("ce_specversion", b"1.0"), ("ce_type", b"fund.changed.v1")]),
    framed("cloud-events-of-the-future", headers=[("ce_specversion", b"9.9")]),
    framed("content-type-of-xml", headers=[("content-type", b"application/xml")]),
    framed("bad-traceparent", headers=[("traceparent", b"00-xyz-1-zz")]),
    framed("event-id-of-our-own-kind", headers=[("ce_id", b"@1/0/0"), ("ce_source", b"payments")]),
    framed("timestamp-of-1970", timestamp_ms=0),
    framed("timestamp-of-last-century", timestamp_ms=1),
    framed("no-timestamp", timestamp_ms=-1),
]


def _two_keys() -> Case:
    """The same entry under two keys, so by two routes, is one payment."""
    first = framed("same-entry-under-two-keys")
    return Case(first.id, (*first.said, Say(entry(), Same(), key=b"another")), first.paid, first.postings)


CASES.append(_two_keys())
