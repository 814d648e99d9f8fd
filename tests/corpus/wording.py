"""The words that the tables of odd requests are written in: right bodies, of which cases spoil one thing."""

from typing import Any, Final

from tests.corpus.asking import JSON, Ask, Refuse, Take
from tests.support.desk import DUE

PAY: Final = "/api/capital-calls/{call}/payments"
PAID: Final = "/api/capital-calls/{paid}/payments"
CALLS: Final = "/api/allocations/{allocation}/calls"
GOOD: Final = {"amount": "0.01", "tx_ref": "x", "value_date": "2026-03-02"}
UNREADABLE: Final = Refuse(400, "body_unreadable")
PARAMETER: Final = Refuse(400, "parameter_unreadable")
NO_JSON: Final = Refuse(415, "json_needed")


def write(id: str, verdict: Refuse | Take, body: Any = GOOD, path: str = PAY, *headers: tuple[str, str]) -> Ask:
    """A POST of JSON, with headers beside its content type."""
    return Ask(id, "POST", path, verdict, body, (*JSON, *headers))


def typed(id: str, content_type: str | None, verdict: Refuse | Take = NO_JSON) -> Ask:
    """A right body, called something else."""
    return Ask(id, "POST", PAY, verdict, GOOD, () if content_type is None else (("content-type", content_type),))


def read(id: str, path: str, verdict: Refuse | Take = PARAMETER) -> Ask:
    return Ask(id, "GET", path, verdict, None, ())


def wrong(id: str, at: str, path: str = PAY, /, **changes: Any) -> Ask:
    """One wrong value in a right body."""
    return Ask(id, "POST", path, Refuse(422, "invalid_value", at), {**RIGHT[path], **changes})


FUND: Final = {"name": "Corpus", "currency": "USD", "time_zone": "UTC", "size": "1"}
ALLOCATION: Final = {"fund_id": "{fund}", "deal_id": "{free_deal}", "committed": "1.00"}
RESOLVE: Final = "/api/payments/{held}/resolve"
RIGHT: Final[dict[str, dict[str, Any]]] = {
    PAY: GOOD,
    CALLS: {"amount": "0.01", "due_date": DUE},
    "/api/funds": FUND,
    "/api/deals": {"name": "Corpus"},
    "/api/allocations": ALLOCATION,
    RESOLVE: {"action": "apply", "parts": [{"call_id": "{call}", "amount": "50.00"}], "reason": "found"},
    "/api/funds/{fund}/accounts": {"alias": "bank/corpus-account", "currency": "USD"},
}
