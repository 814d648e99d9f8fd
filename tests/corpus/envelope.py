"""A. Envelope and JSON: bytes that are no event, members missing or of another kind, CloudEvents in both modes.

What is JSON and has what the contract asks for is taken, whatever stands beside it.
"""

from typing import Any, Final

from tests.corpus.cases import (
    BAD_CALL_ID,
    BAD_JSON,
    Applied,
    Case,
    Held,
    Make,
    Raw,
    Spot,
    around,
    case,
    dead,
    entry,
    literal,
    structured,
)

_TAKEN: Final = Applied("100.00")
_STRUCTURED: Final = [("content-type", b"application/cloudevents+json; charset=utf-8")]
_DEEP: Final = 10_000


def missing(member: str) -> Case:
    return case(f"without-{member}", entry(without=[member]), dead("missing_field", member, "required"))


def wrong(id: str, reason: str, *says: str, **changes: Any) -> Case:
    """A member of another kind than its own."""
    return case(id, entry(**changes), dead(reason, next(iter(changes)), *says))


def twice(member: str, first: str, last: str) -> Make:
    """A member that stands twice in the JSON."""
    return lambda spot: (
        (entry(without=[member])(spot) or b"").replace(b"{", f'{{"{member}": {first}, '.encode(), 1)[:-1]
        + f', "{member}": {last}}}'.encode()
    )


def recoded(encoding: str) -> Make:
    return lambda spot: (entry()(spot) or b"").decode().encode(encoding)


def cut(spot: Spot) -> bytes:
    return (entry()(spot) or b"")[:-20]


