"""What the payments service promises, in dicts and integers: written from the rules' text, sharing no code with them.

Refusals are their codes, None where the thing is done. Days are dates of the fund, as the last tick said them.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from tests.payments.model_things import Money, Name, Owed, View, Wire, Word

__all__ = ["Model", "Money", "Name", "Owed", "View", "Wire", "Word"]


@dataclass(slots=True)
class Model:
    """All that the service knows."""

    accounts: Mapping[str, int] = field(default_factory=dict)  # a source that pays one fund's calls only
    same: Mapping[str, str] = field(default_factory=dict)  # another source that shows the same account
    applying: Collection[int] = ()  # funds that take what fits of a payment
    calls: dict[int, Owed] = field(default_factory=dict)
    plans: dict[int, Word] = field(default_factory=dict)
    payments: dict[Name, Money] = field(default_factory=dict)
    conflicts: dict[tuple[Name, tuple[object, ...]], str | None] = field(default_factory=dict)
    touched: Counter[int] = field(default_factory=Counter)

    def hear(self, words: Iterable[Word], today: Mapping[int, date]) -> None:
        newest: dict[int, Word] = {}
        for word in words:
            newest[word.call] = max(newest.get(word.call, word), word, key=lambda each: each.version)
        for word in newest.values():
            if word.stage != "issued":
                known = self.plans.get(word.call, word)
                self.plans[word.call] = max(known, word, key=lambda each: each.version)
            elif word.call not in self.calls:
                self.calls[word.call] = Owed(word, today[word.fund])

    def receive(self, wires: Iterable[Wire]) -> None:
        for wire in wires:
            known = self.payments.get(wire.name)
            if known is None:
                self.payments[wire.name] = money = Money(wire)
                self._take_back(money) if wire.reverses is not None else self._credit(money)
            elif known.wire.content != wire.content:
                self.conflicts.setdefault((wire.name, wire.content), None)
        self._seal()

    def sweep(self) -> None:
        for money in self.payments.values():
            reason = money.holds[-1][0] if money.held else None
            if reason == "unknown_call":
                self._credit(money)
            elif reason == "original_not_found":
                self._take_back(money)
        self._seal()

    def why_not(self, wire: Wire, call: int, amount: int, taken: int = 0) -> str | None:
        owed = self.calls.get(call)
        if owed is None:
            stage = self.plans[call].stage if call in self.plans else ""
            return "call_closed" if stage in {"rejected", "withdrawn"} else "unknown_call"
        if owed.cancelled:
            return "call_closed"
        if self.accounts.get(wire.source, owed.word.fund) != owed.word.fund:
            return "wrong_account"
        if wire.currency != "USD":
            return "currency_mismatch"
        return "over_payment" if amount + taken > owed.open else None

    def _credit(self, money: Money) -> None:
        named = money.wire.named
        call = next(iter(named)) if len(named) == 1 else None
        if not money.held:
            money.resembles = self._resembled(money)
        if not money.held and money.resembles is not None:
            self._hold(money, "possible_duplicate", call)
        elif call is None:
            self._hold(money, "ambiguous_match" if named else "no_match", None)
        elif (reason := self.why_not(money.wire, call, money.wire.amount)) is not None:
            owed = self.calls.get(call)
            if reason == "over_payment" and owed is not None and owed.open and owed.word.fund in self.applying:
                rest = money.wire.amount - owed.open
                self._apply(money, [(call, owed.open)])
                money.held = rest
                money.holds.append([reason, call, None, 1])
            else:
                self._hold(money, reason, call)
        else:
            self._apply(money, [(call, money.wire.amount)])

    def _resembled(self, money: Money) -> Name | None:
        """What the account's other name has told already: the nearest, the first of these, each once."""
        wire, other = money.wire, self.same.get(money.wire.source)
        likenesses = {m.resembles for m in self.payments.values() if m.is_likeness and m.wire.source == wire.source}
        found = [
            (one.wire.named != wire.named, abs((one.wire.day - wire.day).days), place, name)
            for place, (name, one) in enumerate(self.payments.items())
            if (one.wire.source, one.wire.amount, one.wire.currency) == (other, wire.amount, wire.currency)
            and one.wire.reverses is None
            and not one.is_likeness
            and name not in likenesses
            and abs((one.wire.day - wire.day).days) <= 3
            and (not one.wire.named or not wire.named or one.wire.named == wire.named)
        ]
        return min(found)[3] if found else None

    def _take_back(self, money: Money) -> None:
        original = self.payments.get((money.wire.source, money.wire.reverses or ""))
        if original is None or (original is money and not money.holds):
            self._hold(money, "original_not_found", None)
        elif original.wire.reverses is not None or (original.wire.amount, original.wire.currency) != (
            money.wire.amount,
            money.wire.currency,
        ):
            self._hold(money, "reversal_mismatch", None)
        elif not original.whole:
            self._hold(money, "already_reversed", None)
        else:
            self._reverse(original, money)

    def _hold(self, money: Money, reason: str, call: int | None) -> None:
        if not money.held:
            money.hold(reason, call)
        elif money.holds[-1][0] != reason:
            money.holds[-1][0], money.holds[-1][3] = reason, money.holds[-1][3] + 1

    def _apply(self, money: Money, parts: Iterable[tuple[int, int]]) -> None:
        for call, amount in parts:
            self._post(call, amount)
            money.parts.append((call, amount, money.wire.day))
        if money.held:
            money.settle("applied")

    def _reverse(self, original: Money, reversal: Money) -> None:
        self._undo(original)
        if original.held:
            original.settle("reversed")
        original.gone["reversed"], original.parts = original.wire.amount, []
        if reversal.held:
            reversal.settle("reversed")
        else:
            reversal.gone["reversed"] = reversal.wire.amount
        reversal.original = original.wire.name

    def _undo(self, money: Money) -> None:
        for call, amount, _ in money.parts:
            self._post(call, -amount)

    def _post(self, call: int, amount: int) -> None:
        self.calls[call].paid += amount
        self.calls[call].postings += 1
        self.touched[call] += 1

    def _seal(self) -> None:
        """A transaction makes one version of each call it posted to, or one for every 200 postings."""
        for call, postings in self.touched.items():
            self.calls[call].version += -(-postings // 200)
        self.touched.clear()

    def tick(self, today: Mapping[int, date]) -> None:
        """Looks at every call, where the service may know that it need not."""
        for owed in self.calls.values():
            before, word = owed.status, owed.word
            owed.seen = max(owed.seen, today[word.fund])
            owed.defaulted |= owed.open > 0 and (owed.seen - word.due).days > word.grace + word.cure
            owed.version += owed.status != before

    # ---- what people ask

    def apply(self, name: Name, parts: list[tuple[int, int]]) -> str | None:
        money = self.payments[name]
        if not money.held or money.wire.reverses is not None:
            return "invalid_transition"
        if min(amount for _, amount in parts) <= 0 or sum(amount for _, amount in parts) != money.held:
            return "invalid_parts"
        taken: Counter[int] = Counter()
        for call, amount in parts:
            reason = self.why_not(money.wire, call, amount, taken[call])
            if reason is not None:
                return reason
            taken[call] += amount
        self._apply(money, parts)
        self._seal()
        return None

    def give_back(self, name: Name) -> str | None:
        money = self.payments[name]
        if not money.held or money.wire.reverses is not None:
            return "invalid_transition"
        money.settle("returned")
        return None

    def dismiss(self, name: Name) -> str | None:
        if not self.payments[name].held:
            return "invalid_transition"
        self.payments[name].settle("dismissed")
        return None

    def unapply(self, name: Name) -> str | None:
        money = self.payments[name]
        if not money.parts or money.held:
            return "invalid_transition"
        self._undo(money)
        money.hold("unapplied", None)
        self._seal()
        return None

    def reverse(self, name: Name, tx: str, today: date) -> str | None:
        """The money left, as a person says; it is booked under a name of its own."""
        money = self.payments[name]
        ours = Wire(f"manual/reversal/{'/'.join(name)}", tx, money.wire.amount, today, reverses=name[1])
        if ours.name in self.payments:
            return None
        if money.gone["reversed"] and money.wire.reverses is None:
            return "already_reversed"
        if not money.whole:
            return "invalid_transition"
        self.payments[ours.name] = Money(ours)
        self._reverse(money, self.payments[ours.name])
        self._seal()
        return None

    def dismiss_conflict(self, number: int) -> str | None:
        key = list(self.conflicts)[number]
        if self.conflicts[key] is not None:
            return "invalid_transition"
        self.conflicts[key] = "dismissed"
        return None

    def _missing(self, call: int) -> str | None:
        if call in self.calls:
            return "call_closed" if self.calls[call].cancelled else None
        if call not in self.plans:
            return "call_not_found"
        return "call_closed" if self.plans[call].stage in {"rejected", "withdrawn"} else "invalid_transition"

    def cancel(self, call: int) -> str | None:
        if (missing := self._missing(call)) is not None:
            return missing
        owed = self.calls[call]
        if owed.amount == 0 or owed.paid > 0:
            return "invalid_transition"
        owed.cancelled, owed.version = True, owed.version + 1
        return None

    def release(self, call: int) -> str | None:
        if (missing := self._missing(call)) is not None:
            return missing
        owed = self.calls[call]
        if owed.released or not owed.paid or not owed.open:
            return "invalid_transition"
        owed.released, owed.version = owed.open, owed.version + 1
        return None

    def declare_default(self, call: int) -> str | None:
        if (missing := self._missing(call)) is not None:
            return missing
        owed = self.calls[call]
        if not owed.open or owed.defaulted:
            return "invalid_transition"
        owed.defaulted, owed.version = True, owed.version + 1
        return None

    # ---- what there is to see

    def view(self) -> View:
        """Everything, as plain as can be, to be compared with what the service keeps."""
        days: dict[int, list[date]] = {call: [] for call in self.calls}
        for money in self.payments.values():
            for call, _, day in money.parts:
                days[call].append(day)
        return {
            "calls": {
                call: (
                    o.word.amount,
                    o.released,
                    o.paid,
                    o.postings,
                    max(days[call], default=None),
                    o.status,
                    o.version,
                )
                for call, o in self.calls.items()
            },
            "flags": {call: (o.cancelled, o.defaulted) for call, o in self.calls.items()},
            "payments": {
                name: (m.status, m.applied, m.held, *(m.gone[how] for how in ("returned", "dismissed", "reversed")))
                for name, m in self.payments.items()
            },
            "parts": {name: sorted(m.parts) for name, m in self.payments.items()},
            "holds": {name: [tuple(hold) for hold in m.holds] for name, m in self.payments.items()},
            "originals": {name: m.original for name, m in self.payments.items()},
            "likenesses": {name: m.resembles for name, m in self.payments.items() if m.resembles},
            "conflicts": sorted((name, str(resolution)) for (name, _), resolution in self.conflicts.items()),
        }
