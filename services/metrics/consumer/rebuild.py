"""Rebuilds the read model from its topics, or proves beside it that a rebuild would give the same bytes."""

import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO, Final

from services.metrics import consumer, store
from services.metrics.consumer import dumps
from services.metrics.handlers import keep
from shared.crashpoint import crashpoint
from shared.kafka.records import Arrival, arrivals_of
from shared.kafka.replay import Key, LogIsGone, Replay, replaying
from shared.postgres import Connection, connect, is_data_error
from shared.settings import Settings

BATCH_RECORDS: Final = 10_000
TELL_SECONDS: Final = 2


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
    async with _session(settings) as db, replaying(settings) as log:
        with _scratch() as live, _scratch() as replayed:
            async with store.one_moment(db):
                stands = await store.read_to(db)
                rows = await dumps.write(db, live)
            again = [
                f"{topic}/{partition}" for (topic, partition), (incarnation, _) in stands.items() if incarnation > 1
            ]
            if again:
                raise LogIsGone(f"made anew since the tables were begun: {', '.join(again)}; rebuild without --verify")
            copy = _Copy(db, log, settings.topic_prefix)
            await copy.catch_up(stands)
            async with store.one_moment(db):
                await dumps.write(db, replayed, schema=store.Beside.schema)
            return Verdict(rows, copy.records, dumps.sha256(live), dumps.differences(live, replayed))


async def rebuild(settings: Settings) -> int:
    """Replays all topics beside the live tables and then puts the result in their place; answers how many records.

    The service may run on: it waits only while the last records are read and the tables are changed over, in one
    transaction, and goes on from its own positions. Stopped before that, nothing has changed. Raises `LogIsGone`.
    """
    async with _session(settings) as db, replaying(settings) as log:
        copy = _Copy(db, log, settings.topic_prefix)
        await copy.catch_up(await store.read_to(db))
        async with db.transaction():
            await store.stand_still(db)
            await copy.catch_up(await store.read_to(db))
            crashpoint("metrics.rebuild_copied")
            await copy.tables.replace_live()
            crashpoint("metrics.rebuild_swapped")
        return copy.records


class _Copy:
    """Tables beside the live ones, and how far each partition has been read into them."""

    def __init__(self, db: Connection, log: Replay, prefix: str) -> None:
        self.tables = store.Beside(db)
        self.records = 0
        self._db = db
        self._log = log
        self._prefix = prefix
        self._at: dict[Key, tuple[int, int]] | None = None

    async def catch_up(self, stands: Mapping[Key, tuple[int, int]]) -> None:
        """Reads on to where the live tables stand; raises `LogIsGone` where that cannot be reached."""
        if self._at is None:
            await self.tables.make_tables()
            self._at = {}
        if any(incarnation != stands[key][0] for key, (incarnation, _) in self._at.items()):
            raise LogIsGone("a topic was made anew meanwhile; try again")
        begun = {key: self._at.get(key, (0, 0))[1] for key in stands}
        until = {key: offset for key, (_, offset) in stands.items() if offset > begun[key]}
        if until:
            await self._log.check(until)
            self._log.seek({key: begun[key] for key in until})
            await self._read(until)
        self._at = dict(stands)

    async def _read(self, until: Mapping[Key, int]) -> None:
        told_at = time.monotonic()
        while await self._log.behind(until):
            for key, records in (await self._log.take(BATCH_RECORDS)).items():
                wanted = [record for record in records if record.offset < until[key]]
                await self._keep(arrivals_of(wanted, prefix=self._prefix, incarnation=1))
                self.records += len(wanted)
            if time.monotonic() - told_at >= TELL_SECONDS:
                told_at = time.monotonic()
                sys.stderr.write(f"metrics: {self.records:,} of some {sum(until.values()):,} records\n")

    async def _keep(self, arrivals: Sequence[Arrival]) -> None:
        """A record that the database refuses is left out alone, as when it first came; its dead letter exists."""
        try:
            async with self._db.transaction():
                said, _ = consumer.read(arrivals)
                await keep(self.tables, said)
        except Exception as refusal:
            if not is_data_error(refusal):
                raise
            if len(arrivals) > 1:
                half = len(arrivals) // 2
                await self._keep(arrivals[:half])
                await self._keep(arrivals[half:])


def _scratch() -> IO[str]:
    """A file that is gone when it is closed."""
    return tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n")


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
