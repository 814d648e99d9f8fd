"""The audit service's only SQL. One static statement above the one function that runs it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.audit.domain import ChainId, Facts, Head, Link
from shared.postgres import Connection, Record, Retry

# ---- appending

# Locked in one order, so two copies that share chains for a moment wait for each other instead of deadlocking.
LOCK_HEADS: Final = """
select t.name as topic, c.topic_id, c.partition, c.sequence, c.hash
  from unnest($1::text[], $2::smallint[]) as asked (topic, partition)
  join audit.topic t on t.name = asked.topic
  join audit.chain c on c.topic_id = t.id and c.partition = asked.partition
 order by c.topic_id, c.partition
   for update of c
"""


@dataclass(frozen=True, slots=True)
class LockedHead:
    """A chain's head, locked until the transaction ends."""

    topic_id: int
    head: Head


async def lock_heads(db: Connection, chains: Collection[ChainId]) -> Mapping[ChainId, LockedHead]:
    """The heads of the chains, which are begun where they are new."""
    asked = [chain.topic for chain in chains], [chain.partition for chain in chains]
    rows = await db.fetch(LOCK_HEADS, *asked)
    if len(rows) < len(chains):
        await db.execute(ADD_TOPICS, asked[0])
        await db.execute(ADD_CHAINS, *asked)
        rows = await db.fetch(LOCK_HEADS, *asked)
    return {
        ChainId(row["topic"], row["partition"]): LockedHead(row["topic_id"], Head(row["sequence"], row["hash"]))
        for row in rows
    }


ADD_TOPICS: Final = """
insert into audit.topic (name)
select distinct name
  from unnest($1::text[]) as asked (name)
 where not exists (select from audit.topic t where t.name = asked.name)
 order by name
    on conflict do nothing
"""

ADD_CHAINS: Final = """
insert into audit.chain (topic_id, partition)
select t.id, asked.partition
  from unnest($1::text[], $2::smallint[]) as asked (topic, partition)
  join audit.topic t on t.name = asked.topic
 order by t.id, asked.partition
    on conflict do nothing
"""

_ENTRY_COLUMNS: Final = (
    "topic_id",
    "partition",
    "incarnation",
    "record_offset",
    "record_timestamp_ms",
    "key",
    "identity",
    "claimed_id",
    "type",
    "actor",
    "action",
    "resource_type",
    "resource_id",
    "outcome",
    "causation_id",
    "correlation_id",
    "occurred_at",
    "recorded_at",
    "sequence",
    "payload_hash",
    "hash",
    "salt",
    "data",
)


async def add_links(db: Connection, links: Iterable[tuple[int, Sequence[Link]]]) -> None:
    """Adds links, chain by chain, each with its topic's id.

    Fails with a unique violation where one of the events is there already.
    """
    await db.copy_records_to_table(
        "entry",
        schema_name="audit",
        columns=_ENTRY_COLUMNS,
        records=(  # one row at a time: ten thousand wide ones would be memory to fetch twice
            (topic_id, *facts[1:], sequence, of_payload, hash_, salt, payload)
            for topic_id, theirs in links
            for sequence, facts, of_payload, hash_, salt, payload in theirs
        ),
    )


MOVE_HEADS: Final = """
update audit.chain c
   set sequence = new.sequence, hash = new.hash
  from unnest($1::smallint[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bytea[])
    as new (topic_id, partition, was, sequence, hash)
 where c.topic_id = new.topic_id
   and c.partition = new.partition
   and c.sequence = new.was
returning 1
"""


async def move_heads(db: Connection, moves: Sequence[tuple[ChainId, LockedHead, Head]]) -> None:
    """Moves locked heads on to the new ones."""
    moved = await db.fetch(
        MOVE_HEADS,
        [old.topic_id for _, old, _ in moves],
        [chain.partition for chain, _, _ in moves],
        [old.head.sequence for _, old, _ in moves],
        [new.sequence for _, _, new in moves],
        [new.hash for _, _, new in moves],
    )
    if len(moved) != len(moves):
        raise Retry("a chain's head has moved")


