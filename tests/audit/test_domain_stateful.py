"""Promises of a chain of any entries: batches leave no trace in it, and whatever is done to it afterwards shows."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.audit.domain import BEGINNING, SALT_BYTES, Facts, Head, Item, Link, Walk, append
from tests.support.effort import effort

NOW = datetime(2026, 3, 2, 9, 31, tzinfo=UTC)


@st.composite
def items(draw: st.DrawFn) -> list[Item]:
    """Entries of one chain: facts that are told or not in every mixture, and payloads, some of them alike."""
    made = []
    for number, told in enumerate(draw(st.lists(st.integers(0, 1023), min_size=1, max_size=7))):
        word = [f"word {bit}" if told >> bit & 1 else None for bit in range(10)]
        facts = Facts(
            topic="fund.changed",
            partition=0,
            incarnation=1,
            offset=number * 2,
            timestamp_ms=1_772_443_862_500 + told,
            key=b"5" if told % 3 else None,
            identity=f"id-{number}",
            claimed_id=word[0],
            type=word[1],
            actor=word[2],
            action=word[3],
            resource_type=word[4],
            resource_id=word[5],
            outcome=word[6],
            causation_id=word[7],
            correlation_id=word[8],
            occurred_at=NOW if word[9] else None,
            recorded_at=NOW + timedelta(microseconds=told),
        )
        made.append(Item(facts, b"payload" * (told % 3)))
    return made


WAYS = ["fact", "key", "payload", "salt", "hash", "gone", "twice", "moved", "cut", "new", "head"]


def salts_of(count: int) -> bytes:
    return b"".join(hashlib.sha256(bytes([n])).digest()[:SALT_BYTES] for n in range(count))


def chain_of(entries: Sequence[Item]) -> list[Link]:
    return append(BEGINNING, entries, salts_of(len(entries)))


def problems(links: Sequence[Link], head: Head | None, cuts: Sequence[int] = (), kept: Head | None = None) -> list[str]:
    """What a walk in slices finds."""
    walk = Walk(kept)
    for start, end in zip([0, *cuts], [*cuts, len(links)], strict=True):
        walk.take(links[start:end])
    walk.finish(head)
    return [problem.problem for problem in walk.problems]


@effort(60)
@given(entries=items(), data=st.data())
def test_batches_leave_no_trace(entries: list[Item], data: st.DataObject) -> None:
    """However entries are cut into batches, the chain is the same to the byte, numbered 1, 2, 3…, and it verifies,
    however it is sliced, against its head and every head that was ever kept."""
    whole, salts = chain_of(entries), salts_of(len(entries))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(entries)), max_size=4)))
    head, links = BEGINNING, list[Link]()
    for start, end in zip([0, *cuts], [*cuts, len(entries)], strict=True):
        links += append(head, entries[start:end], salts[start * SALT_BYTES : end * SALT_BYTES])
        head = Head(links[-1].sequence, links[-1].hash) if links else head
    assert links == whole
    assert [link.sequence for link in links] == list(range(1, len(entries) + 1))
    kept = data.draw(st.sampled_from([None, *(Head(link.sequence, link.hash) for link in whole)]))
    assert problems(whole, head, cuts, kept) == []


@pytest.mark.parametrize("what", WAYS)
@effort(10)
@given(entries=items(), data=st.data())
def test_whatever_is_done_to_a_chain_shows(what: str, entries: list[Item], data: st.DataObject) -> None:
    """An entry changed in any member, left out, doubled, moved, added or cut off at the end: a walk finds it."""
    links, head = chain_of(entries), Head(len(entries), chain_of(entries)[-1].hash)
    at = data.draw(st.integers(0, len(links) - 1))
    match what:
        case "fact":
            name = data.draw(st.sampled_from([name for name in Facts._fields if name != "key"]))
            links[at] = links[at]._replace(facts=changed(links[at].facts, name))
        case "key":
            links[at] = links[at]._replace(facts=links[at].facts._replace(key=(links[at].facts.key or b"") + b"x"))
        case "payload":
            links[at] = links[at]._replace(payload=(links[at].payload or b"") + b"x")
        case "salt":
            links[at] = links[at]._replace(salt=bytes(SALT_BYTES))
        case "hash":
            links[at] = links[at]._replace(hash=bytes(32))
        case "gone":
            del links[at]
        case "twice":
            links.insert(at, links[at])
        case "moved":
            to = data.draw(st.integers(0, len(links) - 1))
            assume(to != at)
            links[at], links[to] = links[to], links[at]
        case "cut":
            del links[at:]
        case "new":
            links += append(head, entries[:1], salts_of(1))
        case _:
            head = Head(head.sequence, bytes(32))
    found = problems(links, head)
    assert found != []
    if what in {"gone", "cut"}:
        assert ("missing" if at < len(links) else "cut") in found, "a gap and an end are told apart"


def changed(facts: Facts, name: str) -> Facts:
    """The facts with another value in one member."""
    return Facts(*(other(told) if name == member else told for member, told in zip(Facts._fields, facts, strict=True)))  # type: ignore[arg-type]  # members by place


def other(value: object) -> object:
    """Another value of the same kind."""
    match value:
        case datetime():
            return value + timedelta(microseconds=1)
        case str():
            return value + "x"
        case int():
            return value + 1
        case _:
            return "something" if value is None else None


@effort(40)
@given(entries=items(), data=st.data())
def test_any_order_is_a_chain_of_the_same_entries(entries: list[Item], data: st.DataObject) -> None:
    """Entries in another order make another chain, which verifies and holds each of them once; its hash is another."""
    shuffled = data.draw(st.permutations(entries))
    first, second = chain_of(entries), chain_of(shuffled)
    assert problems(second, Head(len(second), second[-1].hash)) == []
    assert sorted(link.facts.identity for link in second) == sorted(link.facts.identity for link in first)
    assert (first[-1].hash == second[-1].hash) == (list(shuffled) == entries)
