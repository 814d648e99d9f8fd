"""Every subscriber is set so that no message is lost; FastStream's defaults would acknowledge in spite of a failure."""

import ast
import importlib
from typing import Any

import pytest
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.subscriber.usecase import BatchSubscriber

from shared.kafka.broker import build_broker
from shared.settings import Settings
from tests.tidy import tree

SETTINGS = Settings(database_url="postgresql://nowhere", kafka="nowhere:9092", topic_prefix="x.")  # type: ignore[arg-type]  # pydantic makes the secret


def faults(subscriber: Any) -> list[str]:
    """What could lose or repeat a message."""
    rules = {
        "acknowledged by hand": subscriber.ack_policy is AckPolicy.MANUAL,
        "takes batches": isinstance(subscriber, BatchSubscriber),
        "has a group": bool(subscriber.group_id),
        "begins at the beginning": subscriber._connection_args.get("auto_offset_reset") == "earliest",
        "never replies": subscriber._no_reply,
        "hears of rebalances": subscriber._listener is not None,
    }
    return [rule for rule, kept in rules.items() if not kept]


def broker_of(service: str) -> KafkaBroker:
    """The broker that the composed service would start."""
    consuming = importlib.import_module(f"services.{service}.app").build(SETTINGS)._consuming
    reader = consuming._reader
    return build_broker(SETTINGS, service=service, topics=consuming._topics, handle=reader.handle, listener=reader)


@pytest.mark.parametrize("service", tree.SERVICES)
def test_subscribers_lose_nothing(service: str) -> None:
    """Manual acknowledgement, batches, a named group, from the beginning, no replies."""
    subscribers = list(broker_of(service).subscribers)
    assert subscribers
    assert {subscriber.group_id for subscriber in subscribers} == {f"x.drawdown.{service}"}  # type: ignore[attr-defined]  # Kafka's subscribers have a group
    assert [fault for subscriber in subscribers for fault in faults(subscriber)] == []


def test_a_careless_subscriber_is_found() -> None:
    """FastStream's defaults break nearly every one of the rules."""
    careless = KafkaBroker("nowhere:9092").subscriber("topic")
    assert faults(careless) == [
        "acknowledged by hand",
        "takes batches",
        "has a group",
        "begins at the beginning",
        "never replies",
        "hears of rebalances",
    ]


def test_subscribers_are_made_in_one_place() -> None:
    """Only shared/kafka/broker.py makes brokers and subscribers, so the walk above misses none."""
    makers = [
        tree.name(path)
        for path in tree.python(*tree.PACKAGES)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and (getattr(node.func, "attr", None) == "subscriber" or getattr(node.func, "id", None) == "KafkaBroker")
    ]
    assert set(makers) == {"shared/kafka/broker.py"}
