"""Waits until traffic has stopped: nothing unread on any topic, nothing unpublished in any outbox."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from drawdown.check.snapshot import Snapshot
from drawdown.check.topics import Log, Place, Topics

SERVICES: Final = ("allocations", "payments", "metrics", "audit")

# Who reads what, as the contracts say; a partition that a reader has no position for yet is unread.
READERS: Final[Mapping[str, tuple[str, ...]]] = {
    "payment.received": ("payments", "audit"),
    "fund.changed": ("payments", "metrics", "audit"),
    "deal.changed": ("metrics", "audit"),
    "call.terms_changed": ("payments", "metrics", "audit"),
    "call.status_changed": ("allocations", "metrics", "audit"),
    "allocation.status_changed": ("metrics", "audit"),
    "payment.held": ("metrics", "audit"),
    "reserve.reallocated": ("metrics", "audit"),
    "audit.recorded": ("audit",),
}

POSITIONS: Final = """
select service, topic, partition, incarnation, next_offset
  from (select 'allocations' as service, topic, partition, incarnation, next_offset from allocations.position
        union all select 'payments', topic, partition, incarnation, next_offset from payments.position
        union all select 'metrics', topic, partition, incarnation, next_offset from metrics.position
        union all select 'audit', topic, partition, incarnation, next_offset from audit.position) p
"""

WAITING_EVENTS: Final = """
select coalesce(sum(events), 0)::bigint
  from (select events from allocations.outbox
        union all select events from payments.outbox
        union all select events from metrics.outbox
        union all select events from audit.outbox) waiting
"""

_PAUSE_SECONDS: Final = 0.2
_STILL_ROUNDS: Final = 2  # the same picture again so many times, since the tables are not read in one moment


@dataclass(frozen=True, slots=True)
class Traffic:
    """What still moves: records that a service has not read, and events that wait to be published."""

    unread: Mapping[tuple[str, str], int]  # (service, topic) → records
    unpublished: int

    @property
    def is_quiet(self) -> bool:
        return not self.unread and not self.unpublished

    def __str__(self) -> str:
        parts = [f"{service} has {count} unread on {topic}" for (service, topic), count in sorted(self.unread.items())]
        if self.unpublished:
            parts.append(f"{self.unpublished} events wait in outboxes")
        return "; ".join(parts) or "quiet"


class NotQuiet(TimeoutError):
    """Traffic did not stop in time; the message says what still moves."""


async def bounds_of(topics: Topics) -> Mapping[Place, Log]:
    """The bounds of every topic's partitions, dead letters included."""
    return await topics.bounds([*READERS, *(f"{topic}.dlt" for topic in READERS)])


async def traffic(db: Snapshot, bounds: Mapping[Place, Log]) -> Traffic:
    """What the database has still to read up to these bounds, and to publish."""
    read = {(row["service"], row["topic"], row["partition"]): row["next_offset"] for row in await db.fetch(POSITIONS)}
    unread: dict[tuple[str, str], int] = {}
    for (topic, partition), log in bounds.items():
        readers = {*READERS.get(topic, ()), *(service for service, t, p in read if (t, p) == (topic, partition))}
        for service in readers:
            place = read.get((service, topic, partition), log.begins)
            behind = log.ends - (place if place <= log.ends else log.begins)  # beyond the end: all of another log
            if behind:
                unread[service, topic] = unread.get((service, topic), 0) + behind
    return Traffic(unread, await db.fetchval(WAITING_EVENTS))


async def wait_until_quiet(db: Snapshot, topics: Topics, *, wait_seconds: int) -> Mapping[Place, Log]:
    """The topics' bounds once nothing moves any more; raises `NotQuiet`. `db` must not be in a transaction."""
    give_up = time.monotonic() + wait_seconds
    still, before = 0, None
    while True:
        bounds = await bounds_of(topics)
        now = await traffic(db, bounds)
        still = still + 1 if now.is_quiet and bounds == before else 0
        before = bounds
        if still >= _STILL_ROUNDS:
            return bounds
        if time.monotonic() > give_up:
            raise NotQuiet(str(now) if not now.is_quiet else "new records keep coming")
        await asyncio.sleep(_PAUSE_SECONDS)
