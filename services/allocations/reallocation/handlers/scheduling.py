"""Commits that wait for their time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.allocations.reallocation import store
from services.allocations.reallocation.domain import LIMITS, Commit, decide, digest_of
from services.allocations.reallocation.handlers.committing import Committed, book_of, commit
from services.allocations.reallocation.store import Scheduled
from shared import outbox
from shared.contracts.audit import AuditRecorded
from shared.crashpoint import crashpoint
from shared.outbox import Event, Origin
from shared.postgres import Connection
from shared.refusal import Refused


@dataclass(frozen=True, slots=True)
class Ran:
    """A schedule that has ended, and what was done to each of its funds: nothing where it was parked."""

    scheduled: Scheduled
    done: Sequence[Committed]


async def schedule(
    db: Connection, commits: Sequence[Commit], *, run_at: datetime, now: datetime, origin: Origin
) -> Scheduled | Refused:
    """Keeps commits to be done together at `run_at`, each with the digest of its preview as of now: they must be
    possible today, and are done only if they still come to the same then."""
    if run_at <= now:
        return Refused("invalid_run_at", "run_at has passed.", "Commit it at once, or give a time to come.")
    sealed: list[Commit] = []
    for one in commits:
        book = await book_of(db, one.proposal.fund_id)
        outcome = book if isinstance(book, Refused) else decide(book, one, limits=LIMITS)
        if isinstance(outcome, Refused):
            return outcome
        sealed.append(replace(one, digest=digest_of(outcome)))
    new = Scheduled(await store.next_scheduled_id(db), run_at, sealed, origin.actor, now)
    await store.add_scheduled(db, new)
    return new


async def cancel(db: Connection, schedule_id: int, *, now: datetime) -> Scheduled | Refused:
    """Takes back a schedule that waits; a cancelled one is answered as it is."""
    found = await store.lock_scheduled(db, schedule_id)
    if found is None:
        return no_such_schedule(schedule_id)
    if found.status == "cancelled":
        return found
    if found.status != "waiting":
        return Refused(
            "invalid_transition", f"Schedule {schedule_id} is {found.status} already.", "Nothing can be taken back."
        )
    ended = replace(found, status="cancelled", ended_at=now)
    await store.end_scheduled(db, ended)
    return ended


async def run(db: Connection, schedule_id: int, *, now: datetime) -> Ran | None:
    """Does a schedule whose time has come, or parks it with the reason why it cannot be done; None where another copy,
    or a person, was first. Whoever made the schedule is the actor."""
    found = await store.lock_scheduled(db, schedule_id)
    if found is None or found.status != "waiting" or found.run_at > now:
        return None
    origin = Origin(actor=found.created_by)
    done = await commit(db, found.commits, now=now, origin=origin)
    if isinstance(done, Refused):
        ended = replace(found, status="parked", ended_at=now, parked_code=done.code, parked_reason=done.detail)
    else:
        ended = replace(found, status="done", ended_at=now, audit_ids=[one.audit_id for one in done])
    await store.end_scheduled(db, ended)
    await outbox.add(db, [_recorded(ended, now)], origin)
    crashpoint("reserves.schedule_ended")
    return Ran(ended, [] if isinstance(done, Refused) else done)


def no_such_schedule(schedule_id: int) -> Refused:
    """The refusal of a schedule that nobody made."""
    return Refused("schedule_not_found", f"There is no schedule {schedule_id}.", "See the list of schedules.")


def _recorded(ended: Scheduled, now: datetime) -> Event:
    entry = AuditRecorded(
        actor=ended.created_by,
        action="reallocation.run_scheduled",
        resource_type="scheduled_reallocation",
        resource_id=str(ended.id),
        outcome="done" if ended.status == "done" else "refused",
        reason=ended.parked_code,
        before=None,
        after={"funds": [one.proposal.fund_id for one in ended.commits], "status": ended.status},
        address=None,
        occurred_at=now,
    )
    return Event(AuditRecorded.topic, ended.created_by, f"scheduled_reallocation/{ended.id}", entry, now)
