"""Anything that banks, allocations, the clock and people may do, in any order: the real rules beside the model."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.payments.domain import Action
from tests.payments.model import Name, View, Wire, Word
from tests.payments.subjects import SAME, START, Subject, dates_on, model

CALLS: Final = 6  # the last one is never heard of
SOURCES: Final = {1: "bank/acme", 2: "bank/tokyo"}
LIVES: Final = (
    ("issued",),
    ("scheduled", "issued"),
    ("pending_approval", "scheduled", "issued"),
    ("pending_approval", "rejected"),
    ("scheduled", "withdrawn"),
)

# Where each status may lead, as the rules' text has it; what is not here never happens, in one version of a call, or
# between two moments of a payment.
CALL_EDGES: Final = {
    "called": {"called", "partially_paid", "paid", "overdue", "defaulted", "cancelled"},
    "partially_paid": {"called", "partially_paid", "paid", "overdue", "defaulted"},
    "paid": {"called", "partially_paid", "paid", "overdue", "defaulted"},
    "overdue": {"overdue", "paid", "defaulted", "cancelled"},
    "defaulted": {"defaulted", "paid", "cancelled"},
    "cancelled": {"cancelled"},
}
PAYMENT_EDGES: Final = {
    "held": {"held", "partly_held", "applied", "returned", "dismissed", "reversed"},
    "partly_held": {"partly_held", "applied", "returned", "dismissed", "reversed"},
    "applied": {"applied", "held", "partly_held", "reversed"},
    "returned": {"returned"},
    "dismissed": {"dismissed"},
    "reversed": {"reversed"},
}
HOLD_EDGES: Final = {
    "unknown_call": {"unknown_call", "call_closed", "wrong_account", "currency_mismatch", "over_payment"},
    "original_not_found": {"original_not_found", "reversal_mismatch", "already_reversed"},
}

EVENTS: Final = (*["alone"] * 8, "again", "torn", "back", "back before", "back wrong", "told twice", "told twice")

days = st.integers(0, 3).map(lambda n: START.date() + timedelta(days=n))
ways = st.sampled_from(["id"] * 6 + ["reference"] * 3 + ["both", "torn", "nothing"])
spellings = st.sampled_from(["plain", "sloppily", "in free text"])


@st.composite
def words(draw: st.DrawFn) -> list[list[Word]]:
    """What allocations will say of each call, in the order of versions."""
    told = []
    for call in range(1, CALLS):
        life = draw(st.sampled_from(LIVES[:3] if call <= 3 else LIVES))
        amount, fund = draw(st.sampled_from([1_000, 1_000, 1_000, 600, 0])), draw(st.sampled_from([1, 1, 2]))
        due = START.date() + timedelta(days=draw(st.integers(-4, 12)))
        grace, cure = draw(st.integers(0, 2)), draw(st.integers(0, 5))
        told.append([Word(call, n, stage, amount, fund, due, grace, cure) for n, stage in enumerate(life, start=1)])
    return told


def reversal_of(wire: Wire, number: int, *, more: int = 0) -> Wire:
    return Wire(wire.source, f"R{number}", wire.amount + more, wire.day, currency=wire.currency, reverses=wire.id)


class Ledger(RuleBasedStateMachine):
    """Every rule is one transaction; after each, the subject and the model agree, and what must always hold does."""

    def __init__(self) -> None:
        super().__init__()
        self.model, self.subject = model(), self.open()
        self.day = self.numbers = 0
        self.lives: list[list[Word]] = []
        self.sent: list[Wire] = []
        self.later: list[Wire] = []  # their reversal came first
        self.seen: View = self.model.view()

    def open(self) -> Subject:
        """The subject that this machine drives, with nothing in it."""
        raise NotImplementedError

    @initialize(lives=words())
    def begin(self, lives: list[list[Word]]) -> None:
        self.lives = lives
        self._hear([life[-1] for life in lives[:3]])

    def _hear(self, told: list[Word]) -> None:
        self.model.hear(told, dates_on(self.day))
        self.subject.hear(told, self.day)

    def _receive(self, wires: list[Wire]) -> None:
        self.sent += wires
        self.model.receive(wires)
        self.subject.receive(wires, self.day)

    def _call(self, data: st.DataObject) -> int:
        """A call: usually one that waits for money, or will once it is issued."""
        waiting = [call for call, owed in self.model.calls.items() if owed.open]
        to_come = [life[-1].call for life in self.lives if life[-1].call not in self.model.calls]
        calls = {0: list(range(1, CALLS + 1)), 1: to_come}.get(data.draw(st.integers(0, 4)), waiting)
        chosen: int = data.draw(st.sampled_from(calls or [CALLS]))
        return chosen

    def _credit(self, data: st.DataObject) -> Wire:
        """Money that names a call by id, by reference, by both, by two that differ, or not at all."""
        self.numbers += 1
        call, how = self._call(data), data.draw(ways)
        owed = self.model.calls.get(call)
        room, fund = (owed.open, owed.word.fund) if owed else (1_000, 1)
        return Wire(
            source=SOURCES[fund if data.draw(st.integers(0, 9)) else 3 - fund],
            id=f"E{self.numbers}",
            amount=max(1, data.draw(st.sampled_from([room // 2, room // 3, room, room // 2, 300, room + 1]))),
            day=data.draw(days),
            call=None if how in {"reference", "nothing"} else call,
            reference={"reference": call, "both": call, "torn": call % CALLS + 1}.get(how),
            spelled=data.draw(spellings),
            currency="USD" if data.draw(st.integers(0, 15)) else "EUR",
        )

    # ---- what comes by itself

    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """Some versions of some calls, in any order, some of them twice."""
        words = [word for life in self.lives for word in (*life, life[-1])]
        self._hear(data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=4)))

    @rule(data=st.data())
    def receive(self, data: st.DataObject) -> None:
        """A batch: new money, what was sent before, what contradicts it, what takes it back, and twice."""
        batch: list[Wire] = []
        for wire in [self._credit(data) for _ in range(data.draw(st.integers(1, 5)))]:
            batch.append(wire)
            match data.draw(st.sampled_from(EVENTS)):
                case "again":
                    before = data.draw(st.sampled_from(self.sent + batch))
                    other = {"plain": "sloppily", "sloppily": "plain"}.get(before.spelled, before.spelled)
                    batch.append(replace(before, spelled=other))
                case "told twice" if wire.source in SAME:
                    batch.append(self._told_twice(data, data.draw(st.sampled_from(self.sent + batch))))
                case "torn":
                    batch.append(Wire(wire.source, wire.id, wire.amount + 1, wire.day, call=wire.call))
                case "back":
                    batch.append(self._back(data.draw(st.sampled_from(self.sent + batch))))
                case "back before":
                    batch.insert(-1, self._back(wire))
                case "back wrong":
                    batch.append(self._back(wire, more=1))
                case _:
                    pass
        self._receive(data.draw(st.permutations(batch)) if data.draw(st.booleans()) else batch)

    def _told_twice(self, data: st.DataObject, wire: Wire) -> Wire:
        """The same money, as the other name of its account tells it: some days off, and not always naming its call."""
        self.numbers += 1
        source = SAME.get(wire.source, wire.source)
        call = None if data.draw(st.integers(0, 3)) == 0 else wire.call
        later = timedelta(days=data.draw(st.sampled_from([0, 0, 1, 3, 4])))
        return replace(wire, source=source, id=f"S{self.numbers}", call=call, day=wire.day + later, reverses=None)

    def _back(self, wire: Wire, more: int = 0) -> Wire:
        self.numbers += 1
        return reversal_of(wire, self.numbers, more=more)

    @rule(data=st.data())
    def reversal_first(self, data: st.DataObject) -> None:
        """The original comes some transactions later."""
        self.later.append(self._credit(data))
        self._receive([self._back(self.later[-1])])

    @precondition(lambda self: self.later)
    @rule()
    def original_at_last(self) -> None:
        self._receive([self.later.pop()])

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        """A bank takes an entry back, at first or once more."""
        self._receive([self._back(data.draw(st.sampled_from(self.sent)))])

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        """A whole history again, in another order: the first of each name is on record."""
        self._receive(data.draw(st.permutations(self.sent[-12:])))

    @rule()
    def sweep(self) -> None:
        self.model.sweep()
        self.subject.sweep(self.day)

    @rule(more=st.sampled_from([0, 1, 1, 3, 7]), back=st.sampled_from([0, 0, 2]))
    def time_passes(self, more: int, back: int) -> None:
        """To a later day; a clock that was set back meanwhile leaves no trace."""
        if back:
            self.subject.tick(self.day - back)
        self.day += more
        self.model.tick(dates_on(self.day))
        self.subject.tick(self.day)

    # ---- what people do

    def _any(self, data: st.DataObject, *statuses: str) -> Name:
        """A payment: usually one that the command is for."""
        fitting = [name for name, money in self.model.payments.items() if money.status in statuses]
        usual = fitting and data.draw(st.integers(0, 5)) > 0
        names = fitting if usual else list(self.model.payments)
        chosen: Name = data.draw(st.sampled_from(names))
        return chosen

    def _same(self, expected: str | None, got: str | None) -> None:
        note(f"answered {got}")
        assert got == expected

    @precondition(lambda self: self.model.payments)
    @rule(data=st.data(), off=st.sampled_from([0, 0, 0, 0, 1, -1]))
    def apply(self, data: st.DataObject, off: int) -> None:
        name = self._any(data, "held", "partly_held")
        chosen = [self._call(data) for _ in range(data.draw(st.integers(1, 3)))]
        rest, parts = (self.model.payments[name].held or 100) + off, []
        for call in chosen[1:]:
            parts.append((call, data.draw(st.integers(0, rest))))
            rest -= parts[-1][1]
        parts.append((chosen[0], rest))
        self._same(self.model.apply(name, parts), self.subject.resolve(name, Action.APPLY, parts, self.day))

    @precondition(lambda self: self.model.payments)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        name = self._any(data, "held", "partly_held")
        self._same(self.model.give_back(name), self.subject.resolve(name, Action.RETURN, (), self.day))

    @precondition(lambda self: self.model.payments)
    @rule(data=st.data())
    def dismiss(self, data: st.DataObject) -> None:
        name = self._any(data, "held", "partly_held")
        self._same(self.model.dismiss(name), self.subject.resolve(name, Action.DISMISS, (), self.day))

    @precondition(lambda self: self.model.payments)
    @rule(data=st.data())
    def unapply(self, data: st.DataObject) -> None:
        name = self._any(data, "applied")
        self._same(self.model.unapply(name), self.subject.unapply(name, self.day))

    @precondition(lambda self: self.model.payments)
    @rule(data=st.data(), tx=st.sampled_from(["T1", "T2"]))
    def reverse(self, data: st.DataObject, tx: str) -> None:
        name = self._any(data, "applied", "held", "partly_held")
        self._same(self.model.reverse(name, tx, dates_on(self.day)[1]), self.subject.reverse(name, tx, self.day))

    @precondition(lambda self: self.model.conflicts)
    @rule(data=st.data())
    def dismiss_conflict(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.model.conflicts) - 1))
        self._same(self.model.dismiss_conflict(number), self.subject.dismiss_conflict(number, self.day))

    @rule(data=st.data(), command=st.sampled_from(["cancel", "release", "declare_default"]))
    def change(self, data: st.DataObject, command: str) -> None:
        call = self._call(data)
        self._same(getattr(self.model, command)(call), self.subject.change(call, command, self.day))

    # ---- what always holds

    @invariant()
    def money_is_where_the_model_says(self) -> None:
        """Field by field: amounts, statuses, versions, parts, holds with their versions, conflicts."""
        before, self.seen = self.seen, self.subject.view()
        expected = self.model.view()
        for what, told in expected.items():
            assert self.seen[what] == told, what
        self._conserved()
        self._forward(before)

    def teardown(self) -> None:
        """What was told is a history without a gap."""
        self.subject.check()

    def _conserved(self) -> None:
        """Each payment's parts sum to it, each call's live parts to what it shows as paid, within its amount."""
        live: dict[int, int] = dict.fromkeys(self.seen["calls"], 0)
        for name, (_, applied, held, *gone) in self.seen["payments"].items():
            assert applied + held + sum(gone) == self.model.payments[name].wire.amount
            assert min(applied, held, *gone) >= 0
            assert applied == sum(amount for _, amount, _ in self.seen["parts"][name])
            assert (held > 0) == any(resolution is None for _, _, resolution, _ in self.seen["holds"][name])
            for call, amount, _ in self.seen["parts"][name]:
                live[call] += amount
        for call, (original, released, paid, *_) in self.seen["calls"].items():
            assert 0 <= paid == live[call] <= original - released

    def _forward(self, before: View) -> None:
        """Nothing once known is forgotten; versions only rise; no step leaves the graph."""
        for call, (*_, status, version) in before["calls"].items():
            now, newer = self.seen["calls"][call][-2:]
            assert newer >= version
            assert now in CALL_EDGES[status] or newer > version + 1
            assert now == "cancelled" or status != "cancelled"
        for name, (status, *_) in before["payments"].items():
            assert self.seen["payments"][name][0] in PAYMENT_EDGES[status]
        for name, holds in before["holds"].items():
            for (reason, _, resolution, version), (now, _, resolved, newer) in zip(
                holds, self.seen["holds"][name], strict=False
            ):
                assert newer == version + ((reason, resolution) != (now, resolved))
                assert resolution is None or (reason, resolution) == (now, resolved)
                assert now in HOLD_EDGES.get(reason, {reason})