KNOWN_IDENTITIES: Final = """
select t.name as topic, e.identity
  from audit.entry e
  join audit.topic t on t.id = e.topic_id
 where e.identity = any($1::text[])
"""


async def known(db: Connection, identities: Collection[str]) -> set[tuple[str, str]]:
    """The events with these identities that have an entry, as (topic, identity)."""
    rows = await db.fetch(KNOWN_IDENTITIES, list(identities))
    return {(row["topic"], row["identity"]) for row in rows}


ERASE_PAYLOAD: Final = """
select audit.erase($1, $2, $3, $4, $5, $6)
"""


async def erase(  # one argument per column of the erasure
    db: Connection, chain: ChainId, sequence: int, *, reason: str, by: str, now: datetime
) -> bool:
    """Takes an entry's payload and salt away for ever; False where there was none."""
    return bool(await db.fetchval(ERASE_PAYLOAD, chain.topic, chain.partition, sequence, reason, by, now))


# ---- walking

HEADS: Final = """
select t.name as topic, c.partition, c.sequence, c.hash
  from audit.chain c
  join audit.topic t on t.id = c.topic_id
 where ($1::text is null or t.name = $1)
 order by t.name, c.partition
"""


async def heads(db: Connection, topic: str | None = None) -> dict[ChainId, Head]:
    """The heads of all chains, or of those of one topic, as they are now."""
    rows = await db.fetch(HEADS, topic)
    return {ChainId(row["topic"], row["partition"]): Head(row["sequence"], row["hash"]) for row in rows}


# From one chain's first entry to the next one's: as many steps as there are chains, however long these are.
CHAINS_OF_ENTRIES: Final = """
with recursive chain as (
    (select topic_id, partition from audit.entry order by topic_id, partition limit 1)
    union all
    select next.topic_id, next.partition
      from chain c
     cross join lateral (select e.topic_id, e.partition
                           from audit.entry e
                          where (e.topic_id, e.partition) > (c.topic_id, c.partition)
                          order by e.topic_id, e.partition
                          limit 1) next
)
select coalesce(t.name, format('topic %s', c.topic_id)) as topic, c.partition
  from chain c
  left join audit.topic t on t.id = c.topic_id
 where ($1::text is null or t.name = $1)
"""


async def chains_of_entries(db: Connection, topic: str | None = None) -> list[ChainId]:
    """The chains that some entry belongs to, whether or not they have a head."""
    return [ChainId(row["topic"], row["partition"]) for row in await db.fetch(CHAINS_OF_ENTRIES, topic)]


# Most payloads are a few hundred bytes, and some a megabyte: a slice ends with the one that fills it.
SLICE: Final = """
select *
  from (select *, sum(octet_length(data)) over (order by sequence rows unbounded preceding)
                  - coalesce(octet_length(data), 0) as bytes_before
          from (select *
                  from audit.told
                 where topic_id = (select id from audit.topic where name = $1)
                   and partition = $2
                   and sequence > $3
                 order by sequence
                 limit $4) as next) as measured
 where coalesce(bytes_before, 0) < $5
 order by sequence
"""


async def slice_of(
    db: Connection, chain: ChainId, *, after: int, limit: int, limit_bytes: int
) -> tuple[list[Link], frozenset[int]]:
    """The next links of a chain, at most so many and so many bytes but for the last; and which of their payloads were
    erased by the rules. Empty at the chain's end."""
    rows = await db.fetch(SLICE, chain.topic, chain.partition, after, limit, limit_bytes)
    return [_link(row) for row in rows], frozenset(row["sequence"] for row in rows if row["erased"])


def _link(row: Record) -> Link:
    told = tuple(row)
    return Link(told[18], Facts(*told[:18]), *told[19:23])


# ---- looking things up

LIST_BY_TIME: Final = """
select *
  from audit.told
 where ($1::text is null or topic_id = (select id from audit.topic where name = $1))
   and ($2::text is null or actor = $2)
   and ($3::text is null or action = $3)
   and ($4::text is null or resource_type = $4)
   and ($5::text is null or resource_id = $5)
   and recorded_at >= coalesce($6::timestamptz, '-infinity')
   and recorded_at < coalesce($7::timestamptz, 'infinity')
   and recorded_at <= coalesce($8::timestamptz, 'infinity')
   and ($8 is null or (recorded_at, topic_id, partition, sequence) < ($8, $9::smallint, $10::smallint, $11::bigint))
 order by recorded_at desc, topic_id desc, partition desc, sequence desc
 limit $12
"""

