"""The judge: holds what the tables say against what the load's own history says, by rules of its own.

It shares no code with the services. Calls whose outcome does not depend on order must be right to the minor unit; a
contested call must be a sum of what was sent, with nothing held that would have fitted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.faults.books import SCHEDULE_RUN, Books, Content, Head
from tests.faults.journal import Asked, Call, Entry, History, Identity, fingerprint
from tests.faults.load.bank import amount_text
from tests.faults.ruling import Ruling, ruling

SHOWN: Final = 8
_UPLOAD: Final = "bank_statement.upload"


@dataclass(slots=True)
class Memory:
    """What was seen at the last check of the same ledger, which nothing may have changed since."""

    posted: Mapping[int, str] = field(default_factory=dict)
    heads: Mapping[Head, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)  # of reserves, by their ids


def judge(history: History, books: Books, memory: Memory) -> list[Ruling]:
    """Every question, in the order of the invariants; `memory` is of the check before, and is brought up to date."""
    sent = _sent(history)
    by_hand = _by_hand(history)
    expected = dict(_expected(history, books))
    rulings = [
        ruling("I1", "what was acknowledged is booked, or a known conflict", sent.acked, _lost(sent, books)),
        ruling("I1", "what was acknowledged and cannot be read is a dead letter", history.bad_acked,
               _undead(history, books)),
        ruling("I2", "no identity is booked twice", books.booked, map("/".join, books.twice)),
        ruling("I3", "whatever is booked was sent", books.booked, _unsent(sent, by_hand, books)),
        ruling("I3", "whatever is a dead letter was sent", books.dead, _strangers(history, books)),
        ruling("I4", "each call is paid what its history comes to", expected, _mispaid(expected, books)),
        ruling("I4", "contested calls hold nothing that would have fitted", history.calls, _unfit(history, books)),
        ruling("I4", "allocations are funded with what their calls were paid", books.allocations, _unfunded(books)),
        ruling("I8", "funds show what their history comes to, over HTTP", books.capital, _misshown(history, books)),
        ruling("I1", "each command took effect once, and answered the same when repeated", history.asked,
               _commands(history, by_hand, books)),
        ruling("I9", "each record and each command has one audit entry", history.places, _unaudited(history, books)),
        ruling("I10", "no hold waits for what has come", books.held, _waiting(history, books)),
        ruling("I7", "what was posted and chained before stands as it stood", [*memory.posted, *memory.heads],
               _rewritten(memory, books)),
    ]  # fmt: skip
    memory.posted, memory.heads = books.posted, books.heads
    return rulings


# ---- what was sent


@dataclass(frozen=True, slots=True)
class Sent:
    """Contents by identity: those acknowledged, and all."""

    acked: Mapping[Identity, set[Content]]
    every: Mapping[Identity, set[Content]]


def _sent(history: History) -> Sent:
    acked: dict[Identity, set[Content]] = defaultdict(set)
    every: dict[Identity, set[Content]] = defaultdict(set)
    for known, sides in ((history.acked, (acked, every)), (history.unsure, (every,))):
        for identity, entries in known.items():
            for side in sides:
                side[identity] |= {_content(entry) for entry in entries}
    for upload in history.of(_UPLOAD):
        for entry in map(_entry, upload.facts["entries"]):
            every[entry.identity].add(_content(entry))
            if _done(upload):
                acked[entry.identity].add(_content(entry))
    return Sent(acked, every)


def _entry(facts: Mapping[str, object]) -> Entry:
    return Entry(**facts)  # type: ignore[arg-type]  # as the load wrote it with asdict


def _content(entry: Entry) -> Content:
    return Content(entry.kind, entry.amount_minor, entry.currency, entry.value_date)


def _done(asked: Asked) -> bool:
    return asked.status is not None and asked.status < 300


def _by_hand(history: History) -> dict[Identity, Asked]:
    """Payments that people recorded, or wanted to, by the identity that these have."""
    found = {}
    for asked in history.of("call.pay"):
        found[f"manual/{asked.facts['call']}", str(asked.body["tx_ref"])] = asked
    return found


# ---- the questions


def _lost(sent: Sent, books: Books) -> Iterator[str]:
    for identity, contents in sent.acked.items():
        name, booked = "/".join(identity), books.booked.get(identity)
        if booked is None:
            yield f"{name} was acknowledged, and is not booked"
            continue
        if booked.content not in sent.every[identity]:
            yield f"{name} is booked as {tuple(booked.content)}, which nobody sent"
        for content in contents - {booked.content}:
            if (identity, content) not in books.conflicts:
                yield f"{name} was also sent as {tuple(content)}, and that is no conflict on record"


def _undead(history: History, books: Books) -> Iterator[str]:
    dead = set(books.dead)
    return (f"{fingerprint(raw)} is no dead letter" for raw in history.bad_acked - dead)


def _strangers(history: History, books: Books) -> Iterator[str]:
    known = history.bad_acked | history.bad_unsure
    return (f"{fingerprint(raw)} was never sent" for raw in set(books.dead) - known)


def _unsent(sent: Sent, by_hand: Mapping[Identity, Asked], books: Books) -> Iterator[str]:
    for identity in books.booked.keys() - sent.every.keys() - by_hand.keys():
        if not (identity[0].startswith("manual/") and identity[1] == "back"):  # a person's reversal, judged below
            yield f"{'/'.join(identity)} was never sent"


def _expected(history: History, books: Books) -> Iterator[tuple[int, int]]:
    """What each call must be paid whose outcome does not depend on order: (call, minor units)."""
    credits: dict[int, int] = defaultdict(int)
    for identity, entries in _entries(history):
        booked, entry = books.booked.get(identity), next(iter(entries))
        call = history.calls.get(entry.call_id or 0)
        if booked is None or call is None or booked.content.amount_minor > call.amount_minor:
            continue
        if entry.kind == "credit":
            credits[call.id] += booked.content.amount_minor
        elif (entry.source, entry.reverses or "") in books.booked:
            credits[call.id] -= booked.content.amount_minor
    people, unanswered = _by_people(history)
    for call in history.calls.values():
        if call.role != "contested" and call.id in books.paid and call.id not in unanswered:
            yield call.id, credits[call.id] + people[call.id]


def _entries(history: History) -> Iterator[tuple[Identity, set[Entry]]]:
    for identity in history.acked.keys() | history.unsure.keys():
        yield identity, history.contents(identity)
    uploaded = (_entry(facts) for upload in history.of(_UPLOAD) for facts in upload.facts["entries"])
    yield from {entry.identity: {entry} for entry in uploaded}.items()


_BY_PEOPLE: Final = {"call.pay": 1, "payment.reverse": -1, "payment.unapply": -1}


def _by_people(history: History) -> tuple[Counter[int], set[int]]:
    """What people's answered commands come to per call, and the calls of commands that nobody answered."""
    moved: Counter[int] = Counter()
    unanswered: set[int] = set()
    for asked in history.asked.values():
        parts = asked.facts.get("parts") or []
        if asked.what in _BY_PEOPLE:
            parts = [(asked.facts["call"], _BY_PEOPLE[asked.what] * asked.facts["amount_minor"])]
        if asked.status is None:
            unanswered |= {call for call, _ in parts}
        elif _done(asked):
            for call, minor in parts:
                moved[call] += minor
    return moved, unanswered


