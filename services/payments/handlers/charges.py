"""Calls that are short by banks' charges: closed at what was paid, where their fund tolerates what is missing."""

from datetime import datetime
from typing import Final

from services.payments import store
from services.payments.domain import Call, Status, Version, close_short
from services.payments.handlers.telling import call_status_changed
from services.payments.store import Charge
from shared import outbox
from shared.outbox import Origin
from shared.postgres import Connection

CALLS_PER_SLICE: Final = 500  # closed in one transaction


async def close_short_calls(db: Connection, *, now: datetime, limit: int = CALLS_PER_SLICE) -> int:
    """Releases what little is missing of a slice of calls, each on a line of its own beside the payment that was short.

    Gives how many it closed; fewer than `limit` means that all is done.
    """
    tolerated = await store.short_calls(db, limit=limit)
    if not tolerated:
        return 0
    calls = await store.lock_calls(db, tolerated)
    closed: list[tuple[Call, Call]] = []
    for before in calls.values():
        after = close_short(before, tolerated[before.id])
        if after is not None:
            closed.append((before, after))
    short = await store.last_applied(db, [after.id for _, after in closed])
    await store.add_charges(
        db, [Charge(call.id, *short[call.id], call.released, call.currency, now) for _, call in closed]
    )
    changed: list[tuple[Call, Status | None]] = [(after, before.status) for before, after in closed]
    await store.save_calls(db, changed, now)
    events = [call_status_changed(Version(after, before.status), now) for before, after in closed]
    await outbox.add(db, events, Origin(actor="clock"))
    return len(closed)
