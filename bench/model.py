"""An independent model: one pass over the events, in sending order, that gives what every contender must come to.

It shares no code with the services. It takes the workload's promises as given and checks them while it runs: where the
outcome would depend on order, it raises `NotOrderFree` instead of answering.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

_AMOUNT: Final = re.compile(r"([0-9]{1,15})\.([0-9]{2})", re.ASCII)  # the workload speaks of dollars only
_MEMBERS: Final = frozenset({"source", "payment_id", "kind", "amount", "currency", "value_date", "call_id"})
_CONTENT: Final = ("kind", "amount", "currency", "value_date", "call_id", "reference", "reverses")

_BY_ID: Final = ("paid_minor", "funded_minor", "fund_minor")

Content = tuple[object, ...]
Identity = tuple[str, str]


class NotOrderFree(ValueError):
    """The events break a promise of the workload: another order could come to another result."""


@dataclass(frozen=True, slots=True)
class BookedCall:
    """A call as the book has it before any money came; late ones become known while the events are flowing."""

    id: int
    allocation_id: int
    fund_id: int
    deal_id: int
    seq_no: int
    amount_minor: int
    late: bool


@dataclass(slots=True)
class Expected:
    """What a history comes to, once everything is known. Amounts in minor units, by id; unpaid calls are zeros."""

    paid_minor: dict[int, int] = field(default_factory=dict)  # by call
    funded_minor: dict[int, int] = field(default_factory=dict)  # by allocation
    fund_minor: dict[int, int] = field(default_factory=dict)  # by fund
    booked: int = 0  # identities, each once: credits and reversals
    duplicates: int = 0  # the same again, counted and otherwise ignored
    conflicts: int = 0  # contradictions, by identity and content
    over_payments: int = 0  # held for ever
    waiting_reversals: int = 0  # whose original never came: none in a whole workload, some in the head of one
    reversed: int = 0
    dead_letters: int = 0
    total_minor: int = 0

    def __add__(self, other: "Expected") -> "Expected":
        """What two histories of one book come to together, where neither knows an identity of the other."""
        both = Expected()
        for name, mine in asdict(self).items():
            theirs = getattr(other, name)
            if name in _BY_ID:
                setattr(both, name, {key: mine.get(key, 0) + theirs.get(key, 0) for key in mine.keys() | theirs.keys()})
            else:
                setattr(both, name, mine + theirs)
        return both

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Expected":
        by_id = {name: {int(key): n for key, n in told[name].items()} for name in _BY_ID}
        return cls(**{**told, **by_id})


def run(events: Iterable[tuple[bytes, bytes]], calls: Sequence[BookedCall]) -> Expected:
    """What these events come to on this book."""
    fold = _Fold({call.id: call for call in calls})
    for _, value in events:
        fold.hear(value)
    return fold.result(calls)


def readable(value: bytes) -> dict[str, Any] | None:
    """The entry that these bytes are; None where nobody can book them."""
    try:
        entry = json.loads(value)
    except ValueError:
        return None
    if not isinstance(entry, dict) or not entry.keys() >= _MEMBERS:
        return None
    amount = entry["amount"]
    return entry if isinstance(amount, str) and _AMOUNT.fullmatch(amount) and amount != "0.00" else None


class _Fold:
    def __init__(self, calls: dict[int, BookedCall]) -> None:
        self._calls = calls
        self._paid = dict.fromkeys(calls, 0)
        self._gross = dict.fromkeys(calls, 0)  # credits ever applied, so that no order can fill a call
        self._first: dict[Identity, Content] = {}
        self._contradictions: set[tuple[Identity, Content]] = set()
        self._applied: dict[Identity, tuple[int, int]] = {}  # call, amount
        self._undone: dict[Identity, int] = {}  # amount, of originals taken back or still to come
        self._count: Counter[str] = Counter()

    def hear(self, value: bytes) -> None:
        entry = readable(value)
        if entry is None:
            self._count["dead_letters"] += 1
            return
        identity = (entry["source"], entry["payment_id"])
        content = tuple(entry.get(name) for name in _CONTENT)
        known = self._first.setdefault(identity, content)
        if known is not content:
            self._again(identity, content, same=known == content)
            return
        self._count["booked"] += 1
        amount = int(entry["amount"].replace(".", ""))
        if entry["kind"] == "reversal":
            self._reverse((entry["source"], entry["reverses"]), amount)
        else:
            self._credit(identity, self._calls[entry["call_id"]], amount)

    def _again(self, identity: Identity, content: Content, *, same: bool) -> None:
        if same or (identity, content) in self._contradictions:
            self._count["duplicates"] += 1
            return
        self._contradictions.add((identity, content))
        self._count["conflicts"] += 1

    def _credit(self, identity: Identity, call: BookedCall, amount: int) -> None:
        if amount > call.amount_minor:
            if identity in self._undone:
                raise NotOrderFree(f"{identity} is held whole and taken back")
            self._count["over_payments"] += 1
            return
        self._gross[call.id] += amount
        if self._gross[call.id] > call.amount_minor:
            raise NotOrderFree(f"the credits of call {call.id} are more than it asks for")
        self._applied[identity] = (call.id, amount)
        if identity in self._undone:
            self._check_whole(identity, self._undone[identity])
        else:
            self._paid[call.id] += amount

    def _reverse(self, original: Identity, amount: int) -> None:
        if original in self._undone:
            raise NotOrderFree(f"{original} is taken back twice")
        self._undone[original] = amount
        if original in self._applied:
            self._check_whole(original, amount)
            self._paid[self._applied[original][0]] -= amount
        elif original in self._first:
            raise NotOrderFree(f"{original} is taken back, and was not applied")

    def _check_whole(self, original: Identity, amount: int) -> None:
        if self._applied[original][1] != amount:
            raise NotOrderFree(f"{original} is taken back in part")
        self._count["reversed"] += 1

    def result(self, calls: Sequence[BookedCall]) -> Expected:
        done = Expected(paid_minor=self._paid)
        for call in calls:
            paid = self._paid[call.id]
            done.funded_minor[call.allocation_id] = done.funded_minor.get(call.allocation_id, 0) + paid
            done.fund_minor[call.fund_id] = done.fund_minor.get(call.fund_id, 0) + paid
        done.total_minor = sum(self._paid.values())
        for name in ("booked", "duplicates", "conflicts", "over_payments", "reversed", "dead_letters"):
            setattr(done, name, self._count[name])
        done.waiting_reversals = len(self._undone.keys() - self._applied.keys())
        return done
