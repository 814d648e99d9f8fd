"""FastStream as we use it: a poll loop that hands over raw batches and acknowledges nothing by itself.

Its defaults lose money: it commits before the handler, or after a failed one, and one header that is not UTF-8 loses a
whole batch. So: manual acknowledgement, our own parser that never raises, no decoding, and a handler that never raises.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, cast

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from shared.kafka.fetched import Fetched
from shared.settings import Settings

log = structlog.get_logger(__name__)

Batch = Mapping[TopicPartition, Sequence[Fetched]]


_EMPTY_POLL_MS: Final = 200  # records end a poll at once; this is how long one without any lasts
_AFTER_FAULT_SECONDS: Final = 0.5
_SMALL_RECORDS: Final = 1_000  # a batch of fewer is mostly the price of being one
# A fetch that waits for records of some partitions keeps those of the others, which were read meanwhile, from being
# asked for: so long may they lie.
_FETCH_WAIT_MS: Final = 100


class _PassThrough:
    """A codec that leaves the message as it is: the handler decodes, straight from the bytes."""

    async def decode(self, message: Any) -> Any:
        return message

    async def decode_batch(self, message: Any) -> Any:
        return message

    async def encode(self, message: Any, _serializer: Any = None) -> tuple[Any, None]:
        return message, None

    async def encode_batch(self, messages: Any, _serializer: Any = None) -> list[tuple[Any, None]]:
        return [(message, None) for message in messages]


async def _parse(batch: Batch) -> KafkaMessage:
    return KafkaMessage(
        raw_message=next(iter(batch.values())),  # the framework's log asks its first record for a topic
        body=batch,
        headers={},
        batch_headers=[],
        correlation_id="batch",
        message_id="batch",
        consumer=None,  # type: ignore[arg-type]  # only its acknowledgements need one, and we never use them
    )


def build_broker(
    settings: Settings,
    *,
    service: str,
    topics: Sequence[str],
    handle: Callable[[Batch], Awaitable[None]],
    listener: ConsumerRebalanceListener,
    gather_seconds: float = 0,
) -> KafkaBroker:
    """A broker with one batch subscriber over all `topics` (logical names) in the service's group.

    After a small batch it lets records gather for `gather_seconds`; one that comes alone, after an empty poll, never
    waits.
    """
    broker = KafkaBroker(
        settings.kafka,
        client_id=f"drawdown-{service}",
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        apply_types=False,
        graceful_timeout=settings.shutdown_seconds,
        logger=None,
    )
    subscriber = broker.subscriber(
        *[settings.topic_prefix + topic for topic in topics],
        group_id=group_of(settings, service),
        group_instance_id=settings.group_instance_id,
        batch=True,
        codec=_PassThrough(),
        parser=_parse,
        ack_policy=AckPolicy.MANUAL,
        no_reply=True,
        listener=listener,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_records=settings.batch_records,
        fetch_max_wait_ms=_FETCH_WAIT_MS,
        fetch_max_bytes=2 * settings.fetch_bytes,
        max_partition_fetch_bytes=settings.fetch_bytes,
        session_timeout_ms=settings.session_timeout_ms,
        heartbeat_interval_ms=settings.heartbeat_interval_ms,
        rebalance_timeout_ms=settings.rebalance_timeout_ms,
    )

    small = False

    async def next_batch(consumer: "AIOKafkaConsumer[bytes, bytes]") -> Batch:
        nonlocal small
        if small:
            await asyncio.sleep(gather_seconds)
        try:
            batch: Batch = await consumer.getmany(timeout_ms=_EMPTY_POLL_MS, max_records=settings.batch_records)
        except KafkaError as error:
            log.warning("nothing can be fetched", error=repr(error))
            await asyncio.sleep(_AFTER_FAULT_SECONDS)
            return {}
        small = 0 < sum(map(len, batch.values())) < _SMALL_RECORDS
        return batch

    # FastStream's own sleeps after every poll that found nothing, and five seconds after a fault; it also makes one
    # flat list of what we need by partition.
    subscriber.get_msg = next_batch  # type: ignore[method-assign,assignment]  # see above

    @subscriber
    async def take(message: KafkaMessage) -> None:
        await handle(cast("Batch", message.body))

    return broker


def group_of(settings: Settings, service: str) -> str:
    """The consumer group of a service."""
    return f"{settings.topic_prefix}drawdown.{service}"
