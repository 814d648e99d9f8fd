"""Promises about any history: order, repeats and batches do not matter where they must not; money is conserved."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.payments.domain import Entry, Kind, Terms
from shared.ids import CallId
from shared.money import Minor
from shared.reference import reference_of
from tests.payments.making import TODAY, credit, reversal, terms
from tests.payments.memory import Memory

AMOUNT = 1_000
Event = Terms | Entry


@dataclass(frozen=True, slots=True)
class History:
    """Events that fit, in one order, and the same ones in another order with repeats, cut into batches."""

    straight: list[Event]
    batches: list[list[Event]]


def _credits(draw: st.DrawFn, calls: int) -> list[Entry]:
    """Entries whose credits sum to at most each call's amount."""
    room: dict[int, int] = defaultdict(lambda: AMOUNT)
    entries: list[Entry] = []
    for n in range(draw(st.integers(1, 12))):
        call_id = draw(st.integers(1, calls + 1))  # the last one is never issued
        amount = draw(st.integers(1, 400))
        if amount > room[call_id]:
            continue
        room[call_id] -= amount
        entry = credit(f"E{n}", amount, call_id, value_date=TODAY + timedelta(days=draw(st.integers(0, 3))))
        entries.append(_told(draw(st.sampled_from(["id", "reference", "nothing", "both", "currency"])), entry))
    return entries


def _told(how: str, entry: Entry) -> Entry:
    assert entry.call_id is not None
    match how:
        case "reference":
            return replace(entry, call_id=None, reference=reference_of(entry.call_id))
        case "nothing":
            return replace(entry, call_id=None)
        case "both":
            return replace(entry, reference=reference_of(entry.call_id + 1))
        case "currency":
            return replace(entry, currency="EUR")
        case _:
            return entry


@st.composite
def histories(draw: st.DrawFn) -> History:
    calls = draw(st.integers(1, 4))
    events: list[Event] = [terms(n, AMOUNT) for n in range(1, calls + 1)]
    entries = _credits(draw, calls)
    for n, entry in enumerate(entries):
        match draw(st.sampled_from(["stays", "stays", "reversed", "mismatch", "stranger"])):
            case "reversed":
                events.append(reversal(entry, f"R{n}"))
            case "mismatch":
                events.append(replace(reversal(entry, f"R{n}"), amount=Minor(entry.amount + 1)))
            case "stranger":
                events.append(replace(reversal(entry, f"R{n}"), reverses="never seen"))
            case _:
                pass
    events.extend(entries)
    shuffled = draw(st.permutations(events + draw(st.lists(st.sampled_from(events), max_size=6))))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=6)))
    batches = [list(shuffled[a:b]) for a, b in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
    return History(events, batches)


def _play(memory: Memory, batch: list[Event]) -> None:
    """A mixed batch: terms, then payments."""
    memory.hear([event for event in batch if isinstance(event, Terms)])
    memory.receive([event for event in batch if isinstance(event, Entry)])


@settings(max_examples=150, deadline=None)
@given(histories(), st.booleans())
def test_order_repeats_and_batches_do_not_matter(history: History, sweep_between: bool) -> None:
    """Any order, repetition and batching of events that fit ends in the same calls and payments."""
    straight, shuffled = Memory(), Memory()
    _play(straight, history.straight)
    straight.sweep()
    for batch in history.batches:
        _play(shuffled, batch)
        if sweep_between:
            shuffled.sweep()
    shuffled.sweep()
    assert shuffled.state() == straight.state()


def _conserved(memory: Memory) -> None:
    paid: dict[CallId, int] = defaultdict(int)
    for payment in memory.payments.values():
        parts = (payment.applied, payment.held, payment.returned, payment.dismissed, payment.reversed)
        assert sum(parts) == payment.entry.amount
        assert min(parts) >= 0
        assert payment.applied == sum(posting.amount for posting in payment.applications)
        assert payment.held == (payment.hold.amount if payment.hold else 0)
        for posting in payment.applications:
            paid[posting.call_id] += posting.amount
    for call in memory.calls.values():
        assert 0 <= call.paid == paid[call.id] <= call.amount
    told: dict[CallId, list[int]] = defaultdict(list)
    for call_id, version in memory.versions:
        told[call_id].append(version)
    for call_id, versions in told.items():
        assert versions == list(range(1, memory.calls[call_id].version + 1))


@st.composite
def any_batches(draw: st.DrawFn) -> list[list[Event]]:
    """Whatever banks may say: over-payments, contradictions, reversals of anything, twice or more."""
    events: list[Event] = [terms(n, AMOUNT) for n in range(1, draw(st.integers(1, 3)) + 1)]
    for _ in range(draw(st.integers(1, 25))):
        name = f"E{draw(st.integers(0, 6))}"
        entry = credit(name, draw(st.sampled_from([1, 300, 500, 1_000, 1_001])), draw(st.integers(1, 4)))
        if draw(st.integers(0, 3)) == 0:
            back = reversal(credit(f"E{draw(st.integers(0, 6))}", entry.amount), f"R{draw(st.integers(0, 4))}")
            events.append(back)
        else:
            events.append(entry)
    events = draw(st.permutations(events))
    size = draw(st.integers(1, len(events)))
    return [events[n : n + size] for n in range(0, len(events), size)]


@settings(max_examples=150, deadline=None)
@given(any_batches())
def test_money_is_conserved_whatever_comes(batches: list[list[Event]]) -> None:
    """After every batch: each payment's parts sum to it, postings sum to each call's paid, versions have no gap."""
    memory = Memory()
    for batch in batches:
        _play(memory, batch)
        _conserved(memory)
        memory.sweep()
        _conserved(memory)
    assert all(p.entry.kind is Kind.CREDIT or not p.applications for p in memory.payments.values())
