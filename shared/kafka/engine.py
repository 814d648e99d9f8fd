"""The batch reader: each batch of records is done in one transaction, together with the positions behind it.

The database is the truth about what was read; Kafka's own offsets are a mirror for operators. Nothing is skipped: what
can never be read becomes a dead letter in the same transaction, and our own faults stop the batch until they are over.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from shared import dead_letters, postgres, telemetry
from shared.clock import Clock
from shared.crashpoint import crashpoint
from shared.dead_letters import DeadLetter
from shared.kafka import positions
from shared.kafka.broker import Batch
from shared.kafka.fetched import Fetched
from shared.kafka.positions import AnotherLog, Fenced, Place
from shared.kafka.records import Arrival, arrivals_of
from shared.postgres import Connection, Pool

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

log = structlog.get_logger(__name__)

Work: TypeAlias = dict[TopicPartition, Sequence[Fetched]]
Apply: TypeAlias = Callable[[Connection, Sequence[Arrival], "datetime"], Awaitable[None]]

_GIVE_UP_SECONDS: Final = 60.0  # then the batch is read again, so that the group keeps us as a member
_ANY_NUMBER: Final = 2**20


class BatchReader(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Does the records of the assigned partitions, exactly once each in effect.

    `apply` gets a connection in an open transaction; `after_commit` is called when events may wait in the outbox.
    """

    def __init__(
        self,
        *,
        service: str,
        prefix: str,
        pool: Callable[[], Pool],
        clock: Clock,
        apply: Apply,
        after_commit: Callable[[], None],
    ) -> None:
        self._service = service
        self._prefix = prefix
        self._pool = pool
        self._clock = clock
        self._apply = apply
        self._after_commit = after_commit
        self._places: dict[TopicPartition, Place] = {}
        self._confirmed: set[TopicPartition] = set()
        self._topic_ids: dict[str, UUID] = {}
        self._gate = asyncio.Lock()
        self._interrupted = asyncio.Event()
        self._assigning: asyncio.Task[None] | None = None
        self._seeks = 0
        self._most_records = _ANY_NUMBER  # of one transaction: less after one that took too long
        self.consumer: Callable[[], AIOKafkaConsumer | None] = lambda: None
        self.progressed_at = time.monotonic()
        self.waiting = False  # whether a batch is being tried again

    # ---- assignment

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Waits for the batch in flight, so that the next owner begins where we end."""
        log.info("partitions taken away", partitions=len(revoked), in_batch=self._gate.locked())
        crashpoint("rebalance.revoked")
        await self._drop_assigning()
        async with self._alone():
            for partition in revoked:
                self._places.pop(partition, None)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Pauses before anything else, so no record comes ahead of the seek; reads our positions and goes on there."""
        consumer = self.consumer()
        if consumer is None or not assigned:
            return
        consumer.pause(*assigned)
        await self._drop_assigning()
        self._assigning = asyncio.create_task(self._stand_on(assigned))

    async def _drop_assigning(self) -> None:
        if self._assigning is not None:
            self._assigning.cancel()
            await asyncio.gather(self._assigning, return_exceptions=True)
            self._assigning = None

    async def _stand_on(self, assigned: Collection[TopicPartition]) -> None:
        """Seeks to our positions; stays paused and tries again for as long as they cannot be read."""
        pause_seconds = 0.1
        while True:
            try:
                await self._reload(assigned)
            except Exception as error:  # noqa: BLE001  (a record is never dropped for want of a position)
                log.warning("positions cannot be read", error=repr(error))
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(pause_seconds * 2, 5)
            else:
                break
        consumer = self.consumer()
        if consumer is not None:
            consumer.resume(*(set(assigned) & set(consumer.assignment())))

    async def _reload(self, partitions: Collection[TopicPartition]) -> None:
        asked = {(tp.topic[len(self._prefix) :], tp.partition): tp for tp in partitions}
        async with self._pool().acquire() as db:
            places = await positions.load(db, list(asked))
        for key, tp in asked.items():
            self._places[tp] = places[key]
            self._rewind(tp)

    def _rewind(self, tp: TopicPartition) -> None:
        """Reads on from the position, beginning with the record before it."""
        self._seeks += 1
        self._confirmed.discard(tp)
        consumer = self.consumer()
        place = self._places.get(tp)
        if consumer is not None and place is not None and tp in consumer.assignment():
            consumer.seek(tp, place.read_from)

    # ---- batches

    async def handle(self, batch: Batch) -> None:
        """Does one batch. Never raises: what it could not do is read again."""
        seeks = self._seeks
        crashpoint("batch.polled")
        async with self._gate:
            self.waiting = False
            if seeks != self._seeks:  # taken before a seek, perhaps from a log that is gone: read it again
                for tp in batch:
                    self._rewind(tp)
                return
            try:
                await self._do(batch)
            except Exception as error:  # FastStream would drop the batch
                log.exception("batch left undone", error=repr(error))
                for tp in batch:
                    self._rewind(tp)

    async def _do(self, batch: Batch) -> None:
        work: Work = {}
        for tp in sorted(batch):
            place = self._places.get(tp)
            if place is None:
                continue  # revoked meanwhile: its next owner reads it from its position
            try:
                fresh = positions.unread(place, batch[tp], confirmed=tp in self._confirmed)
            except AnotherLog as why:
                self._topic_ids.pop(tp.topic, None)  # maybe of the topic that was; learned anew within a second
                await self._begin_again(tp, str(why))
                continue
            self._confirmed.add(tp)
            if fresh:
                work[tp] = fresh
        if work:
            await self._until_done(work)

    async def _until_done(self, whole: Work) -> None:
        """Tries one batch until it is committed, fenced off, given up for a while, or somebody waits for the gate.

        One that takes the database too long is read again and cut in half; later ones grow back by and by.
        """
        work = _at_most(self._most_records, whole)
        started = time.monotonic()
        pause_seconds = 0.02
        while True:
            try:
                await self._commit(work)
            except Fenced:
                telemetry.FENCED_BATCHES.inc()
                log.warning("fenced: another copy has moved on", partitions=len(work))
                await self._reload(whole)
                return
            except Exception as error:  # our own fault, not the records': they wait
                telemetry.BATCH_RETRIES.inc()
                self.waiting = True
                expected = postgres.is_lost_race(error) or postgres.is_away(error)
                log.warning("batch waits", error=repr(error), exc_info=None if expected else error)
                with contextlib.suppress(TimeoutError):
                    jitter = random.random() * pause_seconds  # noqa: S311  (jitter, not a secret)
                    await asyncio.wait_for(self._interrupted.wait(), pause_seconds + jitter)
                pause_seconds = min(pause_seconds * 2, 5)
                if postgres.is_statement_timeout(error):
                    self._most_records = max(sum(map(len, work.values())) // 2, 1)
                    break
                if self._interrupted.is_set() or time.monotonic() - started > _GIVE_UP_SECONDS:
                    break
            else:
                self._most_records = min(self._most_records * 2, _ANY_NUMBER)
                if work == whole:
                    return
                break
        for tp in whole:
            self._rewind(tp)

    async def _commit(self, work: Work) -> None:
        started = time.monotonic()
        now = self._clock.now()
        moves = {self._places[tp]: self._with_topic_id(self._places[tp].after(rs[-1])) for tp, rs in work.items()}
        arrivals = [
            arrival
            for tp, records in work.items()
            for arrival in arrivals_of(records, prefix=self._prefix, incarnation=self._places[tp].incarnation)
        ]
        async with self._pool().acquire() as db:
            try:
                async with db.transaction():
                    await positions.advance(db, moves)
                    crashpoint("batch.positions_advanced")
                    await self._apply(db, arrivals, now)
                    crashpoint("batch.applied")
                    crashpoint("batch.commit_sent")
            except Exception as error:
                if not postgres.is_data_error(error):
                    raise
                async with db.transaction():
                    await positions.advance(db, moves)
                    await self._apply_in_parts(db, arrivals, now)
        crashpoint("batch.committed")
        for tp, new in zip(work, moves.values(), strict=True):
            self._places[tp] = new
        self.progressed_at = time.monotonic()
        self.waiting = False
        telemetry.RECORDS.inc(len(arrivals))
        telemetry.BATCHES.inc()
        telemetry.BATCH_SECONDS.observe(self.progressed_at - started)
        self._after_commit()

    async def _apply_in_parts(self, db: Connection, arrivals: Sequence[Arrival], now: "datetime") -> None:
        """Halves a batch that the database refuses until the record that it refuses stands alone."""
        try:
            async with db.transaction():
                await self._apply(db, arrivals, now)
                await db.execute("set constraints all immediate")  # deferred refusals belong to their record too
        except Exception as error:
            if not postgres.is_data_error(error):
                raise
            if len(arrivals) > 1:
                half = len(arrivals) // 2
                await self._apply_in_parts(db, arrivals[:half], now)
                await self._apply_in_parts(db, arrivals[half:], now)
                return
            telemetry.INTERNAL_ERRORS.inc()
            log.exception("a record was refused by the database", topic=arrivals[0].topic)
            letter = DeadLetter(arrivals[0], "internal_error", f"{type(error).__name__}: {error}")
            await dead_letters.add(db, [letter], now)

    # ---- another log under the same name

    async def _begin_again(self, tp: TopicPartition, why: str, topic_id: "UUID | None" = None) -> None:
        """Reads a log that is not the one we knew from its beginning; effects are idempotent, so nothing doubles."""
        old = self._places[tp]
        new = old.begun_again(topic_id)
        async with self._pool().acquire() as db, db.transaction():
            await positions.advance(db, {old: new})
        telemetry.INCARNATION_ALARMS.inc()
        log.error("another log: reading from its beginning", topic=old.topic, partition=old.partition, why=why)
        self._places[tp] = new
        self._seeks += 1
        self._confirmed.discard(tp)
        consumer = self.consumer()
        if consumer is not None:
            await consumer.seek_to_beginning(tp)

    def _with_topic_id(self, place: Place) -> Place:
        known = self._topic_ids.get(self._prefix + place.topic)
        if known is None or place.topic_id is not None:
            return place
        return Place(place.topic, place.partition, place.incarnation, known, place.next_offset, place.last)

    async def meet_topics(self, topic_ids: "dict[str, UUID]") -> None:
        """Learns the ids of the topics as they are now; one that was made anew is read from its beginning."""
        self._topic_ids = topic_ids
        if all(topic_ids.get(tp.topic, place.topic_id) == place.topic_id for tp, place in self._places.items()):
            return
        async with self._alone():
            unnamed = {old: self._with_topic_id(old) for old in self._places.values() if old.topic_id is None}
            named = {old: new for old, new in unnamed.items() if new.topic_id is not None}
            if named:
                async with self._pool().acquire() as db, db.transaction():
                    await positions.advance(db, named)
                self._places |= {tp: named[old] for tp, old in self._places.items() if old in named}
            for tp, place in list(self._places.items()):
                known = topic_ids.get(tp.topic)
                if known is not None and known != place.topic_id:
                    await self._begin_again(tp, "the topic was made anew", known)

    async def look_again(self) -> None:
        """Compares the record before each position once more: the broker was away, and may have come back without
        the end of its log, which grows again."""
        async with self._alone():
            for tp in self._places:
                self._rewind(tp)

    # ---- stopping and looking

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """The gate, which a batch that is only waiting for better times gives up at once."""
        self._interrupted.set()
        try:
            async with self._gate:
                yield
        finally:
            self._interrupted.clear()

    def interrupt(self) -> None:
        """Ends the waiting of a batch that cannot be done now, because the process stops."""
        self._interrupted.set()

    def offsets(self) -> dict[TopicPartition, int]:
        """The next offset of every partition we hold."""
        return {tp: place.next_offset for tp, place in self._places.items()}

    def standing(self) -> Iterable[Place]:
        """The places of the partitions that are ours."""
        return self._places.values()


def _at_most(records: int, whole: Work) -> Work:
    """The first `records` of a batch, each partition's in order."""
    work: Work = {}
    for tp, theirs in whole.items():
        if records > 0:
            work[tp] = theirs[:records]
            records -= len(work[tp])
    return work
