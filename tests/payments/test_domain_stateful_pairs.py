"""Every state of a call, a payment and a hold meets every event: the tables are the rules' text, not the code's.

A cell is the status that the event leads to, or the code of the refusal (for what banks send: the reason of the hold),
and then the status stays as it was; `=` says that nothing happens at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import pytest

from services.payments.domain import Action, Hold, PaymentStatus, Reason, Status
from shared.money import Minor
from tests.payments.model import Name, Wire, Word
from tests.payments.subjects import START, InMemory

TODAY: Final = START.date()
ACME: Final = "bank/acme"
FIRST: Final[Name] = (ACME, "E1")
STATUSES: Final = {str(status) for status in (*Status, *PaymentStatus)}

Step = Callable[[InMemory], object]


def word(call: int, stage: str, version: int = 1, amount: int = 1_000) -> Word:
    return Word(call, version, stage, amount, 1, TODAY, 0, 5)


def heard(stage: str, version: int = 1, amount: int = 1_000, call: int = 1) -> Step:
    return lambda s: s.hear([word(call, stage, version, amount)], 0)


def sent(name: str, amount: int, call: int | None = 1, *, source: str = ACME, currency: str = "USD") -> Step:
    return lambda s: s.receive([Wire(source, name, amount, TODAY, call=call, currency=currency)], 0)


def back(name: str = "R9", of: str = "E1", more: int = 0) -> Step:
    """The bank takes an entry back; by an amount of its own where it is wrong."""

    def step(s: InMemory) -> None:
        known = [payment.entry for identity, payment in s.payments.items() if identity[1] == of]
        source, amount, currency = (known[0].source, known[0].amount, known[0].currency) if known else (ACME, 1, "USD")
        s.receive([Wire(source, name, amount + more, TODAY, currency=currency, reverses=of)], 0)

    return step


def change(command: str) -> Step:
    return lambda s: s.change(1, command, 0)


def ticked(day: int) -> Step:
    return lambda s: s.tick(day)


LEGEND: Final = {
    "over": "over_payment",
    "currency": "currency_mismatch",
    "no": "invalid_transition",
    "closed": "call_closed",
    "unfound": "original_not_found",
    "twice": "already_reversed",
    "mismatch": "reversal_mismatch",
    "partly": "partially_paid",
    "parts": "invalid_parts",
    "account": "wrong_account",
    "unknown": "unknown_call",
    "nowhere": "call_not_found",
}


def grid(text: str) -> Mapping[tuple[str, str], str]:
    """(row, column) to cell, of a table with a head."""
    head, *rows = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return {
        (row[0], column): LEGEND.get(cell, cell) for row in rows for column, cell in zip(head[1:], row[1:], strict=True)
    }


def applied_by_a_person(s: InMemory) -> str | None:
    """Money that names nothing is applied to the call."""
    sent("E8", 400, None)(s)
    return s.resolve((ACME, "E8"), Action.APPLY, [(1, 400)], 0)


# ---- calls

CALL_STATES: Final[Mapping[str, tuple[Step, ...]]] = {
    "called": (heard("issued"),),
    "part": (heard("issued"), sent("E1", 400)),
    "paid": (heard("issued"), sent("E1", 1_000)),
    "overdue": (heard("issued"), ticked(1)),
    "late part": (heard("issued"), sent("E1", 400), ticked(1)),
    "defaulted": (heard("issued"), ticked(6)),
    "bad part": (heard("issued"), sent("E1", 400), ticked(6)),
    "bad, paid": (heard("issued"), sent("E1", 400), ticked(6), sent("E2", 600)),
    "released": (heard("issued"), sent("E1", 400), change("release")),
    "part again": (heard("issued"), sent("E1", 400), sent("E2", 300), change("release"), back("R2", "E2")),
    "reopened": (heard("issued"), sent("E1", 1_000), ticked(6), back("R1")),
    "cancelled": (heard("issued"), change("cancel")),
    "zero": (heard("issued", amount=0),),
    "pending": (heard("pending_approval"),),
    "scheduled": (heard("scheduled"),),
    "rejected": (heard("rejected"),),
    "withdrawn": (heard("withdrawn"),),
    "unheard": (),
}
CALL_EVENTS: Final[Mapping[str, Step]] = {
    "400 come": sent("E9", 400),
    "600 come": sent("E9", 600),
    "1000 come": sent("E9", 1_000),
    "euros come": sent("E9", 400, currency="EUR"),
    "E1 is reversed": back("E9"),
    "E1 is unapplied": lambda s: s.unapply(FIRST, 0) if FIRST in s.payments else "nothing",
    "a person applies 400": applied_by_a_person,
    "cancel": change("cancel"),
    "release": change("release"),
    "declare default": change("declare_default"),
    "the day after": ticked(1),
    "the last day of cure": ticked(5),
    "past cure": ticked(6),
    "issued is told": heard("issued", 3),
    "issued is told late": heard("issued", 1),
    "withdrawn is told": heard("withdrawn", 4),
}

CALLS: Final = grid("""
                     | called    | part      | paid     | overdue   | late part | defaulted | bad part  | bad, paid | released | part again | reopened  | cancelled | zero
