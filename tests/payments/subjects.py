"""The real rules behind the interface of the model: on dicts of their own objects, and on a real database."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, Protocol

from services.payments import domain
from services.payments.domain import (
    Action,
    Conflict,
    Entry,
    Hold,
    Ids,
    Kind,
    Outcome,
    Part,
    Payment,
    Plan,
    Posting,
    PostingKind,
    Terms,
)
from shared.ids import AllocationId, CallId, DealId, FundId
from shared.money import Minor
from shared.reference import reference_of
from shared.refusal import Refused
from tests.payments.model import Model, Name, View, Wire, Word

START: Final = datetime(2026, 3, 2, 16, tzinfo=UTC)  # still the morning in New York, already the next day in Tokyo
ZONES: Final = {1: "America/New_York", 2: "Asia/Tokyo"}
ACCOUNTS: Final = {"bank/tokyo": 2, "bank/tokyo/files": 2}  # pay fund 2's calls only
SAME: Final = {"bank/tokyo": "bank/tokyo/files", "bank/tokyo/files": "bank/tokyo"}  # and are one account
APPLYING: Final = frozenset({2})  # takes what fits of a payment
MANUAL: Final = "manual/reversal/"


def model() -> Model:
    """The model, told what the subjects know from the beginning."""
    return Model(ACCOUNTS, SAME, APPLYING)


def now_on(day: int) -> datetime:
    """An instant so many days on."""
    return START + timedelta(days=day)


def dates_on(day: int) -> dict[int, date]:
    """What each fund calls today."""
    return {1: START.date() + timedelta(days=day), 2: START.date() + timedelta(days=day + 1)}


def entry_of(wire: Wire) -> Entry:
    """The wire as the domain knows it."""
    written = None if wire.reference is None else reference_of(wire.reference)
    free_text = wire.spelled == "in free text"
    if written is not None and wire.spelled == "sloppily":
        written = " ".join((written[:4], written[4:9], written[9:])).lower()
    return Entry(
        source=wire.source,
        external_id=wire.id,
        kind=Kind.CREDIT if wire.reverses is None else Kind.REVERSAL,
        amount=Minor(wire.amount),
        currency=wire.currency,
        value_date=wire.day,
        call_id=None if wire.call is None else CallId(wire.call),
        reference=None if free_text else written,
        remittance=f"for {written}, with thanks" if free_text and written else None,
        reverses=wire.reverses,
    )


def terms_of(word: Word) -> Terms:
    """The word as the domain knows it."""
    return Terms(
        id=CallId(word.call),
        allocation_id=AllocationId(word.fund),
        fund_id=FundId(word.fund),
        deal_id=DealId(9),
        seq_no=word.call,
        reference=reference_of(word.call),
        currency="USD",
        amount=Minor(word.amount),
        due_on=word.due,
        grace_days=word.grace,
        cure_days=word.cure,
        terms_version=word.version,
        stage=domain.Stage(word.stage),
        time_zone=ZONES[word.fund],
    )


def reversal_of(payment: Payment, tx: str, day: date) -> Entry:
    """What is booked where a person says that a payment's money left."""
    told = payment.entry
    wire = Wire(f"{MANUAL}{payment.id}", tx, told.amount, day, currency=told.currency, reverses=told.external_id)
    return entry_of(wire)


class Subject(Protocol):
    """What the machine drives. Commands answer a refusal's code, None where the thing is done."""

    def hear(self, words: Sequence[Word], day: int) -> None: ...
    def receive(self, wires: Sequence[Wire], day: int) -> None: ...
    def sweep(self, day: int) -> None: ...
    def tick(self, day: int) -> None: ...
    def resolve(self, name: Name, action: Action, parts: Sequence[tuple[int, int]], day: int) -> str | None: ...
    def unapply(self, name: Name, day: int) -> str | None: ...
    def reverse(self, name: Name, tx: str, day: int) -> str | None: ...
    def dismiss_conflict(self, number: int, day: int) -> str | None: ...
    def change(self, call: int, command: str, day: int) -> str | None: ...
    def view(self) -> View: ...
    def check(self) -> None: ...


def code_of(answer: object) -> str | None:
    """The code of a refusal; None of anything else."""
    return answer.code if isinstance(answer, Refused) else None


