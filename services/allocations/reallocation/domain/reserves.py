"""Reserves: the money that a fund plans for each of its companies, under one version for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NewType

from shared.currency import text
from shared.ids import DealId, FundId
from shared.money import Minor
from shared.value import value

# Of a reserve, a cap, and a fund's reserves together: whole for every reader of JSON, whose numbers are exact up to
# 2^53, and for contracts, whose amounts have fifteen digits.
LARGEST_MINOR: Final = 10**15 - 1
COMPANIES_MAX: Final = 10_000  # of one fund

Tenths = NewType("Tenths", int)  # of a percent: 125 is 12.5 %, of either sign


@value
class Reserve:
    """What is planned for one company, in minor units of its fund's currency; `cap` is None where there is none."""

    company_id: DealId
    company_name: str
    planned: Minor
    cap: Minor | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """All reserves of a fund at one version, in the order of their companies' ids."""

    fund_id: FundId
    currency: str
    size: Minor
    version: int
    reserves: Sequence[Reserve]

    @property
    def total(self) -> Minor:
        """All that is planned."""
        return Minor(sum(reserve.planned for reserve in self.reserves))

    def words(self, amount: int) -> str:
        """An amount as people read it: ``USD 15,000,000.00``."""
        whole, point, decimals = text(amount, self.currency).partition(".")
        return f"{self.currency} {int(whole):,}{point}{decimals}"


@value
class Delta:
    """What becomes of one company's reserve."""

    company_id: DealId
    company_name: str
    before: Minor
    after: Minor

    @property
    def change(self) -> Minor:
        """What the reserve rises by; negative where it falls."""
        return Minor(self.after - self.before)

    @property
    def pct(self) -> Tenths:
        """The change as a share of what was."""
        return percent_change(self.before, self.after)

    @property
    def status(self) -> Literal["increased", "decreased", "unchanged"]:
        """Which way it goes."""
        if self.after == self.before:
            return "unchanged"
        return "increased" if self.after > self.before else "decreased"


def percent_change(before: int, after: int) -> Tenths:
    """100 · change / before, rounded half away from zero; from nothing, 100 % to anything and 0 % to nothing."""
    if before == 0:
        return Tenths(1000 if after > 0 else 0)
    change = after - before
    tenths = (2000 * abs(change) + before) // (2 * before)
    return Tenths(tenths if change >= 0 else -tenths)


def percent_text(share: Tenths) -> str:
    """A JSON number with one decimal: ``percent_text(Tenths(-125))`` is ``-12.5``."""
    sign = "-" if share < 0 else ""
    return f"{sign}{abs(share) // 10}.{abs(share) % 10}"
