"""Kafka in: every record of every topic becomes an entry, whether anybody can read it or not."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeAlias

import orjson

from services.audit import handlers
from services.audit.domain import Facts, Item, cut_accounts
from shared import topics
from shared.contracts import AuditRecorded, Unreadable, decode
from shared.kafka.records import Arrival
from shared.postgres import Connection
from shared.value import new_tuple

READS: Final = (*topics.ALL, *topics.DEAD_LETTERS)

# Elsewhere an event's id was given by others, or is that of the event the dead letter was: it proves nothing.
_WITH_IDS_OF_OURS: Final = frozenset(topics.ALL) - {topics.PAYMENT_RECEIVED}
_LONGEST_TEXT: Final = 200
_LONGEST_KEY_BYTES: Final = 1_024

# The id, subject, type, actor, causation id, correlation id and time that a record claims.
_Claims: TypeAlias = tuple[str | None, str | None, str | None, str | None, str | None, str | None, datetime | None]
_SILENT: Final[_Claims] = (None,) * 7  # as most records of banks are


async def apply(db: Connection, arrivals: Sequence[Arrival], now: datetime, *, account_key: bytes) -> None:
    """One batch, inside the caller's transaction."""
    await handlers.record(db, [read(arrival, now, account_key) for arrival in arrivals])


def read(arrival: Arrival, now: datetime, account_key: bytes) -> Item:
    """What a record says, as far as it can be understood; what cannot is entered all the same."""
    topic, partition, incarnation, offset, key, value, headers, timestamp_ms = arrival
    event_id, subject, kind, actor, causation_id, correlation_id, occurred_at = _claims(headers) if headers else _SILENT
    resource_type, resource_id = _resource(subject)
    identity = _identity(arrival, event_id)
    action = outcome = None
    if topic == topics.PAYMENT_RECEIVED:
        resource_type, resource_id = "payment", _payment(arrival)
    elif topic == topics.AUDIT_RECORDED:
        actor, action, resource_type, resource_id, outcome = _act(arrival, actor)
    elif topic.endswith(".dlt"):
        action, outcome = "dead_letter", _text(dict(headers).get("dlt-reason"))
        resource_type, resource_id = "record", _letter(dict(headers))
    facts = new_tuple(
        Facts,
        (
            topic,
            partition,
            incarnation,
            offset,
            timestamp_ms,
            key and key[:_LONGEST_KEY_BYTES],
            identity,
            None if event_id == identity else event_id,
            kind,
            actor,
            action,
            resource_type,
            resource_id,
            outcome,
            causation_id,
            correlation_id,
            occurred_at,
            now,
        ),
    )
    return new_tuple(Item, (facts, cut_accounts(value, account_key)))


def _claims(headers: Sequence[tuple[str, bytes | None]]) -> _Claims:
    """What the headers say, be it true or not."""
    said = dict(headers).get
    return (
        _text(said("ce_id")),
        _text(said("ce_subject")),
        _word(said("ce_type")),
        _word(said("ce_actor")),
        _text(said("ce_causationid")),
        _text(said("ce_correlationid")),
        _time(_word(said("ce_time"))),
    )


def _text(value: bytes | None) -> str | None:
    """A header as text that can be stored: bytes that are none, and NULs, are shown as replaced."""
    return None if value is None else value.decode("utf-8", "replace").replace("\0", "\ufffd")[:_LONGEST_TEXT]


def _word(value: bytes | None) -> str | None:
    """The same of a header that says one of few things, such as a type, or one thing in a whole batch."""
    return None if value is None else _remembered(value[: 4 * _LONGEST_TEXT])


_remembered: Final = lru_cache(maxsize=500)(_text)


@lru_cache(maxsize=500)
def _time(text: str | None) -> datetime | None:
    try:
        told = datetime.fromisoformat(text or "")
        return None if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _identity(arrival: Arrival, event_id: str | None) -> str:
    """The event's id where we gave it, so a record published twice is one event; else its place in Kafka."""
    if event_id and arrival.topic in _WITH_IDS_OF_OURS and len(event_id) < _LONGEST_TEXT and event_id[0] != "@":
        return event_id
    return f"@{arrival.incarnation}/{arrival.partition}/{arrival.offset}"


def _resource(subject: str | None) -> tuple[str | None, str | None]:
    """``call/17`` is the resource 17 of the type call."""
    kind, slash, name = (subject or "").partition("/")
    return (kind, name) if slash and kind and name else (None, None)


def _act(arrival: Arrival, claimed: str | None) -> tuple[str | None, str | None, str | None, str | None, str | None]:
    """Actor, action, resource type, resource id and outcome of an action that a service recorded."""
    try:
        act = decode(AuditRecorded, arrival.data)
    except Unreadable:
        return claimed, None, None, None, None
    return act.actor, act.action, act.resource_type, act.resource_id, act.outcome


def _payment(arrival: Arrival) -> str | None:
    """The identity that a bank gave its entry, where the record can be read so far."""
    try:
        entry = orjson.loads(arrival.data)
        source, payment_id = entry["source"], entry["payment_id"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(source, str) or not isinstance(payment_id, str):
        return None
    return f"{source}/{payment_id}".replace("\0", "\ufffd")[: 2 * _LONGEST_TEXT]


def _letter(headers: Mapping[str, bytes | None]) -> str | None:
    """Where the dead letter's record stood, such as ``payment.received/3/1704``."""
    place = [_text(headers.get(name)) for name in ("dlt-topic", "dlt-partition", "dlt-offset")]
    return None if None in place else "/".join(step or "" for step in place)
