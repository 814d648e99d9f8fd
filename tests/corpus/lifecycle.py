"""F. Order and lifecycle: money for calls that are not there yet, not there any more, or not to be had for that money;
reversals early, twice and wrong. Money in the bank is never refused: it is applied whole, or held whole."""

from typing import Any, Final

from tests.corpus.cases import (
    Applied,
    Case,
    Given,
    Held,
    Make,
    Reversed,
    Spot,
    case,
    entry,
    reference,
    story,
)

_HUNDRED: Final = Applied("100.00")
_CLOSED: Final = Held("call_closed", "100.00")
_UNKNOWN: Final = Held("unknown_call", "100.00")
_NO_MATCH: Final = Held("no_match", "100.00")
_AMBIGUOUS: Final = Held("ambiguous_match", "100.00")


def named(name: str) -> Any:
    return lambda spot: f"{spot.case}-{name}"


def credit(name: str = "c", amount: str = "100", **changes: Any) -> Make:
    return entry(payment_id=named(name), amount=amount, **changes)


def reversal(name: str = "r", of: str = "c", amount: str = "100", **changes: Any) -> Make:
    return entry(
        **{
            "payment_id": named(name),
            "kind": "reversal",
            "reverses": named(of),
            "amount": amount,
            "call_id": None,
            **changes,
        }
    )


def given(id: str, how: Given, verdict: Held | Applied, amount: str = "100", paid: str = "0") -> Case:
    """A credit for a call in that state; `paid` is what the call has in the end."""
    applied = 1 if isinstance(verdict, Applied) else 0
    return story(id, (entry(amount=amount), verdict), paid=paid, postings=applied, given=how)


def matched(id: str, verdict: Held | Applied, **texts: Any) -> Case:
    """A credit without a call id, which texts have to match."""
    return case(id, entry(without=["call_id"], **texts), verdict)


def wrong_check_digits(spot: Spot) -> str:
    digits = f"{(int(spot.reference[2:4]) + 1) % 100:02d}"
    return f"RF{digits}{spot.reference[4:]}"


def both(spot: Spot) -> str:
    return f"{spot.reference} and {spot.other_reference}"


