"""Where the verifier gets its rows: from the tables themselves, or from an export of them."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from drawdown.audit.verify import Chain, Mark, Name, Row
from shared.postgres import Connection, Record, connect

_SLICE_ROWS: Final = 2_000
_SLICE_BYTES: Final = 8 * 1024 * 1024  # but for the last row's: a payload may be a megabyte

# Straight from the tables: a view could be made to lie.
CHAINS: Final = """
select t.name as topic, c.topic_id, c.partition, h.sequence, h.hash
  from (select topic_id, partition from audit.chain
         union
        select topic_id, partition from audit.entry) c
  left join audit.chain h using (topic_id, partition)
  left join audit.topic t on t.id = c.topic_id
 order by t.name, c.partition
"""

ROWS: Final = """
select e.*, x.sequence is not null as erased
  from (select *, sum(octet_length(data)) over (order by sequence rows unbounded preceding)
                  - coalesce(octet_length(data), 0) as bytes_before
          from (select *
                  from audit.entry
                 where topic_id = $1
                   and partition = $2
                   and sequence > $3
                 order by sequence
                 limit $4) as next) e
  left join audit.erasure x using (topic_id, partition, sequence)
 where coalesce(e.bytes_before, 0) < $5
 order by e.sequence
"""


@asynccontextmanager
async def snapshot(url: str) -> AsyncIterator[Connection]:
    """One state of the database for as long as the walk takes; services go on appending meanwhile."""
    settings = {"default_transaction_read_only": "on", "plan_cache_mode": "force_custom_plan"}
    db = await connect(url, application="drawdown-audit", settings=settings)
    try:
        async with db.transaction(isolation="repeatable_read", readonly=True):
            yield db
    finally:
        await db.close()


async def heads(db: Connection) -> dict[Name, Mark]:
    """Where each chain says that it ends."""
    found = await _chains(db)
    return {name: head for name, (_, head) in found.items() if head is not None}


async def verify(db: Connection, kept: Mapping[Name, Mark] | None = None) -> list[Chain]:
    """Walks every chain of the snapshot, and every one of which somebody kept a head."""
    kept = kept or {}
    walked = []
    for name, (topic_id, head) in (await _chains(db)).items():
        chain = Chain(name, kept.get(name))
        async for row in _rows(db, name, topic_id):
            chain.add(row)
        chain.close(head)
        walked.append(chain)
    return walked + _vanished(walked, kept)


async def export(db: Connection) -> AsyncIterator[str]:
    """Every head and every entry as lines of JSON, from which anybody can verify the chains."""
    for name, (topic_id, head) in (await _chains(db)).items():
        yield json.dumps({"chain": name, "head": head})
        async for row in _rows(db, name, topic_id):
            yield json.dumps({"chain": name, **{slot: getattr(row, slot) for slot in Row.__slots__}})


def verify_export(lines: Iterable[str], kept: Mapping[Name, Mark] | None = None) -> list[Chain]:
    """The same walk over the lines of an export; raises ValueError for lines that are none."""
    kept = kept or {}
    chains: dict[Name, Chain] = {}
    ends: dict[Name, Mark | None] = {}
    for line in lines:
        try:
            told: dict[str, Any] = json.loads(line)
            name = Name(*told.pop("chain"))
            chain = chains.setdefault(name, Chain(name, kept.get(name)))
            if "head" in told:
                ends[name] = told["head"] and Mark(*told["head"])
            else:
                chain.add(Row(**told))
        except (KeyError, TypeError, AttributeError) as problem:
            raise ValueError(f"not a line of an export: {line[:80]!r}") from problem
    for name, chain in chains.items():
        chain.close(ends.get(name))
    return [*chains.values(), *_vanished(chains.values(), kept)]


def _vanished(found: Iterable[Chain], kept: Mapping[Name, Mark]) -> list[Chain]:
    """Chains of which a head was kept, and nothing else is left."""
    gone = sorted(set(kept) - {chain.name for chain in found})
    chains = [Chain(name, kept[name]) for name in gone]
    for chain in chains:
        chain.close(chain.end)
    return chains


async def _chains(db: Connection) -> dict[Name, tuple[int, Mark | None]]:
    rows = await db.fetch(CHAINS)
    return {
        Name(row["topic"] or f"topic {row['topic_id']}", row["partition"]): (
            row["topic_id"],
            None if row["sequence"] is None else Mark(row["sequence"], row["hash"].hex()),
        )
        for row in rows
    }


async def _rows(db: Connection, name: Name, topic_id: int) -> AsyncIterator[Row]:
    after = 0
    while True:
        rows = await db.fetch(ROWS, topic_id, name.partition, after, _SLICE_ROWS, _SLICE_BYTES)
        if not rows:
            return
        for row in rows:
            yield _row(name, row)
        after = rows[-1]["sequence"]


# The facts in the order of the chain; the topic's name and the partition come before them.
_FACTS: Final = (
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
)


def _row(name: Name, row: Record) -> Row:
    return Row(
        sequence=row["sequence"],
        told=(name.topic, name.partition, *(_plain(row[fact]) for fact in _FACTS)),
        payload_hash=row["payload_hash"].hex(),
        hash=row["hash"].hex(),
        salt=None if row["salt"] is None else row["salt"].hex(),
        payload=None if row["data"] is None else row["data"].hex(),
        erased=row["erased"],
    )


def _plain(fact: Any) -> str | int | None:
    """A column's value as the chain's JSON writes it: bytes in hexadecimal, times in UTC with a Z."""
    match fact:
        case bytes():
            return fact.hex()
        case datetime():
            return fact.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
        case str() | int() | None:
            return fact
        case _:
            raise TypeError(f"no fact of an entry is a {type(fact).__name__}")
