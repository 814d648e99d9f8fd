"""Which companies a fund has reserves for, and how much each may have at most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from services.allocations.reallocation.domain.proposing import too_much
from services.allocations.reallocation.domain.reserves import COMPANIES_MAX, LARGEST_MINOR, Book, Reserve
from shared.ids import DealId
from shared.money import Minor
from shared.refusal import Refused


class Unsaid(Enum):
    """What somebody left out, and so leaves as it is."""

    UNSAID = "unsaid"


@dataclass(frozen=True, slots=True)
class NewReserve:
    """What a company is to have from now on; a cap of None takes the cap away."""

    company_id: DealId
    planned: Minor | Unsaid = Unsaid.UNSAID
    cap: Minor | Unsaid | None = Unsaid.UNSAID


_NOTHING: Final = Minor(0)


def set_up(book: Book, wanted: Sequence[NewReserve], names: Mapping[DealId, str]) -> Book | Refused:
    """The book with these companies as they are wanted, new or not, as its next version; the others stay as they are.

    `names` has the name of every company there is.
    """
    there = {reserve.company_id: reserve for reserve in book.reserves}
    for one in wanted:
        if one.company_id not in names:
            return Refused("company_not_found", f"There is no company {one.company_id}.", "Create it as a deal first.")
        there[one.company_id] = _reserve(one, there.get(one.company_id), names[one.company_id])
    reserves = [there[company] for company in sorted(there)]
    after = replace(book, version=book.version + 1, reserves=reserves)
    if len(reserves) > COMPANIES_MAX:
        return Refused("too_many_companies", f"A fund has reserves for at most {COMPANIES_MAX} companies.")
    return too_much(book, after.total) if after.total > LARGEST_MINOR else after


def _reserve(wanted: NewReserve, before: Reserve | None, name: str) -> Reserve:
    planned = _NOTHING if before is None else before.planned
    cap = None if before is None else before.cap
    return Reserve(
        wanted.company_id,
        name,
        planned if isinstance(wanted.planned, Unsaid) else wanted.planned,
        cap if isinstance(wanted.cap, Unsaid) else wanted.cap,
    )
