"""What was said on the topics, gathered in one reading: versions of every entity, payments, and events by id."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zlib import crc32

import iso4217
import orjson

from drawdown.check.topics import Place, Record

RESERVES: Final = "reserve.reallocated"

# topic → the members that name the entity, its version, its state, and its state before
ENTITIES: Final[Mapping[str, tuple[str, str, str | None, str | None]]] = {
    "fund.changed": ("id", "version", None, None),
    "deal.changed": ("id", "version", None, None),
    "call.terms_changed": ("call_id", "terms_version", "stage", "previous_stage"),
    "call.status_changed": ("call_id", "version", "status", "previous_status"),
    "allocation.status_changed": ("allocation_id", "version", "status", "previous_status"),
    "payment.held": ("hold_id", "version", None, None),
    RESERVES: ("fund_id", "version", "version", "baseline_version"),
}

Identity = tuple[str, str]  # source, payment_id
Change = tuple[int, int, int]  # company, planned before, planned after; in minor units

# An amount may be called Infinity, and a member nobody knows may be as deep as a record is long.
_UNREADABLE: Final = (ValueError, KeyError, TypeError, InvalidOperation, OverflowError, RecursionError)


class Content(NamedTuple):
    """What a payment says, as far as it makes two reports of one identity the same."""

    kind: str
    amount_minor: int
    currency: str
    value_date: str


class Figures(NamedTuple):
    """What one version of a fund's reserves comes to; `changes` is a checksum, for a version may name thousands."""

    audit_id: str
    kind: str
    currency: str
    baseline_version: int
    total_before: int
    total_after: int
    companies: int
    changes: int
    reason: str | None
    user_id: int | None


class Said(NamedTuple):
    """One version of an entity, as published: states (of reserves, versions), and a checksum of the whole."""

    state: str | int | None
    before: str | int | None
    checksum: int


@dataclass(slots=True)
class Story:
    """Everything that one topic said about its entities, each version once."""

    versions: dict[int, dict[int, Said]] = field(default_factory=dict)
    newest: dict[int, tuple[int, Mapping[str, Any]]] = field(default_factory=dict)
    contradictions: list[tuple[int, str]] = field(default_factory=list)  # (entity, what is wrong)

    def hear(self, topic: str, data: Mapping[str, Any], value: bytes) -> None:
        """Takes one event; the same version twice is nothing, unless it says something else."""
        names = ENTITIES[topic]
        entity, version = data[names[0]], data[names[1]]
        state = data[names[2]] if names[2] else None
        before = data[names[3]] if names[3] else None
        said = Said(state, before, crc32(value))
        known = self.versions.setdefault(entity, {}).setdefault(version, said)
        if known != said:
            self.contradictions.append((entity, f"version {version} was published with two contents"))
        if entity not in self.newest or self.newest[entity][0] < version:
            self.newest[entity] = (version, data)


@dataclass(slots=True)
class Payment:
    """One readable record of `payment.received`."""

    partition: int
    offset: int
    identity: Identity
    content: Content


