"""What the tables say in one moment: as much as the judge holds against the history. The only SQL of the judge."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from shared.postgres import Connection
from tests.faults.journal import Identity

PAYMENTS: Final = """
select p.id, s.name as source, p.external_id, p.kind, p.amount_minor, p.currency, p.value_date::text as value_date,
       p.applied_minor, p.held_minor, p.reversed_minor
  from payments.payment p
  join payments.source s on s.id = p.source_id
"""

CONFLICTS: Final = """
select s.name as source, c.external_id, c.kind, c.amount_minor, c.currency, c.value_date::text as value_date
  from payments.conflict c
  join payments.source s on s.id = c.source_id
"""

HOLDS: Final = """
select payment_id, reason from payments.hold where payment_id is not null and resolution is null
"""

CALLS: Final = """
select id, paid_minor from payments.call
"""

REPORTED: Final = """
select c.id, c.paid_minor, c.allocation_id, c.stage from allocations.call c
"""

ALLOCATIONS: Final = """
select id, fund_id, committed_minor, funded_minor from allocations.allocation
"""

NAMES: Final = """
select name, count(*) as times from allocations.deal group by name
union all
select name, count(*) from allocations.fund group by name
"""

DEALS_PROMISED: Final = """
select deal_id, count(*) as times from allocations.allocation group by deal_id
"""

DEAD: Final = """
select payload from payments.dead_letter where topic = 'payment.received'
"""

RECEIVED: Final = """
select partition, record_offset, count(*) as times
  from audit.told
 where topic = 'payment.received'
 group by partition, record_offset
"""

ACTS: Final = """
select actor, action, count(*) as times
  from audit.told
 where topic = 'audit.recorded' and outcome = 'done'
 group by actor, action
"""

SCHEDULE_RUN: Final = (
    "reallocation.run_scheduled"  # an act that the service does by itself, in the name of who planned it
)

# Everything under a posting's number, so that what was posted once can be seen not to have changed.
POSTED: Final = """
select id, md5(p::text) as digest from payments.posting p
"""

HEADS: Final = """
select topic, partition, sequence, encode(hash, 'hex') as hash
  from audit.told t
 where sequence = (select max(sequence) from audit.entry e
                    where e.topic_id = t.topic_id and e.partition = t.partition)
"""

ENTRIES_AT: Final = """
select t.topic, t.partition, t.sequence, encode(t.hash, 'hex') as hash
  from unnest($1::text[], $2::int[], $3::bigint[]) as asked (topic, partition, sequence)
  join audit.told t using (topic, partition, sequence)
"""

RESERVES: Final = """
select fund_id, company_id, planned_reserves_minor as planned, allocation_cap_minor as cap,
       allocation_version as version
  from allocations.reserve
"""

VERSIONS: Final = """
select id::text as id, fund_id, kind, actor, user_id, baseline_version as baseline, new_version as number,
       changes_json::text as changes, reason, md5(a::text) as digest
  from allocations.reallocation_audit a
 order by fund_id, new_version
"""

SCHEDULES: Final = """
select id, commits -> 0 ->> 'reason' as reason, created_by as actor, status,
       coalesce(audit_ids::text[], '{}') as audit_ids
  from allocations.scheduled_reallocation
