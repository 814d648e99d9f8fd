"""Writes what a transaction came to: one statement per table, and every version into the outbox."""

from datetime import datetime

from services.payments import store
from services.payments.domain import Call, Outcome, Status, Version
from services.payments.handlers.telling import call_status_changed, events_of
from shared import outbox
from shared.crashpoint import crashpoint
from shared.outbox import Origin
from shared.postgres import Connection


async def save(db: Connection, outcome: Outcome, sources: dict[str, int], now: datetime, origin: Origin) -> None:
    """Writes and tells everything of an outcome; `sources` numbers the sources of what is new."""
    await store.add_payments(db, sources, outcome.booked, outcome.postings)
    await store.save_payments(db, outcome.changed)
    crashpoint("payments.payments_saved")
    await store.add_conflicts(db, sources, outcome.conflicts)
    await store.add_later_postings(db, outcome.postings)
    # A hold that is resolved in part gives way to one of the rest: a payment has one open hold at most.
    await store.save_holds(db, outcome.reheld, now)
    await store.add_holds(db, outcome.opened, now)
    await store.add_account_credits(db, sources, outcome.seen)
    await store.save_calls(db, _last(outcome), now)
    crashpoint("payments.calls_saved")
    await outbox.add(db, events_of(outcome, now), origin)
    crashpoint("payments.events_added")


def _last(outcome: Outcome) -> list[tuple[Call, Status | None]]:
    """The last version of each call that changed, in id order, with the status before it."""
    last = {version.call.id: (version.call, version.previous_status) for version in outcome.versions}
    return [last[call_id] for call_id in sorted(last)]


async def save_call(db: Connection, before: Call, after: Call, now: datetime, origin: Origin) -> None:
    """Writes and tells one call whose change is not about money."""
    await store.save_calls(db, [(after, before.status)], now)
    await outbox.add(db, [call_status_changed(Version(after, before.status), now)], origin)
