"""One bank account under several names: whether a credit is the likeness of one that another name has told already.

A bank's live feed and its files give one wire two identities. Nobody can prove that they mean the same money, so the
second one is held, and says which payment it resembles.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeAlias

from services.payments.domain.entries import Entry, named_calls
from services.payments.domain.payments import Resolution
from shared.ids import CallId, PaymentId
from shared.money import Minor
from shared.reference import find, normalise
from shared.value import value

LIKENESS_DAYS: Final = 3  # at most so many between the value dates that two reports give one wire
CUT_CHARACTERS: Final = 16  # what some formats leave of an end-to-end reference
NO_REFERENCE: Final = frozenset({"NOTPROVIDED", "NONREF", "NONE"})  # how banks write that there is none

# What a person decided otherwise about a possible duplicate shows that it was no likeness.
TOLD_APART: Final = frozenset({Resolution.APPLIED, Resolution.RETURNED})


@value
class Seen:
    """A credit of an account with several names: by what it is compared, and the payment that it resembles."""

    id: PaymentId
    source: str
    currency: str
    amount: Minor
    value_date: date
    calls: tuple[CallId, ...]  # what it names, in rising order
    end_to_end: str | None
    resembles: PaymentId | None = None


def seen(
    payment_id: PaymentId,
    entry: Entry,
    resembles: PaymentId | None = None,
    *,
    calls: tuple[CallId, ...] | None = None,
) -> Seen:
    """A credit by what it is compared; `calls` are those that it names, where that is known already."""
    calls = tuple(sorted(named_calls(entry) if calls is None else calls))
    end_to_end = _end_to_end(entry.reference)
    return Seen(payment_id, entry.source, entry.currency, entry.amount, entry.value_date, calls, end_to_end, resembles)


def _end_to_end(reference: str | None) -> str | None:
    """A payer's own reference as it is compared. A reference of ours is none: it is compared by the call it names."""
    if reference is None or find(reference):
        return None
    text = reference.strip().upper()
    return None if not text or normalise(text) in NO_REFERENCE else text


def _is_same(one: str | None, other: str | None) -> bool:
    """Whether two end-to-end references may be one, as far as they were handed on."""
    if one is None or other is None or normalise(one) == normalise(other):
        return True
    short, long = sorted((one, other), key=len)
    return len(short) == CUT_CHARACTERS and long.startswith(short)


@dataclass(frozen=True, slots=True)
class Lookalikes:
    """What was loaded to compare with: the bank account of each of its names, and the credits alike those that come."""

    accounts: Mapping[str, str] = field(default_factory=dict)
    seen: Iterable[Seen] = ()


_Place: TypeAlias = "tuple[str, str, int]"  # source, currency and amount


class Pairing:
    """Who resembles whom, while a batch runs.

    A payment has at most one likeness under each other name of its account, and a likeness has none: so two equal wires
    in both reports leave two held, and a third one is applied, in whatever order they come.
    """

    def __init__(self, loaded: Lookalikes) -> None:
        names: defaultdict[str, list[str]] = defaultdict(list)
        for source, account in sorted(loaded.accounts.items()):
            names[account].append(source)
        self._others = {
            source: [other for other in names[account] if other != source]
            for source, account in loaded.accounts.items()
        }
        self._originals: dict[PaymentId, Seen] = {}
        self._likenesses: defaultdict[PaymentId, set[str]] = defaultdict(set)  # the names under which each has one
        self._free: dict[_Place, dict[tuple[CallId, ...], list[Seen]]] = {}
        for one in sorted(loaded.seen, key=lambda one: (one.resembles is not None, one.id)):
            self.add(one)

    def concerns(self, source: str) -> bool:
        """Whether the source is one of several names of its account."""
        return source in self._others

    def add(self, one: Seen) -> None:
        """Takes in a credit that is booked: as a likeness, or as one that others may resemble."""
        if one.resembles is None:
            self._originals[one.id] = one
            self._group(one).append(one)
            return
        under = self._likenesses[one.resembles]
        under.add(one.source)
        original = self._originals.get(one.resembles)
        if original is not None and under.issuperset(self._others[original.source]):
            self._group(original).remove(original)

    def _group(self, one: Seen) -> list[Seen]:
        place = one.source, one.currency, one.amount
        return self._free.setdefault(place, {}).setdefault(one.calls, [])

    def original_of(self, one: Seen) -> PaymentId | None:
        """The payment that a credit resembles most: by reference, by call, by value date, then the first booked."""
        best: tuple[bool, bool, int, PaymentId] | None = None
        for other in self._free_for(one):
            days = abs((other.value_date - one.value_date).days)
            if days > LIKENESS_DAYS or not _is_same(other.end_to_end, one.end_to_end):
                continue
            rank = other.end_to_end != one.end_to_end, other.calls != one.calls, days, other.id
            best = rank if best is None else min(best, rank)
            if rank[:3] == (False, False, 0):
                break
        return None if best is None else best[3]

    def _free_for(self, one: Seen) -> Iterator[Seen]:
        """Equal credits under other names that have no likeness under this one yet, and do not name another call."""
        for source in self._others[one.source]:
            groups = self._free.get((source, one.currency, one.amount), {})
            alike = (groups.get(one.calls, ()), groups.get((), ())) if one.calls else groups.values()
            for group in alike:
                for other in group:
                    if one.source not in self._likenesses.get(other.id, ()):
                        yield other
