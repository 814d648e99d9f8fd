"""How the routes of reallocation word their problems, and what they count.

Their contract is older than the house's: a wrong body is a 400, and every problem says `error`, `message` and `details`
besides what problems say everywhere.
"""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import nullcontext
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from prometheus_client import Counter, Gauge, Histogram
from starlette.exceptions import HTTPException

from services.allocations.reallocation.handlers import Committed
from shared.http import Problem
from shared.http.app import problem_of_http, problem_of_validation
from shared.http.middleware import problem_of_unexpected
from shared.telemetry import REGISTRY

log = structlog.get_logger(__name__)

SECONDS: Final = Histogram(
    "drawdown_reallocation_seconds",
    "Time of one preview or commit, from its request to its answer.",
    ["operation"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 1, 2, 5),
    registry=REGISTRY,
)
REQUESTS: Final = Counter(
    "drawdown_reallocation_requests",
    "Previews and commits, by how they ended.",
    ["operation", "outcome"],
    registry=REGISTRY,
)
AUDIT_BYTES: Final = Gauge(
    "drawdown_reallocation_audit_bytes",
    "Room that the history of reallocations takes, its indexes included.",
    registry=REGISTRY,
)

_MEASURED: Final = {
    "preview_reallocation": "preview",
    "commit_reallocation": "commit",
    "commit_reallocations": "commit",
}
_OUTCOMES: Final = {400: "invalid", 404: "not_found", 409: "conflict", 422: "invalid"}

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def log_commits(done: Sequence[Committed], *, duration_ms: int) -> None:
    """One line for each fund of a commit, once it is committed."""
    for one in done:
        log.info(
            "reallocation committed",
            fund_id=one.fund_id,
            version=one.new_version,
            updated_count=one.updated_count,
            audit_id=str(one.audit_id),
            duration_ms=duration_ms,
        )


class ContractRoute(APIRoute):
    """A route whose problems are worded as the contract of reallocation says."""

    def get_route_handler(self) -> Handler:
        answer = super().get_route_handler()
        operation = _MEASURED.get(self.name)

        async def handle(request: Request) -> Response:
            with SECONDS.labels(operation).time() if operation else nullcontext():
                try:
                    response = await answer(request)
                except Exception as error:  # whatever it is, it is worded, and logged where nobody meant it
                    problem = worded(_problem_of(error, request))
                    _count(operation, _OUTCOMES.get(problem.status_code, "failed"))
                    raise problem from error
            _count(operation, "done")
            return response

        return handle


def worded(problem: Problem) -> Problem:
    """The problem with the members of the contract; what is wrong with a body is a 400 there."""
    wrong_body = problem.status_code == HTTPStatus.UNPROCESSABLE_ENTITY and problem.code != "idempotency_key_reused"
    details = problem.facts.get("details") or problem.facts.get("errors") or []
    facts: dict[str, object] = {
        **problem.facts,
        "error": problem.code.replace("_", " ").capitalize(),
        "message": problem.detail,
        "details": details,
    }
    status = int(HTTPStatus.BAD_REQUEST) if wrong_body else problem.status_code
    return Problem(status, problem.code, problem.detail, problem.recommendation, headers=problem.headers, facts=facts)


def _problem_of(error: Exception, request: Request) -> Problem:
    match error:
        case RequestValidationError():
            return problem_of_validation(error.errors())
        case HTTPException() if not isinstance(error, Problem):
            return problem_of_http(request, error)
        case _:
            return problem_of_unexpected(error, request.scope)


def _count(operation: str | None, outcome: str) -> None:
    if operation is not None:
        REQUESTS.labels(operation, outcome).inc()
