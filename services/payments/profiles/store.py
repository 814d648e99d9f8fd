"""SQL of saved profiles."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.payments.feeds.csv_profile import Profile
from services.payments.feeds.csv_profile_json import from_json
from shared.postgres import Connection, Record


@dataclass(frozen=True, slots=True)
class SavedProfile:
    """One version of a profile, and who saved it."""

    name: str
    version: int
    definition: Mapping[str, Any]
    created_by: str
    created_at: datetime


ADD_PROFILE: Final = """
insert into payments.feed_profile (name, version, definition, created_by, created_at)
values ($1, $2, $3, $4, $5)
"""


async def add_profile(db: Connection, profile: SavedProfile) -> None:
    """Adds a version; one that was taken meanwhile is the database's refusal."""
    definition = json.dumps(profile.definition)
    await db.execute(ADD_PROFILE, profile.name, profile.version, definition, profile.created_by, profile.created_at)


FIND_PROFILE: Final = """
select name, version, definition::text as definition, created_by, created_at
  from payments.feed_profile
 where name = $1 and version <= $2::bigint
 order by version desc
 limit 1
"""

_NEWEST: Final = 2**31 - 1


async def find_profile(db: Connection, name: str, version: int | None = None) -> SavedProfile | None:
    """A version of a profile as it was saved, the newest where none is named."""
    row = await db.fetchrow(FIND_PROFILE, name, _NEWEST if version is None else version)
    return None if row is None or version not in {None, row["version"]} else _saved(row)


async def get_profile(db: Connection, name: str, version: int | None = None) -> Profile | None:
    """A version of a profile to read files by, the newest where none is named."""
    saved = await find_profile(db, name, version)
    if saved is None:
        return None
    profile = from_json(saved.name, saved.version, saved.definition)
    assert isinstance(profile, Profile), f"{name} was right when it was saved, and is not any more: {profile}"
    return profile


# The newest version of each name, by as many steps through the key as there are names.
LIST_PROFILES: Final = """
with recursive newest as (
    (select p.name, p.version from payments.feed_profile p where p.name > $1 order by p.name, p.version desc limit 1)
     union all
    select next.name, next.version
      from newest
     cross join lateral (
           select p.name, p.version
             from payments.feed_profile p
            where p.name > newest.name
            order by p.name, p.version desc
            limit 1) next
)
select p.name, p.version, p.definition::text as definition, p.created_by, p.created_at
  from (select name, version from newest limit $2) n
  join payments.feed_profile p on p.name = n.name and p.version = n.version
 order by p.name
"""


async def list_profiles(db: Connection, *, after: str, limit: int) -> list[SavedProfile]:
    """The newest version of each profile, by name."""
    return [_saved(row) for row in await db.fetch(LIST_PROFILES, after, limit)]


LIST_VERSIONS: Final = """
select name, version, definition::text as definition, created_by, created_at
  from payments.feed_profile
 where name = $1 and version < $2::bigint
 order by version desc
 limit $3
"""


async def list_versions(db: Connection, name: str, *, before: int | None, limit: int) -> list[SavedProfile]:
    """Versions of one profile, newest first."""
    return [
        _saved(row) for row in await db.fetch(LIST_VERSIONS, name, _NEWEST + 1 if before is None else before, limit)
    ]


def _saved(row: Record) -> SavedProfile:
    return SavedProfile(**{**row, "definition": json.loads(row["definition"])})
