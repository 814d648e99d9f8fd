"""Promises of order: what fits may come in any order, in any batches, any number of times, and ends alike.

It fits where each call's credits sum to at most its amount, no identity says two things, nothing is cancelled, released
or decided by people. Of several reversals of one payment the first to come takes it back, whichever that is.
"""

from collections import defaultdict
from dataclasses import replace
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from tests.payments.machine import CALLS, SOURCES, days, reversal_of, spellings, words
from tests.payments.model import Wire, Word
from tests.payments.subjects import InMemory
from tests.support.effort import effort

Event = Word | Wire
HOWS = ["id", "id", "reference", "both", "torn", "nothing", "in euros", "on another account"]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events that fit, in the order in which they would come in an ideal world."""
    lives = draw(words())
    last = {life[-1].call: life[-1] for life in lives}
    room = {call: last[call].amount if call in last else 1_000 for call in range(1, CALLS + 1)}
    wires: list[Wire] = []
    for number in range(draw(st.integers(1, 10))):
        call = draw(st.integers(1, CALLS))
        amount = min(draw(st.sampled_from([150, 1, 333, 1_000])), room[call])
        if amount == 0:
            continue
        room[call] -= amount
        fund = last[call].fund if call in last else 1
        wire = Wire(SOURCES[fund], f"E{number}", amount, draw(days), call=call, spelled=draw(spellings))
        wires.append(told(wire, draw(st.sampled_from(HOWS)), fund))
    if not wires:
        return [word for life in lives for word in life]
    backs = [reversal_of(wire, n) for n, wire in enumerate(draw(st.lists(st.sampled_from(wires), max_size=5)))]
    backs += [reversal_of(wire, n + 20, more=1) for n, wire in enumerate(wires[: draw(st.integers(0, 1))])]
    backs += [reversal_of(wire, n + 30) for n, wire in enumerate(backs[: draw(st.integers(0, 1))])]
    backs += [replace(reversal_of(wire, n + 40), reverses="never") for n, wire in enumerate(wires[:1])]
    return [*(word for life in lives for word in life), *wires, *backs]


def told(wire: Wire, how: str, fund: int) -> Wire:
    """The same money, said in another way."""
    match how:
        case "reference":
            return replace(wire, call=None, reference=wire.call)
        case "both":
            return replace(wire, reference=wire.call)
        case "torn":
            return replace(wire, reference=(wire.call or 0) % CALLS + 1)
        case "nothing":
            return replace(wire, call=None)
        case "in euros":
            return replace(wire, currency="EUR")
        case "on another account":
            return replace(wire, source=SOURCES[3 - fund])
        case _:
            return wire


def play(subject: InMemory, batch: list[Event]) -> None:
    """A mixed batch: terms, then payments."""
    subject.hear([event for event in batch if isinstance(event, Word)], 0)
    subject.receive([event for event in batch if isinstance(event, Wire)], 0)


def settled(subject: InMemory) -> dict[str, Any]:
    """Where everything ends, once the sweeps and the clock have nothing left to do."""
    subject.sweep(0)
    held = subject.view()
    subject.sweep(0)
    assert subject.view() == held, "one sweep is enough"
    subject.tick(9)
    subject.check()
    view = subject.view()
    ends: dict[object, list[object]] = defaultdict(list)
    for (source, name), payment in view["payments"].items():
        (entry,) = [p.entry for identity, p in subject.payments.items() if identity == (source, name)]
        reason = [hold[:2] for hold in view["holds"][source, name] if hold[2] is None]
        # Reversals of one payment go by what they take back, since any of them may be the one that did.
        known = (source, name) if entry.reverses is None else (source, entry.reverses, entry.amount, "taken back")
        ends[known].append((payment, view["parts"][source, name], reason, view["originals"][source, name]))
    return {
        "calls": {call: (*told[:3], told[4], told[5]) for call, told in view["calls"].items()},  # postings: any number
        "payments": {name: sorted(each, key=repr) for name, each in ends.items()},
        "conflicts": view["conflicts"],
    }


@effort(40)
@given(history=histories(), data=st.data())
def test_order_repeats_and_batches_do_not_matter(history: list[Event], data: st.DataObject) -> None:
    """Any order, repetition and batching of events that fit, with sweeps and ticks anywhere between, ends in the same
    calls and payments, field by field."""
    straight = InMemory()
    for each in history:
        play(straight, [each])
    repeats = data.draw(st.lists(st.sampled_from(history), max_size=8)) if history else []
    shuffled, waiting = InMemory(), data.draw(st.permutations(history + repeats))
    while waiting:
        cut = data.draw(st.integers(1, len(waiting)))
        play(shuffled, list(waiting[:cut]))
        waiting = waiting[cut:]
        if data.draw(st.booleans()):
            shuffled.sweep(0)
            shuffled.tick(0)
    event(f"{len(shuffled.payments)} payments")
    assert settled(shuffled) == settled(straight)
