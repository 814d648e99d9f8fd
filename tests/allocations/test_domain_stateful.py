"""Promises about every history of an allocation: commands, and facts in any order, beside a model of a few integers."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from services.allocations.domain import (
    Allocation,
    Call,
    Command,
    Report,
    Reported,
    Stage,
    advance,
    decide,
    fold_reports,
    moved,
    over_commitment,
)
from shared.ids import CallId
from shared.money import Minor
from shared.refusal import Refused
from tests.allocations.facts import NOW, POLICY, TODAY, allocation, call, report
from tests.support.effort import effort

K = 1_000

# Where a stage goes on a command, or why it does not: the rules' text, not the code's table.
GOES = {
    ("pending_approval", "approve"): "scheduled",
    ("pending_approval", "reject"): "rejected",
    ("pending_approval", "withdraw"): "withdrawn",
    ("scheduled", "withdraw"): "withdrawn",
    ("scheduled", "issue"): "issued",
    ("issued", "issue"): "issued",
}
EDGES = {
    "committed": {"committed", "partially_called", "called"},
    "partially_called": {"committed", "partially_called", "called", "partially_funded"},
    "called": {"committed", "partially_called", "called", "partially_funded", "funded"},
    "partially_funded": {"committed", "partially_called", "called", "partially_funded", "funded"},
    "funded": {"committed", "partially_called", "called", "partially_funded", "funded"},
}


@dataclass(slots=True)
class Known:
    """What allocations knows of a call."""

    amount: int
    stage: str
    heard: int = 0
    released: int = 0
    paid: int = 0
    postings: int = 0
    cancelled: bool = False

    @property
    def planned(self) -> int:
        counts = self.stage in {"pending_approval", "scheduled", "issued"} and not self.cancelled
        return self.amount - self.released if counts else 0

    @property
    def called(self) -> int:
        return self.planned if self.stage == "issued" else 0


def status_of(called: int, funded: int, *, fresh: bool) -> str:
    """The state, as the rules' text has it."""
    lines = {
        "committed": called == 0,
        "funded": funded == K,
        "partially_funded": funded > 0 and not fresh,
        "called": called == K,
        "partially_called": True,
    }
    return next(status for status, holds in lines.items() if holds)


def but(said: Report, **changes: object) -> Report:
    """The report with some members changed."""
    return Report(**{name: changes.get(name, getattr(said, name)) for name in Report.__annotations__})  # type: ignore[arg-type]  # members by name


