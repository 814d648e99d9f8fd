"""Previewing and committing proposals."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.allocations.reallocation import store
from services.allocations.reallocation.domain import LIMITS, Book, Commit, Outcome, Proposal, decide, propose, stale
from services.allocations.reallocation.handlers.telling import changes_of, reserve_reallocated
from services.allocations.reallocation.store import Entry
from shared import outbox
from shared.crashpoint import crashpoint
from shared.ids import FundId, new_event_id
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused


@dataclass(frozen=True, slots=True)
class Committed:
    """One fund's part of what was done."""

    fund_id: FundId
    new_version: int
    updated_count: int  # companies that were proposed; the version of all others rose too
    audit_id: UUID


async def preview(db: Connection, proposal: Proposal) -> Outcome | Refused:
    """What a proposal comes to: one query, nothing locked."""
    book = await book_of(db, proposal.fund_id)
    return book if isinstance(book, Refused) else propose(book, proposal, limits=LIMITS)


async def commit(
    db: Connection, commits: Sequence[Commit], *, now: datetime, origin: Origin
) -> list[Committed] | Refused:
    """Does what the proposals of one or more funds come to, each fund once: all of them, or nothing."""
    books = await store.lock_books(db, {one.proposal.fund_id for one in commits})
    crashpoint("reserves.rows_locked")
    outcomes: list[Outcome] = []
    for one in commits:
        book = books.get(one.proposal.fund_id)
        if book is None:
            return await _missing(db, one.proposal)
        outcome = decide(book, one, limits=LIMITS)
        if isinstance(outcome, Refused):
            return outcome
        outcomes.append(outcome)
    entries = [_entry(one, outcome, now, origin) for one, outcome in zip(commits, outcomes, strict=True)]
    await store.save_books(db, [outcome.after for outcome in outcomes], now)
    crashpoint("reserves.rows_saved")
    await store.add_audits(db, entries)
    crashpoint("reserves.audits_added")
    pairs = list(zip(outcomes, entries, strict=True))
    await outbox.add(db, [reserve_reallocated(done.book, done.after, entry) for done, entry in pairs], origin)
    return [Committed(entry.fund_id, entry.new_version, len(done.deltas), entry.id) for done, entry in pairs]


async def book_of(db: Connection, fund_id: FundId) -> Book | Refused:
    """A fund's reserves, as somebody must have set them up."""
    book = await store.get_book(db, fund_id)
    if book is None:
        return no_such_fund(fund_id)
    if not book.reserves:
        return Refused(
            "reserves_not_found", f"Fund {fund_id} has no companies.", "Add companies to its reserves first."
        )
    return book


def no_such_fund(fund_id: FundId) -> Refused:
    """The refusal of a fund that nobody made."""
    return Refused("fund_not_found", f"There is no fund {fund_id}.", "Create the fund first.")


async def _missing(db: Connection, proposal: Proposal) -> Refused:
    """Why nothing of a fund could be locked; companies that were added just now are of another version."""
    found = await preview(db, proposal)
    return found if isinstance(found, Refused) else stale(found.book, proposal)


def _entry(commit: Commit, outcome: Outcome, now: datetime, origin: Origin) -> Entry:
    return Entry(
        id=new_event_id(),
        fund_id=outcome.book.fund_id,
        kind="reallocation",
        user_id=commit.user_id,
        actor=origin.actor,
        baseline_version=outcome.book.version,
        new_version=outcome.after.version,
        changes=changes_of(outcome),
        reason=commit.reason,
        created_at=now,
    )
