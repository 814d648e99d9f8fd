"""Rebuilds the read model from its topics, or proves beside it that a rebuild would give the same bytes."""

import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.metrics import consumer, store
from services.metrics.consumer import dumps
from services.metrics.handlers import keep
from shared.clock import clock_of
from shared.kafka import positions
from shared.kafka.positions import Fenced, Place
from shared.kafka.records import Arrival, arrivals_of
from shared.kafka.replay import Batch, Key, LogIsGone, replaying
from shared.postgres import Connection, connect, is_data_error
from shared.settings import Settings

BATCH_RECORDS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found: `differences` is empty where live tables and replay are equal, byte for byte."""

    rows: int
    records: int
    sha256: str
    differences: Sequence[str]


async def verify(settings: Settings) -> Verdict:
    """Replays all topics into temporary tables up to where the live tables stand, and compares the dumps.

    Touches nothing: no row, no position, no consumer group. Raises `LogIsGone` where the topics no longer hold what
    the live tables were made of.
    """
    async with _session(settings) as db:
        with tempfile.TemporaryFile("w+") as live, tempfile.TemporaryFile("w+") as replayed:
            async with store.one_moment(db):
                until = await store.read_to(db)
                rows = await dumps.write(db, live)
            again = [
                f"{topic}/{partition}" for (topic, partition), (incarnation, _) in until.items() if incarnation > 1
            ]
            if again:
                raise LogIsGone(f"made anew since the tables were begun: {', '.join(again)}; rebuild without --verify")
            beside = store.Beside(db)
            await beside.make_tables()
            records = await _replay_beside(settings, db, beside, {key: offset for key, (_, offset) in until.items()})
            async with store.one_moment(db):
                await dumps.write(db, replayed, schema=beside.schema)
            return Verdict(rows, records, dumps.sha256(live), dumps.differences(live, replayed))


async def _replay_beside(settings: Settings, db: Connection, beside: store.Beside, until: Mapping[Key, int]) -> int:
    """Every record up to `until` into the tables beside; answers how many there were."""

    async def apply(arrivals: Sequence[Arrival]) -> None:
        news, _ = consumer.read(arrivals)
        await keep(beside, news)

    if not until:
        return 0
    async with replaying(settings) as log:
        await log.check(until)
        log.seek(dict.fromkeys(until, 0))
        done = 0
        while await log.behind(until):
            for key, records in (await log.take(BATCH_RECORDS)).items():
                wanted = [record for record in records if record.offset < until[key]]
                arrivals = arrivals_of(wanted, prefix=settings.topic_prefix, incarnation=1)
                await _in_parts_if_need_be(db, arrivals, apply)
                done += len(wanted)
            _say(done, sum(until.values()))
        return done


async def rebuild(settings: Settings) -> int:
    """Empties the read model and replays it to the ends the topics have now; answers how many records that were.

    Stopped anywhere it is whole: positions and rows move together, and whoever runs next, this command or the service,
    goes on from there. A running service may stay up: both move the positions by compare-and-set.
    """
    clock = clock_of(settings.clock_offset_file)
    async with _session(settings) as db, replaying(settings) as log:
        keys = await log.partitions(consumer.READS)
        until = await log.ends(keys)
        async with db.transaction():
            await store.begin_again(db)
        done = 0
        places: dict[Key, Place] = {}
        while not places or await log.behind(until):
            if not places:
                places = await positions.load(db, keys)
                log.seek({key: place.next_offset for key, place in places.items()})
            batch = await log.take(BATCH_RECORDS)
            try:
                places |= await _apply(db, batch, places, settings.topic_prefix, clock.now())
            except Fenced:  # the running service did this part
                places = {}
                continue
            done += sum(map(len, batch.values()))
            _say(done, sum(until.values()))
        return done


async def _apply(
    db: Connection, batch: Batch, places: Mapping[Key, Place], prefix: str, now: datetime
) -> dict[Key, Place]:
    """One batch and its positions in one transaction; raises `Fenced` where another copy has moved one of them."""
    if not batch:
        return {}
    moves = {key: places[key].after(batch[key][-1]) for key in sorted(batch)}
    arrivals = [
        arrival
        for key in moves
        for arrival in arrivals_of(batch[key], prefix=prefix, incarnation=places[key].incarnation)
    ]

    async def apply(some: Sequence[Arrival]) -> None:
        await consumer.apply(db, some, now)

    async with db.transaction():
        await positions.advance(db, {places[key]: place for key, place in moves.items()})
        await _in_parts_if_need_be(db, arrivals, apply)
    return moves


async def _in_parts_if_need_be(
    db: Connection, arrivals: Sequence[Arrival], apply: Callable[[Sequence[Arrival]], Awaitable[None]]
) -> None:
    """A record that the database refuses is left out alone, as it was when it first came; its dead letter exists."""
    try:
        async with db.transaction():
            await apply(arrivals)
    except Exception as refusal:
        if not is_data_error(refusal):
            raise
        if len(arrivals) > 1:
            half = len(arrivals) // 2
            await _in_parts_if_need_be(db, arrivals[:half], apply)
            await _in_parts_if_need_be(db, arrivals[half:], apply)


@asynccontextmanager
async def _session(settings: Settings) -> AsyncIterator[Connection]:
    """A session of its own, without the limits of the service's pool: a replay takes as long as it takes."""
    db = await connect(
        settings.database_url.get_secret_value(),
        application="drawdown-metrics-rebuild",
        settings={"timezone": "UTC", "synchronous_commit": "off"},
    )
    try:
        yield db
    finally:
        await db.close()


def _say(done: int, whole: int) -> None:
    print(f"metrics: {done:,} of {whole:,} records", file=sys.stderr)  # noqa: T201  (progress of a long command)
