"""HTTP in: the entries, one by one and filtered, and the verdict on the chains."""

import base64
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, WithJsonSchema

from services.audit import handlers, store
from services.audit.domain import ChainId, Head, Link, Walk
from services.audit.store import Listed, Wanted
from shared.http import DEFAULT_LIMIT, Cursor, Limit, Moment, Page, Read, decode_cursor, encode_cursor, problems, refuse
from shared.ids import LARGEST

router = APIRouter(tags=["audit"])

Filter = Annotated[str | None, Query(min_length=1, max_length=400, pattern=r"^[^\u0000-\u001f\u007f-\u009f]*$")]
When = Annotated[
    Moment,
    WithJsonSchema({"type": "string", "format": "date-time", "description": "when the entry was recorded"}),
]
Topic = Annotated[str, Path(max_length=200, pattern=r"^[a-z_.]+$")]
Partition = Annotated[int, Path(ge=0, le=2**15 - 1)]
Sequence = Annotated[int, Path(ge=1, le=LARGEST)]


class EntryOut(BaseModel):
    """One event on the record. What others claimed of themselves (actor, claimed_id) stands as they claimed it."""

    id: str
    topic: str
    partition: int
    sequence: int
    incarnation: int
    offset: int
    key: str | None
    event_id: str | None
    type: str | None
    actor: str | None
    action: str | None
    resource_type: str | None
    resource_id: str | None
    outcome: str | None
    causation_id: str | None
    correlation_id: str | None
    occurred_at: datetime | None
    recorded_at: datetime
    hash: str
    erased: bool
    payload: Any = None
    payload_base64: str | None = None


class HeadOut(BaseModel):
    """Where a chain ends. Kept elsewhere, it proves later that nothing before it was changed or cut."""

    topic: str
    partition: int
    sequence: int
    hash: str


class HeadsOut(BaseModel):
    taken_at: datetime
    heads: list[HeadOut]


class FlawOut(BaseModel):
    sequence: int
    problem: str
    detail: str


class ChainOut(HeadOut):
    erased: int
    verified: bool
    problems: list[FlawOut]


class VerdictOut(BaseModel):
    """Whether every chain is as it was written."""

    verified: bool
    entries: int
    erased: int
    verified_at: datetime
    chains: list[ChainOut]


@router.get("/api/audit", responses=problems(400))
async def list_entries(
    *,
    read: Read,
    topic: Filter = None,
    actor: Filter = None,
    action: Filter = None,
    resource_type: Filter = None,
    resource_id: Filter = None,
    since: Annotated[When | None, Query(alias="from")] = None,
    until: Annotated[When | None, Query(alias="to")] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[EntryOut]:
    """Entries, newest first; `from` is inclusive, `to` exclusive."""
    wanted = Wanted(topic, actor, action, resource_type, resource_id, since, until)
    before = decode_cursor(cursor, datetime, int, int, int)
    async with read.connection() as db:
        found = await store.newest(db, wanted, before=before, limit=limit + 1)  # type: ignore[arg-type]  # kinds as asked for above
    shown: list[Listed] = found[:limit]
    return Page(
        items=[entry_out(listed.link) for listed in shown],
        next=encode_cursor(*shown[-1].place) if len(found) > limit else None,
    )


@router.get("/api/audit/verify", responses=problems(400))
async def verify(read: Read, topic: Filter = None) -> VerdictOut:
    """Walks the chains from their beginning (or those of one topic). Proves what this database says of itself; a head
    that was kept elsewhere proves more: `drawdown audit verify --heads FILE`."""
    async with read.connection() as db:
        walks = await handlers.verify(db, topic=topic)
    chains = [_chain_out(chain, walk) for chain, walk in walks.items()]
    return VerdictOut(
        verified=all(chain.verified for chain in chains),
        entries=sum(chain.sequence for chain in chains),
        erased=sum(chain.erased for chain in chains),
        verified_at=read.now,
        chains=chains,
    )


@router.get("/api/audit/heads")
async def heads(read: Read) -> HeadsOut:
    """The heads of all chains, to be kept elsewhere."""
    async with read.connection() as db:
        found = await store.heads(db)
    return HeadsOut(taken_at=read.now, heads=[_head_out(chain, head) for chain, head in found.items()])


@router.get("/api/audit/entries/{topic}/{partition}/{sequence}", responses=problems(400, 404))
async def get_entry(read: Read, topic: Topic, partition: Partition, sequence: Sequence) -> EntryOut:
    """One entry, by its place in its chain."""
    async with read.connection() as db:
        link = await store.one(db, ChainId(topic, partition), sequence)
    if link is None:
        refuse(404, "entry_not_found", f"chain {topic}/{partition} has no entry {sequence}")
    return entry_out(link)


def entry_out(link: Link) -> EntryOut:
    """An entry as it is shown; payloads that are no JSON are shown in base64."""
    facts = link.facts
    payload, raw = _payload(link.payload)
    return EntryOut(
        id=f"{facts.topic}/{facts.partition}/{link.sequence}",
        topic=facts.topic,
        partition=facts.partition,
        sequence=link.sequence,
        incarnation=facts.incarnation,
        offset=facts.offset,
        key=None if facts.key is None else facts.key.decode("utf-8", "replace"),
        event_id=facts.claimed_id or (None if facts.identity.startswith("@") else facts.identity),
        type=facts.type,
        actor=facts.actor,
        action=facts.action,
        resource_type=facts.resource_type,
        resource_id=facts.resource_id,
        outcome=facts.outcome,
        causation_id=facts.causation_id,
        correlation_id=facts.correlation_id,
        occurred_at=facts.occurred_at,
        recorded_at=facts.recorded_at,
        hash=link.hash.hex(),
        erased=link.payload is None,
        payload=payload,
        payload_base64=raw,
    )


def _payload(data: bytes | None) -> tuple[object, str | None]:
    if data is None:
        return None, None
    try:
        return orjson.loads(data), None
    except ValueError:
        return None, base64.b64encode(data).decode()


def _chain_out(chain: ChainId, walk: Walk) -> ChainOut:
    return ChainOut(
        **_head_out(chain, walk.at).model_dump(),
        erased=walk.erased,
        verified=not walk.problems,
        problems=[FlawOut(sequence=p.sequence, problem=p.problem, detail=p.detail) for p in walk.problems],
    )


def _head_out(chain: ChainId, head: Head) -> HeadOut:
    return HeadOut(topic=chain.topic, partition=chain.partition, sequence=head.sequence, hash=head.hash.hex())
