"""Promises of the table of profiles: a version, once saved, stays what it is, and files are read by it."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from services.payments.feeds.csv_profile import Order, Profile
from services.payments.profiles import store
from services.payments.profiles.store import SavedProfile
from shared.postgres import Connection

NOW = datetime(2026, 3, 3, tzinfo=UTC)
DEFINITION: dict[str, Any] = {
    "columns": {"booking_date": "Date", "amount": "Amount"},
    "dates": "%Y-%m-%d",
    "signs": {"rule": "signed"},
    "currency": "EUR",
    "account": "DE02120300000000202051",
}


def saved(version: int, **more: Any) -> SavedProfile:
    return SavedProfile("a-bank", version, DEFINITION | more, "ana", NOW)


async def test_a_profile_is_found_by_name_and_version(db: Connection) -> None:
    """The newest, unless a version is named; None where there is none."""
    await store.add_profile(db, saved(1))
    await store.add_profile(db, saved(2, order="newest_first"))
    newest = await store.get_profile(db, "a-bank")
    assert isinstance(newest, Profile)
    assert (newest.version, newest.order) == (2, Order.NEWEST_FIRST)
    first = await store.get_profile(db, "a-bank", 1)
    assert isinstance(first, Profile)
    assert (first.version, first.order) == (1, Order.OLDEST_FIRST)
    for name, version in (("a-bank", 3), ("a-bank", 0), ("a-bank", 2**40), ("b-bank", None)):
        assert await store.get_profile(db, name, version) is None


async def test_a_version_is_there_once(db: Connection) -> None:
    """The number that somebody else took is taken."""
    await store.add_profile(db, saved(1))
    with pytest.raises(asyncpg.UniqueViolationError):
        await store.add_profile(db, saved(1, order="newest_first"))


@pytest.mark.parametrize(
    "statement",
    ["update feed_profile set definition = '{}'", "delete from feed_profile", "truncate feed_profile"],
)
async def test_the_service_changes_and_deletes_nothing(db: Connection, statement: str) -> None:
    """The service's role adds and reads."""
    await store.add_profile(db, saved(1))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.execute(statement)


@pytest.mark.parametrize(
    ("name", "version", "definition"), [("A Bank", 1, {}), ("", 1, {}), ("a-bank", 0, {}), ("a-bank", 1, [])]
)
async def test_the_table_knows_what_a_profile_is(db: Connection, name: str, version: int, definition: Any) -> None:
    """Names are plain, versions count from 1, definitions are objects."""
    with pytest.raises(asyncpg.CheckViolationError):
        await store.add_profile(db, SavedProfile(name, version, definition, "ana", NOW))
