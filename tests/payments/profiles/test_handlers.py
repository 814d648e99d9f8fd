"""Promises of saving a profile: the next version, or the newest as it stands, or why it cannot be."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.payments.profiles import handlers, store
from services.payments.profiles.store import SavedProfile
from shared.postgres import Connection
from shared.refusal import Refused

NOW = datetime(2026, 3, 3, tzinfo=UTC)
DEFINITION: dict[str, Any] = {
    "columns": {"booking_date": "Date", "amount": "Amount"},
    "dates": "%Y-%m-%d",
    "signs": {"rule": "signed"},
    "currency": "EUR",
    "account": "DE02120300000000202051",
}


async def test_what_is_the_newest_already_changes_nothing(db: Connection) -> None:
    """Who saved it first, and when, stays on record."""
    first = await handlers.save(db, "a-bank", DEFINITION, actor="ana", now=NOW)
    again = await handlers.save(db, "a-bank", DEFINITION, actor="bob", now=NOW + timedelta(days=1))
    assert again == first == SavedProfile("a-bank", 1, DEFINITION, "ana", NOW)
    assert await handlers.is_newest(db, "a-bank", DEFINITION)
    assert not await handlers.is_newest(db, "a-bank", {**DEFINITION, "order": "newest_first"})
    assert not await handlers.is_newest(db, "b-bank", DEFINITION)


async def test_what_cannot_be_read_by_is_not_kept(db: Connection) -> None:
    """The refusal names the first member in its sentence, and all of them in its facts."""
    refused = await handlers.save(db, "a-bank", {"dates": "%Y-%m-%d"}, actor="ana", now=NOW)
    assert isinstance(refused, Refused)
    assert refused.detail == "no file can be read by this profile: signs: is missing (and 1 more)"
    assert refused.facts["errors"] == [
        {"loc": ["body", "definition", "signs"], "msg": "is missing"},
        {"loc": ["body", "definition", "columns"], "msg": "is missing"},
    ]
    assert not await handlers.is_newest(db, "a-bank", {})
    assert await store.find_profile(db, "a-bank") is None
