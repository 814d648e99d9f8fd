"""Reserves and proposals to test with, each as plain as can be."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.allocations.reallocation.domain import Book, Commit, Outcome, Proposal, Proposed, Reserve, decide, propose
from shared.ids import DealId, FundId
from shared.money import Minor
from shared.refusal import Refused

FUND: Final = FundId(1)
VAST: Final = 10**12  # of a fund whose size no test comes near

Wanted = Mapping[int, int | tuple[int, int]]  # company -> reserve, or reserve and cap


def book(
    *planned: int, caps: Mapping[int, int] | None = None, version: int = 7, currency: str = "USD", size: int = VAST
) -> Book:
    """Companies 1, 2, 3 … of these reserves; `caps` by company."""
    reserves = [
        Reserve(DealId(n), f"C{n}", Minor(amount), None if n not in (caps or {}) else Minor((caps or {})[n]))
        for n, amount in enumerate(planned, 1)
    ]
    return Book(FUND, currency, Minor(size), version, reserves)


def proposal(of: Book, wanted: Wanted, *, version: int | None = None) -> Proposal:
    """What some companies are to have, for the book's version where none is named."""
    proposed = []
    for company in sorted(wanted):
        one = wanted[company]
        planned, cap = one if isinstance(one, tuple) else (one, None)
        proposed.append(Proposed(DealId(company), Minor(planned), None if cap is None else Minor(cap)))
    return Proposal(of.fund_id, of.version if version is None else version, proposed)


def outcome(of: Book, wanted: Wanted) -> Outcome:
    """What a proposal that is not refused comes to."""
    done = propose(of, proposal(of, wanted))
    assert isinstance(done, Outcome), done
    return done


def warned(of: Book, wanted: Wanted) -> list[tuple[str, int | None]]:
    """Type and company of each warning."""
    return [(one.type, one.company_id) for one in outcome(of, wanted).warnings]


def refused(of: Book, wanted: Wanted, *, version: int | None = None, digest: str | None = None) -> Refused:
    """Why a commit may not be done."""
    done = decide(of, Commit(proposal(of, wanted, version=version), digest))
    assert isinstance(done, Refused), done
    return done


def planned(of: Book) -> Sequence[int]:
    """The reserves alone."""
    return [reserve.planned for reserve in of.reserves]
