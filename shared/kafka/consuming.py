"""Keeps a batch reader running: connects when the broker is there, mirrors positions, watches for a standstill."""

import asyncio
import contextlib
import os
import time
from collections.abc import Sequence
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, NodeNotReadyError
from aiokafka.structs import OffsetAndMetadata
from faststream.kafka import KafkaBroker

from shared import telemetry
from shared.kafka.broker import build_broker
from shared.kafka.engine import BatchReader
from shared.kafka.topic_ids import topic_ids
from shared.settings import Settings

log = structlog.get_logger(__name__)

_MIRROR_SECONDS: Final = 1.0
_CALL_SECONDS: Final = 5.0
_WAITING_ROUNDS: Final = 3
STALLED_EXIT_CODE: Final = 70


class Consuming:
    """The consumer side of one process."""

    def __init__(
        self, service: str, settings: Settings, topics: Sequence[str], reader: BatchReader, *, gather_seconds: float = 0
    ) -> None:
        self._service = service
        self._settings = settings
        self._topics = topics
        self._reader = reader
        self._gather_seconds = gather_seconds
        self._broker: KafkaBroker | None = None
        self._mirrored: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._heard_at = 0.0
        self._waiting_rounds = 0  # of the mirror, in a row, in which a batch was being tried again
        reader.consumer = self._consumer

    def _consumer(self) -> AIOKafkaConsumer | None:
        if self._broker is None:
            return None
        return self._broker.subscribers[0].consumer  # type: ignore[attr-defined]  # Kafka's subscribers have one

    async def run(self) -> None:
        """Starts reading, again and again until the broker answers, then mirrors and watches for ever."""
        await self._start()
        while True:
            await asyncio.sleep(_MIRROR_SECONDS)
            try:
                async with asyncio.timeout(3 * _CALL_SECONDS):
                    await self._mirror()
                self._heard_at = time.monotonic()
            except Exception as error:  # noqa: BLE001  (a mirror: nothing depends on one of its rounds)
                log.warning("positions not mirrored", error=repr(error))
                if isinstance(error, OSError | TimeoutError | KafkaConnectionError | NodeNotReadyError):
                    await self._reader.look_again()
            self._watch()

    async def _start(self) -> None:
        pause_seconds = 0.2
        while True:
            self._broker = build_broker(
                self._settings,
                service=self._service,
                topics=self._topics,
                handle=self._reader.handle,
                listener=self._reader,
                gather_seconds=self._gather_seconds,
            )
            try:
                await self._topics_exist()
                await self._broker.start()
            except Exception as error:  # noqa: BLE001  (the broker is away, or its topics are not made yet)
                log.warning("waiting for the broker", error=repr(error))
                with contextlib.suppress(Exception):
                    await self._broker.stop()
                await asyncio.sleep(pause_seconds)
                pause_seconds = min(pause_seconds * 2, 3)
            else:
                self._heard_at = self._reader.progressed_at = time.monotonic()
                return

    async def _topics_exist(self) -> None:
        wanted = {self._settings.topic_prefix + topic for topic in self._topics}
        admin = AIOKafkaAdminClient(bootstrap_servers=self._settings.kafka, request_timeout_ms=5_000)
        try:
            await admin.start()
            missing = wanted - set(await admin.list_topics())
        finally:
            await admin.close()
        if missing:
            raise LookupError(f"topics not made yet: {', '.join(sorted(missing))}")

    async def _mirror(self) -> None:
        """Shows Kafka where we stand, so that every tool sees the lag, and learns whether topics are still the same."""
        consumer = self._consumer()
        if consumer is None:
            return
        client = consumer._client  # noqa: SLF001  (aiokafka has no public way to ask with the connection it has)
        names = [self._settings.topic_prefix + topic for topic in self._topics]
        ids = await topic_ids(client, names)
        if not ids.keys() <= client.cluster.topics():
            await client.force_metadata_update()  # a topic was made again; aiokafka would look in some minutes
        await self._reader.meet_topics(ids)
        ours = self._reader.offsets()
        moved = {tp: at for tp, at in ours.items() if self._mirrored.get(tp) != at}
        if moved:
            commits = {tp: OffsetAndMetadata(at, "") for tp, at in moved.items()}
            await asyncio.wait_for(consumer.commit(commits), _CALL_SECONDS)
            self._mirrored.update(moved)
        if ours:
            self._ends = await asyncio.wait_for(consumer.end_offsets(list(ours)), _CALL_SECONDS)
        for tp, at in ours.items():
            lag = max(self._ends.get(tp, at) - at, 0)
            telemetry.CONSUMER_LAG.labels(tp.topic, str(tp.partition)).set(lag)

    def _watch(self) -> None:
        """Ends the process where records wait and none is done: a restart is the one cure for a dead consumer."""
        self._waiting_rounds = self._waiting_rounds + 1 if self._reader.waiting else 0
        lag = sum(max(self._ends.get(tp, at) - at, 0) for tp, at in self._reader.offsets().items())
        fresh = time.monotonic() - self._heard_at < _CALL_SECONDS
        if not lag or not fresh or self._reader.waiting:
            self._reader.progressed_at = time.monotonic()
            return
        if time.monotonic() - self._reader.progressed_at > self._settings.stall_seconds:
            log.error("no progress, ending the process", lag=lag)
            os._exit(STALLED_EXIT_CODE)

    def checks(self) -> dict[str, dict[str, object]]:
        """Broker and partitions, as readiness wants them."""
        heard_seconds = time.monotonic() - self._heard_at
        places = self._reader.offsets()
        consumer = self._consumer()
        assigned = consumer.assignment() if consumer is not None else frozenset()
        return {
            "broker": {"ok": bool(self._heard_at) and heard_seconds < 3 * _CALL_SECONDS},
            # A lost race is over at once; what takes rounds is our own fault, or a database that takes no writes.
            "batches": {"ok": self._waiting_rounds < _WAITING_ROUNDS},
            "partitions": {
                "ok": bool(self._heard_at) and set(places) >= set(assigned),
                "held": len(places),
                "lag": sum(max(self._ends.get(tp, at) - at, 0) for tp, at in places.items()),
            },
        }

    async def stop(self) -> None:
        """Ends after the batch in flight."""
        self._reader.interrupt()
        if self._broker is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._mirror(), 2)
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._broker.stop(), self._settings.shutdown_seconds - 5)
