"""The demo's story: what a fund promises, what its bank says, and what that comes to, worked out here by hand.

Nothing in here asks the ledger; the ledger's answers are held against it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Final, Literal

from shared import currency
from shared.money import Minor

CURRENCY: Final = "USD"
TIME_ZONE: Final = "America/New_York"
SIZE: Final = "50000000.00"
MARK: Final = " · demo"  # ends the name of everything that the demo makes

Key = tuple[str, int]  # deal, number of its call


def usd(text: str) -> Minor:
    """An amount of the story, written as people write it: ``1,000,000.00``."""
    return currency.parse(text.replace(",", ""), CURRENCY)


def shown(amount: int) -> str:
    """An amount as people write it."""
    whole, _, decimals = currency.text(abs(amount), CURRENCY).partition(".")
    return f"{'−' if amount < 0 else ''}{int(whole):,}.{decimals}"


@dataclass(frozen=True, slots=True)
class Call:
    """A planned piece of a commitment; those with `issue` are called now."""

    amount: Minor
    due_date: date
    issue: bool


@dataclass(frozen=True, slots=True)
class Promise:
    """One commitment. `schedule` is what the API is told; `calls` is what must come of it."""

    deal: str
    committed: Minor
    schedule: dict[str, Any] | None
    calls: tuple[Call, ...]
    plan: str


Becomes = Literal["applied", "no_match", "over_payment", "takes back", "pending"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a bank statement and what must become of it.

    `names` is the call whose reference it bears, `in_text` says that only its free text does. `undoes` is the number of
    the entry that a reversal takes back.
    """

    number: int
    amount: Minor
    remitter: str
    becomes: Becomes
    names: Key | None = None
    in_text: bool = False
    text: str = ""
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class Reserve:
    """What the fund plans for a deal besides its commitment, and what a reallocation makes of it."""

    deal: str
    before: Minor
    after: Minor
    change_pct: str  # as the preview must show it
    warnings: tuple[str, ...] = ()  # and the kinds of warning that it must give


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that happens, on which day."""

    today: date
    promises: tuple[Promise, ...]
    statements: tuple[tuple[Entry, ...], ...]
    reserves: tuple[Reserve, ...]

    @property
    def entries(self) -> list[Entry]:
        return [entry for statement in self.statements for entry in statement]

    def day_of(self, number: int) -> date:
        """The day of a statement: the last is today's."""
        return self.today - timedelta(days=len(self.statements) - 1 - number)

    def committed(self) -> list[Minor]:
        return [promise.committed for promise in self.promises]

    def planned(self) -> list[Minor]:
        return [call.amount for promise in self.promises for call in promise.calls]

    def called(self) -> list[Minor]:
        return [call.amount for promise in self.promises for call in promise.calls if call.issue]

    def postings(self) -> list[tuple[Key, Minor]]:
        """What each entry adds to a call or takes from it, in the order of the statements."""
        by_number = {entry.number: entry for entry in self.entries}
        found: list[tuple[Key, Minor]] = []
        for entry in self.entries:
            if entry.becomes == "applied" and entry.names:
                found.append((entry.names, entry.amount))
            elif entry.undoes and (original := by_number[entry.undoes]).names:
                found.append((original.names, Minor(-entry.amount)))
        return found

    def paid(self, key: Key) -> Minor:
        return total(amount for named, amount in self.postings() if named == key)

    def status(self, key: Key, call: Call) -> str:
        """The status that a call must show in the end."""
        paid = self.paid(key)
        if not call.issue:
            return "scheduled"
        if paid == call.amount:
            return "paid"
        if call.due_date < self.today:
            return "overdue"
        return "partially_paid" if paid else "called"

    def overdue(self) -> list[tuple[Minor, Minor]]:
        """Amount and paid of each call that is issued, unpaid in part, and past its due date."""
        return [(call.amount, self.paid(key)) for key, call in self.calls() if self.status(key, call) == "overdue"]

    def held(self) -> list[Minor]:
        return [entry.amount for entry in self.entries if entry.becomes in {"no_match", "over_payment"}]

    def before(self) -> list[Minor]:
        return [reserve.before for reserve in self.reserves]

    def after(self) -> list[Minor]:
        return [reserve.after for reserve in self.reserves]

    def calls(self) -> list[tuple[Key, Call]]:
        return [
            ((promise.deal, number), call)
            for promise in self.promises
            for number, call in enumerate(promise.calls, start=1)
        ]