400 come             | partly    | partly    | over     | overdue   | overdue   | defaulted | defaulted | over      | over     | over       | overdue   | closed    | over
600 come             | partly    | paid      | over     | overdue   | paid      | defaulted | paid      | over      | over     | over       | overdue   | closed    | over
1000 come            | paid      | over      | over     | paid      | over      | paid      | over      | over      | over     | over       | paid      | closed    | over
euros come           | currency  | currency  | currency | currency  | currency  | currency  | currency  | currency  | currency | currency   | currency  | closed    | currency
E1 is reversed       | unfound   | called    | called   | unfound   | overdue   | unfound   | defaulted | defaulted | called   | called     | twice     | unfound   | unfound
E1 is unapplied      | nothing   | called    | called   | nothing   | overdue   | nothing   | defaulted | defaulted | called   | called     | no        | nothing   | nothing
a person applies 400 | partly    | partly    | over     | overdue   | overdue   | defaulted | defaulted | over      | over     | over       | overdue   | closed    | over
cancel               | cancelled | no        | no       | cancelled | no        | cancelled | no        | no        | no       | no         | cancelled | closed    | no
release              | no        | paid      | no       | no        | paid      | no        | paid      | no        | no       | no         | no        | closed    | no
declare default      | defaulted | defaulted | no       | defaulted | defaulted | no        | no        | no        | no       | defaulted  | defaulted | closed    | no
the day after        | overdue   | overdue   | =        | =         | =         | =         | =         | =         | =        | overdue    | =         | =         | =
the last day of cure | overdue   | overdue   | =        | =         | =         | =         | =         | =         | =        | overdue    | =         | =         | =
past cure            | defaulted | defaulted | =        | defaulted | defaulted | =         | =         | =         | =        | defaulted  | defaulted | =         | =
issued is told       | =         | =         | =        | =         | =         | =         | =         | =         | =        | =          | =         | =         | =
issued is told late  | =         | =         | =        | =         | =         | =         | =         | =         | =        | =          | =         | =         | =
withdrawn is told    | =         | =         | =        | =         | =         | =         | =         | =         | =        | =          | =         | =         | =
""")  # noqa: E501  (a table)
PLANS: Final = grid("""
                     | pending | scheduled | rejected | withdrawn | unheard
