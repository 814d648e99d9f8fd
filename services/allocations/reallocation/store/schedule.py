"""Commits that wait for their time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import orjson

from services.allocations.reallocation.domain import Commit, Proposal, Proposed
from shared.postgres import Connection, Record

Status = Literal["waiting", "done", "parked", "cancelled"]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Commits of one or more funds to be done together at `run_at`, and what became of them."""

    id: int
    run_at: datetime
    commits: Sequence[Commit]
    created_by: str
    created_at: datetime
    status: Status = "waiting"
    ended_at: datetime | None = None
    parked_code: str | None = None
    parked_reason: str | None = None
    audit_ids: Sequence[UUID] | None = None


NEXT_SCHEDULED_ID: Final = """
select nextval('allocations.scheduled_reallocation_id')
"""


async def next_scheduled_id(db: Connection) -> int:
    """A new id, above all before it."""
    new: int = await db.fetchval(NEXT_SCHEDULED_ID)
    return new


ADD_SCHEDULED: Final = """
insert into allocations.scheduled_reallocation (id, run_at, status, commits, created_by, created_at)
values ($1, $2, $3, $4, $5, $6)
"""


async def add_scheduled(db: Connection, new: Scheduled) -> None:
    """A schedule that waits."""
    commits = orjson.dumps([_told(commit) for commit in new.commits]).decode()
    await db.execute(ADD_SCHEDULED, new.id, new.run_at, new.status, commits, new.created_by, new.created_at)


DUE_SCHEDULED: Final = """
select id
  from allocations.scheduled_reallocation
 where status = 'waiting' and run_at <= $1
 order by run_at, id
 limit $2
"""


async def due_scheduled(db: Connection, now: datetime, *, limit: int) -> list[int]:
    """The ids of those whose time has come, the earliest first."""
    return [row["id"] for row in await db.fetch(DUE_SCHEDULED, now, limit)]


GET_SCHEDULED: Final = """
select id, run_at, status, commits::text as commits, created_by, created_at, ended_at, parked_code, parked_reason,
       audit_ids
  from allocations.scheduled_reallocation
 where id = $1
"""


async def get_scheduled(db: Connection, schedule_id: int) -> Scheduled | None:
    """One schedule."""
    row = await db.fetchrow(GET_SCHEDULED, schedule_id)
    return None if row is None else _scheduled(row)


LOCK_SCHEDULED: Final = """
select id, run_at, status, commits::text as commits, created_by, created_at, ended_at, parked_code, parked_reason,
       audit_ids
  from allocations.scheduled_reallocation
 where id = $1
   for no key update
"""


async def lock_scheduled(db: Connection, schedule_id: int) -> Scheduled | None:
    """One schedule, for whoever ends it; locked before any reserve."""
    row = await db.fetchrow(LOCK_SCHEDULED, schedule_id)
    return None if row is None else _scheduled(row)


END_SCHEDULED: Final = """
update allocations.scheduled_reallocation
   set status = $2, ended_at = $3, parked_code = $4, parked_reason = $5, audit_ids = $6
 where id = $1
"""


async def end_scheduled(db: Connection, ended: Scheduled) -> None:
    """How a locked schedule ended."""
    how = (ended.ended_at, ended.parked_code, ended.parked_reason)
    await db.execute(END_SCHEDULED, ended.id, ended.status, *how, ended.audit_ids)


LIST_SCHEDULED: Final = """
select id, run_at, status, commits::text as commits, created_by, created_at, ended_at, parked_code, parked_reason,
       audit_ids
  from allocations.scheduled_reallocation
 where id < $1
 order by id desc
 limit $2
"""

LIST_SCHEDULED_IN: Final = """
select id, run_at, status, commits::text as commits, created_by, created_at, ended_at, parked_code, parked_reason,
       audit_ids
  from allocations.scheduled_reallocation
 where status = $1 and id < $2
 order by id desc
 limit $3
"""


async def list_scheduled(db: Connection, *, status: Status | None, before: int, limit: int) -> list[Scheduled]:
    """Schedules, the newest first, those with an id below `before`; of any status where it is None."""
    if status is None:
        rows = await db.fetch(LIST_SCHEDULED, before, limit)
    else:
        rows = await db.fetch(LIST_SCHEDULED_IN, status, before, limit)
    return [_scheduled(row) for row in rows]


def _told(commit: Commit) -> dict[str, object]:
    proposal = commit.proposal
    return {
        "fund_id": proposal.fund_id,
        "current_version": proposal.version,
        "proposed_allocations": [[one.company_id, one.planned, one.cap] for one in proposal.proposed],
        "digest": commit.digest,
        "reason": commit.reason,
        "user_id": commit.user_id,
    }


def _commit(told: dict[str, Any]) -> Commit:
    proposed = [Proposed(company, planned, cap) for company, planned, cap in told["proposed_allocations"]]
    proposal = Proposal(told["fund_id"], told["current_version"], proposed)
    return Commit(proposal, told["digest"], told["reason"], told["user_id"])


def _scheduled(row: Record) -> Scheduled:
    return Scheduled(**{**row, "commits": [_commit(told) for told in orjson.loads(row["commits"])]})
