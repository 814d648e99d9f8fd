"""Where a service stands in each partition, kept in its own database beside what it has done with the records."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from shared.kafka.fetched import Fetched
from shared.kafka.records import fingerprint
from shared.postgres import Connection


class Fenced(Exception):
    """Another copy has moved a position on: this batch is not ours any more."""


class AnotherLog(Exception):
    """The log under this name is not the one we stood in: re-created, or its tail was lost."""


@dataclass(frozen=True, slots=True)
class Place:
    """A position in one partition: the next offset to do, and the fingerprint of the record before it."""

    topic: str
    partition: int
    incarnation: int = 1
    topic_id: UUID | None = None
    next_offset: int = 0
    last: tuple[int, int] | None = None  # timestamp in milliseconds and CRC-32 of the record before

    @property
    def read_from(self) -> int:
        """Where a reader starts: one record before, to see that it still is the one we know."""
        return max(self.next_offset - 1, 0) if self.last else self.next_offset

    def after(self, record: Fetched) -> "Place":
        """The place once `record` is done."""
        return Place(
            self.topic, self.partition, self.incarnation, self.topic_id, record.offset + 1, fingerprint(record)
        )

    def begun_again(self, topic_id: UUID | None) -> "Place":
        """The place at the beginning of a new incarnation of the log."""
        return Place(self.topic, self.partition, self.incarnation + 1, topic_id)


def unread(place: Place, records: Sequence[Fetched], *, confirmed: bool) -> Sequence[Fetched]:
    """The records that are still to be done.

    Every read begins one record before the place, so that record is met first and compared. Raises `AnotherLog` where
    it differs, where the client was thrown back to the beginning because our offset lies outside the log, and where
    records between the place and the first one are gone. `confirmed` says that the record before was seen since the
    last seek: then a gap is only a transaction marker of a foreign producer.
    """
    first = records[0]
    if first.offset == place.next_offset:
        return records
    if place.last is None:
        return [record for record in records if record.offset >= place.next_offset]
    if first.offset == place.next_offset - 1:
        if fingerprint(first) != place.last:
            raise AnotherLog(f"another record at offset {first.offset}")
        return records[1:]
    if first.offset < place.next_offset:
        raise AnotherLog(f"offset {place.next_offset} lies outside the log, which is read from {first.offset}")
    if not confirmed:
        raise AnotherLog(f"records from {place.next_offset} to {first.offset - 1} are gone")
    return records


LOAD_PLACES: Final = """
with asked as (select * from unnest($1::text[], $2::int[]) as a (topic, partition)),
     added as (insert into position (topic, partition)
               select topic, partition from asked order by topic, partition
                   on conflict do nothing)
select topic, partition, incarnation, topic_id, next_offset, last_timestamp_ms, last_crc
  from position
  join asked using (topic, partition)
"""


async def load(db: Connection, asked: Collection[tuple[str, int]]) -> dict[tuple[str, int], Place]:
    """The places in the partitions `asked` for, as (topic, partition); those never read before begin at 0."""
    rows = await db.fetch(LOAD_PLACES, [topic for topic, _ in asked], [partition for _, partition in asked])
    places = {key: Place(*key) for key in asked}
    for row in rows:
        last = None if row["last_crc"] is None else (row["last_timestamp_ms"], row["last_crc"])
        places[row["topic"], row["partition"]] = Place(
            row["topic"], row["partition"], row["incarnation"], row["topic_id"], row["next_offset"], last
        )
    return places


# Locked in key order first: two copies that share partitions for a moment wait instead of deadlocking.
ADVANCE_PLACES: Final = """
with move as (
    select *
      from unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::int[], $6::uuid[], $7::bigint[], $8::bigint[],
                  $9::bigint[])
        as m (topic, partition, old_incarnation, old_offset, incarnation, topic_id, next_offset, timestamp_ms, crc)
), held as (
    select p.topic, p.partition
      from position p
      join move m using (topic, partition)
     where p.incarnation = m.old_incarnation
       and p.next_offset = m.old_offset
     order by p.topic, p.partition
       for update of p
)
update position p
   set incarnation = m.incarnation, topic_id = m.topic_id, next_offset = m.next_offset,
       last_timestamp_ms = m.timestamp_ms, last_crc = m.crc
  from move m
  join held h using (topic, partition)
 where p.topic = m.topic
   and p.partition = m.partition
   and p.incarnation = m.old_incarnation
   and p.next_offset = m.old_offset
returning 1
"""


async def advance(db: Connection, moves: Mapping[Place, Place]) -> None:
    """Moves places from old to new by compare-and-set; raises `Fenced` unless every one still stood where we think."""
    pairs = list(moves.items())
    moved = await db.fetch(
        ADVANCE_PLACES,
        [old.topic for old, _ in pairs],
        [old.partition for old, _ in pairs],
        [old.incarnation for old, _ in pairs],
        [old.next_offset for old, _ in pairs],
        [new.incarnation for _, new in pairs],
        [new.topic_id for _, new in pairs],
        [new.next_offset for _, new in pairs],
        [new.last[0] if new.last else None for _, new in pairs],
        [new.last[1] if new.last else None for _, new in pairs],
    )
    if len(moved) != len(pairs):
        raise Fenced
