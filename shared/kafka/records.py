"""A record as it came from Kafka, before anybody has understood it."""

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from shared.kafka.fetched import Fetched
from shared.outbox import Origin
from shared.value import new_tuple

_STRUCTURED: Final = b"application/cloudevents"
_PLAIN: Final = ("content-type", b"application/json")
_LONGEST_HEADER: Final = 200  # characters: of other text in an event, too, nothing longer is kept


class Arrival(NamedTuple):
    """One record: where it stood and its bytes. `topic` is the logical name, without a stack's prefix."""

    topic: str
    partition: int
    incarnation: int
    offset: int
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes | None]]
    timestamp_ms: int

    def header(self, name: str) -> str | None:
        """The text of a header as it can be stored, whatever its bytes; None where it is missing."""
        for key, value in self.headers:
            if key == name and value is not None:
                return value[: 4 * _LONGEST_HEADER].decode("utf-8", "replace").replace("\0", "\ufffd")[:_LONGEST_HEADER]
        return None

    @property
    def event_id(self) -> str | None:
        """The CloudEvents id that the sender gave."""
        return self.header("ce_id")

    @property
    def data(self) -> bytes:
        """The event's JSON data: the value itself, or its ``data`` member where it came in structured mode.

        What cannot be unwrapped is given back as it is, so that its decoder says what is wrong with it.
        """
        if not self.headers or _PLAIN in self.headers:
            return self.value
        if not (self.header("content-type") or "").encode().startswith(_STRUCTURED):
            return self.value
        try:
            return json.dumps(json.loads(self.value)["data"]).encode()
        except (ValueError, TypeError, KeyError, RecursionError):
            return self.value

    def origin(self) -> Origin:
        """Whom to name as the cause of what follows from this record. What the headers claim is recorded as claimed."""
        return Origin(
            actor="system",
            causation_id=self.event_id,
            correlation_id=self.header("ce_correlationid") or self.event_id,
            traceparent=self.header("traceparent"),
        )


def fingerprint(record: Fetched) -> tuple[int, int]:
    """What tells a record from another at the same offset of another log: its timestamp and the CRC-32 of its bytes."""
    return record.timestamp, zlib.crc32(record.value or b"", zlib.crc32(record.key or b""))


def arrivals_of(records: Iterable[Fetched], *, prefix: str, incarnation: int) -> list[Arrival]:
    """The records of one partition as arrivals."""
    cut = len(prefix)
    return [
        new_tuple(Arrival, (topic[cut:], partition, incarnation, offset, key, value or b"", headers, timestamp_ms))
        for topic, partition, offset, timestamp_ms, key, value, headers in records
    ]
