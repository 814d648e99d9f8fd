"""Use cases of saved profiles. One function is one transaction: look what there is, keep what is new."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.payments.feeds.csv_profile import Profile
from services.payments.feeds.csv_profile_json import from_json, to_json
from services.payments.feeds.model import Problem
from services.payments.profiles import store
from services.payments.profiles.store import SavedProfile
from shared.postgres import Connection
from shared.refusal import Refused


async def save(
    db: Connection, name: str, definition: Mapping[str, Any], *, actor: str, now: datetime
) -> SavedProfile | Refused:
    """Keeps a definition as the next version of its name; the newest version's own definition changes nothing."""
    profile = from_json(name, 1, definition)
    if not isinstance(profile, Profile):
        return not_usable(profile)
    newest = await store.find_profile(db, name)
    if newest is not None and newest.definition == to_json(profile):
        return newest
    saved = SavedProfile(name, newest.version + 1 if newest else 1, to_json(profile), actor, now)
    await store.add_profile(db, saved)
    return saved


async def is_newest(db: Connection, name: str, definition: Mapping[str, Any]) -> bool:
    """Whether saving a definition would add nothing."""
    profile = from_json(name, 1, definition)
    newest = await store.find_profile(db, name)
    return isinstance(profile, Profile) and newest is not None and newest.definition == to_json(profile)


def not_usable(problems: tuple[Problem, ...]) -> Refused:
    """The refusal of a definition, with every member that is wrong."""
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    errors = [
        {"loc": ["body", *(() if one.where == "name" else ("definition",)), *one.where.split(".")], "msg": one.what}
        for one in problems
    ]
    detail = f"no file can be read by this profile: {problems[0].where}: {problems[0].what}{more}"
    return Refused("invalid_profile", detail, "Correct the members that errors names.", {"errors": errors})
