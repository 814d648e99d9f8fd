"""The outbox: events written in the transaction of the change they tell of, and published after it by the relay.

Rows are written while the entity's row is locked, so per entity the order of ids is the order of commits.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.contracts.base import Contract, encode
from shared.ids import new_event_id
from shared.postgres import Connection


@dataclass(frozen=True, slots=True)
class Origin:
    """Who or what caused a change."""

    actor: str = "system"
    causation_id: str | None = None
    correlation_id: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A fact to publish: `topic` is the logical name, `key` decides the partition, `subject` names the entity."""

    topic: str
    key: str
    subject: str
    data: Contract
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class RawRecord:
    """Bytes to publish as they are, with headers of their own: dead letters and their replays."""

    topic: str
    key: bytes | None
    headers: Sequence[tuple[str, bytes]]
    payload: bytes
    subject: str
    occurred_at: datetime


_COLUMNS: Final = (
    "topic",
    "key",
    "event_id",
    "subject",
    "occurred_at",
    "actor",
    "causation_id",
    "correlation_id",
    "traceparent",
    "headers",
    "payload",
)


async def add(db: Connection, events: Sequence[Event], origin: Origin) -> None:
    """Adds events in their order, all in one statement; call it inside the transaction of the change."""
    if not events:
        return
    rows = [
        (
            event.topic,
            event.key.encode(),
            new_event_id(),
            event.subject,
            event.occurred_at,
            origin.actor,
            origin.causation_id,
            origin.correlation_id,
            origin.traceparent,
            None,
            encode(event.data),
        )
        for event in events
    ]
    await db.copy_records_to_table("outbox", columns=_COLUMNS, records=rows)


async def add_raw(db: Connection, records: Sequence[RawRecord], origin: Origin) -> None:
    """Adds records whose bytes and headers are given, in their order."""
    if not records:
        return
    rows = [
        (
            record.topic,
            record.key,
            new_event_id(),
            record.subject,
            record.occurred_at,
            origin.actor,
            origin.causation_id,
            origin.correlation_id,
            origin.traceparent,
            headers_to_text(record.headers),
            record.payload,
        )
        for record in records
    ]
    await db.copy_records_to_table("outbox", columns=_COLUMNS, records=rows)


def headers_to_text(headers: Sequence[tuple[str, bytes]]) -> str:
    """Headers as JSON text, each byte as the character of its number, so that any bytes come back the same.

    A NUL, which PostgreSQL's text cannot hold, stands as the escape that JSON itself gives it.
    """
    return json.dumps([[_storable(name), (value or b"").decode("latin-1")] for name, value in headers])


def headers_from_text(text: str | None) -> list[tuple[str, bytes]]:
    """The headers that `headers_to_text` wrote."""
    return [(name, value.encode("latin-1")) for name, value in json.loads(text or "[]")]


def _storable(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


OUTBOX_BACKLOG: Final = """
select count(*) as waiting,
       count(*) filter (where parked_reason is not null) as parked,
       coalesce(extract(epoch from $1::timestamptz - min(occurred_at)), 0)::bigint as oldest_seconds
  from outbox
"""


async def backlog(db: Connection, now: datetime) -> tuple[int, int, int]:
    """How many events wait, how many of these are parked, and the age of the oldest in seconds."""
    row = await db.fetchrow(OUTBOX_BACKLOG, now)
    assert row is not None
    return row["waiting"], row["parked"], row["oldest_seconds"]