def total(amounts: Iterable[int]) -> Minor:
    return Minor(sum(amounts))


def tell(today: date) -> Story:
    """The story as it happens today: a single call, an uneven schedule and a regular one; money that fits, money that
    does not, and money that the bank takes back. It comes to the same in whatever order its events are read. What is
    planned beyond it moves from one deal to the two others."""
    soon, late, far = today + timedelta(days=14), today - timedelta(days=7), today + timedelta(days=190)
    balerion, vhagar, caraxes = ("Balerion Robotics", "Vhagar Energy", "Caraxes Health")
    tranches = [("0", today), ("50", soon), ("50", far)]
    half, quarter = usd("1,250,000.00"), usd("250,000.00")
    promises = (
        Promise(balerion, usd("1,000,000.00"), None, (Call(usd("400,000.00"), soon, issue=True),), "by hand"),
        Promise(
            vhagar,
            usd("2,500,000.00"),
            {"cadence": "custom", "tranches": [{"percent": p, "due_date": str(day)} for p, day in tranches]},
            (Call(Minor(0), today, issue=True), Call(half, soon, issue=True), Call(half, far, issue=False)),
            "0, 50, 50 %",
        ),
        Promise(
            caraxes,
            usd("750,000.00"),
            {"cadence": "quarterly", "first_due_date": str(late), "count": 3},
            (
                Call(quarter, late, issue=True),
                Call(quarter, months_on(late, 3), issue=False),
                Call(quarter, months_on(late, 6), issue=False),
            ),
            "quarterly, 3",
        ),
    )
    yesterday = (
        Entry(1, usd("400,000.00"), "Acme LP", "applied", (balerion, 1)),
        Entry(2, usd("250,000.00"), "Birch Pension", "applied", (vhagar, 2), in_text=True, text="second tranche"),
        Entry(3, usd("900,000.00"), "Cedar Trust", "applied", (vhagar, 2)),
        Entry(4, usd("200,000.00"), "Acme LP", "applied", (caraxes, 1)),
        Entry(5, usd("75,000.00"), "Dune Family", "no_match", text="spring contribution"),
        Entry(6, usd("300,000.00"), "Elm Endowment", "over_payment", (caraxes, 1)),
        Entry(7, usd("90,000.00"), "Fir Foundation", "pending", (vhagar, 2)),
    )
    this_morning = (
        Entry(7, usd("90,000.00"), "Fir Foundation", "applied", (vhagar, 2)),
        Entry(8, usd("250,000.00"), "Birch Pension", "takes back", undoes=2, text="returned by the sender's bank"),
    )
    reserves = (
        Reserve(balerion, usd("2,000,000.00"), usd("2,400,000.00"), "20.0", ("high_concentration",)),
        Reserve(vhagar, usd("3,000,000.00"), usd("2,500,000.00"), "-16.7", ("negative_delta", "high_concentration")),
        Reserve(caraxes, usd("1,000,000.00"), usd("1,100,000.00"), "10.0"),
    )
    return Story(today, promises, (yesterday, this_morning), reserves)


def months_on(day: date, months: int) -> date:
    """The same day so many months later, or that month's last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def spelled(parts: Sequence[int]) -> str:
    """A sum as one writes it on paper: ``400,000.00 + 3 × 250,000.00 − 50,000.00``."""
    text = ""
    for part, equal in groupby(part for part in parts if part):
        times = len(list(equal))
        sign = (" − " if part < 0 else " + ") if text else "−" * (part < 0)
        text += f"{sign}{f'{times} × ' if times > 1 else ''}{shown(abs(part))}"
    return text or shown(0)
