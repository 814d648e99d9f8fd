"""D. Identity: source and the bank's own reference, for ever. The same again is nothing, other content is a conflict,
and two names are two payments."""

import unicodedata
from typing import Any, Final

from tests.corpus.cases import (
    Applied,
    Case,
    Conflict,
    Same,
    Spot,
    case,
    dead,
    entry,
    reference,
    story,
    structured,
)

_HUNDRED: Final = Applied("100.00")
_COMPOSED: Final = unicodedata.normalize("NFC", "Überweisung-1")
_DECOMPOSED: Final = unicodedata.normalize("NFD", "Überweisung-1")


def again(id: str, amount: str = "100", **changes: Any) -> Case:
    """The same entry said once more, in other words."""
    return story(id, (entry(), _HUNDRED), (entry(amount=amount, **changes), Same()), paid="100", postings=1)


def contradicted(id: str, amount: str = "100.00", currency: str = "USD", **changes: Any) -> Case:
    """Another content under the same identity: on record, with no effect."""
    second = entry(amount=amount, currency=currency, **changes), Conflict(amount)
    return story(id, (entry(), _HUNDRED), second, paid="100", postings=1)


def apart(id: str, first: str, second: str) -> Case:
    """Two references that look alike, and are two payments."""

    def named(name: str) -> Any:
        return lambda spot: f"{spot.case}-{name}"

    return story(
        id,
        (entry(payment_id=named(first)), _HUNDRED),
        (entry(payment_id=named(second)), _HUNDRED),
        paid="200",
        postings=2,
    )


def from_another(suffix: str) -> Any:
    return lambda spot: spot.source + suffix


def by_hand(spot: Spot) -> str:
    return f"manual/{spot.call_id}"


CASES: Final = [
    # The same again
    again("same-bytes"),
    again("same-amount-in-other-words", "100.00"),
    again("same-amount-with-zeros", "000100.0"),
    again("same-with-another-remittance", remittance="second notice"),
    again("same-with-another-remitter", remitter={"name": "Acme LP"}),
    again("same-with-another-method", method="sepa", booked_at="2026-03-02T09:31:00Z"),
    again("same-with-more-members", extra="anything"),
    story(
        "same-reference-in-other-words",
        (entry(reference=reference, without=["call_id"]), _HUNDRED),
        (entry(reference=lambda s: " ".join(s.reference.lower()), without=["call_id"]), Same()),
        paid="100",
        postings=1,
    ),
    story(
        "five-times",
        (entry(), _HUNDRED),
        *[(entry(), Same())] * 4,
        paid="100",
        postings=1,
    ),
    # Another content
    contradicted("other-amount", "100.01"),
    contradicted("other-currency", "100.00", "EUR"),
    contradicted("other-day", value_date="2026-03-03"),
    contradicted("reused-next-year", value_date="2027-03-02"),
    contradicted("other-call", call_id=lambda spot: spot.other_call_id),
    contradicted("no-call", call_id=None),
    contradicted("other-reference", reference="INV-1"),
    contradicted("other-kind", kind="reversal", reverses="something"),
    story(
        "two-contradictions",
        (entry(), _HUNDRED),
        (entry(amount="60.00"), Conflict("60.00")),
        (entry(amount="60.00"), Same()),
        paid="100",
        postings=1,
    ),
    story(
        "the-bad-one-first",
        (entry(amount="1_0"), dead("bad_amount", "amount")),
        (entry(), _HUNDRED),
        paid="100",
        postings=1,
    ),
    # Two names
    apart("other-case", "abc", "ABC"),
    apart("space-behind", "a", "a "),
    apart("space-before", "a", " a"),
    apart("composed-and-decomposed", _COMPOSED, _DECOMPOSED),
    apart("full-width-digit", "1", "１"),
    apart("cyrillic-letter", "A", "А"),
    apart("zero-width", "a", "a\u200b"),
    apart("leading-zero", "1", "01"),
    apart("nearly-the-longest", "x" * 150, "x" * 149 + "y"),
    story(
        "two-equal-wires",
        (entry(payment_id=lambda s: f"{s.case}/1"), _HUNDRED),
        (entry(payment_id=lambda s: f"{s.case}/2"), _HUNDRED),
        paid="200",
        postings=2,
    ),
    story(
        "two-banks-one-reference",
        (entry(), _HUNDRED),
        (entry(source=from_another("-b")), _HUNDRED),
        paid="200",
        postings=2,
    ),
    story(
        "source-in-other-case",
        (entry(), _HUNDRED),
        (entry(source=from_another("-B")), _HUNDRED),
        (entry(source=from_another("-b")), _HUNDRED),
        paid="300",
        postings=3,
    ),
    story(
        "slash-between-source-and-reference",
        (entry(source=from_another("-x/y"), payment_id="z"), _HUNDRED),
        (entry(source=from_another("-x"), payment_id="y/z"), _HUNDRED),
        paid="200",
        postings=2,
    ),
    # Names that are none
    case("empty-payment-id", entry(payment_id=""), dead("bad_text", "payment_id")),
    case("empty-source", entry(source=""), dead("bad_text", "source")),
    case("payment-id-too-long", entry(payment_id="x" * 201), dead("too_long", "payment_id", "200")),
    case("payment-id-of-10-kB", entry(payment_id="x" * 10_000), dead("too_long", "payment_id", "200")),
    case("longest-payment-id", entry(payment_id=lambda s: s.case.ljust(200, "é")), _HUNDRED),
    case("source-too-long", entry(source="x" * 101), dead("too_long", "source", "100")),
    case("longest-source", entry(source=lambda s: s.source.ljust(100, "é")), _HUNDRED),
    case("source-of-our-own", entry(source=by_hand), dead("reserved_source", "source", "a source of our own")),
    case("edited-by-nobody", entry(source="edited/1"), dead("reserved_source", "source", "a source of our own")),
    case("reversal-by-hand", entry(source="manual/reversal/1"), dead("reserved_source", "source")),
    case("reference-that-is-an-index", entry(payment_id="0"), _HUNDRED),
    case("reference-that-is-a-path", entry(payment_id="../../../x?y=z#q"), _HUNDRED),
]


def _as_cloud_event() -> Case:
    """The same entry, bare and then as a CloudEvent, is one payment."""
    made = case("same-bare-and-structured", entry(), _HUNDRED)
    headers = (("content-type", b"application/cloudevents+json"),)
    wrapped = case("", structured(), Same(), headers=headers).said[0]
    return Case(made.id, (*made.said, wrapped), made.paid, made.postings)


CASES.append(_as_cloud_event())
