"""F and C, once more: commands over HTTP that a rule forbids, and values that no rule takes."""

from typing import Final

from tests.corpus.asking import Refuse, Take
from tests.corpus.wording import ALLOCATION, CALLS, GOOD, PAID, RESOLVE, write, wrong
from tests.support.desk import DUE

CASES: Final = [
    write("more-than-is-outstanding", Refuse(409, "over_payment"), {**GOOD, "amount": "1000.01", "tx_ref": "n"}),
    write("a-cent-on-a-paid-call", Refuse(409, "over_payment"), GOOD, PAID),
    write("a-cent-on-a-cancelled-call", Refuse(409, "call_closed"), GOOD, "/api/capital-calls/{cancelled}/payments"),
    write("a-cent-on-a-withdrawn-call", Refuse(409, "call_closed"), GOOD, "/api/capital-calls/{withdrawn}/payments"),
    write(
        "a-cent-on-a-scheduled-call",
        Refuse(409, "invalid_transition"),
        GOOD,
        "/api/capital-calls/{scheduled}/payments",
    ),
    write(
        "another-amount-by-one-reference",
        Refuse(409, "identity_conflict"),
        {**GOOD, "amount": "2", "tx_ref": "whole"},
        PAID,
    ),
    write("call-beyond-the-commitment", Refuse(409, "over_commitment"), {"amount": "10000.01", "due_date": DUE}, CALLS),
    write(
        "schedule-beyond-the-commitment",
        Refuse(409, "over_commitment"),
        {**ALLOCATION, "schedule": {"cadence": "custom", "tranches": [{"amount": "1.01", "due_date": DUE}]}},
        "/api/allocations",
    ),
    write(
        "second-allocation", Refuse(409, "allocation_exists"), {**ALLOCATION, "deal_id": "{deal}"}, "/api/allocations"
    ),
    write(
        "more-than-can-be-committed",
        Refuse(422, "invalid_committed", "committed"),
        {**ALLOCATION, "committed": "10000000000000.01"},
        "/api/allocations",
    ),
    write("issue-before-approval", Refuse(409, "invalid_transition"), {}, CALLS + "/{pending}/issue"),
    write("issue-a-withdrawn-call", Refuse(409, "call_closed"), {}, CALLS + "/{withdrawn}/issue"),
    write("approve-a-scheduled-call", Refuse(409, "invalid_transition"), {}, CALLS + "/{scheduled}/approve"),
    write("reject-an-issued-call", Refuse(409, "invalid_transition"), {}, CALLS + "/{call}/reject"),
    write("withdraw-an-issued-call", Refuse(409, "invalid_transition"), {}, CALLS + "/{call}/withdraw"),
    write("issue-an-issued-call", Take(200, {"stage": "issued"}), {}, CALLS + "/{call}/issue"),
    write("cancel-a-paid-call", Refuse(409, "invalid_transition"), {}, "/api/capital-calls/{paid}/cancel"),
    write(
        "release-a-cancelled-call", Refuse(409, "call_closed"), {}, "/api/capital-calls/{cancelled}/release-remainder"
    ),
    write("default-of-a-paid-call", Refuse(409, "invalid_transition"), {}, "/api/capital-calls/{paid}/declare-default"),
    write(
        "unapply-what-is-on-hold", Refuse(409, "invalid_transition"), {"reason": "x"}, "/api/payments/{held}/unapply"
    ),
    write(
        "resolve-what-is-applied",
        Refuse(409, "invalid_transition"),
        {"action": "return", "reason": "x"},
        "/api/payments/{applied}/resolve",
    ),
    write(
        "resolve-of-nobody",
        Refuse(404, "payment_not_found"),
        {"action": "return", "reason": "x"},
        "/api/payments/999999999/resolve",
    ),
    write(
        "apply-to-a-paid-call",
        Refuse(409, "over_payment"),
        {"action": "apply", "parts": [{"call_id": "{paid}", "amount": "50.00"}], "reason": "x"},
        RESOLVE,
    ),
    write(
        "apply-to-a-call-in-yen",
        Refuse(409, "currency_mismatch"),
        {"action": "apply", "parts": [{"call_id": "{yen_call}", "amount": "50"}], "reason": "x"},
        RESOLVE,
    ),
    write(
        "apply-less-than-is-held",
        Refuse(422, "invalid_parts"),
        {"action": "apply", "parts": [{"call_id": "{call}", "amount": "49.99"}], "reason": "x"},
        RESOLVE,
    ),
    write("apply-without-parts", Refuse(422, "invalid_parts"), {"action": "apply", "reason": "x"}, RESOLVE),
    write(
        "return-with-parts",
        Refuse(422, "invalid_parts"),
        {"action": "return", "parts": [{"call_id": "{call}", "amount": "50.00"}], "reason": "x"},
        RESOLVE,
    ),
    wrong("unknown-action", "action", RESOLVE, action="keep"),
    wrong("resolve-without-reason", "reason", RESOLVE, reason=None),
    wrong("resolve-for-an-empty-reason", "reason", RESOLVE, reason=""),
    wrong("parts-beyond-200", "parts", RESOLVE, parts=[{"call_id": 1, "amount": "0.01"}] * 201),
    wrong("account-with-a-space", "alias", "/api/funds/{fund}/accounts", alias="bank acme"),
    wrong("account-in-small-letters", "currency", "/api/funds/{fund}/accounts", currency="usd"),
    wrong("empty-reference", "tx_ref", tx_ref=""),
    wrong("reference-of-65", "tx_ref", tx_ref="x" * 65),
    wrong("reference-as-a-number", "tx_ref", tx_ref=17),
    wrong("fund-without-a-name", "name", "/api/funds", name=""),
    wrong("fund-of-blanks", "name", "/api/funds", name="   "),
    wrong("fund-of-201-letters", "name", "/api/funds", name="x" * 201),
    wrong("fund-in-an-unknown-currency", "currency", "/api/funds", currency="XXX"),
    wrong("fund-in-small-letters", "currency", "/api/funds", currency="usd"),
    wrong("fund-on-mars", "time_zone", "/api/funds", time_zone="Mars/Olympus"),
    wrong("fund-at-an-offset", "time_zone", "/api/funds", time_zone="+01:00"),
    wrong("fund-in-a-file", "time_zone", "/api/funds", time_zone="../../../etc/passwd"),
    wrong("fund-of-no-size", "size", "/api/funds", size="0"),
]
