"""Problems: the one shape of every error over HTTP (RFC 9457), and how a refusal becomes one."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NoReturn

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from shared.refusal import Refused

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_SECONDS: Final = 2

_RECOMMENDATIONS: Final[Mapping[int, str]] = {
    400: "Correct the request as the detail says and send it again.",
    401: "Sign in and send the request again.",
    403: "Ask somebody who may do this.",
    404: "Check the id and the address; the lists show what exists.",
    405: "Use one of the methods that the Allow header names.",
    409: "Read the current state, then decide again.",
    412: "Read the current version, then decide again.",
    413: "Send less at once.",
    415: "Send JSON with the header content-type: application/json.",
    422: "Correct the values that errors names and send the request again.",
    428: "Read the current version and send it as If-Match.",
    429: "Wait as long as Retry-After says, then send the request again.",
    500: "Try again later; if it stays, report the correlation_id to whoever runs this service.",
    502: "Wait a moment, then send the request again; with an Idempotency-Key that is always safe.",
    503: "Wait as long as Retry-After says, then send the request again; with an Idempotency-Key that is always safe.",
}


class Problem(HTTPException):
    """An answer that is not the one hoped for; raised anywhere below the API, shown as problem+json.

    `code` is stable and meant for programs; `facts` are further members of the body.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        recommendation: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        facts: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(status_code=status, detail=detail, headers=headers)
        self.code = code
        self.recommendation = recommendation or _RECOMMENDATIONS.get(status, _RECOMMENDATIONS[400])
        self.facts: Mapping[str, object] = facts or {}

    def body(self) -> dict[str, object]:
        return {
            **self.facts,
            "type": f"urn:drawdown:problem:{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status_code,
            "detail": self.detail,
            "code": self.code,
            "recommendation": self.recommendation,
        }

    def response(self) -> Response:
        """ASCII only, so even a lone surrogate that a client sent in a name can be shown to it."""
        text = json.dumps(self.body(), default=str)
        return Response(text, self.status_code, headers=self.headers, media_type=MEDIA_TYPE)


def refuse(status: int, code: str, detail: str, advice: str = "", **facts: object) -> NoReturn:
    """Ends the request with a problem."""
    raise Problem(status, code, detail, advice, facts=facts)


# Refusals say what is wrong in their code; these few do not follow the rule of `status_of`.
_STATUSES: Final[Mapping[str, int]] = {"unknown_currency": 422, "unknown_time_zone": 422, "invalid_transition": 409}


def status_of(code: str, statuses: Mapping[str, int] | None = None) -> int:
    """The HTTP status of a refusal: 404 for what is not there, 422 for a wrong value, else 409."""
    if statuses and code in statuses:
        return statuses[code]
    if code in _STATUSES:
        return _STATUSES[code]
    if code.endswith("_not_found") or code == "not_found" or code.startswith("unknown_"):
        return 404
    return 422 if code.startswith("invalid_") else 409


def problem_of(refused: Refused, statuses: Mapping[str, int] | None = None) -> Problem:
    """The problem that shows a refusal; `statuses` overrides the status of some codes."""
    status = status_of(refused.code, statuses)
    facts = dict(refused.facts)
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        facts.setdefault("errors", [{"loc": ["body"], "msg": refused.detail}])
    return Problem(status, refused.code, refused.detail, refused.advice, facts=facts)


def wrong_value(loc: Sequence[str | int], msg: str, *, code: str = "invalid_value") -> Problem:
    """The 422 that names one value of the body, or another part of the request; `loc` begins with which."""
    where = ".".join(str(part) for part in loc[1:]) or "body"
    return Problem(422, code, f"{where}: {msg}", facts={"errors": [{"loc": list(loc), "msg": msg}]})


def away(code: str, detail: str) -> Problem:
    """The 503 for a dependency that cannot be reached now."""
    return Problem(503, code, detail, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


class FieldError(BaseModel):
    """One wrong value and where it stands."""

    loc: list[str | int]
    msg: str


class ProblemOut(BaseModel):
    """How every error looks (RFC 9457); further members may follow, such as the amount still free."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": True})

    type: str = Field(
        description="names the kind of problem for ever", examples=["urn:drawdown:problem:over_commitment"]
    )
    title: str = Field(description="the kind of problem in words", examples=["Over commitment"])
    status: int = Field(description="the HTTP status", examples=[409])
    detail: str = Field(description="what happened this time")
    code: str = Field(description="for programs; stable", examples=["over_commitment"])
    recommendation: str = Field(description="one sentence that says what to do next")
    errors: list[FieldError] | None = Field(default=None, description="the values that are wrong")


def _documented(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
    }


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may answer with these statuses."""
    return {status: _documented(HTTPStatus(status).phrase) for status in statuses}


# Every route may answer with these, whatever it declares itself.
EVERYWHERE: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": _documented("The request cannot be done as it is; the problem says why and what to do."),
    "5XX": _documented("The service or something it needs is in trouble; the problem says when to try again."),
}