def view_of(
    calls: Iterable[domain.Call], payments: Sequence[Payment], holds: Iterable[Hold], conflicts: Iterable[Conflict]
) -> View:
    """The domain's objects, in the model's words."""
    real = {payment.id: payment.entry.identity for payment in payments}
    names = {
        payment_id: (MANUAL + "/".join(real[int(source.removeprefix(MANUAL))]), tx)  # type: ignore[index]  # a plain number
        if source.startswith(MANUAL)
        else (source, tx)
        for payment_id, (source, tx) in real.items()
    }
    of_payment: dict[Name, list[Any]] = {name: [] for name in names.values()}
    likenesses: dict[Name, Name] = {}
    of_conflict: dict[int, str] = {}
    for hold in sorted(holds, key=lambda hold: hold.id):
        resolution = None if hold.resolution is None else str(hold.resolution)
        if hold.payment_id is not None:
            if hold.resembles_id is not None:
                likenesses[names[hold.payment_id]] = names[hold.resembles_id]
            of_payment[names[hold.payment_id]].append((str(hold.reason), hold.call_id, resolution, hold.version))
        elif hold.conflict_id is not None:
            of_conflict[hold.conflict_id] = str(resolution)
    return {
        "calls": {
            c.id: (c.original, c.released, c.paid, c.postings, c.last_paid_on, str(c.status), c.version) for c in calls
        },
        "flags": {c.id: (c.cancelled, c.defaulted) for c in calls},
        "payments": {
            names[p.id]: (str(p.status), p.applied, p.held, p.returned, p.dismissed, p.reversed) for p in payments
        },
        "parts": {names[p.id]: sorted((a.call_id, a.amount, a.value_date) for a in p.applications) for p in payments},
        "holds": of_payment,
        "originals": {names[p.id]: names[p.original_id] if p.original_id else None for p in payments},
        "likenesses": likenesses,
        "conflicts": sorted((c.entry.identity, of_conflict[c.id]) for c in conflicts),
    }


CHANGES: Final[Mapping[str, Callable[[domain.Call], domain.Call | Refused]]] = {
    "cancel": domain.cancel,
    "release": domain.release_remainder,
    "declare_default": domain.declare_default,
}


