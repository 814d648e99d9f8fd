"""Promises of the routing table: each path of the contracts reaches the service that owns it."""

import pytest

from web.routes import owner_of

PATHS = {
    "allocations": [
        "/api/funds",
        "/api/funds/1",
        "/api/deals/1",
        "/api/allocations",
        "/api/allocations/5",
        "/api/allocations/5/calls",
        "/api/allocations/5/calls/17/issue",
        "/api/funds/1/reallocation",
        "/api/funds/1/reallocation/preview",
        "/api/funds/1/reserves",
        "/api/reallocation/commit",
        "/api/allocations/openapi.json",
        "/api/allocations/dead-letters",
        "/api/funds/1/capital/",
        "/api/funds/1/accounts/x",
        "/api/nothing",
        "/api",
    ],
    "payments": [
        "/api/capital-calls",
        "/api/capital-calls/17/payments",
        "/api/payments",
        "/api/payments/3/resolve",
        "/api/bank-statements",
        "/api/bank-statements/3",
        "/api/bank-profiles/a",
        "/api/bank-statements/3/entries",
        "/api/bank-files/3/content",
        "/api/bank-accounts",
        "/api/holds/summary",
        "/api/funds/1/accounts",
        "/api/funds/1/payment-policy",
        "/api/payments/openapi.json",
        "/api/payments/dead-letters/3/replay",
    ],
    "metrics": [
        "/api/funds/1/capital",
        "/api/funds/1/capital-calls/stats",
        "/api/funds/1/calendar",
        "/api/funds/1/planned-reserves",
        "/api/allocations/5/progress",
        "/api/stream",
        "/api/metrics/openapi.json",
        "/api/metrics/dead-letters",
    ],
    "audit": ["/api/audit", "/api/audit/verify", "/api/audit/openapi.json", "/api/audit/dead-letters/9"],
}


@pytest.mark.parametrize(("service", "path"), [(name, path) for name, paths in PATHS.items() for path in paths])
def test_a_path_reaches_its_owner(service: str, path: str) -> None:
    """One owner for each route, also where two services share a prefix."""
    assert owner_of(path) == service
