"""A proposal: new reserves for some companies, and what they come to. Preview and commit ask the same function."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import orjson

from services.allocations.reallocation.domain.reserves import (
    LARGEST_MINOR,
    Book,
    Delta,
    Reserve,
    Tenths,
    percent_change,
    percent_text,
)
from shared.ids import DealId, FundId
from shared.money import Minor
from shared.refusal import Refused
from shared.value import value

WarningType = Literal["cap_exceeded", "negative_delta", "high_concentration", "unrealistic_moic"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The shares, in percent, above which a proposal earns a warning."""

    concentration_pct: int = 30  # of the fund's reserves after it, in one company
    company_of_fund_pct: int = 50  # of the fund's size, in one company
    total_of_fund_pct: int = 50  # of the fund's size, in all of them


LIMITS: Final = Limits()


@value
class Proposed:
    """What one company is to have; `cap` counts for this proposal only, over the one that is stored."""

    company_id: DealId
    planned: Minor
    cap: Minor | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """New reserves for companies of a fund, each once, in the order of their ids; the others stay as they are.

    `version` is that of the reserves which the proposal was made for.
    """

    fund_id: FundId
    version: int
    proposed: Sequence[Proposed]


@dataclass(frozen=True, slots=True)
class Commit:
    """A proposal to be done; with a `digest`, only if it comes to just what the preview of that digest showed."""

    proposal: Proposal
    digest: str | None = None
    reason: str | None = None
    user_id: int | None = None  # who is said to have decided it


@dataclass(frozen=True, slots=True)
class Warned:
    """What somebody should know before a commit; an error forbids it. Without a company it is about all of them."""

    type: WarningType
    company_id: DealId | None
    message: str
    severity: Literal["warning", "error"] = "warning"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a proposal comes to: a delta for each company it names, totals over all of the fund's."""

    book: Book
    proposal: Proposal
    after: Book  # the next version
    deltas: Sequence[Delta]
    warnings: Sequence[Warned]
    total_before: Minor
    total_after: Minor

    @property
    def total_pct(self) -> Tenths:
        """The change of the total as a share of what it was."""
        return percent_change(self.total_before, self.total_after)

    @property
    def errors(self) -> list[str]:
        """Why it may not be committed, in words; empty where it may."""
        return [warned.message for warned in self.warnings if warned.severity == "error"]


def propose(book: Book, proposal: Proposal, *, limits: Limits = LIMITS) -> Outcome | Refused:
    """What a proposal comes to, warnings included; refused where it names a company that the fund does not have, was
    made for another version, or would plan more than can be counted."""
    wanted = {one.company_id: one for one in proposal.proposed}
    known = {reserve.company_id for reserve in book.reserves}
    if unknown := [company for company in wanted if company not in known]:
        return _unknown(book, unknown)
    if proposal.version != book.version:
        return stale(book, proposal)
    after = replace(book, version=book.version + 1, reserves=[_moved(one, wanted) for one in book.reserves])
    total = after.total
    if total > LARGEST_MINOR:
        return too_much(book, total)
    deltas = [
        Delta(was.company_id, was.company_name, was.planned, now.planned)
        for was, now in zip(book.reserves, after.reserves, strict=True)
        if was.company_id in wanted
    ]
    return Outcome(book, proposal, after, deltas, _warnings(book, after, wanted, limits), book.total, total)


def _moved(reserve: Reserve, wanted: Mapping[DealId, Proposed]) -> Reserve:
    """The cap of a proposal counts for that one only, so the stored one stays."""
    one = wanted.get(reserve.company_id)
    return reserve if one is None else Reserve(reserve.company_id, reserve.company_name, one.planned, reserve.cap)


def decide(book: Book, commit: Commit, *, limits: Limits = LIMITS) -> Outcome | Refused:
    """The same for a commit: refused as well for an error, and where it is not what its preview showed."""
    outcome = propose(book, commit.proposal, limits=limits)
    if isinstance(outcome, Refused):
        return outcome
    if commit.digest is not None and commit.digest != digest_of(outcome):
        return Refused(
            "digest_mismatch",
            f"This would not be what the preview of fund {book.fund_id} with this digest showed.",
            "Preview it again, look at what it says now, and commit with the new digest.",
            {"current_versions": [book.version]},
        )
    if outcome.errors:
        return Refused(
            "cap_exceeded",
            "; ".join(outcome.errors),
            "Lower these reserves, or send a higher allocation_cap_cents with them.",
            {"details": [_detail(one.message, one.company_id) for one in outcome.warnings if one.severity == "error"]},
        )
    return outcome


