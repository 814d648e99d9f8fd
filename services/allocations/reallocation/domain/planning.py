"""Where proposals come from besides people: saved templates, and suggestions that a formula explains.

Each is an ordinary proposal for the reserves as they now are, to preview and commit like any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.allocations.reallocation.domain.proposing import Proposal, Proposed
from services.allocations.reallocation.domain.reserves import Book
from services.allocations.reallocation.domain.spreading import fill
from shared.ids import DealId
from shared.money import Minor, split
from shared.refusal import Refused

WHOLE_SHARE: Final = 100_0000  # 100 %, in the ten-thousandths of a percent that shares are counted in


class Basis(StrEnum):
    """What a template's shares are."""

    PERCENT = "percent"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class Share:
    """One company's part: ten-thousandths of a percent, or minor units, as the template's basis says."""

    company_id: DealId
    weight: int


@dataclass(frozen=True, slots=True)
class Template:
    """How to spread what some companies have among them; each company once, in the order of their ids."""

    name: str
    basis: Basis
    shares: Sequence[Share]


@dataclass(frozen=True, slots=True)
class Suggested:
    """A proposal, the formula that it follows, and the same in words with its figures."""

    proposal: Proposal
    formula: str
    explanation: str


def unfit(template: Template, book: Book) -> Refused | None:
    """Why a template cannot be used for these reserves."""
    known = {reserve.company_id for reserve in book.reserves}
    for share in template.shares:
        if share.company_id not in known:
            detail = f"Fund {book.fund_id} has no reserves for company {share.company_id}."
            return Refused("invalid_company", detail, "Name companies of the fund's reserves only.")
    whole = sum(share.weight for share in template.shares)
    if template.basis is Basis.PERCENT and whole != WHOLE_SHARE:
        return Refused(
            "invalid_percent", f"The percents sum to {_percent(whole)}, not to 100.", "Correct the percents."
        )
    if whole == 0:
        return Refused("invalid_amount", "All amounts are 0, so nothing can be spread by them.", "Give some an amount.")
    return None


def applied(template: Template, book: Book) -> Suggested | Refused:
    """What the template's companies have today, spread among them by its shares; their total stays what it is."""
    if refused := unfit(template, book):
        return refused
    today = {reserve.company_id: reserve.planned for reserve in book.reserves}
    total = Minor(sum(today[share.company_id] for share in template.shares))
    parts = split(total, [share.weight for share in template.shares])
    by = "percents" if template.basis is Basis.PERCENT else "amounts"
    return Suggested(
        _proposal(book, [share.company_id for share in template.shares], parts),
        "to = total today of the companies named · share / sum of shares, by largest remainder",
        f"{book.words(total)} of {len(parts)} companies spread by the {by} of template {template.name}",
    )


def scaled(book: Book, total: Minor) -> Suggested | Refused:
    """Every reserve scaled so that all of them come to `total`, none above its cap."""
    parts = fill(total, [reserve.planned for reserve in book.reserves], [reserve.cap for reserve in book.reserves])
    if parts is None:
        return _beyond_caps(book, total)
    return Suggested(
        _proposal(book, _companies(book), parts),
        "to = total · from / sum of from, by largest remainder; at most the cap, the rest to others likewise",
        f"{book.words(book.total)} scaled to {book.words(total)}" + _at_cap(book, parts),
    )


def limited(book: Book, limit: int) -> Suggested | Refused:
    """No company above `limit`, in ten-thousandths of a percent of all reserves, whose total stays; what is above goes
    to the others in proportion to what they have."""
    most = Minor(book.total * limit // WHOLE_SHARE)
    ceilings = [_lower(most, reserve.cap) for reserve in book.reserves]
    parts = fill(book.total, [reserve.planned for reserve in book.reserves], ceilings)
    if parts is None:
        return Refused(
            "suggestion_impossible",
            f"{len(ceilings)} companies with at most {_percent(limit)} % each, and within their caps, cannot hold"
            f" {book.words(book.total)}.",
            "Ask with a higher limit, or raise caps.",
        )
    return Suggested(
        _proposal(book, _companies(book), parts),
        "to = min(limit · total, cap, from + a part of what others are above, in proportion to from)",
        f"{book.words(book.total)} with at most {_percent(limit)} %, {book.words(most)}, for each"
        + _at_cap(book, parts),
    )


def pro_rata(book: Book, unfunded: Mapping[DealId, Minor]) -> Suggested | Refused:
    """Today's total spread in proportion to what is promised to each company and not paid yet, none above its cap."""
    weights = [unfunded.get(reserve.company_id, Minor(0)) for reserve in book.reserves]
    if not any(weights):
        return Refused(
            "suggestion_impossible",
            f"Fund {book.fund_id} owes nothing to any company that it has reserves for.",
            "Commit to a deal first, or ask for another suggestion.",
        )
    parts = fill(book.total, weights, [reserve.cap for reserve in book.reserves])
    if parts is None:
        return _beyond_caps(book, book.total)
    return Suggested(
        _proposal(book, _companies(book), parts),
        "to = total · unfunded / sum of unfunded, by largest remainder; at most the cap, the rest to others likewise",
        f"{book.words(book.total)} spread by {book.words(sum(weights))} of unfunded commitments" + _at_cap(book, parts),
    )


def _proposal(book: Book, companies: Sequence[DealId], parts: Sequence[Minor]) -> Proposal:
    pairs = zip(companies, parts, strict=True)
    return Proposal(book.fund_id, book.version, [Proposed(company, part) for company, part in pairs])


def _companies(book: Book) -> list[DealId]:
    return [reserve.company_id for reserve in book.reserves]


def _lower(most: Minor, cap: Minor | None) -> Minor:
    return most if cap is None or cap > most else cap


def _beyond_caps(book: Book, total: Minor) -> Refused:
    return Refused(
        "suggestion_impossible",
        f"The caps of fund {book.fund_id}'s companies together are lower than {book.words(total)}.",
        "Ask for a lower total, or raise caps.",
    )


def _at_cap(book: Book, parts: Sequence[Minor]) -> str:
    pairs = zip(book.reserves, parts, strict=True)
    names = [reserve.company_name for reserve, part in pairs if reserve.cap is not None and part == reserve.cap]
    return f"; at its cap: {', '.join(names[:5])}{' …' if len(names) > 5 else ''}" if names else ""


def _percent(share: int) -> str:
    whole, rest = divmod(share, 1_0000)
    return f"{whole}.{rest:04}".rstrip("0").rstrip(".")
