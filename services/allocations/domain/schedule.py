"""Schedules: how a commitment becomes planned calls, to the cent, on the dates a person would write down."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, TypeAlias

from shared.money import Minor, split
from shared.refusal import Refused

WHOLE: Final = 1_000_000  # 100 % in ten-thousandths of a percent: percents have up to four decimals
MOST_CALLS: Final = 600  # of one schedule: fifty years of months
EARLIEST, LATEST = date(1900, 1, 1), date(2999, 12, 31)  # of a due date: room for notice, grace and cure around it


class Cadence(StrEnum):
    """How often a regular schedule calls."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEMI_ANNUAL = "semi_annual"
    ANNUAL = "annual"


MONTHS: Final[Mapping[Cadence, int]] = {
    Cadence.MONTHLY: 1,
    Cadence.QUARTERLY: 3,
    Cadence.SEMI_ANNUAL: 6,
    Cadence.ANNUAL: 12,
}


@dataclass(frozen=True, slots=True)
class Single:
    """The whole commitment at once."""

    due_date: date


@dataclass(frozen=True, slots=True)
class Regular:
    """The whole commitment in `count` equal calls, the first due on `first_due_date`."""

    cadence: Cadence
    first_due_date: date
    count: int


@dataclass(frozen=True, slots=True)
class Tranche:
    """One planned piece: a share in ten-thousandths of a percent, or an amount; exactly one of them."""

    due_date: date
    share: int | None = None
    amount: Minor | None = None


@dataclass(frozen=True, slots=True)
class Custom:
    """Pieces as a person wrote them down."""

    tranches: Sequence[Tranche]


Schedule: TypeAlias = Single | Regular | Custom


def spread(schedule: Schedule, committed: Minor) -> list[tuple[Minor, date]] | Refused:
    """The calls of a schedule, amount and due date, in its order.

    Shares are made by largest remainder, so they sum to the commitment, or to the part of it that is called. Amounts
    are taken as written: whether they fit into the commitment is for the guard over P ≤ K to say.
    """
    pieces = _pieces(schedule, committed)
    if isinstance(pieces, Refused) or all(EARLIEST <= due <= LATEST for _, due in pieces):
        return pieces
    return _outside()


def _pieces(schedule: Schedule, committed: Minor) -> list[tuple[Minor, date]] | Refused:
    match schedule:
        case Single(due_date):
            return [(committed, due_date)]
        case Regular(cadence, first, count):
            return _regular(committed, first, MONTHS[cadence], count)
        case Custom(tranches):
            return _custom(committed, tranches)


def _regular(committed: Minor, first: date, step: int, count: int) -> list[tuple[Minor, date]] | Refused:
    if not 1 <= count <= MOST_CALLS:
        return _invalid(f"it has {count} calls", f"Give a count from 1 to {MOST_CALLS}.")
    if not EARLIEST <= first <= LATEST:
        return _outside()
    return [(part, _months_after(first, step * n)) for n, part in enumerate(split(committed, [1] * count))]


def _months_after(first: date, months: int) -> date:
    """Counted from the first date, so the 31st of January is followed by the 28th of February and the 31st of March."""
    years, month = divmod(first.month - 1 + months, 12)
    year = first.year + years
    return date(year, month + 1, min(first.day, monthrange(year, month + 1)[1]))


def _custom(committed: Minor, tranches: Sequence[Tranche]) -> list[tuple[Minor, date]] | Refused:
    if not 1 <= len(tranches) <= MOST_CALLS:
        return _invalid(f"it has {len(tranches)} tranches", f"Give from 1 to {MOST_CALLS} tranches.")
    shares = [tranche.share for tranche in tranches if tranche.share is not None]
    amounts = [tranche.amount for tranche in tranches if tranche.amount is not None]
    if {len(shares), len(amounts)} != {0, len(tranches)}:
        return _invalid("percents and amounts are mixed", "Give every tranche a percent, or every tranche an amount.")
    dates = [tranche.due_date for tranche in tranches]
    if amounts:
        return list(zip(amounts, dates, strict=True))
    if sum(shares) > WHOLE:
        return _invalid("the percents sum to more than 100", "Give percents that sum to 100 or less.")
    parts = split(committed, [*shares, WHOLE - sum(shares)])[:-1]  # the last part is what no tranche calls
    return list(zip(parts, dates, strict=True))


def _outside() -> Refused:
    return _invalid(f"a due date lies outside {EARLIEST} to {LATEST}", "Choose nearer dates.")


def _invalid(why: str, advice: str) -> Refused:
    facts = {"errors": [{"loc": ["body", "schedule"], "msg": why}]}
    return Refused("invalid_schedule", f"The schedule cannot be planned: {why}.", advice, facts)
