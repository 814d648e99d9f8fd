"""The topics, by name, and how we make them: never by accident, always with their settings."""

from collections.abc import Iterable
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

PAYMENT_RECEIVED: Final = "payment.received"
FUND_CHANGED: Final = "fund.changed"
DEAL_CHANGED: Final = "deal.changed"
CALL_TERMS_CHANGED: Final = "call.terms_changed"
CALL_STATUS_CHANGED: Final = "call.status_changed"
ALLOCATION_STATUS_CHANGED: Final = "allocation.status_changed"
PAYMENT_HELD: Final = "payment.held"
RESERVE_REALLOCATED: Final = "reserve.reallocated"
AUDIT_RECORDED: Final = "audit.recorded"

ALL: Final = (
    PAYMENT_RECEIVED,
    FUND_CHANGED,
    DEAL_CHANGED,
    CALL_TERMS_CHANGED,
    CALL_STATUS_CHANGED,
    ALLOCATION_STATUS_CHANGED,
    PAYMENT_HELD,
    RESERVE_REALLOCATED,
    AUDIT_RECORDED,
)


def dead_letter_topic(topic: str) -> str:
    """Where the unreadable records of a topic go."""
    return f"{topic}.dlt"


DEAD_LETTERS: Final = tuple(dead_letter_topic(topic) for topic in ALL)

# Read models are rebuilt from these, so nothing is ever dropped; operators' dead letters may age.
_FOR_EVER: Final = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
_DEAD_LETTERS_KEPT: Final = {"cleanup.policy": "delete", "retention.ms": str(365 * 24 * 3600 * 1000)}


async def make_topics(
    kafka: str,
    *,
    prefix: str = "",
    partitions: int = 6,
    replication_factor: int = 1,
    only: Iterable[str] | None = None,
) -> list[str]:
    """Makes the topics that are not there and names them; those that exist stay as they are.

    `kafka` are bootstrap servers; `only` limits it to some of the logical names. Raises a `KafkaError` when the broker
    refuses one.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        wanted = list(only) if only is not None else [*ALL, *DEAD_LETTERS]
        return await _create(admin, [_new_topic(name, prefix, partitions, replication_factor) for name in wanted])
    finally:
        await admin.close()


def _new_topic(name: str, prefix: str, partitions: int, replication_factor: int) -> NewTopic:
    settings = dict(_DEAD_LETTERS_KEPT if name.endswith(".dlt") else _FOR_EVER)
    if replication_factor >= 3:  # two of three must have a record before it counts as written
        settings["min.insync.replicas"] = "2"
    return NewTopic(
        name=prefix + name,
        num_partitions=partitions,
        replication_factor=replication_factor,
        topic_configs=settings,
    )


async def _create(admin: AIOKafkaAdminClient, topics: list[NewTopic]) -> list[str]:
    answer = await admin.create_topics(topics)
    made: list[str] = []
    for name, code, *_ in answer.topic_errors:
        error = for_code(code)
        if code == 0:
            made.append(name)
        elif error is not TopicAlreadyExistsError:
            raise error(name)
    return made
