"""Which service owns a path under ``/api``; the routes that share a prefix with another service's come first."""

import re
from typing import Final

_OWNERS: Final = (
    (re.compile(r"/api/(?P<service>allocations|payments|metrics|audit)/(openapi\.json|dead-letters(/.*)?)"), None),
    (re.compile(r"/api/funds/[^/]+/(capital|capital-calls/stats|calendar|planned-reserves)"), "metrics"),
    (re.compile(r"/api/allocations/[^/]+/progress"), "metrics"),
    (re.compile(r"/api/stream"), "metrics"),
    (re.compile(r"/api/funds/[^/]+/(accounts|payment-policy)"), "payments"),
    (
        re.compile(r"/api/(capital-calls|payments|holds|bank-statements|bank-files|bank-accounts|bank-profiles)(/.*)?"),
        "payments",
    ),
    (re.compile(r"/api/audit(/.*)?"), "audit"),
)


def owner_of(path: str) -> str:
    """The service that answers for a path; allocations has what nobody else claims."""
    for pattern, service in _OWNERS:
        if match := pattern.fullmatch(path):
            return service or match["service"]
    return "allocations"
