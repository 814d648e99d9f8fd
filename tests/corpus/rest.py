"""M. REST: requests that are not readable, not right, or not theirs to make."""

from typing import Final

from tests.corpus.asking import KEY, Ask, Refuse, Take
from tests.corpus.wording import (
    ALLOCATION,
    CALLS,
    GOOD,
    NO_JSON,
    PAID,
    PARAMETER,
    PAY,
    UNREADABLE,
    read,
    typed,
    write,
    wrong,
)

_KINDS: Final = [
    Ask("delete-a-fund", "DELETE", "/api/funds/{fund}", Refuse(405, "method_not_allowed"), None, ()),
    Ask("put-a-call", "PUT", "/api/capital-calls/{call}", Refuse(405, "method_not_allowed"), {"paid": "1000.00"}),
    Ask(
        "patch-an-allocation",
        "PATCH",
        "/api/allocations/{allocation}",
        Refuse(405, "method_not_allowed"),
        {"called": "0"},
    ),
    Ask("post-to-a-read", "POST", "/api/funds/{fund}/capital", Refuse(405, "method_not_allowed"), {}),
    Ask("get-a-write", "GET", PAY, Refuse(405, "method_not_allowed"), None, ()),
    Ask(
        "preflight",
        "OPTIONS",
        "/api/funds",
        Refuse(405, "method_not_allowed"),
        None,
        (("origin", "http://evil.example"),),
    ),
    Ask("unknown-method", "BREW", "/api/funds", Refuse(405, "method_not_allowed"), None, ()),
    read("nothing-there", "/api/nothing", Refuse(404, "not_found")),
    read("slash-behind", "/api/funds/", Refuse(404, "not_found")),
    read("two-slashes", "/api//funds", Refuse(404, "not_found")),
    read("capitals-in-a-path", "/api/Funds", Refuse(404, "not_found")),
    typed("plain-text", "text/plain"),
    typed("form", "application/x-www-form-urlencoded"),
    typed("multipart", "multipart/form-data; boundary=x"),
    typed("nearly-json", "application/jsonp"),
    typed("json-behind-a-comma", "text/plain, application/json"),
    typed("no-type", None),
    typed("json-with-charset", "Application/JSON; charset=utf-8", Take(201)),
    Ask("empty-body-from-a-page", "POST", PAY, NO_JSON, None, (("origin", "http://evil.example"),)),
]

_BODIES: Final = [
    write("empty", UNREADABLE, b""),
    write("cut-off", UNREADABLE, b'{"amount": "0.01", "tx_ref"'),
    write("bytes", UNREADABLE, bytes(range(256))),
    write("not-utf-8", UNREADABLE, b'{"amount": "0.01", "tx_ref": "\xff"}'),
    write("array", UNREADABLE, [GOOD]),
    write("null", UNREADABLE, b"null"),
    write("number", UNREADABLE, b"17"),
    write("text", UNREADABLE, b'"amount"'),
    write("deep", UNREADABLE, b"[" * 100_000 + b"]" * 100_000),
    write("deep-objects", UNREADABLE, b'{"a":' * 50_000 + b"1" + b"}" * 50_000),
    write("compressed", UNREADABLE, b"\x1f\x8b\x08\x00" + bytes(60), PAY, ("content-encoding", "gzip")),
    write("a-megabyte-and-a-byte", Refuse(413, "too_large"), b'{"amount": "' + b"1" * (1 << 20) + b'"}'),
    write("missing-everything", Refuse(422, "invalid_value", "body.amount"), {}),
    write("amount-twice", Take(201), b'{"amount":"1_000","amount":"0.01","tx_ref":"x","value_date":"2026-03-02"}'),
    wrong("lone-surrogate", "tx_ref", tx_ref="\ud800"),
    wrong("nul", "tx_ref", tx_ref="a\0b"),
    wrong("newline", "tx_ref", tx_ref="a\nlevel=error"),
    wrong("escape", "name", "/api/deals", name="\u001b[2J"),
]

_MASS: Final = [
    wrong("set-status", "status", status="paid"),
    wrong("set-paid", "paid", paid="1000.00"),
    wrong("set-source", "source", source="bank/corpus"),
    wrong("set-currency-of-a-payment", "currency", currency="JPY"),
    wrong("set-call-of-a-payment", "call_id", call_id="{other}"),
    wrong("set-id", "id", "/api/funds", id=1),
    wrong("set-version", "version", "/api/funds", version=99),
    wrong("set-funded", "funded", "/api/allocations", funded="1.00"),
    wrong("set-called", "called", "/api/allocations", called="0"),
    wrong("set-stage-of-a-call", "stage", CALLS, stage="issued"),
    wrong("set-approved-by", "approved_by", CALLS, approved_by="me"),
    wrong("set-issue-to-what-is-none", "issue", CALLS, issue="yesterday"),
]