"""


class Content(NamedTuple):
    """What makes two reports of one identity the same, as far as the tables show it plainly."""

    kind: str
    amount_minor: int
    currency: str
    value_date: str


class Booked(NamedTuple):
    """A payment, and where its money is."""

    id: int
    content: Content
    applied_minor: int
    held_minor: int
    reversed_minor: int


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a fund's reserves, as its history tells it."""

    id: str
    fund_id: int
    kind: str
    actor: str
    user_id: int | None
    baseline: int
    number: int
    changes: Sequence[Mapping[str, Any]]
    reason: str | None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A commit that was to be done at a time, and what became of it."""

    id: int
    reason: str
    actor: str
    status: str
    audit_ids: Sequence[str] = ()


Head = tuple[str, int, int]  # topic, partition, sequence


@dataclass(slots=True)
class Books:
    """One moment of the ledger."""

    booked: dict[Identity, Booked] = field(default_factory=dict)
    twice: list[Identity] = field(default_factory=list)
    conflicts: set[tuple[Identity, Content]] = field(default_factory=set)
    held: dict[int, str] = field(default_factory=dict)  # payment → reason
    paid: dict[int, int] = field(default_factory=dict)  # call → minor units
    reported: dict[int, tuple[int, int, str]] = field(default_factory=dict)  # call → paid, allocation, stage
    allocations: dict[int, tuple[int, int, int]] = field(default_factory=dict)  # fund, committed, funded
    names: dict[str, int] = field(default_factory=dict)
    promised: dict[int, int] = field(default_factory=dict)  # deal → allocations
    dead: list[bytes] = field(default_factory=list)
    received: dict[tuple[int, int], int] = field(default_factory=dict)  # audit entries by (partition, offset)
    acts: dict[tuple[str, str], int] = field(default_factory=dict)  # audit entries by (actor, action)
    posted: dict[int, str] = field(default_factory=dict)
    heads: dict[Head, str] = field(default_factory=dict)
    earlier_heads: dict[Head, str] = field(default_factory=dict)
    reserves: dict[tuple[int, int], tuple[int, int | None, int]] = field(default_factory=dict)  # planned, cap, version
    versions: list[Version] = field(default_factory=list)
    schedules: list[Schedule] = field(default_factory=list)
    capital: dict[int, Mapping[str, Any]] = field(default_factory=dict)  # fund → what metrics answers over HTTP


async def read(db: Connection, *, heads_before: Mapping[Head, str]) -> Books:
    """Everything, in one snapshot; of the audit's entries those that were heads before once more."""
    books = Books()
    async with db.transaction(isolation="repeatable_read", readonly=True):
        for row in await db.fetch(PAYMENTS):
            identity = row["source"], row["external_id"]
            if identity in books.booked:
                books.twice.append(identity)
            books.booked[identity] = Booked(
                row["id"], _content(row), row["applied_minor"], row["held_minor"], row["reversed_minor"]
            )
        for row in await db.fetch(CONFLICTS):
            books.conflicts.add(((row["source"], row["external_id"]), _content(row)))
        books.held = {row["payment_id"]: row["reason"] for row in await db.fetch(HOLDS)}
        books.paid = {row["id"]: row["paid_minor"] for row in await db.fetch(CALLS)}
        books.reported = {
            row["id"]: (row["paid_minor"], row["allocation_id"], row["stage"]) for row in await db.fetch(REPORTED)
        }
        books.allocations = {
            row["id"]: (row["fund_id"], row["committed_minor"], row["funded_minor"])
            for row in await db.fetch(ALLOCATIONS)
        }
        books.names = {row["name"]: row["times"] for row in await db.fetch(NAMES)}
        books.promised = {row["deal_id"]: row["times"] for row in await db.fetch(DEALS_PROMISED)}
        books.dead = [row["payload"] for row in await db.fetch(DEAD)]
        books.received = {(r["partition"], r["record_offset"]): r["times"] for r in await db.fetch(RECEIVED)}
        books.acts = {(row["actor"], row["action"]): row["times"] for row in await db.fetch(ACTS)}
        books.posted = {row["id"]: row["digest"] for row in await db.fetch(POSTED)}
        books.reserves = {
            (row["fund_id"], row["company_id"]): (row["planned"], row["cap"], row["version"])
            for row in await db.fetch(RESERVES)
        }
        books.versions = [Version(**{**row, "changes": json.loads(row["changes"])}) for row in await db.fetch(VERSIONS)]
        books.schedules = [Schedule(**dict(row)) for row in await db.fetch(SCHEDULES)]
        books.heads = _heads(await db.fetch(HEADS))
        topics, partitions, sequences = zip(*heads_before, strict=True) if heads_before else ((), (), ())
        books.earlier_heads = _heads(await db.fetch(ENTRIES_AT, topics, partitions, sequences))
    return books


def _content(row: Any) -> Content:
    return Content(row["kind"], row["amount_minor"], row["currency"], row["value_date"])


def _heads(rows: list[Any]) -> dict[Head, str]:
    return {(row["topic"], row["partition"], row["sequence"]): row["hash"] for row in rows}