class Promise(RuleBasedStateMachine):
    """One allocation; what payments says of its calls comes late, twice, in any order and in batches."""

    @initialize()
    def begin(self) -> None:
        self.allocation: Allocation = allocation(K)
        self.calls: dict[CallId, Call] = {}
        self.model: dict[CallId, Known] = {}
        self.fresh = False
        self.said: dict[CallId, list[Report]] = {}  # by payments, in the order of versions

    # ---- commands

    @rule(amount=st.sampled_from([0, 1, 100, 250, 500, 1_000]), stage=st.sampled_from(["issued", *Stage]))
    def create(self, amount: int, stage: str) -> None:
        """A plan or a call; refused beyond what is free, which the refusal names."""
        if stage in {"rejected", "withdrawn"}:
            return
        planned = sum(known.planned for known in self.model.values())
        refused = over_commitment(self.allocation, amount)
        assert (refused is not None) == (amount > K - planned)
        if refused is not None:
            assert refused.code == "over_commitment"
            assert refused.facts["free"] == f"{(K - planned) // 100}.{(K - planned) % 100:02d}"
            return
        made = call(len(self.calls) + 1, amount, Stage(stage))
        self.calls[made.id], self.model[made.id] = made, Known(amount, stage)
        self._step(moved(self.allocation, planned_by=made.planned, called_by=made.called))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), command=st.sampled_from(Command))
    def ask(self, data: st.DataObject, command: Command) -> None:
        """A person, or the clock, moves a plan; what is closed stays closed."""
        call_id = data.draw(st.sampled_from(sorted(self.calls)))
        before, known = self.calls[call_id], self.model[call_id]
        after = decide(before, command, policy=POLICY, today=TODAY, now=NOW)
        goes = None if known.cancelled else GOES.get((known.stage, str(command)))
        if goes is None:
            closed = known.cancelled or known.stage in {"rejected", "withdrawn"}
            assert isinstance(after, Refused)
            assert after.code == ("call_closed" if closed else "invalid_transition")
            return
        assert isinstance(after, Call)
        assert (after.stage, after.terms_version) == (goes, before.terms_version + (goes != known.stage))
        self.calls[call_id], known.stage = after, goes
        planned_by, called_by = after.planned - before.planned, after.called - before.called
        self._step(moved(self.allocation, planned_by=planned_by, called_by=called_by))

    # ---- facts

    @precondition(lambda self: any(known.stage == "issued" for known in self.model.values()))
    @rule(
        data=st.data(),
        what=st.sampled_from(["pay", "pay", "pay all", "reverse", "there and back", "release", "cancel"]),
    )
    def happen(self, data: st.DataObject, what: str) -> None:
        """Something happens to a receivable; payments says so, and allocations has not heard it yet."""
        issued = [call_id for call_id, known in self.model.items() if known.stage == "issued"]
        call_id = data.draw(st.sampled_from(issued))
        made, told = self.calls[call_id], self.said.setdefault(call_id, [])
        if not told:
            told.append(report(made, 1))
        last = told[-1]
        paid, released, postings = int(last.paid), int(last.released), last.postings
        cancelled = last.status == "cancelled"
        room = made.amount - released - paid
        match what:
            case "pay" | "pay all" if room and not cancelled:
                paid += room if what == "pay all" else data.draw(st.integers(1, room))
                postings += 1
            case "reverse" if paid:
                paid -= data.draw(st.integers(1, paid))
                postings += 1
            case "there and back" if room and not cancelled:
                postings += 2
            case "release" if paid and room and not released:
                released = room
            case "cancel" if not paid and made.amount - released and not cancelled:
                cancelled = True
            case _:
                pass  # it cannot happen now: the clock alone makes a version
        sums = {"paid": paid, "postings": postings, "released": released}
        told.append(report(made, last.version + 1, cancelled=cancelled, **sums))

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """A batch of what was said, in any order, some of it again."""
        everything = [each for told in self.said.values() for each in told]
        self._hear(data.draw(st.lists(st.sampled_from(everything), min_size=1, max_size=6)))

    @precondition(lambda self: self.said)
    @rule(data=st.data(), lie=st.sampled_from(["more paid", "other amount", "other currency", "nobody's"]))
    def hear_a_lie(self, data: st.DataObject, lie: str) -> None:
        """What no receivable of ours can say is set aside, and the true report beside it counts."""
        true = data.draw(st.sampled_from([told[-1] for told in self.said.values()]))
        lies = {
            "more paid": but(true, paid=Minor(true.amount + 1), version=true.version + 1),
            "other amount": but(true, original=Minor(true.original + 1), version=true.version + 1),
            "other currency": but(true, currency="EUR", version=true.version + 1),
            "nobody's": but(true, call_id=CallId(99)),
        }
        self._hear([true, but(lies[lie], place=7)], doubts=[7])

    def _hear(self, batch: Iterable[Report], doubts: Iterable[int] = ()) -> None:
        batch = list(batch)
        known = {c.id: Reported(c.id, c.allocation_id, c.stage, c.amount, c.receivable) for c in self.calls.values()}
        folded = fold_reports({self.allocation.id: self.allocation}, known, batch, now=NOW)
        assert [doubt.place for doubt in folded.doubts] == list(doubts)
        for call_id, receivable in folded.receivables.items():
            self.calls[call_id] = replace(self.calls[call_id], receivable=receivable)
        postings, called, funded = self._totals()
        for each in batch:
            mine = self.model.get(each.call_id)
            if mine is not None and each.place not in doubts and each.version > mine.heard:
                mine.heard, mine.released, mine.paid = each.version, each.released, each.paid
                mine.postings, mine.cancelled = each.postings, each.status == "cancelled"
        now = self._totals()
        self.fresh = self.fresh and now[:2] == (postings, called)
        after = folded.allocations.get(self.allocation.id, self.allocation)
        self._advance(after, self._cause_of_facts(now[2] - funded, now[1] - called, now[0] - postings))

    def _totals(self) -> tuple[int, int, int]:
        known = self.model.values()
        return sum(k.postings for k in known), sum(k.called for k in known), sum(k.paid for k in known)

    @staticmethod
    def _cause_of_facts(funded: int, called: int, postings: int) -> str:
        causes = {
            "PAYMENT_RECEIVED": funded > 0,
            "PAYMENT_REVERSED": funded < 0,
            "CALL_CANCELLED": called < 0,
            "PAYMENT_RECEIVED ": postings > 0,
        }
        return next((cause.strip() for cause, holds in causes.items() if holds), "")

    # ---- what always holds

    def _step(self, after: Allocation) -> None:
        """A command's own step: a rise of C says that a call came last."""
        self.fresh = self.fresh or after.called > self.allocation.called
        causes = {
            "CREATE_CALL": after.called > self.allocation.called,
            "CALL_PLANNED": after.planned > self.allocation.planned,
            "CALL_WITHDRAWN": after.planned < self.allocation.planned,
        }
        cause = next((cause for cause, holds in causes.items() if holds), "")
        self._advance(advance(self.allocation, after, now=NOW), cause)

    def _advance(self, after: Allocation, cause: str) -> None:
        before, self.allocation = self.allocation, after
        assert after.status in EDGES[before.status]
        marks = [(a.planned, a.called, a.funded, a.fresh) for a in (before, after)]
        assert after.version == before.version + (marks[0] != marks[1])
        if after is not before:
            assert (after.cause, after.previous_status) == (cause, before.status)

    @invariant()
    def amounts_follow_from_the_calls(self) -> None:
        """P, C and F are the sums over calls, in their order, and the state is the documented function of them."""
        a, known = self.allocation, self.model.values()
        planned, called, funded = (sum(getattr(k, what) for k in known) for what in ("planned", "called", "paid"))
        assert (a.planned, a.called, a.funded, a.fresh) == (planned, called, funded, self.fresh)
        assert 0 <= funded <= called <= planned <= K
        assert a.status == status_of(called, funded, fresh=self.fresh)
        assert a.funding_status == ("funded" if funded == K else "partially_paid" if funded else "committed")
        assert {c.id: (c.planned, c.called) for c in self.calls.values()} == {
            call_id: (k.planned, k.called) for call_id, k in self.model.items()
        }

    def teardown(self) -> None:
        """Once everything was heard, allocations knows what payments knows."""
        for told in self.said.values():
            self._hear(told[-1:])
        assert self.allocation.funded == sum(told[-1].paid for told in self.said.values())
        assert {call_id: self.calls[call_id].receivable.version for call_id in self.said} == {
            call_id: told[-1].version for call_id, told in self.said.items()
        }


def test_an_allocation_is_what_its_calls_are() -> None:
    """Whatever is asked, and in whatever order facts come: 0 ≤ F ≤ C ≤ P ≤ K, the state is the documented function of
    them, versions rise by one with the documented cause, and refusals have the documented codes."""
    run_state_machine_as_test(Promise, settings=effort(30, steps=30))
