"""Dead letters: what could never be understood, kept with its reason, in a table and in the topic's ``.dlt``."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared import outbox, telemetry, topics
from shared.kafka.records import Arrival
from shared.outbox import Origin, RawRecord
from shared.postgres import Connection, Record

KEPT_BYTES: Final = 64 * 1024
# A dead letter says more than its record did, and must not outgrow what Kafka takes: the rest stays in the table.
PUBLISHED_KEY_BYTES: Final = 1024
PUBLISHED_HEADER_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record and why it cannot be used: a stable `reason` for programs, a `detail` for people."""

    arrival: Arrival
    reason: str
    detail: str


ADD_DEAD_LETTERS: Final = """
insert into dead_letter (topic, partition, incarnation, record_offset, key, payload, payload_bytes, payload_sha256,
                         headers, reason, detail, recorded_at)
select new.*, $12
  from unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bytea[], $6::bytea[], $7::int[], $8::bytea[],
              $9::text[], $10::text[], $11::text[]) as new
    on conflict do nothing
returning topic, partition, incarnation, record_offset
"""


async def add(db: Connection, letters: Sequence[DeadLetter], now: datetime) -> None:
    """Keeps the letters, each once, and publishes those that are new to their ``.dlt`` topics by the outbox.

    A record that came from a ``.dlt`` topic itself is only kept: there is no topic behind it.
    """
    if not letters:
        return
    rows = [_row(letter) for letter in letters]
    added = await db.fetch(ADD_DEAD_LETTERS, *map(list, zip(*rows, strict=True)), now)
    new = {tuple(row) for row in added}
    records = [_record(letter, now) for letter, row in zip(letters, rows, strict=True) if row[:4] in new]
    records = [record for record in records if record.topic in topics.DEAD_LETTERS]
    await outbox.add_raw(db, records, Origin())
    for letter in letters:
        telemetry.DEAD_LETTERS.labels(letter.arrival.topic, letter.reason).inc()


def _row(letter: DeadLetter) -> tuple[object, ...]:
    arrival = letter.arrival
    return (
        arrival.topic,
        arrival.partition,
        arrival.incarnation,
        arrival.offset,
        arrival.key,
        arrival.value[:KEPT_BYTES],
        len(arrival.value),
        hashlib.sha256(arrival.value).digest(),
        outbox.headers_to_text(arrival.headers),
        letter.reason,
        storable(letter.detail),
    )


def storable(detail: str) -> str:
    """The text without what PostgreSQL cannot store, cut to a readable length."""
    return detail.encode("utf-8", "replace").decode().replace("\0", "\\0")[:2_000]


def _record(letter: DeadLetter, now: datetime) -> RawRecord:
    arrival = letter.arrival
    why = {
        "dlt-topic": arrival.topic,
        "dlt-partition": str(arrival.partition),
        "dlt-incarnation": str(arrival.incarnation),
        "dlt-offset": str(arrival.offset),
        "dlt-timestamp-ms": str(arrival.timestamp_ms),
        "dlt-reason": letter.reason,
        "dlt-detail": storable(letter.detail),
        "dlt-bytes": str(len(arrival.value)),
        "dlt-sha256": hashlib.sha256(arrival.value).hexdigest(),
    }
    return RawRecord(
        topic=topics.dead_letter_topic(arrival.topic),
        key=None if arrival.key is None else arrival.key[:PUBLISHED_KEY_BYTES],
        headers=[*_short(arrival.headers), *((name, text.encode()) for name, text in why.items())],
        payload=arrival.value[:KEPT_BYTES],
        subject=f"{arrival.topic}/{arrival.partition}/{arrival.offset}",
        occurred_at=now,
    )


def _short(headers: Sequence[tuple[str, bytes | None]]) -> Sequence[tuple[str, bytes | None]]:
    """The headers, or none of them where they are beyond all sense; the table has them in any case."""
    length = sum(len(name.encode("utf-8", "replace")) + len(value or b"") for name, value in headers)
    return headers if length <= PUBLISHED_HEADER_BYTES else ()


LIST_DEAD_LETTERS: Final = """
select *
  from dead_letter
 where id < $1 and ($2::text is null or state = $2)
 order by id desc
 limit $3
"""


async def newest(db: Connection, *, before: int, state: str | None, limit: int) -> list[Record]:
    """Dead letters with an id below `before`, newest first, of one state or of all."""
    return await db.fetch(LIST_DEAD_LETTERS, before, state, limit)


GET_DEAD_LETTER: Final = """
select *
  from dead_letter
 where id = $1
   for update
"""


async def locked(db: Connection, letter_id: int) -> Record | None:
    """One dead letter, locked; None where there is none."""
    return await db.fetchrow(GET_DEAD_LETTER, letter_id)


DECIDE_DEAD_LETTER: Final = """
update dead_letter
   set state = $2, decided_at = $3, decided_by = $4, decision_reason = $5
 where id = $1 and state = 'open'
"""


async def decide(db: Connection, letter: Record, *, state: str, by: str, reason: str, now: datetime) -> None:
    """Closes a locked, open letter: ``discarded``, or ``replayed``, which publishes its bytes to its topic again.

    Raises ValueError where it is closed already, or cannot be replayed because only its first bytes were kept.
    """
    if letter["state"] != "open":
        raise ValueError(f"dead letter {letter['id']} is {letter['state']} already")
    if state == "replayed":
        if letter["payload_bytes"] > len(letter["payload"]):
            raise ValueError(f"only the first {len(letter['payload'])} of {letter['payload_bytes']} bytes were kept")
        again = RawRecord(
            topic=letter["topic"],
            key=letter["key"],
            headers=outbox.headers_from_text(letter["headers"]),
            payload=letter["payload"],
            subject=f"dead-letter/{letter['id']}",
            occurred_at=now,
        )
        await outbox.add_raw(db, [again], Origin(actor=by))
    await db.execute(DECIDE_DEAD_LETTER, letter["id"], state, now, by, reason)
