"""Records as Kafka hands them over, for the tests of the audit."""

import json
from datetime import UTC, datetime
from typing import Any

from services.audit.consumer import read
from services.audit.domain import Item
from shared.contracts.examples import EXAMPLES
from shared.kafka.records import Arrival

NOW = datetime(2026, 3, 2, 9, 31, 4, 250_000, tzinfo=UTC)
KEY = b"a key of this house"


def arrival(topic: str, offset: int, value: object = None, **more: Any) -> Arrival:
    """A record at an offset; without a value the contract's example, written and headed as the relay does it.

    `ce_…` arguments change or (by None) leave out a header; the others are the members of `Arrival`.
    """
    told = EXAMPLES.get(f"{topic}.v1", {}) if value is None else value
    headers = {
        "ce_specversion": "1.0",
        "ce_id": f"{topic}-{offset}",
        "ce_source": "drawdown/test",
        "ce_type": f"{topic}.v1",
        "ce_time": "2026-03-02T09:31:02.5Z",
        "ce_actor": "system",
    } | {name.replace("__", "-"): more.pop(name) for name in [n for n in more if n.startswith(("ce_", "dlt__"))]}
    return Arrival(
        topic=topic,
        partition=more.pop("partition", 0),
        incarnation=more.pop("incarnation", 1),
        offset=offset,
        key=more.pop("key", b"5"),
        value=told if isinstance(told, bytes) else json.dumps(told, separators=(",", ":")).encode(),
        headers=more.pop("headers", tuple((name, text.encode()) for name, text in headers.items() if text is not None)),
        timestamp_ms=1_772_443_862_500 + offset,
    )


def item(topic: str, offset: int, value: object = None, **more: Any) -> Item:
    """The same record, as the consumer reads it."""
    return read(arrival(topic, offset, value, **more), NOW, KEY)