_BYTES: Final = [
    case("empty", literal(b""), BAD_JSON),
    case("space", literal(b"   "), BAD_JSON),
    case("one-nul", literal(b"\0"), BAD_JSON),
    case("random-bytes", literal(bytes(range(256))), BAD_JSON),
    case("plain-text", literal(b"400,000 USD arrived from Acme"), BAD_JSON),
    case("csv-line", literal(b"bank/acme;8812;credit;100.00;USD;2026-03-02"), BAD_JSON),
    case("xml", literal(b'<?xml version="1.0"?><Ntry><Amt Ccy="USD">100.00</Amt></Ntry>'), BAD_JSON),
    case("truncated", cut, BAD_JSON),
    case("two-events", around(after=b"{}"), BAD_JSON),
    case("trailing-comma", around(after=b","), BAD_JSON),
    case("comment", around(before=b"/* paid */ "), BAD_JSON),
    case("single-quotes", lambda spot: (entry()(spot) or b"").replace(b'"', b"'"), BAD_JSON),
    case("byte-order-mark", around(before=b"\xef\xbb\xbf"), BAD_JSON),
    case("utf-16", recoded("utf-16"), BAD_JSON),
    case("utf-32", recoded("utf-32"), BAD_JSON),
    case("latin-1", entry(remittance=Raw('"Müller"')), _TAKEN),
    case(
        "latin-1-bytes",
        lambda s: (entry(remittance=Raw('"M\u00fcller"'))(s) or b"").decode().encode("latin-1"),
        BAD_JSON,
    ),
    case("cut-inside-a-character", lambda s: (entry(remittance="@")(s) or b"").replace(b"@", b"\xe2\x82"), BAD_JSON),
    case("overlong-character", lambda s: (entry(remittance="@")(s) or b"").replace(b"@", b"\xc0\xaf"), BAD_JSON),
    case("surrogate-bytes", lambda s: (entry(remittance="@")(s) or b"").replace(b"@", b"\xed\xa0\x80"), BAD_JSON),
    case("lone-surrogate-escape", entry(remittance=Raw('"\\ud800"')), BAD_JSON),
    case("lone-low-surrogate-escape", entry(remittance=Raw('"\\udc00 x"')), BAD_JSON),
    case("lone-surrogate-in-a-name", entry(extra=Raw('{"\\ud83d": 1}')), BAD_JSON),
    case("raw-newline-in-text", entry(remittance=Raw('"a\nb"')), BAD_JSON),
    case("bad-escape", entry(remittance=Raw('"\\x41"')), BAD_JSON),
    case("gzip-magic", literal(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"), BAD_JSON),
    case("registry-framing", around(before=b"\x00\x00\x00\x00\x01"), BAD_JSON),
]

_ROOTS: Final = [
    case("array-of-one", around(before=b"[", after=b"]"), BAD_JSON),
    case("empty-array", literal(b"[]"), BAD_JSON),
    case("text-root", literal(b'"payment"'), BAD_JSON),
    case("number-root", literal(b"400000"), BAD_JSON),
    case("null-root", literal(b"null"), BAD_JSON),
    case("true-root", literal(b"true"), BAD_JSON),
    case("empty-object", literal(b"{}"), dead("missing_field", "source", "more")),
    case("deep-array", literal(b"[" * _DEEP + b"]" * _DEEP), BAD_JSON),
    case("deep-object", literal(b'{"a":' * _DEEP + b"1" + b"}" * _DEEP), BAD_JSON),
    case("deep-in-a-member-nobody-knows", entry(extra=Raw("[" * _DEEP + "]" * _DEEP)), BAD_JSON),
    case("nan-in-a-member-nobody-knows", entry(extra=Raw("NaN")), BAD_JSON),
    case("infinity-in-a-member-nobody-knows", entry(extra=Raw("-Infinity")), BAD_JSON),
    case("hexadecimal-in-a-member-nobody-knows", entry(extra=Raw("0x10")), BAD_JSON),
    case("leading-zero-in-a-member-nobody-knows", entry(extra=Raw("007")), BAD_JSON),
]

_MEMBERS: Final = [
    *map(missing, ("source", "payment_id", "kind")),
    wrong("null-source", "bad_value", "string", source=None),
    wrong("number-for-a-source", "bad_value", "string", source=17),
    wrong("array-for-a-source", "bad_value", "string", source=["bank/a"]),
    wrong("number-for-a-payment-id", "bad_value", "string", payment_id=8812),
    wrong("object-for-a-payment-id", "bad_value", "string", payment_id={"id": "8812"}),
    wrong("unknown-kind", "bad_value", "credit", "reversal", kind="debit"),
    wrong("capital-kind", "bad_value", "credit", "reversal", kind="Credit"),
    wrong("null-kind", "bad_value", "credit", "reversal", kind=None),
    wrong("number-for-a-remittance", "bad_value", "string", remittance=17),
    wrong("array-for-a-remitter", "bad_value", remitter=["Acme"]),
    wrong("unknown-method", "bad_value", "wire", method="pigeon"),
    case("credit-that-reverses", entry(reverses="8812"), dead("bad_value", "reverses", "a credit names none")),
    case("reversal-of-nothing", entry(kind="reversal"), dead("bad_value", "reverses", "names the payment_id")),
    case("reversal-of-null", entry(kind="reversal", reverses=None), dead("bad_value", "reverses")),
    case("reversal-of-an-empty-id", entry(kind="reversal", reverses=""), dead("bad_text", "reverses")),
    case("call-id-0", entry(call_id=0), BAD_CALL_ID),
    case("call-id-negative", entry(call_id=-1), BAD_CALL_ID),
    case("call-id-beyond-64-bits", entry(call_id=2**63), BAD_CALL_ID),
    case("call-id-as-text", entry(call_id=lambda spot: str(spot.call_id)), BAD_CALL_ID),
    case("call-id-with-decimals", entry(call_id=lambda spot: Raw(f"{spot.call_id}.0")), BAD_CALL_ID),
    case("call-id-true", entry(call_id=True), BAD_CALL_ID),
    case("call-id-in-an-array", entry(call_id=lambda spot: [spot.call_id]), BAD_CALL_ID),
    case("largest-call-id", entry(call_id=2**63 - 1), Held("unknown_call", "100.00")),
]

_TAKEN_ALL_THE_SAME: Final = [
    case("members-nobody-knows", entry(status="paid", approved_by="me", version=99, amount_minor=1), _TAKEN),
    case("a-proto-member", entry(__proto__={"amount": "1.00"}, constructor="x"), _TAKEN),
    case("big-numbers-nobody-knows", entry(extra=Raw("1" * 400)), _TAKEN),
    case("nulls-for-what-is-optional", entry(reference=None, remittance=None, remitter=None, method=None), _TAKEN),
    case("space-around", around(b" \r\n\t", b"\n\n"), _TAKEN),
    case("escaped-names", lambda s: (entry()(s) or b"").replace(b'"amount"', b'"\\u0061mount"'), _TAKEN),
    # The last one counts, for every reader alike
    case("amount-twice", twice("amount", '"999.00"', '"100.00"'), _TAKEN),
    case("bad-amount-then-good", twice("amount", '"1_000"', '"100.00"'), _TAKEN),
    case("good-amount-then-bad", twice("amount", '"100.00"', '"1_000"'), dead("bad_amount", "amount")),
]

_MODES: Final = [
    case("binary-mode", entry(), _TAKEN, headers=[("ce_specversion", b"1.0"), ("ce_type", b"payment.received.v1")]),
    case("structured-mode", structured(), _TAKEN, headers=_STRUCTURED),
    case("structured-with-whole-units", structured(amount=100), _TAKEN, headers=_STRUCTURED),
    case("structured-without-data", structured(without=["data"]), dead("missing_field"), headers=_STRUCTURED),
    case("structured-with-null-data", structured(envelope={"data": None}), BAD_JSON, headers=_STRUCTURED),
    case("structured-with-text-data", structured(envelope={"data": "{}"}), BAD_JSON, headers=_STRUCTURED),
    case("structured-with-a-bad-amount", structured(amount="1_0"), dead("bad_amount", "amount"), headers=_STRUCTURED),
    case(
        "structured-with-a-number", structured(amount=Raw("100.00")), dead("bad_amount", "amount"), headers=_STRUCTURED
    ),
    case("structured-cut-off", literal(b'{"specversion": "1.0", "data": {'), BAD_JSON, headers=_STRUCTURED),
    case("structured-array", literal(b"[1]"), BAD_JSON, headers=_STRUCTURED),
    case("structured-text", literal(b'"data"'), BAD_JSON, headers=_STRUCTURED),
    case("structured-too-deep", literal(b"[" * _DEEP + b"]" * _DEEP), BAD_JSON, headers=_STRUCTURED),
    case("bare-but-called-structured", entry(), _TAKEN, headers=_STRUCTURED),
    case("structured-but-not-called-so", structured(), dead("missing_field", "payment_id")),
    case(
        "batch-of-events",
        around(b"[", b"]"),
        BAD_JSON,
        headers=[("content-type", b"application/cloudevents-batch+json")],
    ),
    case("forged-actor", entry(), _TAKEN, headers=[("ce_actor", b"admin"), ("ce_source", b"allocations")]),
    case("headers-of-our-dead-letters", entry(), _TAKEN, headers=[("dlt-reason", b"x"), ("dlt-offset", b"-1")]),
]

CASES: Final = [*_BYTES, *_ROOTS, *_MEMBERS, *_TAKEN_ALL_THE_SAME, *_MODES]
