"""The outbox: events written in the transaction of the change they tell of, and published after it by the relay.

Rows are written while the entity's row is locked, so per entity the order of ids is the order of commits.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

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
    """A fact to publish: `topic` is the logical name, `key` decides the partition, `subject` names the entity.

    `data` may be encoded already: as the topic's contract would be, to the byte.
    """

    topic: str
    key: str
    subject: str
    data: Contract | bytes
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class RawRecord:
    """Bytes to publish as they are, with headers of their own: dead letters and their replays."""

    topic: str
    key: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    payload: bytes
    subject: str
    occurred_at: datetime


# What one row holds at most, so that the relay's memory is bounded by the rows it reads.
ROW_EVENTS: Final = 500
ROW_BYTES: Final = 1024 * 1024

ADD_ROW: Final = """
insert into outbox (topic, occurred_at, actor, causation_id, correlation_id, traceparent, event_id, events, keys,
                    subjects, headers, payloads)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""

_Told: TypeAlias = tuple[bytes | None, str, str | None, bytes]  # key, subject, headers as text, payload


async def add(db: Connection, events: Sequence[Event], origin: Origin) -> None:
    """Adds events, in order per topic, all in one round trip; call it inside the transaction of the change."""
    told: dict[tuple[str, datetime], list[_Told]] = {}
    for event in events:
        one = (event.key.encode(), event.subject, None, _bytes_of(event.data))
        told.setdefault((event.topic, event.occurred_at), []).append(one)
    await _add(db, told, origin)


def _bytes_of(data: Contract | bytes) -> bytes:
    return data if isinstance(data, bytes) else encode(data)


async def add_raw(db: Connection, records: Sequence[RawRecord], origin: Origin) -> None:
    """Adds records whose bytes and headers are given, in order per topic."""
    told: dict[tuple[str, datetime], list[_Told]] = {}
    for record in records:
        one = (record.key, record.subject, headers_to_text(record.headers), record.payload)
        told.setdefault((record.topic, record.occurred_at), []).append(one)
    await _add(db, told, origin)


async def _add(db: Connection, told: Mapping[tuple[str, datetime], Sequence[_Told]], origin: Origin) -> None:
    """Many events in one row: a row each costs the database, the relay and the log of writes several times as much."""
    cause = (origin.actor, origin.causation_id, origin.correlation_id, origin.traceparent)
    rows = []
    for (topic, occurred_at), all_of_it in told.items():
        for some in _in_rows(all_of_it):
            keys, subjects, headers, payloads = zip(*some, strict=True)
            own_headers = None if headers[0] is None else headers
            rows.append(
                (topic, occurred_at, *cause, new_event_id(), len(some), keys, subjects, own_headers, payloads),
            )
    if rows:
        await db.executemany(ADD_ROW, rows)


def _in_rows(told: Sequence[_Told]) -> Iterator[Sequence[_Told]]:
    """Runs of at most `ROW_EVENTS` events and, but for the last of a run, `ROW_BYTES` bytes."""
    begin, size_bytes = 0, 0
    for end, (_, _, _, payload) in enumerate(told, start=1):
        size_bytes += len(payload)
        if end - begin == ROW_EVENTS or size_bytes >= ROW_BYTES or end == len(told):
            yield told[begin:end]
            begin, size_bytes = end, 0


def headers_to_text(headers: Sequence[tuple[str, bytes | None]]) -> str:
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
select coalesce(sum(events), 0)::bigint as waiting,
       coalesce(sum(events) filter (where parked_reason is not null), 0)::bigint as parked,
       coalesce(extract(epoch from $1::timestamptz - min(occurred_at)), 0)::bigint as oldest_seconds
  from outbox
"""


async def backlog(db: Connection, now: datetime) -> tuple[int, int, int]:
    """How many events wait, how many of these are parked, and the age of the oldest in seconds."""
    row = await db.fetchrow(OUTBOX_BACKLOG, now)
    assert row is not None
    return row["waiting"], row["parked"], row["oldest_seconds"]