CASES: Final = [
    # Before, and after
    given("before-its-notice", "scheduled", _UNKNOWN),
    given("before-its-approval", "pending", _UNKNOWN),
    given("after-it-was-withdrawn", "withdrawn", _CLOSED),
    given("after-it-was-rejected", "rejected", _CLOSED),
    given("after-it-was-cancelled", "cancelled", _CLOSED),
    given("after-it-was-paid", "paid", Held("over_payment", "100.00"), paid="1000"),
    given("a-cent-after-it-was-paid", "paid", Held("over_payment", "0.01"), amount="0.01", paid="1000"),
    given("after-its-rest-was-released", "released", Held("over_payment", "100.00"), paid="400"),
    given("in-default", "defaulted", _HUNDRED, paid="100"),
    given("whole-in-default", "defaulted", Applied("1000.00"), amount="1000", paid="1000"),
    given("overdue", "overdue", _HUNDRED, paid="100"),
    case("of-nobody", entry(call_id=9_999_999_999), _UNKNOWN),
    case("of-the-other-call", entry(call_id=lambda s: s.other_call_id, amount="1"), Applied("1.00", to_other=True)),
    # Exactly, and not
    case("exactly", entry(amount="1000.00"), Applied("1000.00")),
    case("a-cent-less", entry(amount="999.99"), Applied("999.99")),
    case("a-cent-more", entry(amount="1000.01"), Held("over_payment", "1000.01")),
    story(
        "in-three-parts-and-one-more",
        (credit("1", "333.33"), Applied("333.33")),
        (credit("2", "333.33"), Applied("333.33")),
        (credit("3", "333.34"), Applied("333.34")),
        (credit("4", "0.01"), Held("over_payment", "0.01")),
        paid="1000",
        postings=3,
    ),
    story(
        "too-much-then-what-fits",
        (credit("1", "600"), Applied("600.00")),
        (credit("2", "500"), Held("over_payment", "500.00")),
        (credit("3", "400"), Applied("400.00")),
        paid="1000",
        postings=2,
    ),
    # Which call
    matched("by-reference", _HUNDRED, reference=reference),
    matched("by-reference-in-other-words", _HUNDRED, reference=lambda s: "-".join(s.reference.lower())),
    matched("by-remittance", _HUNDRED, remittance=lambda s: f"capital call {s.reference}, thank you"),
    matched("by-reference-and-remittance", _HUNDRED, reference=reference, remittance=reference),
    case("by-id-and-reference", entry(reference=reference), _HUNDRED),
    case("by-id-beside-a-strange-reference", entry(reference="NOTPROVIDED"), _HUNDRED),
    matched("by-nothing", _NO_MATCH),
    matched("by-a-name", _NO_MATCH, remittance="Balerion II, first call", remitter={"name": "Acme LP"}),
    matched("by-wrong-check-digits", _NO_MATCH, reference=wrong_check_digits),
    matched("by-a-reference-of-others", _NO_MATCH, reference="RF18539007547034"),
    matched("by-half-a-reference", _NO_MATCH, reference=lambda s: s.reference[:-1]),
    matched("by-a-reference-that-nobody-has", _UNKNOWN, reference="RF63D9999999998"),
    matched("by-two-references", _AMBIGUOUS, remittance=both),
    case("by-id-and-another-reference", entry(reference=lambda s: s.other_reference), _AMBIGUOUS),
    # Taken back
    story("reversed", (credit(), Reversed("100.00")), (reversal(), Reversed("100.00")), paid="0", postings=2),
    story("reversal-first", (reversal(), Reversed("100.00")), (credit(), Reversed("100.00")), paid="0", postings=2),
    story("reversal-of-nobody", (reversal(), Held("original_not_found", "100.00")), paid="0", postings=0),
    story(
        "reversed-twice",
        (credit(), Reversed("100.00")),
        (reversal("r1"), Reversed("100.00")),
        (reversal("r2"), Held("already_reversed", "100.00")),
        paid="0",
        postings=2,
    ),
    story(
        "reversed-in-part",
        (credit(), _HUNDRED),
        (reversal(amount="40"), Held("reversal_mismatch", "40.00")),
        paid="100",
        postings=1,
    ),
    story(
        "reversed-by-more",
        (credit(), _HUNDRED),
        (reversal(amount="100.01"), Held("reversal_mismatch", "100.01")),
        paid="100",
        postings=1,
    ),
    story(
        "reversed-in-another-currency",
        (credit(), _HUNDRED),
        (reversal(currency="EUR"), Held("reversal_mismatch", "100.00")),
        paid="100",
        postings=1,
    ),
    story(
        "reversed-by-another-bank",
        (credit(), _HUNDRED),
        (reversal(source=lambda s: f"{s.source}-b"), Held("original_not_found", "100.00")),
        paid="100",
        postings=1,
    ),
    story(
        "reversal-of-a-reversal",
        (credit(), Reversed("100.00")),
        (reversal("r1"), Reversed("100.00")),
        (reversal("r2", of="r1"), Held("reversal_mismatch", "100.00")),
        paid="0",
        postings=2,
    ),
    story("reversal-of-itself", (reversal("r", of="r"), Held("reversal_mismatch", "100.00")), paid="0", postings=0),
    story(
        "reversed-while-on-hold",
        (credit(amount="5000"), Reversed("5000.00")),
        (reversal(amount="5000"), Reversed("5000.00")),
        paid="0",
        postings=0,
    ),
    story(
        "reversed-and-paid-again",
        (credit("c", "1000"), Reversed("1000.00")),
        (reversal(amount="1000"), Reversed("1000.00")),
        (credit("again", "1000"), Applied("1000.00")),
        paid="1000",
        postings=3,
    ),
]