@dataclass(slots=True)
class InMemory:
    """The pure rules, and dicts that keep what they say: each method is a transaction of the service."""

    calls: dict[CallId, domain.Call] = field(default_factory=dict)
    plans: dict[CallId, Plan] = field(default_factory=dict)
    payments: dict[domain.Identity, Payment] = field(default_factory=dict)
    holds: dict[int, Hold] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    versions: list[domain.Version] = field(default_factory=list)  # everything that was told of calls, in order
    numbers: int = 0

    def hear(self, words: Sequence[Word], day: int) -> None:
        for terms in domain.newest_terms(map(terms_of, words)):
            if terms.stage is not domain.Stage.ISSUED:
                known = self.plans.get(terms.id)
                if known is None or known.terms_version < terms.terms_version:
                    self.plans[terms.id] = Plan(terms.id, terms.stage, terms.terms_version)
            elif terms.id not in self.calls:
                issued = domain.issue(terms, dates_on(day)[terms.fund_id])
                self._change(issued, None)

    def receive(self, wires: Sequence[Wire], day: int) -> None:
        self.take_in([entry_of(wire) for wire in wires], day)

    def take_in(self, entries: Iterable[Entry], day: int) -> None:
        """A batch in the domain's own words."""
        book = replace(self._book(), lookalikes=domain.Lookalikes(dict.fromkeys(SAME, "tokyo"), self._seen()))
        self._keep(domain.receive(book, map(domain.arrived, entries), self._ids(), now_on(day)))

    def _seen(self) -> list[domain.Seen]:
        """The credits of the account with two names, and which of them are likenesses, as far as people agree."""
        resembled = {h.payment_id: h.resembles_id for h in self.holds.values() if h.resolution not in domain.TOLD_APART}
        return [
            domain.seen(payment.id, payment.entry, resembled.get(payment.id))
            for payment in self.payments.values()
            if payment.entry.source in SAME and payment.entry.kind is Kind.CREDIT
        ]

    def sweep(self, day: int) -> None:
        self._keep(domain.reconsider(self._book(), self._ids(), now_on(day)))

    def tick(self, day: int) -> None:
        for call in list(self.calls.values()):
            today = dates_on(day)[call.fund_id]
            if call.watch_on is not None and call.watch_on <= today:
                after = domain.tick(call, today)
                self.calls[call.id] = after
                if after.version != call.version:
                    self._change(after, call)

    def resolve(self, name: Name, action: Action, parts: Sequence[tuple[int, int]], day: int) -> str | None:
        payment, sheet = self._find(name), domain.Worksheet(self._book(), self._ids(), now_on(day))
        match action:
            case Action.APPLY:
                wanted = [Part(CallId(call), Minor(amount)) for call, amount in parts]
                return self._done(sheet, domain.apply_held(sheet, payment, wanted))
            case Action.RETURN:
                return self._done(sheet, domain.return_held(sheet, payment))
            case Action.DISMISS:
                return self._done(sheet, domain.dismiss_held(sheet, payment))

    def unapply(self, name: Name, day: int) -> str | None:
        sheet = domain.Worksheet(self._book(), self._ids(), now_on(day))
        return self._done(sheet, domain.unapply(sheet, self._find(name)))

    def reverse(self, name: Name, tx: str, day: int) -> str | None:
        payment = self._find(name)
        reversal = reversal_of(payment, tx, dates_on(day)[1])
        if reversal.identity in self.payments:
            return None
        sheet = domain.Worksheet(self._book(), self._ids(), now_on(day))
        return self._done(sheet, domain.reverse(sheet, payment, reversal))

    def dismiss_conflict(self, number: int, day: int) -> str | None:
        conflict = self.conflicts[number]
        (hold,) = [hold for hold in self.holds.values() if hold.conflict_id == conflict.id]
        done = domain.dismiss_conflict(conflict, hold, Action.DISMISS)
        if isinstance(done, Hold):
            self.holds[done.id] = done
        return code_of(done)

    def change(self, call: int, command: str, day: int) -> str | None:
        known = self.calls.get(CallId(call))
        if known is None:
            plan = self.plans.get(CallId(call))
            if plan is None:
                return "call_not_found"
            return "call_closed" if plan.stage in domain.CLOSED_STAGES else "invalid_transition"
        after = CHANGES[command](known)
        if isinstance(after, domain.Call):
            self._change(after, known)
        return code_of(after)

    def view(self) -> View:
        return view_of(self.calls.values(), list(self.payments.values()), self.holds.values(), self.conflicts)

    def check(self) -> None:
        """What was told of each call is its history: no version missing, each sum what its postings make it."""
        last: dict[CallId, domain.Call] = {}
        for version in self.versions:
            call, before = version.call, last.get(version.call.id)
            moved = sum(p.amount if p.kind is PostingKind.APPLIED else -p.amount for p in version.applied)
            assert call.version == (before.version + 1 if before else 1)
            assert version.previous_status == (before.status if before else None)
            assert call.paid == (before.paid if before else 0) + moved
            assert call.postings == (before.postings if before else 0) + len(version.applied)
            assert {p.call_version for p in version.applied} <= {call.version}
            last[call.id] = call
        assert {c.id: c.version for c in last.values()} == {c.id: c.version for c in self.calls.values()}
        self._check_postings([posting for version in self.versions for posting in version.applied])

    def _check_postings(self, told: Sequence[Posting]) -> None:
        """Each has a number of its own, and what is undone was applied, is undone once, and by one like it."""
        by_id = {posting.id: posting for posting in told}
        assert len(by_id) == len(told)
        undone = [posting for posting in told if posting.kind is PostingKind.UNDONE]
        assert len({posting.undoes for posting in undone}) == len(undone)
        for posting in undone:
            assert posting.undoes is not None
            applied = by_id[posting.undoes]
            assert applied.kind is PostingKind.APPLIED
            for same in ("payment_id", "source", "external_id", "call_id", "amount", "currency"):
                assert getattr(applied, same) == getattr(posting, same)
        live = {posting.id for posting in told} - {posting.undoes for posting in undone} - {p.id for p in undone}
        assert live == {posting.id for p in self.payments.values() for posting in p.applications}

    def _find(self, name: Name) -> Payment:
        source = name[0]
        if source.startswith(MANUAL):
            original = tuple(source.removeprefix(MANUAL).rsplit("/", 1))
            source = f"{MANUAL}{self._find((original[0], original[1])).id}"
        return self.payments[source, name[1]]

    def _ids(self) -> Ids:
        """Numbers that are nobody else's, of whatever kind."""
        self.numbers += 1_500
        return Ids(*(deque(range(self.numbers + n, self.numbers + n + 500)) for n in (0, 500, 1_000)))

    def _book(self) -> domain.Book:
        days: dict[CallId, Counter[date]] = {call_id: Counter() for call_id in self.calls}
        for payment in self.payments.values():
            for posting in payment.applications:
                days[posting.call_id][posting.value_date] += 1
        return domain.Book(
            calls=dict(self.calls),
            closed={p.id for p in self.plans.values() if p.stage in domain.CLOSED_STAGES} - self.calls.keys(),
            accounts={alias: FundId(fund) for alias, fund in ACCOUNTS.items()},
            known={identity: domain.Known(p.id, p.content) for identity, p in self.payments.items()},
            conflicts={(c.entry.identity, c.content) for c in self.conflicts},
            payments=dict(self.payments),
            paid_days=days,
            applying={FundId(fund) for fund in APPLYING},
        )

    def _done(self, sheet: domain.Worksheet, answer: Payment | Refused) -> str | None:
        if isinstance(answer, Payment):
            self._keep(sheet.finish())
            assert self.payments[answer.entry.identity] == answer
        return code_of(answer)

    def _keep(self, outcome: Outcome) -> None:
        assert {p.id for p in outcome.changed} <= {p.id for p in self.payments.values()}
        assert not {p.entry.identity for p in outcome.booked} & self.payments.keys()
        self.payments |= {payment.entry.identity: payment for payment in (*outcome.booked, *outcome.changed)}
        assert not {hold.id for hold in outcome.opened} & self.holds.keys()
        assert {hold.id for hold in outcome.reheld} <= self.holds.keys()
        self.holds |= {hold.id: hold for hold in (*outcome.opened, *outcome.reheld)}
        self.conflicts += outcome.conflicts
        self.calls |= {call.id: call for call in outcome.calls}
        self.versions += outcome.versions

    def _change(self, after: domain.Call, before: domain.Call | None) -> None:
        self.calls[after.id] = after
        self.versions.append(domain.Version(after, before.status if before else None))