_IDS: Final = [
    *[
        read(f"id-{name}", f"/api/funds/{text}")
        for name, text in {
            "zero": "0",
            "negative": "-1",
            "with-decimals": "1.0",
            "exponent": "1e3",
            "word": "all",
            "beyond-64-bits": "9223372036854775808",
            "twenty-digits": "10000000000000000000",
            "full-width": "%EF%BC%91",
            "plus": "+1",
            "space": "%201",
            "nul": "1%00",
            "hexadecimal": "0x1",
            "sql": "1%20or%201=1",
        }.items()
    ],
    read("fund-of-nobody", "/api/funds/9223372036854775807", Refuse(404, "fund_not_found")),
    read("deal-of-nobody", "/api/deals/999999999", Refuse(404, "deal_not_found")),
    read("allocation-of-nobody", "/api/allocations/999999999", Refuse(404, "allocation_not_found")),
    read("payment-of-nobody", "/api/payments/999999999", Refuse(404, "payment_not_found")),
    read("letter-of-nobody", "/api/payments/dead-letters/999999999", Refuse(404, "dead_letter_not_found")),
    write(
        "call-of-another-fund",
        Refuse(404, "call_not_found"),
        {},
        "/api/allocations/{yen_allocation}/calls/{scheduled}/issue",
    ),
    write("call-of-nobody", Refuse(404, "call_not_found"), {}, CALLS + "/999999999/issue"),
    write("allocation-to-call-of-nobody", Refuse(404, "allocation_not_found"), {}, "/api/allocations/999999999/calls"),
    write(
        "fund-to-commit-of-nobody",
        Refuse(404, "fund_not_found"),
        {**ALLOCATION, "fund_id": 999999999},
        "/api/allocations",
    ),
    write(
        "deal-to-commit-of-nobody",
        Refuse(404, "deal_not_found"),
        {**ALLOCATION, "deal_id": 999999999},
        "/api/allocations",
    ),
    wrong("fund-id-as-text", "fund_id", "/api/allocations", fund_id="1"),
    wrong("fund-id-with-decimals", "fund_id", "/api/allocations", fund_id=1.5),
    wrong("fund-id-true", "fund_id", "/api/allocations", fund_id=True),
    wrong("fund-id-zero", "fund_id", "/api/allocations", fund_id=0),
    wrong("fund-id-beyond-64-bits", "fund_id", "/api/allocations", fund_id=2**63),
    wrong("fund-id-null", "fund_id", "/api/allocations", fund_id=None),
]

_PAGES: Final = [
    *[
        read(f"limit-{name}", f"/api/payments?limit={text}")
        for name, text in {"zero": "0", "negative": "-1", "huge": "1000000000", "word": "all", "empty": ""}.items()
    ],
    read("cursor-of-garbage", "/api/payments?cursor=%00", Refuse(400, "cursor_unreadable")),
    read("cursor-of-words", "/api/payments?cursor=aGVsbG8", Refuse(400, "cursor_unreadable")),
    read("cursor-of-another-list", "/api/payments?cursor=WyIyMDI2LTAzLTAyIiwxXQ", Refuse(400, "cursor_unreadable")),
    read("cursor-too-long", "/api/payments?cursor=" + "A" * 1_001),
    read("status-that-is-none", "/api/payments?status=gone"),
    read("status-in-capitals", "/api/capital-calls?status=PAID"),
    read("fund-that-is-a-word", "/api/capital-calls?fund_id=all"),
    read("day-that-is-none", "/api/capital-calls?due_from=2026-02-30"),
    read("day-in-words", "/api/capital-calls?due_to=tomorrow"),
]

_KEYS: Final = [
    write("key-empty", PARAMETER, GOOD, PAY, ("Idempotency-Key", "")),
    write("key-with-a-space", PARAMETER, GOOD, PAY, ("Idempotency-Key", "a b")),
    write("key-of-201", PARAMETER, GOOD, PAY, ("Idempotency-Key", "k" * 201)),
    write("key-with-a-tab", PARAMETER, GOOD, PAY, ("Idempotency-Key", "a\tb")),
    write("key-of-200", Take(201), GOOD, PAY, ("Idempotency-Key", "k" * 200)),
    write("key-like-sql", Take(201), GOOD, PAY, ("Idempotency-Key", "';drop--")),
    write(
        "key-on-a-refusal",
        Refuse(409, "over_payment"),
        {**GOOD, "amount": "9999", "tx_ref": "key"},
        PAY,
        ("Idempotency-Key", "r"),
    ),
    write("same-key-once-it-is-right", Take(201), {**GOOD, "tx_ref": "key"}, PAY, ("Idempotency-Key", "r")),
    write("key-with-another-body", Refuse(422, "idempotency_key_reused"), GOOD, PAID, ("Idempotency-Key", KEY)),
    write("actor-too-long", PARAMETER, GOOD, PAY, ("x-actor", "a" * 201)),
    write("actor-that-is-odd", Take(201), GOOD, PAY, ("x-actor", "<script>alert(1)</script>")),
    write("foreign-host", Refuse(400, "host_not_allowed"), GOOD, PAY, ("host", "evil.example")),
    write("host-like-ours", Refuse(400, "host_not_allowed"), GOOD, PAY, ("host", "localhost.evil.example")),
]

CASES: Final = [*_KINDS, *_BODIES, *_MASS, *_IDS, *_PAGES, *_KEYS]