def _mispaid(expected: Mapping[int, int], books: Books) -> Iterator[str]:
    for call, minor in expected.items():
        if books.paid[call] != minor:
            yield f"call {call} is paid {books.paid[call]}, its history comes to {minor}"
    for call, minor in books.paid.items():
        if books.reported[call][0] != minor:
            yield f"call {call} is paid {minor}, allocations heard {books.reported[call][0]}"


def _unfit(history: History, books: Books) -> Iterator[str]:
    """Nothing is undone on a contested call, so what is open in the end was open when a credit was held."""
    applied: Counter[int] = Counter()
    for identity, entries in _entries(history):
        booked, call = books.booked.get(identity), _call_of(history, entries)
        if booked is None or call is None or call.role != "contested" or call.id not in books.paid:
            continue
        name, amount = "/".join(identity), booked.content.amount_minor
        applied[call.id] += booked.applied_minor
        if (booked.applied_minor, booked.held_minor) not in {(amount, 0), (0, amount)}:
            yield f"{name}: {booked.applied_minor} of {amount} is applied, {booked.held_minor} held"
        if booked.held_minor and books.held.get(booked.id) != "over_payment":
            yield f"{name} is held as {books.held.get(booked.id)}"
        if booked.held_minor and amount <= call.amount_minor - books.paid[call.id]:
            yield f"{name}: {amount} is held, and {call.amount_minor - books.paid[call.id]} of the call is open"
    for call_id, minor in applied.items():
        if minor != books.paid[call_id]:
            yield f"call {call_id} is paid {books.paid[call_id]}, of what was sent {minor} is applied"