400 come             | unknown | unknown   | closed   | closed    | unknown
600 come             | unknown | unknown   | closed   | closed    | unknown
1000 come            | unknown | unknown   | closed   | closed    | unknown
euros come           | unknown | unknown   | closed   | closed    | unknown
E1 is reversed       | unfound | unfound   | unfound  | unfound   | unfound
E1 is unapplied      | nothing | nothing   | nothing  | nothing   | nothing
a person applies 400 | unknown | unknown   | closed   | closed    | unknown
cancel               | no      | no        | closed   | closed    | nowhere
release              | no      | no        | closed   | closed    | nowhere
declare default      | no      | no        | closed   | closed    | nowhere
the day after        | =       | =         | =        | =         | =
the last day of cure | =       | =         | =        | =         | =
past cure            | =       | =         | =        | =         | =
issued is told       | called  | called    | called   | called    | called
issued is told late  | called  | called    | called   | called    | called
withdrawn is told    | =       | =         | =        | =         | =
""")


def status_of_call(s: InMemory) -> str | None:
    return next((str(call.status) for call in s.calls.values()), None)


def reason_of(s: InMemory, name: str) -> str | None:
    """Why the money of an entry is held, where it is."""
    holds = [p.hold for identity, p in s.payments.items() if identity[1] == name]
    return str(holds[0].reason) if holds and holds[0] else None


@pytest.mark.parametrize("event", CALL_EVENTS)
@pytest.mark.parametrize("state", CALL_STATES)
def test_every_state_of_a_call_meets_every_event(state: str, event: str) -> None:
    """Each pair of state and event does what the rules say, or is refused for the reason they give, and nothing else:
    a refusal, or a hold, leaves the call exactly as it was."""
    subject = InMemory()
    for step in CALL_STATES[state]:
        step(subject)
    before, calls = status_of_call(subject), dict(subject.calls)
    answer = CALL_EVENTS[event](subject)
    expected = {**CALLS, **PLANS}[event, state]
    if expected in STATUSES:
        assert (answer or reason_of(subject, "E9"), status_of_call(subject)) == (None, expected)
    else:
        assert (answer or reason_of(subject, "E9") or "=", status_of_call(subject)) == (expected, before)
        assert [c.version for c in subject.calls.values()] == [c.version for c in calls.values()]
    subject.check()


# ---- payments and their holds

HELD: Final[Mapping[Reason, tuple[Step, ...]]] = {
    Reason.UNKNOWN_CALL: (sent("E1", 400, 7),),
    Reason.NO_MATCH: (sent("E1", 400, None),),
    Reason.AMBIGUOUS_MATCH: (lambda s: s.receive([Wire(ACME, "E1", 400, TODAY, call=1, reference=2)], 0),),
    Reason.OVER_PAYMENT: (sent("E1", 1_001),),
    Reason.CURRENCY_MISMATCH: (sent("E1", 400, currency="EUR"),),
    Reason.CALL_CLOSED: (heard("withdrawn", call=7), sent("E1", 400, 7)),
    Reason.WRONG_ACCOUNT: (sent("E1", 400, source="bank/tokyo"),),
    Reason.POSSIBLE_DUPLICATE: (sent("X", 400, source="bank/tokyo"), sent("E1", 400, source="bank/tokyo/files")),
    Reason.UNAPPLIED: (sent("E1", 400), lambda s: s.unapply(FIRST, 0)),
}
HELD_BACK: Final[Mapping[Reason, tuple[Step, ...]]] = {
    Reason.ORIGINAL_NOT_FOUND: (back("E1", of="X"),),
    Reason.REVERSAL_MISMATCH: (sent("X", 400), back("E1", of="X", more=1)),
    Reason.ALREADY_REVERSED: (sent("X", 400), back("R0", of="X"), back("E1", of="X")),
}
ELSEWHERE: Final = {Reason.IDENTITY_CONFLICT}  # the reason that no payment can have: a conflict holds none
SETTLED: Final[Mapping[str, tuple[Step, ...]]] = {
    "applied": (sent("E1", 400),),
    "returned": (sent("E1", 400, None), lambda s: s.resolve(FIRST, Action.RETURN, (), 0)),
    "dismissed": (sent("E1", 400, None), lambda s: s.resolve(FIRST, Action.DISMISS, (), 0)),
    "reversed": (sent("E1", 400), back("R0")),
    "reversed by a person": (sent("E1", 400), lambda s: s.reverse(FIRST, "T0", 0)),
    "a reversal": (sent("X", 400), back("E1", of="X")),
    "a dismissed reversal": (back("E1", of="X"), lambda s: s.resolve(FIRST, Action.DISMISS, (), 0)),
}
PAYMENT_STATES: Final = {
    **{f"held, {reason}": steps for reason, steps in HELD.items()},
    **{f"held back, {reason}": steps for reason, steps in HELD_BACK.items()},
    **SETTLED,
}


def again(more: int = 0) -> Step:
    """The very entry once more, or one that contradicts it."""

    def step(s: InMemory) -> None:
        (entry,) = [payment.entry for identity, payment in s.payments.items() if identity[1] == "E1"]
        s.take_in([replace(entry, amount=Minor(entry.amount + more))], 0)

    return step


def ask(command: Callable[[InMemory, Name], str | None]) -> Step:
    """A person asks something about E1."""
    return lambda s: command(s, next(identity for identity in s.payments if identity[1] == "E1"))


PAYMENT_EVENTS: Final[Mapping[str, Step]] = {
    "the same again": again(),
    "another content": again(1),
    "reversed": back("R9"),
    "reversed wrongly": back("R9", more=1),
    "apply": ask(lambda s, e: s.resolve(e, Action.APPLY, [(2, 300), (3, s.payments[e].held - 300 or 100)], 0)),
    "apply too little": ask(lambda s, e: s.resolve(e, Action.APPLY, [(2, 1)], 0)),
    "apply nothing twice": ask(lambda s, e: s.resolve(e, Action.APPLY, [(2, 0), (3, s.payments[e].held)], 0)),
    "return": ask(lambda s, e: s.resolve(e, Action.RETURN, (), 0)),
    "dismiss": ask(lambda s, e: s.resolve(e, Action.DISMISS, (), 0)),
    "unapply": ask(lambda s, e: s.unapply(e, 0)),
    "a person reverses": ask(lambda s, e: s.reverse(e, "T9", 0)),
    "sweep": lambda s: s.sweep(0),
}
# A credit on hold; one whose currency, or account, fits no call; a reversal on hold; then settled ones.
PAYMENTS: Final = grid("""
                    | held      | currency_mismatch | wrong_account | held back | applied  | returned | dismissed | reversed | reversed by a person | a reversal | a dismissed reversal
