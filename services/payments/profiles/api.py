"""HTTP of saved profiles: save how a bank writes its CSV, see what is saved."""

from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, StringConstraints, TypeAdapter, WithJsonSchema

from services.payments.feeds.csv_profile import NAME, Profile
from services.payments.profiles import handlers, store
from services.payments.profiles.store import SavedProfile
from shared.http import (
    DEFAULT_LIMIT,
    Body,
    Cursor,
    Limit,
    Page,
    Read,
    Write,
    decode_cursor,
    page_of,
    problems,
    refuse,
)
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

router = APIRouter(tags=["bank profiles"])


def _schema_of_definition() -> dict[str, Any]:
    """The JSON schema of a profile's definition in one piece, taken from the profile itself."""
    schema = TypeAdapter(Profile).json_schema()
    parts = schema.pop("$defs")

    def put_in(node: Any) -> Any:
        if isinstance(node, list):
            return [put_in(one) for one in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return put_in(parts[node["$ref"].rpartition("/")[2]])
        closed = {"additionalProperties": False} if "properties" in node else {}
        return {name: put_in(one) for name, one in node.items() if name != "default"} | closed

    for name in ("name", "version"):
        del schema["properties"][name]
        schema["required"].remove(name)
    whole: dict[str, Any] = put_in(schema)
    return whole


_SCHEMA: Final = _schema_of_definition()
Definition = Annotated[dict[str, Any], WithJsonSchema(_SCHEMA)]
ProfileName = Annotated[str, StringConstraints(pattern=f"^{NAME}$")]


class ProfileIn(Body):
    """A profile to save: its name, and how the bank writes."""

    name: ProfileName
    definition: Definition


class ProfileOut(BaseModel):
    """One version of a profile."""

    name: str
    version: int
    definition: Definition
    created_by: str
    created_at: datetime


class ProfilePage(Page[ProfileOut]):
    """One page of profiles."""


@router.post(
    "/api/bank-profiles",
    status_code=201,
    response_model=ProfileOut,
    responses={
        **problems(422),
        200: {"model": ProfileOut, "description": "The newest version is just this one; nothing was added."},
    },
)
async def save_bank_profile(body: ProfileIn, write: Write, read: Read) -> Response:
    """Saves how a bank writes its CSV, as a new version of its name."""
    async with read.connection() as db:
        known = await handlers.is_newest(db, body.name, body.definition)

    async def work(db: Connection, origin: Origin) -> BaseModel | Refused:
        saved = await handlers.save(db, body.name, body.definition, actor=origin.actor, now=write.now)
        return saved if isinstance(saved, Refused) else _out(saved)

    return await write(
        work,
        action="bank_profile.save",
        resource_type="bank_profile",
        resource_id=body.name,
        status=200 if known else 201,
    )


@router.get("/api/bank-profiles", response_model=ProfilePage, responses=problems(400))
async def list_bank_profiles(read: Read, cursor: Cursor = None, limit: Limit = DEFAULT_LIMIT) -> dict[str, object]:
    """The newest version of each profile, by name."""
    place = decode_cursor(cursor, str)
    after = "" if place is None else str(place[0])
    async with read.connection() as db:
        rows = await store.list_profiles(db, after=after, limit=limit + 1)
    return page_of(rows, limit, key=lambda row: (row.name,), show=_out)


@router.get("/api/bank-profiles/{name}", response_model=ProfilePage, responses=problems(400, 404))
async def get_bank_profile(
    name: Annotated[ProfileName, Path(description="The profile's name.")],
    read: Read,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, object]:
    """All versions of a profile, newest first."""
    place = decode_cursor(cursor, int)
    before = None if place is None else place[0]
    assert before is None or isinstance(before, int)
    async with read.connection() as db:
        rows = await store.list_versions(db, name, before=before, limit=limit + 1)
    if not rows and before is None:
        refuse(404, "bank_profile_not_found", f"there is no profile {name}")
    return page_of(rows, limit, key=lambda row: (row.version,), show=_out)


def _out(saved: SavedProfile) -> ProfileOut:
    return ProfileOut(
        name=saved.name,
        version=saved.version,
        definition=dict(saved.definition),
        created_by=saved.created_by,
        created_at=saved.created_at,
    )
