"""Use cases of the audit service. One function is one transaction's work: lock the heads, append, move them on."""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from services.audit import store
from services.audit.domain import BEGINNING, SALT_BYTES, ChainId, Head, Item, Walk, append
from shared.crashpoint import crashpoint
from shared.postgres import Connection, is_taken

_SLICE_ENTRIES: Final = 1_000
_SLICE_BYTES: Final = 8 * 1024 * 1024


async def record(db: Connection, items: Sequence[Item]) -> int:
    """Enters each event once, at the end of its chain, in the order given; how many were new.

    Events come twice only after a crash, so they are looked for only when the unique key has refused one.
    """
    fresh = list({(item.facts.topic, item.facts.identity): item for item in reversed(items)}.values())[::-1]
    if not fresh:
        return 0
    try:
        async with db.transaction():
            await _append(db, fresh)
    except Exception as error:
        if not is_taken(error):
            raise
        known = await store.known(db, {item.facts.identity for item in fresh})
        fresh = [item for item in fresh if (item.facts.topic, item.facts.identity) not in known]
        await _append(db, fresh)
    return len(fresh)


async def _append(db: Connection, items: Iterable[Item]) -> None:
    by_chain: dict[ChainId, list[Item]] = defaultdict(list)
    for item in items:
        by_chain[item.facts.chain].append(item)
    heads = await store.lock_heads(db, by_chain)
    links = []
    moves = []
    for chain, theirs in by_chain.items():
        locked = heads[chain]
        appended = append(locked.head, theirs, os.urandom(SALT_BYTES * len(theirs)))
        links.append((locked.topic_id, appended))
        moves.append((chain, locked, Head(appended[-1].sequence, appended[-1].hash)))
    await store.add_links(db, links)
    crashpoint("audit.entries_added")
    await store.move_heads(db, moves)
    crashpoint("audit.heads_moved")


async def erase(db: Connection, chain: ChainId, sequence: int, *, reason: str, by: str, now: datetime) -> bool:
    """Takes an entry's payload away for ever; the chain still verifies. False where there was none."""
    return await store.erase(db, chain, sequence, reason=reason, by=by, now=now)


async def verify(
    db: Connection, *, topic: str | None = None, kept: Mapping[ChainId, Head] | None = None
) -> dict[ChainId, Walk]:
    """Walks every chain (or those of one topic) from its first entry to its last, slice by slice.

    `kept` are heads that were stored elsewhere: each must still be in its chain. Sees one state of the database, so it
    works beside appending readers, and an entry without a head that tells of it is none that came meanwhile.
    """
    async with db.transaction(isolation="repeatable_read", readonly=True):
        heads: dict[ChainId, Head | None] = {**await store.heads(db, topic)}
        for chain in await store.chains_of_entries(db, topic):
            heads.setdefault(chain, None)
        for chain in kept or {}:
            if topic in (None, chain.topic):
                heads.setdefault(chain, BEGINNING)
        return {chain: await _walk(db, chain, head, (kept or {}).get(chain)) for chain, head in heads.items()}


async def _walk(db: Connection, chain: ChainId, head: Head | None, kept: Head | None) -> Walk:
    walk = Walk(kept=kept)
    while True:
        after = walk.at.sequence
        links, erasures = await store.slice_of(db, chain, after=after, limit=_SLICE_ENTRIES, limit_bytes=_SLICE_BYTES)
        if not links:
            break
        walk.take(links, erasures)
    walk.finish(head)
    return walk
