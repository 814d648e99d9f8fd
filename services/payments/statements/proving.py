"""The proof of a statement: balances that meet, every entry accounted for, and a chain without gaps. Pure.

Amounts are minor units of the statement's currency, credits above zero and debits below, as the account sees them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.payments.feeds import Statement
from shared.money import Minor


@dataclass(frozen=True, slots=True)
class Sums:
    """What the entries of a statement come to; `foreign` counts booked ones in another currency than the account's."""

    entries: int
    posted: int
    pending: int
    foreign: int
    credits_minor: int
    debits_minor: int

    @property
    def booked_minor(self) -> int:
        """Credits less debits."""
        return self.credits_minor - self.debits_minor

    def difference(self, opening: int | None, closing: int | None) -> int | None:
        """How far opening and entries are from closing; None where the bank does not state both, or not in one
        currency."""
        if opening is None or closing is None or self.foreign:
            return None
        return closing - opening - self.booked_minor


def sums_of(statement: Statement) -> Sums:
    """The sums of a statement that is all here."""
    entries = statement.entries
    counted = [entry.signed for entry in entries if entry.booked and entry.currency == statement.currency]
    return Sums(
        entries=len(entries),
        posted=sum(entry.posted for entry in entries),
        pending=sum(not entry.booked for entry in entries),
        foreign=sum(entry.booked and entry.currency != statement.currency for entry in entries),
        credits_minor=sum(signed for signed in counted if signed > 0),
        debits_minor=-sum(signed for signed in counted if signed < 0),
    )


def days_of(statement: Statement) -> tuple[date | None, date | None]:
    """The first and the last day that a statement speaks of, by its booked entries and the balances it goes between."""
    booked = {entry.booking_date for entry in statement.entries if entry.booked and entry.booking_date}
    stated = {
        balance.on
        for balance in statement.balances
        if balance.on is not None
        and balance.currency == statement.currency
        and balance.code != "FWAV"
        and balance.amount in {statement.opening, statement.closing}
    }
    days = booked | stated
    return (min(days), max(days)) if days else (None, None)


# ---- where the money of the entries is


class Place(StrEnum):
    """Where the money of a booked entry is now."""

    APPLIED = "applied"
    HELD = "held"
    RETURNED = "returned"
    DISMISSED = "dismissed"
    TAKEN_BACK = "taken_back"  # credits that a later reversal undid
    REVERSALS = "reversals"  # reversals that undid one
    NOT_OURS = "not_ours"
    ON_THE_WAY = "on_the_way"  # sent on and not booked yet: moments, while the service runs


@dataclass(frozen=True, slots=True)
class Line:
    """Entries whose money, or part of it, is in one place."""

    place: Place
    entries: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Accounted:
    """All booked entries of a statement, by place."""

    lines: tuple[Line, ...]

    @property
    def sum_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)

    @property
    def at_rest(self) -> bool:
        """Whether everything that was sent on has been booked."""
        return not any(line.place is Place.ON_THE_WAY and line.entries for line in self.lines)


def accounted(found: Mapping[str, tuple[int, int]]) -> Accounted:
    """From counts and amounts by place, in the order of a page."""
    return Accounted(tuple(Line(place, *found.get(place, (0, 0))) for place in Place))


# ---- the chain


class Follows(StrEnum):
    """How a statement stands to the one before it."""

    FIRST = "first"
    CONTINUES = "continues"
    GAP = "gap"
    UNKNOWN = "unknown"  # the bank states no balances, or no days


@dataclass(frozen=True, slots=True)
class Link:
    """A statement as a link of its account's chain."""

    id: int
    opening: Minor | None
    closing: Minor | None
    first_day: date | None
    last_day: date | None


@dataclass(frozen=True, slots=True)
class Joint:
    """A statement and what came before it; `missing_minor` is what happened between them that no statement shows."""

    link: Link
    follows: Follows
    previous: Link | None = None
    missing_minor: int = 0


def chain(links: Sequence[Link]) -> list[Joint]:
    """How the statements of one account follow each other, in the order of their days.

    A statement may repeat another or lie within it (a month over its days), and a day may have several. So what came
    before ended on the day this one began or on the latest day before that; of several such, it is one that fits.
    """
    ordered = sorted((link for link in links if _has_place(link)), key=_place)
    joints = {link.id: _joint(link, ordered[:number]) for number, link in enumerate(ordered)}
    return [joints.get(link.id, Joint(link, Follows.UNKNOWN)) for link in sorted(links, key=_place)]


def _joint(link: Link, earlier: Sequence[Link]) -> Joint:
    assert link.first_day is not None
    assert link.opening is not None
    ended = [
        one
        for one in earlier
        if one.last_day is not None and one.last_day <= link.first_day and not _is_same(one, link)
    ]
    if not ended:
        return Joint(link, Follows.FIRST)
    days = {one.last_day for one in ended if one.last_day is not None}
    before = max((day for day in days if day < link.first_day), default=None)
    candidates = [one for one in ended if one.last_day in {before, link.first_day}]
    fitting = next((one for one in reversed(candidates) if one.closing == link.opening), None)
    if fitting is not None:
        return Joint(link, Follows.CONTINUES, fitting)
    previous = candidates[-1]
    assert previous.closing is not None
    return Joint(link, Follows.GAP, previous, link.opening - previous.closing)


def _has_place(link: Link) -> bool:
    return None not in {link.opening, link.closing} and None not in {link.first_day, link.last_day}


def _place(link: Link) -> tuple[date, date, int]:
    return link.last_day or date.min, link.first_day or date.min, link.id


def _is_same(one: Link, other: Link) -> bool:
    """The same statement once more, in another file."""
    return (one.opening, one.closing, one.first_day, one.last_day) == (
        other.opening,
        other.closing,
        other.first_day,
        other.last_day,
    )
