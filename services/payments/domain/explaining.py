"""Why money counts towards a call: told from what is stored and never changes, so that it is the same whenever asked.

A way to explain has a name that says which rules it tells of. Where the rules change, they get an explanation with a
name of its own beside this one, and what was decided before is still explained as it was decided.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.payments.domain.entries import Entry, Rule
from services.payments.domain.payments import Posting
from shared.ids import CallId
from shared.reference import find, normalise


class Where(StrEnum):
    """The part of an entry that says something of a call."""

    CALL_ID = "call_id"
    REFERENCE = "reference"
    REMITTANCE = "remittance"


@dataclass(frozen=True, slots=True)
class Clue:
    """Something that names a call: an id as given, a reference as it is compared, in capitals and without spaces."""

    where: Where
    text: str
    call_id: CallId


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Something that names a call, or looks as if it did, and why it did not decide."""

    where: Where
    text: str
    call_id: CallId | None
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The rule that decided, what it went by, and what it passed over. `by` names this way to explain.

    Without a rule nothing was decided.
    """

    by: str
    rule: Rule | None
    inputs: tuple[Clue, ...] = ()
    refused: tuple[PassedOver, ...] = ()


def explain(entry: Entry, posting: Posting | None = None, *, by: str = "matching_1") -> Explanation:
    """Why an entry's money was applied by `posting`; without one, which call the entry names, if it names any."""
    return EXPLANATIONS[by](entry, posting)


def matching_1(entry: Entry, posting: Posting | None) -> Explanation:
    """The first rules: a call's id, or one valid reference of ours, decides; two calls that differ decide nothing."""
    clues = list(_clues(entry))
    lookalikes = tuple(_lookalikes(entry))
    calls = tuple(dict.fromkeys(clue.call_id for clue in clues))
    rule, call_id = _decided(entry, posting, calls)
    if call_id is None:
        others = tuple(
            PassedOver(clue.where, clue.text, clue.call_id, "two different calls are named, so neither decides")
            for clue in clues
        )
        return Explanation("matching_1", rule, (), others + lookalikes)
    inputs = tuple(clue for clue in clues if clue.call_id == call_id)
    if rule is Rule.REFERENCE and not inputs:
        inputs = (Clue(Where.REMITTANCE, "beyond the part of the text that is kept", call_id),)
    why = f"a person decided for call {call_id}" if rule is Rule.PERSON else f"call {call_id} was named besides"
    others = tuple(PassedOver(c.where, c.text, c.call_id, why) for c in clues if c.call_id != call_id)
    return Explanation("matching_1", rule, inputs, others + lookalikes)


def _decided(entry: Entry, posting: Posting | None, calls: tuple[CallId, ...]) -> tuple[Rule | None, CallId | None]:
    """The rule and the call that were decided for."""
    if posting is not None:
        return posting.rule, posting.call_id
    if len(calls) != 1:
        return None, None
    return (Rule.REFERENCE if entry.call_id is None else Rule.CALL_ID), calls[0]


def _clues(entry: Entry) -> Iterator[Clue]:
    """Everything that names a call, in the order in which it is looked at."""
    if entry.call_id is not None:
        yield Clue(Where.CALL_ID, str(entry.call_id), entry.call_id)
    for where, text in _texts(entry):
        compared = normalise(text)
        for number in find(text):
            if number > 0:
                (reference,) = re.findall(rf"RF[0-9]{{2}}D{number:010d}", compared)[:1]
                yield Clue(where, reference, CallId(number))


def _texts(entry: Entry) -> Iterator[tuple[Where, str]]:
    if entry.reference:
        yield Where.REFERENCE, entry.reference
    if entry.remittance:
        yield Where.REMITTANCE, entry.remittance


_LIKE_OURS: Final = re.compile(r"RF[0-9]{2}D[0-9]{10}")
_CREDITOR_REFERENCE: Final = re.compile(r"\bRF[0-9]{2}[0-9A-Z]{1,21}\b")


def _lookalikes(entry: Entry) -> Iterator[PassedOver]:
    """What looks like a reference of ours, or of somebody's, and names no call."""
    for where, text in _texts(entry):
        told = set()
        for match in _LIKE_OURS.finditer(normalise(text)):
            told.add(match[0])
            if not find(match[0]):
                yield PassedOver(where, match[0], None, "its check digits are wrong")
            elif find(match[0]) == [0]:
                yield PassedOver(where, match[0], None, "no call has the number 0")
        for match in _CREDITOR_REFERENCE.finditer(text.upper()):
            if not any(match[0].startswith(one) for one in told):
                yield PassedOver(where, match[0], None, "a creditor reference, but none of ours")


EXPLANATIONS: Final[Mapping[str, Callable[[Entry, Posting | None], Explanation]]] = {"matching_1": matching_1}
