"""The history of reserves: every version of every fund's, who made it, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import orjson

from shared.ids import DealId, FundId
from shared.postgres import Connection, Record


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a fund's reserves; `changes` are as the table holds them."""

    id: UUID
    fund_id: FundId
    kind: Literal["set_up", "reallocation"]
    user_id: int | None
    actor: str
    baseline_version: int
    new_version: int
    changes: Sequence[dict[str, Any]]
    reason: str | None
    created_at: datetime


ADD_AUDITS: Final = """
insert into allocations.reallocation_audit (id, fund_id, kind, user_id, actor, baseline_version, new_version,
                                            changes_json, reason, created_at)
select new.id, new.fund_id, new.kind, new.user_id, new.actor, new.baseline_version, new.new_version,
       new.changes::jsonb, new.reason, new.created_at
  from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::int[], $7::int[], $8::text[],
              $9::text[], $10::timestamptz[])
       as new (id, fund_id, kind, user_id, actor, baseline_version, new_version, changes, reason, created_at)
"""


async def add_audits(db: Connection, entries: Sequence[Entry]) -> None:
    """What was done to reserves, in the transaction that did it."""
    rows = [
        (
            entry.id,
            entry.fund_id,
            entry.kind,
            entry.user_id,
            entry.actor,
            entry.baseline_version,
            entry.new_version,
            orjson.dumps(entry.changes).decode(),
            entry.reason,
            entry.created_at,
        )
        for entry in entries
    ]
    await db.execute(ADD_AUDITS, *map(list, zip(*rows, strict=True)))


@dataclass(frozen=True, slots=True)
class Asked:
    """Which entries somebody asks for; None is any."""

    fund_id: FundId | None = None
    user_id: int | None = None
    company_id: DealId | None = None
    version: int | None = None


# One statement for each index that may lead, and what else was asked looked at behind it. Ids rise with time.
AUDITS_OF_FUND: Final = """
select id, fund_id, kind, user_id, actor, baseline_version, new_version, changes_json::text as changes, reason,
       created_at
  from allocations.reallocation_audit
 where fund_id = $1
   and ($2::bigint is null or user_id = $2)
   and ($3::text is null or changes_json @> $3::jsonb)
   and ($4::int is null or new_version = $4)
   and new_version < case when $5::uuid is null then 2147483647
                          else (select before.new_version
                                  from allocations.reallocation_audit before
                                 where before.id = $5 and before.fund_id = $1)
                     end
 order by new_version desc
 limit $6
"""

AUDITS_OF_USER: Final = """
select id, fund_id, kind, user_id, actor, baseline_version, new_version, changes_json::text as changes, reason,
       created_at
  from allocations.reallocation_audit
 where user_id = $1
   and ($2::text is null or changes_json @> $2::jsonb)
   and ($3::int is null or new_version = $3)
   and id < $4
 order by id desc
 limit $5
"""

AUDITS_OF_COMPANY: Final = """
select id, fund_id, kind, user_id, actor, baseline_version, new_version, changes_json::text as changes, reason,
       created_at
  from allocations.reallocation_audit
 where changes_json @> $1::jsonb
   and ($2::int is null or new_version = $2)
   and id < $3
 order by id desc
 limit $4
"""

AUDITS_OF_VERSION: Final = """
select id, fund_id, kind, user_id, actor, baseline_version, new_version, changes_json::text as changes, reason,
       created_at
  from allocations.reallocation_audit
 where new_version = $1
   and id < $2
 order by id desc
 limit $3
"""

AUDITS: Final = """
select id, fund_id, kind, user_id, actor, baseline_version, new_version, changes_json::text as changes, reason,
       created_at
  from allocations.reallocation_audit
 where id < $1
 order by id desc
 limit $2
"""

_NEWEST: Final = UUID(int=2**128 - 1)


async def list_audits(db: Connection, asked: Asked, *, before: UUID | None, limit: int) -> list[Entry]:
    """The entries asked for, the newest first, those older than the entry `before`."""
    older = _NEWEST if before is None else before
    named = None if asked.company_id is None else orjson.dumps([{"company_id": asked.company_id}]).decode()
    if asked.fund_id is not None:
        rest = (asked.user_id, named, asked.version)
        rows = await db.fetch(AUDITS_OF_FUND, asked.fund_id, *rest, before, limit)
    elif asked.user_id is not None:
        rows = await db.fetch(AUDITS_OF_USER, asked.user_id, named, asked.version, older, limit)
    elif named is not None:
        rows = await db.fetch(AUDITS_OF_COMPANY, named, asked.version, older, limit)
    elif asked.version is not None:
        rows = await db.fetch(AUDITS_OF_VERSION, asked.version, older, limit)
    else:
        rows = await db.fetch(AUDITS, older, limit)
    return [_entry(row) for row in rows]


AUDIT_BYTES: Final = """
select pg_total_relation_size('allocations.reallocation_audit') as bytes
"""


async def audit_bytes(db: Connection) -> int:
    """How much room the history takes, its indexes included."""
    taken: int = await db.fetchval(AUDIT_BYTES)
    return taken


def _entry(row: Record) -> Entry:
    return Entry(**{**row, "changes": orjson.loads(row["changes"])})