def digest_of(outcome: Outcome) -> str:
    """A name for this outcome of this proposal to these reserves: equal digests mean equal to the last bit."""
    book, proposal = outcome.book, outcome.proposal
    told = [
        [book.fund_id, book.currency, book.size, book.version],
        [[one.company_id, one.planned, one.cap] for one in proposal.proposed],
        [[delta.company_id, delta.company_name, delta.before, delta.after] for delta in outcome.deltas],
        [outcome.total_before, outcome.total_after],
        [[one.type, one.company_id, one.message, one.severity] for one in outcome.warnings],
    ]
    return hashlib.sha256(orjson.dumps(told)).hexdigest()


def too_much(book: Book, total: int) -> Refused:
    """The refusal of more than fits."""
    detail = f"All reserves of fund {book.fund_id} would be {book.words(total)}: more than {book.words(LARGEST_MINOR)}."
    return Refused("invalid_total", detail, "Plan less.", {"details": [_detail(detail, None)]})


def _warnings(book: Book, after: Book, wanted: Mapping[DealId, Proposed], limits: Limits) -> list[Warned]:
    """By company in id order, then of all of them; shares are compared as whole numbers, so none is rounded."""
    found: list[Warned] = []
    total = after.total
    for was, now in zip(book.reserves, after.reserves, strict=True):
        company, name, planned = was.company_id, was.company_name, now.planned
        if (one := wanted.get(company)) is not None:
            cap = was.cap if one.cap is None else one.cap
            if cap is not None and planned > cap:
                message = f"{name}: a reserve of {book.words(planned)} exceeds its cap of {book.words(cap)}"
                found.append(Warned("cap_exceeded", company, message, "error"))
            if planned < was.planned:
                message = f"{name}: the reserve falls from {book.words(was.planned)} to {book.words(planned)}"
                found.append(Warned("negative_delta", company, message))
        if 100 * planned > limits.concentration_pct * total:
            share = f"{percent_text(_share(planned, total))} % of all reserves, more than {limits.concentration_pct} %"
            found.append(Warned("high_concentration", company, f"{name}: {book.words(planned)} is {share}"))
        if 100 * planned > limits.company_of_fund_pct * book.size:
            found.append(Warned("unrealistic_moic", company, _of_fund(name, planned, book, limits.company_of_fund_pct)))
    if 100 * total > limits.total_of_fund_pct * book.size:
        found.append(Warned("unrealistic_moic", None, _of_fund("All reserves", total, book, limits.total_of_fund_pct)))
    return found


def _of_fund(name: str, planned: Minor, book: Book, limit_pct: int) -> str:
    return f"{name}: {book.words(planned)} is more than {limit_pct} % of the fund's size of {book.words(book.size)}"


def _share(part: int, whole: int) -> Tenths:
    return Tenths((2000 * part + whole) // (2 * whole))


def _unknown(book: Book, unknown: Sequence[DealId]) -> Refused:
    named = f"company {unknown[0]}" + (f" and {len(unknown) - 1} others" if len(unknown) > 1 else "")
    return Refused(
        "unknown_company",
        f"Fund {book.fund_id} has no reserves for {named}.",
        "Propose companies of the fund only, or add the company to the fund's reserves first.",
        {"details": [_detail("the fund has no reserves for it", company) for company in unknown]},
    )


def stale(book: Book, proposal: Proposal) -> Refused:
    """The refusal of a proposal for reserves as they are not any more."""
    return Refused(
        "version_conflict",
        f"Expected version {proposal.version} of fund {book.fund_id}'s reserves, but found {book.version}.",
        "Read the reserves again, preview, and commit with their version.",
        {"current_versions": [book.version]},
    )


def _detail(msg: str, company_id: DealId | None) -> dict[str, object]:
    where = {} if company_id is None else {"company_id": company_id}
    return {"loc": ["body", "proposed_allocations"], **where, "msg": msg}
