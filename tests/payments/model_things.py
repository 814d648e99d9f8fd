"""What the model is about: what banks and allocations say, issued calls, and booked money. In dicts and integers."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

Name = tuple[str, str]  # source, and the bank's own id
View = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wire:
    """What a bank says. A `reference` is the number of a call; `spelled` says how, and where, it is written."""

    source: str
    id: str
    amount: int
    day: date
    call: int | None = None
    reference: int | None = None
    spelled: str = "plain"
    currency: str = "USD"
    reverses: str | None = None

    @property
    def name(self) -> Name:
        return self.source, self.id

    @property
    def named(self) -> frozenset[int]:
        """The calls that it names."""
        return frozenset(call for call in (self.call, self.reference) if call is not None)

    @property
    def content(self) -> tuple[object, ...]:
        """What two entries of one name must agree on; free text does not count."""
        reference = None if self.spelled == "in free text" else self.reference
        return self.reverses, self.amount, self.currency, self.day, self.call, reference


@dataclass(frozen=True, slots=True)
class Word:
    """What allocations says of a call."""

    call: int
    version: int
    stage: str
    amount: int
    fund: int
    due: date
    grace: int
    cure: int


@dataclass(slots=True)
class Owed:
    """An issued call."""

    word: Word
    seen: date
    released: int = 0
    paid: int = 0
    postings: int = 0
    cancelled: bool = False
    defaulted: bool = False
    version: int = 1

    @property
    def amount(self) -> int:
        return self.word.amount - self.released

    @property
    def open(self) -> int:
        return 0 if self.cancelled else self.amount - self.paid

    @property
    def status(self) -> str:
        rules = {
            "cancelled": self.cancelled,
            "paid": self.paid == self.amount,
            "defaulted": self.defaulted,
            "overdue": (self.seen - self.word.due).days > self.word.grace,
            "partially_paid": self.paid > 0,
            "called": True,
        }
        return next(status for status, holds in rules.items() if holds)


@dataclass(slots=True)
class Money:
    """A booked entry: where each unit of it is. A hold is its reason, its call, its resolution and its version."""

    wire: Wire
    parts: list[tuple[int, int, date]] = field(default_factory=list)  # call, amount, value date
    held: int = 0
    gone: Counter[str] = field(default_factory=Counter)  # returned, dismissed or reversed
    holds: list[list[Any]] = field(default_factory=list)
    original: Name | None = None
    resembles: Name | None = None

    @property
    def applied(self) -> int:
        return sum(amount for _, amount, _ in self.parts)

    @property
    def whole(self) -> bool:
        return self.wire.reverses is None and self.applied + self.held == self.wire.amount

    @property
    def status(self) -> str:
        if self.held:
            return "held" if self.held == self.wire.amount else "partly_held"
        return "applied" if self.parts else next(how for how in ("reversed", "returned", "dismissed") if self.gone[how])

    @property
    def is_likeness(self) -> bool:
        """Whether it resembles another payment, and no person saw that it is real money."""
        return self.resembles is not None and self.holds[0][2] not in {"applied", "returned"}

    def hold(self, reason: str, call: int | None) -> None:
        self.held = self.applied or self.wire.amount
        self.parts = []
        self.holds.append([reason, call, None, 1])

    def settle(self, resolution: str) -> None:
        self.holds[-1][2:] = [resolution, self.holds[-1][3] + 1]
        if resolution != "applied":
            self.gone[resolution] += self.held
        self.held = 0
