"""A ledger in memory: keeps what outcomes say and loads it again, as the store does with tables."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from services.payments.domain import (
    Book,
    Call,
    Content,
    Entry,
    Identity,
    Known,
    Outcome,
    Payment,
    Terms,
    issue,
    receive,
    reconsider,
)
from shared.ids import CallId
from tests.payments.making import NOW, TODAY, came, ids


@dataclass(slots=True)
class Memory:
    """All state of the service; `versions` and `told` are what it published."""

    calls: dict[CallId, Call] = field(default_factory=dict)
    payments: dict[Identity, Payment] = field(default_factory=dict)
    conflicts: set[tuple[Identity, Content]] = field(default_factory=set)
    versions: list[tuple[CallId, int]] = field(default_factory=list)
    duplicates: int = 0
    numbers: int = 0

    def hear(self, told: Iterable[Terms]) -> None:
        """Issues calls that are new."""
        for terms in told:
            if terms.id not in self.calls:
                self.calls[terms.id] = issue(terms, TODAY)
                self.versions.append((terms.id, 1))

    def receive(self, entries: Iterable[Entry]) -> None:
        """One batch."""
        self._keep(receive(self._book(), came(entries), ids(self._next()), NOW))

    def sweep(self) -> None:
        """Decides again until nothing changes."""
        while True:
            outcome = reconsider(self._book(), ids(self._next()), NOW)
            self._keep(outcome)
            if not outcome.changed:
                return

    def _next(self) -> int:
        self.numbers += 500
        return self.numbers

    def _book(self) -> Book:
        days: dict[CallId, Counter[date]] = {call_id: Counter() for call_id in self.calls}
        for payment in self.payments.values():
            for posting in payment.applications:
                days[posting.call_id][posting.value_date] += 1
        known = {identity: Known(p.id, p.content) for identity, p in self.payments.items()}
        return Book(self.calls, frozenset(), {}, known, self.conflicts, self.payments, days)

    def _keep(self, outcome: Outcome) -> None:
        for payment in (*outcome.booked, *outcome.changed):
            self.payments[payment.entry.identity] = payment
        self.conflicts |= {(c.entry.identity, c.content) for c in outcome.conflicts}
        self.calls |= {call.id: call for call in outcome.calls}
        self.versions.extend((v.call.id, v.call.version) for v in outcome.versions)
        self.duplicates += outcome.duplicates

    def state(self) -> dict[str, object]:
        """What must not depend on order, doubling or batches."""
        return {
            "calls": {c.id: (c.paid, c.status, c.last_paid_on) for c in self.calls.values()},
            "payments": {
                identity: (p.status, p.applied, p.held, p.reversed, p.hold and (p.hold.reason, p.hold.call_id))
                for identity, p in self.payments.items()
            },
        }
