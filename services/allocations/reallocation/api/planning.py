"""Templates and suggestions: ordinary proposals, each with the formula that it follows."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from services.allocations.api.bodies import Percent
from services.allocations.reallocation import domain, handlers, store
from services.allocations.reallocation.api.answers import (
    SuggestedOut,
    TemplateOut,
    show_suggested,
    show_template,
)
from services.allocations.reallocation.api.bodies import TemplateIn, TemplateName
from services.allocations.reallocation.api.contract import ContractRoute
from services.allocations.reallocation.domain import LARGEST_MINOR, Suggested
from shared import money
from shared.http import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    Page,
    PathId,
    Read,
    Write,
    decode_cursor,
    page_of,
    problem_of,
    problems,
)
from shared.ids import FundId
from shared.money import Minor
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

router = APIRouter(tags=["reallocation"], route_class=ContractRoute)


@router.post(
    "/api/funds/{fund_id}/reallocation/templates",
    response_model=TemplateOut,
    responses=problems(400, 404, 409),
)
async def save_reallocation_template(fund_id: PathId, body: TemplateIn, write: Write) -> Response:
    """Saves how to spread reserves, as a new version of its name; what the newest version says already adds none."""

    async def work(db: Connection, origin: Origin) -> TemplateOut | Refused:
        saved = await handlers.save_template(db, FundId(fund_id), body.read(), actor=origin.actor, now=write.now)
        return saved if isinstance(saved, Refused) else show_template(saved)

    return await write(work, action="reallocation_template.save", resource_type="fund", resource_id=fund_id)


@router.get("/api/funds/{fund_id}/reallocation/templates", response_model=Page[TemplateOut], responses=problems(400))
async def list_reallocation_templates(
    fund_id: PathId, read: Read, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT
) -> dict[str, object]:
    """The newest version of each of a fund's templates, by name."""
    place = decode_cursor(cursor, str)
    after = "" if place is None else str(place[0])
    async with read.connection() as db:
        found = await store.list_templates(db, FundId(fund_id), after=after, limit=limit + 1)
    return page_of(found, limit, key=lambda saved: (saved.template.name,), show=show_template)


@router.get(
    "/api/funds/{fund_id}/reallocation/templates/{name}/proposal",
    responses=problems(400, 404),
)
async def propose_by_template(
    fund_id: PathId, name: Annotated[TemplateName, Path(description="The template's name.")], read: Read
) -> SuggestedOut:
    """What the template's companies have today, spread among them by largest remainder; their total stays."""
    async with read.snapshot() as db:
        return _shown(await handlers.apply_template(db, FundId(fund_id), name))


@router.get("/api/funds/{fund_id}/reallocation/suggestions/concentration", responses=problems(400, 404, 409))
async def suggest_limit(
    fund_id: PathId, read: Read, limit_percent: Annotated[Percent, Query(description="the most for one company")]
) -> SuggestedOut:
    """No company above a percent of all reserves; what is above goes to the others in proportion to what they have."""
    limit = money.parse(limit_percent, exponent=4)
    async with read.snapshot() as db:
        return _shown(await handlers.suggest(db, FundId(fund_id), lambda book, _: domain.limited(book, limit)))


@router.get("/api/funds/{fund_id}/reallocation/suggestions/total", responses=problems(400, 404, 409))
async def suggest_total(
    fund_id: PathId,
    read: Read,
    total_cents: Annotated[int, Query(ge=0, le=LARGEST_MINOR, description="what all reserves are to come to")],
) -> SuggestedOut:
    """Every reserve scaled so that all of them come to a new total, none above its cap."""
    total = Minor(total_cents)
    async with read.snapshot() as db:
        return _shown(await handlers.suggest(db, FundId(fund_id), lambda book, _: domain.scaled(book, total)))


@router.get("/api/funds/{fund_id}/reallocation/suggestions/unfunded", responses=problems(400, 404, 409))
async def suggest_pro_rata(fund_id: PathId, read: Read) -> SuggestedOut:
    """Today's total in proportion to what is promised to each company and not paid yet, none above its cap."""
    async with read.snapshot() as db:
        return _shown(await handlers.suggest(db, FundId(fund_id), domain.pro_rata))


def _shown(suggested: Suggested | Refused) -> SuggestedOut:
    if isinstance(suggested, Refused):
        raise problem_of(suggested)
    return show_suggested(suggested)
