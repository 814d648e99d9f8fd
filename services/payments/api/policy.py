"""HTTP of what a fund wants done with money that does not fit."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field, TypeAdapter

from services.payments import handlers
from services.payments.api.shapes import Amount
from services.payments.api.waiting import HeardOfFund
from services.payments.domain import FundPolicy, OverPayment
from services.payments.store import Fund
from shared.currency import text
from shared.http import Body, MajorAmount, Read, Text, Write, etag, problem_of, problems, versions_of
from shared.ids import FundId
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

router = APIRouter(tags=["policies"])

IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="the ETag of the policy as you saw it; needed once a policy was set"),
]


class PolicyIn(Body):
    """What a fund wants; what is left out is wanted as by default."""

    over_payment: OverPayment = Field(
        OverPayment.HOLD, description="a payment that is more than its call takes is held whole, or only its excess"
    )
    short_tolerance: MajorAmount = Field(
        "0", description="a call that is short of no more than this, by banks' charges, is closed at what was paid"
    )
    reason: Text | None = None


class PolicyOut(BaseModel):
    """A fund's policy; version 0 where none was ever set."""

    fund_id: int
    currency: str
    over_payment: OverPayment
    short_tolerance: Amount
    version: int
    changed_by: str | None
    changed_at: datetime | None


def _shown(policy: FundPolicy, fund: Fund) -> PolicyOut:
    return PolicyOut(
        fund_id=policy.fund_id,
        currency=fund.currency,
        over_payment=policy.over_payment,
        short_tolerance=text(policy.short_tolerance, fund.currency),
        version=policy.version,
        changed_by=policy.changed_by,
        changed_at=policy.changed_at,
    )


@router.get("/api/funds/{fund_id}/payment-policy", responses=problems(404, 422))
async def get_payment_policy(fund_id: HeardOfFund, read: Read, response: Response) -> PolicyOut:
    """What a fund wants done with payments that do not quite fit. Its ETag is what a change needs as If-Match."""
    async with read.connection() as db:
        found = await handlers.get_policy(db, fund_id)
    if isinstance(found, Refused):
        raise problem_of(found)
    response.headers["ETag"] = etag(found[0].version)
    return _shown(*found)


@router.put("/api/funds/{fund_id}/payment-policy", response_model=PolicyOut, responses=problems(404, 412, 422, 428))
async def put_payment_policy(fund_id: HeardOfFund, body: PolicyIn, write: Write, if_match: IfMatch = None) -> Response:
    """Says what a fund wants from now on; money that has been decided about already stays where it is."""

    async def work(db: Connection, origin: Origin) -> BaseModel | Refused:
        done = await _set(db, fund_id, body, if_match, write.now, origin)
        return done if isinstance(done, Refused) else _shown(*done)

    response = await write(
        work,
        action="policy.change",
        resource_type="fund",
        resource_id=fund_id,
        reason=body.reason,
        statuses={"version_conflict": 412, "version_required": 428},
    )
    response.headers["ETag"] = etag(_ANSWER.validate_json(bytes(response.body)).version)
    return response


_ANSWER: Final = TypeAdapter(PolicyOut)  # a repeated request is answered from its key, with the tag of that answer


async def _set(
    db: Connection, fund_id: FundId, body: PolicyIn, if_match: str | None, now: datetime, origin: Origin
) -> tuple[FundPolicy, Fund] | Refused:
    found = await handlers.get_policy(db, fund_id)
    if isinstance(found, Refused):
        return found
    return await handlers.set_policy(
        db,
        *found,
        over_payment=body.over_payment,
        short_tolerance=body.short_tolerance,
        expected=None if if_match is None else versions_of(if_match, found[0].version),
        now=now,
        origin=origin,
    )
