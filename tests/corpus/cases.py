"""The words that the tables of bad events are written in: what is put on a topic, and the verdict it must come to.

A case has a call of its own. Its records go out in order under one key, and right behind them a good event, which pays
1.00 to another call. Verdicts are written by hand, from what is promised; nothing here asks the product.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from shared import topics

Given = Literal[
    "issued", "scheduled", "pending", "withdrawn", "rejected", "cancelled", "defaulted", "overdue", "paid", "released"
]

OF_THE_CURRENCY: Final = {"USD": "1000.00", "JPY": "1000", "KWD": "1000.000"}  # what a case's call demands


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a case plays: the call it may pay, another one, and the source that reports for it."""

    case: str
    source: str
    currency: str
    call_id: int
    reference: str
    other_call_id: int
    other_reference: str


@dataclass(frozen=True, slots=True)
class Raw:
    """A value as it stands in JSON, which may be none: ``Raw("1e3")``."""

    json: str


Made = Callable[[Spot], Any]  # a value that depends on where the case plays
Make = Callable[[Spot], bytes | None]


def call_id(spot: Spot) -> int:
    return spot.call_id


def reference(spot: Spot) -> str:
    return spot.reference


def dumped(members: Mapping[str, Any], spot: Spot) -> str:
    """JSON with its raw members as they are."""
    return "{" + ", ".join(f"{json.dumps(name)}: {_value(value, spot)}" for name, value in members.items()) + "}"


def _value(value: Any, spot: Spot) -> str:
    if callable(value):
        value = value(spot)
    if isinstance(value, Raw):
        return value.json
    return dumped(value, spot) if isinstance(value, Mapping) else json.dumps(value)


def standard(spot: Spot) -> dict[str, Any]:
    """A good entry, of which cases spoil one thing: a credit of 100 to the case's call."""
    return {
        "source": spot.source,
        "payment_id": spot.case,
        "kind": "credit",
        "amount": "100",
        "currency": spot.currency,
        "value_date": "2026-03-02",
        "call_id": spot.call_id,
    }


def entry(*, without: Iterable[str] = (), **changes: Any) -> Make:
    """The standard entry with some members changed or left out."""

    def make(spot: Spot) -> bytes:
        members = {**standard(spot), **changes}
        return dumped({name: value for name, value in members.items() if name not in without}, spot).encode()

    return make


def around(before: bytes = b"", after: bytes = b"", **changes: Any) -> Make:
    """The standard entry with bytes around it."""
    made = entry(**changes)
    return lambda spot: before + (made(spot) or b"") + after


def literal(value: bytes | None) -> Make:
    """These bytes, whatever the case; None is a record without a value."""
    return lambda _: value


def structured(*, without: Iterable[str] = (), envelope: Mapping[str, Any] | None = None, **changes: Any) -> Make:
    """The same as the data of a CloudEvent in structured mode; `without` is left out of the envelope."""

    def make(spot: Spot) -> bytes:
        data = {**standard(spot), **changes}
        members = {
            "specversion": "1.0",
            "id": f"{spot.case}-event",
            "source": spot.source,
            "type": "payment.received.v1",
            "data": data,
            **(envelope or {}),
        }
        return dumped({name: value for name, value in members.items() if name not in without}, spot).encode()

    return make


# ---- verdicts


@dataclass(frozen=True, slots=True)
class Dead:
    """A dead letter: its reason, and what its detail must say (the member, and how to write it)."""

    reason: str
    says: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """Booked and on hold: the reason, and all of its money."""

    reason: str
    amount: str


@dataclass(frozen=True, slots=True)
class Applied:
    """Booked and applied whole to the case's call, or to the other one."""

    amount: str
    to_other: bool = False


@dataclass(frozen=True, slots=True)
class Reversed:
    """Booked, and nothing is left of it: an original that was taken back, or the reversal that took it."""

    amount: str


@dataclass(frozen=True, slots=True)
class Same:
    """Said before: nothing happens."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another content under a known identity: a hold of its own, which holds no money."""

    amount: str


@dataclass(frozen=True, slots=True)
class Unwritten:
    """Never a record for readers: refused by the broker, or aborted."""


Verdict = Dead | Held | Applied | Reversed | Same | Conflict | Unwritten


def dead(reason: str, *says: str) -> Dead:
    return Dead(reason, says)


GOOD_AMOUNT: Final = 'such as "400000.00"'
BAD_AMOUNT: Final = Dead("bad_amount", ("amount", GOOD_AMOUNT))
BAD_CURRENCY: Final = Dead("bad_currency", ("currency", "ISO 4217"))
BAD_DATE: Final = Dead("bad_date", ("value_date", 'such as "2026-03-02"'))
BAD_TIME: Final = Dead("bad_time", ("booked_at", 'such as "2026-03-02T09:31:00Z"'))
BAD_CALL_ID: Final = Dead("bad_id", ("call_id", "an integer from 1 to 9223372036854775807"))
BAD_JSON: Final = Dead("bad_json", ())


@dataclass(frozen=True, slots=True)
class Say:
    """One record, and what must become of it."""

    make: Make
    verdict: Verdict
    headers: tuple[tuple[str, bytes], ...] = ()
    key: bytes | None = b""  # empty: the case's own
    timestamp_ms: int | None = None
    shows: Mapping[str, Any] | None = None  # members that the booked payment must show, to the letter


@dataclass(frozen=True, slots=True)
class Case:
    """`paid` is what the case's call has in the end, `postings` how many postings: the whole effect on money."""

    id: str
    said: tuple[Say, ...]
    paid: str
    postings: int
    currency: str = "USD"
    given: Given = "issued"
    topic: str = topics.PAYMENT_RECEIVED

    def __str__(self) -> str:
        return self.id


def case(
    id: str,
    make: Make,
    verdict: Verdict,
    *,
    headers: Iterable[tuple[str, bytes]] = (),
    key: bytes | None = b"",
    timestamp_ms: int | None = None,
    shows: Mapping[str, Any] | None = None,
    currency: str = "USD",
    given: Given = "issued",
) -> Case:
    """A case of one record, whose money is in its call only where it is applied."""
    said = Say(make, verdict, tuple(headers), key, timestamp_ms, shows)
    paid = verdict.amount if isinstance(verdict, Applied) and not verdict.to_other else None
    return Case(id, (said,), paid or zero(currency), 1 if paid else 0, currency, given)


def story(
    id: str,
    *said: tuple[Make, Verdict],
    paid: str,
    postings: int,
    currency: str = "USD",
    given: Given = "issued",
) -> Case:
    """A case of several records, in their order."""
    return Case(id, tuple(Say(make, verdict) for make, verdict in said), paid, postings, currency, given)


def zero(currency: str) -> str:
    """Nothing, as the currency writes it."""
    return OF_THE_CURRENCY[currency].replace("1000", "0")