@dataclass(slots=True)
class Published:
    """All topics, read from their first record to the bounds."""

    stories: dict[str, Story] = field(default_factory=lambda: {topic: Story() for topic in ENTITIES})
    postings: dict[int, tuple[int, str, str]] = field(default_factory=dict)  # id → (call, kind, amount)
    reserves: dict[tuple[int, int], Figures] = field(default_factory=dict)  # (fund, version) → figures
    payments: list[Payment] = field(default_factory=list)
    unreadable: list[tuple[int, int]] = field(default_factory=list)  # (partition, offset) of payment.received
    event_ids: dict[str, set[str]] = field(default_factory=dict)  # our topics
    strangers: list[tuple[str, str]] = field(default_factory=list)  # records on our topics that are not ours
    records: dict[str, int] = field(default_factory=dict)
    places: dict[Place, int] = field(default_factory=dict)  # how many records each partition has

    def hear(self, records: Iterable[Record]) -> None:
        """Takes a batch of records."""
        for record in records:
            self.records[record.topic] = self.records.get(record.topic, 0) + 1
            place = record.topic, record.partition
            self.places[place] = self.places.get(place, 0) + 1
            if record.topic == "payment.received":
                self._hear_payment(record)
            elif not record.topic.endswith(".dlt"):
                self._hear_event(record)

    def _hear_payment(self, record: Record) -> None:
        payment = read_payment(record)
        if payment is None:
            self.unreadable.append((record.partition, record.offset))
        else:
            self.payments.append(payment)

    def _hear_event(self, record: Record) -> None:
        place = f"{record.topic}/{record.partition}@{record.offset}"
        if record.event_id is None:
            self.strangers.append((place, "carries no event id"))
            return
        self.event_ids.setdefault(record.topic, set()).add(record.event_id)
        if record.topic not in ENTITIES:
            return
        try:
            data = orjson.loads(record.value)
            self.stories[record.topic].hear(record.topic, data, record.value)
            for posting in data.get("applied", ()):
                told = (data["call_id"], posting["kind"], posting["amount"])
                self.postings.setdefault(posting["posting_id"], told)
            if record.topic == RESERVES:
                self.reserves.setdefault((data["fund_id"], data["version"]), figures_of(data))
        except (ValueError, KeyError, TypeError, InvalidOperation) as error:
            self.strangers.append((place, f"cannot be read: {error!r}"))


def figures_of(event: Mapping[str, Any]) -> Figures:
    """What an event says of its version; raises ValueError where an amount is none."""
    currency = event["currency"]
    changes = [
        (change["company_id"], minor(change["before"], currency), minor(change["after"], currency))
        for change in event["changes"]
    ]
    return Figures(
        audit_id=event["audit_id"],
        kind=event["kind"],
        currency=currency,
        baseline_version=event["baseline_version"],
        total_before=minor(event["total_before"], currency),
        total_after=minor(event["total_after"], currency),
        companies=event["companies"],
        changes=checksum(changes),
        reason=event["reason"],
        user_id=event["user_id"],
    )


def checksum(changes: Sequence[Change]) -> int:
    """The same for the same changes in the same order."""
    return crc32(orjson.dumps(changes))


def read_payment(record: Record) -> Payment | None:
    """The payment that a record speaks of, or None where it names none that anybody could book."""
    try:
        data = _data(record.value)
        content = Content(data["kind"], minor(data["amount"], data["currency"]), data["currency"], data["value_date"])
        return Payment(record.partition, record.offset, _identity(data), content)
    except _UNREADABLE:
        return None


def read_identity(value: bytes) -> Identity | None:
    """Source and payment_id, of a payment that may be wrong in everything else."""
    try:
        return _identity(_data(value))
    except _UNREADABLE:
        return None


def _identity(data: Any) -> Identity:
    source, payment_id = data["source"], data["payment_id"]
    if not isinstance(source, str) or not isinstance(payment_id, str):
        raise TypeError("an identity is text")
    return source, payment_id


def _data(value: bytes) -> Any:
    """The JSON data, out of CloudEvents' structured mode where it is in it."""
    try:
        data = orjson.loads(value)
    except orjson.JSONDecodeError:  # JSON knows longer numbers than that parser does
        data = json.loads(value.decode(), parse_int=str, parse_float=str)
    return data["data"] if "specversion" in data and "data" in data else data


def minor(amount: str | int, currency: str) -> int:
    """Minor units of an amount in major units; raises ValueError where it is not a whole number of them."""
    decimals = _decimals(currency)
    if decimals is None or isinstance(amount, bool):
        raise ValueError(f"{amount} {currency}")
    scaled = Decimal(amount).scaleb(decimals)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} {currency} has too many decimals")
    return int(scaled)


@lru_cache
def _decimals(currency: str) -> int | None:
    """How many decimals ISO 4217 gives a currency; raises ValueError where it lists none of that code."""
    return iso4217.Currency(currency).exponent