LIST_BY_RESOURCE: Final = """
select *
  from audit.told
 where resource_type = $4
   and resource_id = $5
   and ($1::text is null or topic = $1)
   and ($2::text is null or actor = $2)
   and ($3::text is null or action = $3)
   and recorded_at >= coalesce($6::timestamptz, '-infinity')
   and recorded_at < coalesce($7::timestamptz, 'infinity')
   and recorded_at <= coalesce($8::timestamptz, 'infinity')
   and ($8 is null or (recorded_at, topic_id, partition, sequence) < ($8, $9::smallint, $10::smallint, $11::bigint))
 order by recorded_at desc, topic_id desc, partition desc, sequence desc
 limit $12
"""

LIST_BY_ACTOR: Final = """
select *
  from audit.told
 where actor = $2
   and actor <> 'system'
   and ($1::text is null or topic = $1)
   and ($3::text is null or action = $3)
   and ($4::text is null or resource_type = $4)
   and ($5::text is null or resource_id = $5)
   and recorded_at >= coalesce($6::timestamptz, '-infinity')
   and recorded_at < coalesce($7::timestamptz, 'infinity')
   and recorded_at <= coalesce($8::timestamptz, 'infinity')
   and ($8 is null or (recorded_at, topic_id, partition, sequence) < ($8, $9::smallint, $10::smallint, $11::bigint))
 order by recorded_at desc, topic_id desc, partition desc, sequence desc
 limit $12
"""

LIST_BY_ACTION: Final = """
select *
  from audit.told
 where action = $3
   and ($1::text is null or topic = $1)
   and ($2::text is null or actor = $2)
   and ($4::text is null or resource_type = $4)
   and ($5::text is null or resource_id = $5)
   and recorded_at >= coalesce($6::timestamptz, '-infinity')
   and recorded_at < coalesce($7::timestamptz, 'infinity')
   and recorded_at <= coalesce($8::timestamptz, 'infinity')
   and ($8 is null or (recorded_at, topic_id, partition, sequence) < ($8, $9::smallint, $10::smallint, $11::bigint))
 order by recorded_at desc, topic_id desc, partition desc, sequence desc
 limit $12
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries to list; what is None does not narrow. Times are those of recording, `until` exclusive."""

    topic: str | None = None
    actor: str | None = None
    action: str | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a list, and its place in the order of all entries."""

    link: Link
    place: tuple[datetime, int, int, int]


async def newest(
    db: Connection, wanted: Wanted, *, before: tuple[datetime, int, int, int] | None, limit: int
) -> list[Listed]:
    """Entries, newest first, that stand before a place (or from the newest on)."""
    if wanted.resource_type is not None and wanted.resource_id is not None:
        statement = LIST_BY_RESOURCE
    elif wanted.actor not in (None, "system"):
        statement = LIST_BY_ACTOR
    elif wanted.action is not None:
        statement = LIST_BY_ACTION
    else:
        statement = LIST_BY_TIME
    rows = await db.fetch(
        statement,
        wanted.topic,
        wanted.actor,
        wanted.action,
        wanted.resource_type,
        wanted.resource_id,
        wanted.since,
        wanted.until,
        *(before or (None, None, None, None)),
        limit,
    )
    return [
        Listed(_link(row), (row["recorded_at"], row["topic_id"], row["partition"], row["sequence"])) for row in rows
    ]


ONE_ENTRY: Final = """
select *
  from audit.told
 where topic_id = (select id from audit.topic where name = $1)
   and partition = $2
   and sequence = $3
"""


async def one(db: Connection, chain: ChainId, sequence: int) -> Link | None:
    """One entry; None where there is none."""
    row = await db.fetchrow(ONE_ENTRY, chain.topic, chain.partition, sequence)
    return None if row is None else _link(row)
