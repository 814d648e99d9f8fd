"""A preview and a commit of reserves as SQL alone: the very statements of the service, without the service.

What they are given is made ready before the clock runs, by the service's own rules, so the rows are those that a
request would have written, and everybody who reads them (the history, the read model, the checker) finds them right.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from services.allocations.reallocation import store
from services.allocations.reallocation.domain import Book, Commit, Proposal, Proposed, decide
from services.allocations.reallocation.handlers.telling import changes_of, reserve_reallocated
from services.allocations.reallocation.store import Entry
from services.allocations.reallocation.store.audits import ADD_AUDITS
from services.allocations.reallocation.store.reserves import GET_BOOK, LOCK_BOOKS, SAVE_BOOKS
from shared import outbox
from shared.clock import SystemClock
from shared.contracts.audit import AuditRecorded
from shared.contracts.base import encode
from shared.ids import DealId, FundId, new_event_id
from shared.money import Minor
from shared.outbox import Event, Origin
from shared.postgres import Connection
from shared.refusal import Refused

_ORIGIN: Final = Origin(actor="bench")
_MOST_MINOR: Final = 100_000_000_00  # of one reserve


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that one commit writes, encoded as far as it can be."""

    fund_id: FundId
    now: datetime
    rows: Sequence[Sequence[Any]]
    audit: Sequence[Sequence[Any]]
    events: Sequence[Event]


def amounts(chance: random.Random, count: int) -> list[int]:
    """New reserves for so many companies."""
    return [chance.randrange(1, _MOST_MINOR) for _ in range(count)]


async def preview(db: Connection, fund_id: FundId) -> None:
    """The one query of a preview."""
    await db.fetch(GET_BOOK, fund_id)


async def commit(db: Connection, prepared: Prepared) -> None:
    """What a commit reads and writes, in one transaction: rows locked, all of them updated, history, two events."""
    async with db.transaction():
        await db.fetch(LOCK_BOOKS, [prepared.fund_id])
        await db.execute(SAVE_BOOKS, *prepared.rows, prepared.now)
        await db.execute(ADD_AUDITS, *prepared.audit)
        for event in prepared.events:
            await outbox.add(db, [event], _ORIGIN)


async def prepare(db: Connection, fund_id: FundId, new: Sequence[int]) -> Prepared:
    """The commit that gives every company of the fund its new reserve."""
    book = await store.get_book(db, fund_id)
    assert book is not None
    proposed = [Proposed(one.company_id, Minor(minor)) for one, minor in zip(book.reserves, new, strict=True)]
    outcome = decide(book, Commit(Proposal(fund_id, book.version, proposed)))
    assert not isinstance(outcome, Refused), outcome
    now = SystemClock().now()
    entry = Entry(
        id=new_event_id(),
        fund_id=fund_id,
        kind="reallocation",
        user_id=None,
        actor=_ORIGIN.actor,
        baseline_version=book.version,
        new_version=outcome.after.version,
        changes=changes_of(outcome),
        reason=None,
        created_at=now,
    )
    told = reserve_reallocated(book, outcome.after, entry)
    done = AuditRecorded(
        actor=_ORIGIN.actor,
        action="reallocation.commit",
        resource_type="fund",
        resource_id=str(fund_id),
        outcome="done",
        reason=None,
        before=None,
        after={"success": True, "new_version": entry.new_version, "updated_count": len(proposed)},
        address=None,
        occurred_at=now,
    )
    events = [told, Event(AuditRecorded.topic, _ORIGIN.actor, f"fund/{fund_id}", done, now)]
    return Prepared(fund_id, now, _rows(outcome.after), _audit(entry), [_encoded(event) for event in events])


def _rows(after: Book) -> list[list[Any]]:
    """Fund, company, planned, cap and version of every reserve, a list each."""
    count = len(after.reserves)
    companies: list[DealId] = [one.company_id for one in after.reserves]
    planned: list[int] = [one.planned for one in after.reserves]
    caps = [one.cap for one in after.reserves]
    return [[after.fund_id] * count, companies, planned, caps, [after.version] * count]


def _audit(entry: Entry) -> list[list[Any]]:
    who: tuple[Any, ...] = (entry.id, entry.fund_id, entry.kind, entry.user_id, entry.actor)
    what = (entry.baseline_version, entry.new_version, orjson.dumps(entry.changes).decode(), entry.reason)
    return [[each] for each in (*who, *what, entry.created_at)]


def _encoded(event: Event) -> Event:
    data = event.data if isinstance(event.data, bytes) else encode(event.data)
    return Event(event.topic, event.key, event.subject, data, event.occurred_at)