def _call_of(history: History, entries: Iterable[Entry]) -> Call | None:
    return history.calls.get(next(iter(entries)).call_id or 0)


def _unfunded(books: Books) -> Iterator[str]:
    funded: Counter[int] = Counter()
    for call, (_, allocation, _) in books.reported.items():
        funded[allocation] += books.paid.get(call, 0)
    for allocation, (_, _, minor) in books.allocations.items():
        if minor != funded[allocation]:
            yield f"allocation {allocation} is funded {minor}, its calls are paid {funded[allocation]}"


def _misshown(history: History, books: Books) -> Iterator[str]:
    currencies = {call.fund_id: call.currency for call in history.calls.values()}
    for fund, shown in books.capital.items():
        if fund not in currencies:
            continue
        ours = [(committed, funded) for its, committed, funded in books.allocations.values() if its == fund]
        for name, minor in (
            ("total_committed", sum(committed for committed, _ in ours)),
            ("total_funded", sum(funded for _, funded in ours)),
        ):
            wanted = amount_text(minor, currencies[fund])
            if shown.get(name) != wanted:
                yield f"fund {fund} shows {name} {shown.get(name)}, its ledger says {wanted}"


def _commands(history: History, by_hand: Mapping[Identity, Asked], books: Books) -> Iterator[str]:
    for key, asked in history.asked.items():
        if asked.differing:
            yield f"{key} ({asked.what}) was answered differently when it was repeated"
        if asked.what in {"fund.create", "deal.create"} and _done(asked) and books.names.get(asked.body["name"]) != 1:
            yield f"{key}: {asked.body['name']} is there {books.names.get(asked.body['name'], 0)} times"
        if asked.what == "call.issue" and _done(asked) and books.reported[asked.facts["call"]][2] != "issued":
            yield f"{key}: call {asked.facts['call']} was issued, and is not"
    for name, times in books.names.items():
        if times > 1:
            yield f"{name} was made {times} times"
    for deal, times in books.promised.items():
        if times > 1:
            yield f"deal {deal} was promised to {times} times"
    for identity, asked in by_hand.items():
        booked, name = books.booked.get(identity), "/".join(identity)
        if _done(asked) and (booked is None or booked.content.amount_minor != asked.facts["amount_minor"]):
            yield f"{name} was answered {asked.status}, and is booked as {booked}"
        if booked is not None and asked.status is not None and not _done(asked):
            yield f"{name} was refused with {asked.status}, and is booked"


def _unaudited(history: History, books: Books) -> Iterator[str]:
    for place in history.places:
        if (times := books.received.get(place, 0)) != 1:
            yield f"payment.received/{place[0]}@{place[1]} has {times} audit entries"
    answered: Counter[tuple[str, str]] = Counter()
    unanswered: Counter[tuple[str, str]] = Counter()
    for key, asked in history.asked.items():
        act = key.rpartition("-")[0], asked.what
        if _done(asked):
            answered[act] += 1
        elif asked.status is None:
            unanswered[act] += 1
    for act in answered.keys() | {known for known in books.acts if known[0].startswith("clerk-")}:
        if act[1] == SCHEDULE_RUN:  # nobody asks for it then; the judge of reserves counts them
            continue
        if not answered[act] <= books.acts.get(act, 0) <= answered[act] + unanswered[act]:
            yield f"{act[0]} did {act[1]} {answered[act]} times, the audit has {books.acts.get(act, 0)}"


def _waiting(history: History, books: Books) -> Iterator[str]:
    for identity, entries in _entries(history):
        booked, entry = books.booked.get(identity), next(iter(entries))
        reason = None if booked is None else books.held.get(booked.id)
        if reason == "unknown_call" and entry.call_id in books.paid:
            yield f"{'/'.join(identity)} waits for call {entry.call_id}, which is issued"
        if reason == "original_not_found" and (entry.source, entry.reverses or "") in books.booked:
            yield f"{'/'.join(identity)} waits for {entry.reverses}, which is there"


def _rewritten(memory: Memory, books: Books) -> Iterator[str]:
    for posting, digest in memory.posted.items():
        if books.posted.get(posting) != digest:
            yield f"posting {posting} is not what it was"
    for head, digest in memory.heads.items():
        if books.earlier_heads.get(head) != digest:
            yield f"entry {head[0]}/{head[1]}#{head[2]} of the audit is not what it was"