the same again      | =         | =                 | =             | =         | =        | =        | =         | =        | =                    | =          | =
another content     | =         | =                 | =             | =         | =        | =        | =         | =        | =                    | =          | =
reversed            | reversed  | reversed          | reversed      | mismatch  | reversed | twice    | twice     | twice    | twice                | mismatch   | mismatch
reversed wrongly    | mismatch  | mismatch          | mismatch      | mismatch  | mismatch | mismatch | mismatch  | mismatch | mismatch             | mismatch   | mismatch
apply               | applied   | currency          | account       | no        | no       | no       | no        | no       | no                   | no         | no
apply too little    | parts     | parts             | parts         | no        | no       | no       | no        | no       | no                   | no         | no
apply nothing twice | parts     | parts             | parts         | no        | no       | no       | no        | no       | no                   | no         | no
return              | returned  | returned          | returned      | no        | no       | no       | no        | no       | no                   | no         | no
dismiss             | dismissed | dismissed         | dismissed     | dismissed | no       | no       | no        | no       | no                   | no         | no
unapply             | no        | no                | no            | no        | held     | no       | no        | no       | no                   | no         | no
a person reverses   | reversed  | reversed          | reversed      | no        | reversed | no       | no        | twice    | twice                | no         | no
sweep               | =         | =                 | =             | =         | =        | =        | =         | =        | =                    | =          | =
""")  # noqa: E501  (a table)


def column_of(state: str) -> str:
    kind, _, reason = state.partition(", ")
    if reason == "possible_duplicate":  # here, of an account that pays no call of these
        reason = "wrong_account"
    return reason if (kind, reason) in {("held", "currency_mismatch"), ("held", "wrong_account")} else kind


def payment_of(s: InMemory) -> tuple[str, Hold | None]:
    (found,) = [(str(p.status), p.hold) for identity, p in s.payments.items() if identity[1] == "E1"]
    return found


@pytest.mark.parametrize("event", PAYMENT_EVENTS)
@pytest.mark.parametrize("state", PAYMENT_STATES)
def test_every_state_of_a_payment_meets_every_event(state: str, event: str) -> None:
    """Each pair of where money is, for whatever reason it is held, and what is done about it does what the rules say,
    or is refused with its code and changes nothing; what is settled stays settled for ever."""
    subject = InMemory()
    for call in (1, 2, 3):
        heard("issued", call=call)(subject)
    for step in PAYMENT_STATES[state]:
        step(subject)
    before = payment_of(subject)
    assert before[0] == (PaymentStatus.HELD if state.startswith("held") else before[0])
    assert before[1] is None or str(before[1].reason) == state.partition(", ")[2]
    answer = PAYMENT_EVENTS[event](subject)
    expected = PAYMENTS[event, column_of(state)]
    if expected in STATUSES:
        assert (answer or reason_of(subject, "R9"), payment_of(subject)[0]) == (None, expected)
    else:
        assert (answer or reason_of(subject, "R9") or "=", payment_of(subject)) == (expected, before)
    assert len(subject.conflicts) == (event == "another content")
    _holds_settle(subject, before[1], payment_of(subject)[0])
    subject.check()


def _holds_settle(s: InMemory, before: Hold | None, status: str) -> None:
    """A hold that was open is settled as its payment is, in its next version; or it is open still, and the same."""
    if before is None:
        return
    after = s.holds[before.id]
    if status == PaymentStatus.HELD:
        assert after == before
    else:
        assert (str(after.resolution), after.version, after.reason) == (status, before.version + 1, before.reason)


def test_every_reason_and_status_is_in_the_tables() -> None:
    """No status and no reason is left out, so none can be undefined."""
    assert {*HELD, *HELD_BACK} | ELSEWHERE == set(Reason)
    assert {cell for cell in CALLS.values() if cell in set(map(str, Status))} | {"cancelled"} == set(map(str, Status))
    assert {cell for cell in PAYMENTS.values() if cell in STATUSES} == set(map(str, PaymentStatus)) - {"partly_held"}
    assert {column for _, column in {**CALLS, **PLANS}} == set(CALL_STATES)
    assert {column for _, column in PAYMENTS} == {column_of(state) for state in PAYMENT_STATES}


# ---- what a sweep finds

SWEPT: Final[Mapping[str, tuple[tuple[Step, ...], str]]] = {
    "the call is issued": ((sent("E1", 400), heard("issued")), "applied"),
    "the call is issued, of less": ((sent("E1", 1_001), heard("issued")), "over_payment"),
    "the call is issued, in dollars": ((sent("E1", 400, currency="EUR"), heard("issued")), "currency_mismatch"),
    "the call is another fund's": ((sent("E1", 400, source="bank/tokyo"), heard("issued")), "wrong_account"),
    "the call is cancelled": ((sent("E1", 400), heard("issued"), change("cancel")), "call_closed"),
    "the call is rejected": ((sent("E1", 400), heard("rejected")), "call_closed"),
    "the call is withdrawn": ((sent("E1", 400), heard("withdrawn")), "call_closed"),
    "the call is planned": ((sent("E1", 400), heard("scheduled")), "unknown_call"),
    "the call waits": ((sent("E1", 400), heard("pending_approval")), "unknown_call"),
    "the original came": ((back("E1", of="X"), sent("X", 1)), "reversed"),
    "the original came, of more": ((back("E1", of="X"), sent("X", 2)), "reversal_mismatch"),
    "the original came, and went": ((back("E1", of="X"), sent("X", 1), back("R1", of="X")), "already_reversed"),
    "the original did not come": ((back("E1", of="X"),), "original_not_found"),
}


@pytest.mark.parametrize("case", SWEPT)
def test_a_sweep_decides_again(case: str) -> None:
    """Each hold whose cause is gone is settled, or is held on for the reason that holds now; a second sweep does
    nothing."""
    subject = InMemory()
    steps, expected = SWEPT[case]
    for step in steps:
        step(subject)
    for _ in range(2):
        subject.sweep(0)
        status, hold = payment_of(subject)
        assert (str(hold.reason) if hold else status) == expected
        first = next(iter(sorted(subject.holds.values(), key=lambda each: each.id)))
        assert first.version == (1 if expected in {"unknown_call", "original_not_found"} else 2)


def test_a_sweep_goes_by_payment() -> None:
    """Of two that waited for a call with room for one, the first that was booked is applied, whichever is larger."""
    subject = InMemory()
    for step in (sent("E1", 600), sent("E2", 500), sent("E3", 400), heard("issued")):
        step(subject)
    subject.sweep(0)
    found = {identity[1]: str(payment.status) for identity, payment in subject.payments.items()}
    assert found == {"E1": "applied", "E2": "held", "E3": "applied"}
    assert reason_of(subject, "E2") == "over_payment"
