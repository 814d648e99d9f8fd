"""FastStream as we use it: a poll loop that hands over raw batches and acknowledges nothing by itself.

Its defaults lose money: it commits before the handler, or after a failed one, and one header that is not UTF-8 loses a
whole batch. So: manual acknowledgement, our own parser that never raises, no decoding, and a handler that never raises.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRebalanceListener
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage

from shared.settings import Settings

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

Batch = Sequence["ConsumerRecord[bytes, bytes]"]


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


async def _parse(records: Batch) -> KafkaMessage:
    first = records[0]
    return KafkaMessage(
        raw_message=records,
        body=b"",
        headers={},
        batch_headers=[],
        correlation_id="batch",
        message_id=f"{first.topic}/{first.partition}@{first.offset}",
        consumer=None,  # type: ignore[arg-type]  # only its acknowledgements need one, and we never use them
    )


def build_broker(
    settings: Settings,
    *,
    service: str,
    topics: Sequence[str],
    handle: Callable[[Batch], Awaitable[None]],
    listener: ConsumerRebalanceListener,
) -> KafkaBroker:
    """A broker with one batch subscriber over all `topics` (logical names) in the service's group."""
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
        batch_timeout_ms=settings.batch_wait_ms,
        max_partition_fetch_bytes=settings.fetch_bytes,
        session_timeout_ms=settings.session_timeout_ms,
        heartbeat_interval_ms=settings.heartbeat_interval_ms,
        rebalance_timeout_ms=settings.rebalance_timeout_ms,
    )

    @subscriber
    async def take(message: KafkaMessage) -> None:
        await handle(message.raw_message)

    return broker


def group_of(settings: Settings, service: str) -> str:
    """The consumer group of a service."""
    return f"{settings.topic_prefix}drawdown.{service}"
