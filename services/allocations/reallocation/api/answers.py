"""What people are shown of reserves, in whole minor units of the fund's currency."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel, Field, WithJsonSchema

from services.allocations.reallocation.domain import (
    Basis,
    Book,
    Outcome,
    Proposal,
    Suggested,
    Tenths,
    Warned,
    digest_of,
    percent_text,
)
from services.allocations.reallocation.handlers import Committed
from services.allocations.reallocation.store import Entry, SavedTemplate, Scheduled, Status
from shared import money

Percent = Annotated[Decimal, WithJsonSchema({"type": "number", "description": "to one decimal, half away from zero"})]


class ReserveOut(BaseModel):
    """What is planned for one company."""

    company_id: int
    company_name: str
    planned_reserves_cents: int
    allocation_cap_cents: int | None


class ReservesOut(BaseModel):
    """A fund's reserves; version 0 where none were set up."""

    version: int
    companies: list[ReserveOut]
    total_cents: int


class DeltaOut(BaseModel):
    """What becomes of one company's reserve."""

    company_id: int
    company_name: str
    from_cents: int
    to_cents: int
    delta_cents: int
    delta_pct: Percent
    status: Literal["increased", "decreased", "unchanged"]


class TotalsOut(BaseModel):
    """What becomes of all reserves of the fund, named or not."""

    total_allocated_before: int
    total_allocated_after: int
    delta_cents: int
    delta_pct: Percent


class WarningOut(BaseModel):
    """What somebody should know; without a company it is about all of them, and an error forbids the commit."""

    type: Literal["cap_exceeded", "negative_delta", "high_concentration", "unrealistic_moic"]
    company_id: int | None = None
    message: str
    severity: Literal["warning", "error"]


class ValidationOut(BaseModel):
    """Whether it could be committed, and why not."""

    is_valid: bool
    errors: list[str]


class PreviewOut(BaseModel):
    """What a proposal comes to."""

    deltas: list[DeltaOut]
    totals: TotalsOut
    warnings: list[WarningOut]
    validation: ValidationOut
    digest: str = Field(description="names this outcome: a commit that presents it does just this, or nothing")


class CommitOut(BaseModel):
    """What was done."""

    success: Literal[True] = True
    new_version: int
    updated_count: int = Field(description="companies that were proposed; the others have the new version too")
    audit_id: UUID
    timestamp: datetime


class FundCommitOut(BaseModel):
    """One fund's part of what was done."""

    fund_id: int
    new_version: int
    updated_count: int
    audit_id: UUID


class CommitsOut(BaseModel):
    """What was done, fund by fund in the order asked."""

    success: Literal[True] = True
    commits: list[FundCommitOut]
    timestamp: datetime


class ChangeOut(BaseModel):
    """What became of one company that was named."""

    company_id: int
    from_cents: int
    to_cents: int
    allocation_cap_cents: int | None = Field(
        None, description="of a set-up: stored from then on; of a reallocation: it counted for that one alone"
    )


class EntryOut(BaseModel):
    """One version of a fund's reserves: who made it, from which, and why."""

    audit_id: UUID
    fund_id: int
    kind: Literal["set_up", "reallocation"]
    user_id: int | None
    actor: str
    baseline_version: int
    new_version: int
    changes: list[ChangeOut]
    reason: str | None
    created_at: datetime


class ProposedOut(BaseModel):
    """What one company is to have."""

    company_id: int
    planned_reserves_cents: int
    allocation_cap_cents: int | None = None


class SuggestedOut(BaseModel):
    """A proposal to preview and commit like any other, and where its figures come from."""

    fund_id: int
    formula: str
    explanation: str
    current_version: int
    proposed_allocations: list[ProposedOut]


class ShareOut(BaseModel):
    """One company's part: of the two, what the template's basis says."""

    company_id: int
    percent: str | None = None
    amount_cents: int | None = None


class TemplateOut(BaseModel):
    """The newest version of a template."""

    fund_id: int
    name: str
    version: int
    basis: Literal["percent", "amount"]
    shares: list[ShareOut]
    created_by: str
    created_at: datetime


class ScheduledCommitOut(BaseModel):
    """What is to be done to one fund."""

    fund_id: int
    current_version: int
    proposed_allocations: list[ProposedOut]
    digest: str
    reason: str | None
    user_id: int | None


class ScheduledOut(BaseModel):
    """Commits that wait for their time, or what became of them."""

    id: int
    run_at: datetime
    status: Status
    commits: list[ScheduledCommitOut]
    created_by: str
    created_at: datetime
    ended_at: datetime | None
    parked_code: str | None = Field(description="of the refusal that parked it")
    parked_reason: str | None
    audit_ids: list[UUID] | None


def show_reserves(book: Book) -> ReservesOut:
    """A fund's reserves."""
    companies = [
        ReserveOut(
            company_id=reserve.company_id,
            company_name=reserve.company_name,
            planned_reserves_cents=reserve.planned,
            allocation_cap_cents=reserve.cap,
        )
        for reserve in book.reserves
    ]
    return ReservesOut(version=book.version, companies=companies, total_cents=book.total)


def preview_text(outcome: Outcome) -> bytes:
    """The JSON of a `PreviewOut`, written out because it has a number with one decimal for each of many companies."""
    told: dict[str, Any] = {
        "deltas": [
            {
                "company_id": delta.company_id,
                "company_name": delta.company_name,
                "from_cents": delta.before,
                "to_cents": delta.after,
                "delta_cents": delta.change,
                "delta_pct": _number(delta.pct),
                "status": delta.status,
            }
            for delta in outcome.deltas
        ],
        "totals": {
            "total_allocated_before": outcome.total_before,
            "total_allocated_after": outcome.total_after,
            "delta_cents": outcome.total_after - outcome.total_before,
            "delta_pct": _number(outcome.total_pct),
        },
        "warnings": [_warning(warned) for warned in outcome.warnings],
        "validation": {"is_valid": not outcome.errors, "errors": outcome.errors},
        "digest": digest_of(outcome),
    }
    return orjson.dumps(told)


def show_commit(done: Committed, now: datetime) -> CommitOut:
    """What was done to one fund."""
    return CommitOut(
        new_version=done.new_version, updated_count=done.updated_count, audit_id=done.audit_id, timestamp=now
    )


def show_commits(done: Sequence[Committed], now: datetime) -> CommitsOut:
    """What was done to several funds."""
    commits = [
        FundCommitOut(
            fund_id=one.fund_id, new_version=one.new_version, updated_count=one.updated_count, audit_id=one.audit_id
        )
        for one in done
    ]
    return CommitsOut(commits=commits, timestamp=now)


def show_entry(entry: Entry) -> EntryOut:
    """One version in the history."""
    return EntryOut(
        audit_id=entry.id,
        fund_id=entry.fund_id,
        kind=entry.kind,
        user_id=entry.user_id,
        actor=entry.actor,
        baseline_version=entry.baseline_version,
        new_version=entry.new_version,
        changes=[ChangeOut(**change) for change in entry.changes],
        reason=entry.reason,
        created_at=entry.created_at,
    )


def show_suggested(suggested: Suggested) -> SuggestedOut:
    """A proposal with its formula."""
    proposal = suggested.proposal
    return SuggestedOut(
        fund_id=proposal.fund_id,
        formula=suggested.formula,
        explanation=suggested.explanation,
        current_version=proposal.version,
        proposed_allocations=_proposed(proposal),
    )


def show_template(saved: SavedTemplate) -> TemplateOut:
    """A template as it was given."""
    template = saved.template
    shares = [
        ShareOut(company_id=share.company_id, percent=money.text(share.weight, exponent=4))
        if template.basis is Basis.PERCENT
        else ShareOut(company_id=share.company_id, amount_cents=share.weight)
        for share in template.shares
    ]
    return TemplateOut(
        fund_id=saved.fund_id,
        name=template.name,
        version=saved.version,
        basis=template.basis.value,
        shares=shares,
        created_by=saved.created_by,
        created_at=saved.created_at,
    )


def show_scheduled(scheduled: Scheduled) -> ScheduledOut:
    """A schedule, and what became of it."""
    commits = [
        ScheduledCommitOut(
            fund_id=one.proposal.fund_id,
            current_version=one.proposal.version,
            proposed_allocations=_proposed(one.proposal),
            digest=one.digest or "",
            reason=one.reason,
            user_id=one.user_id,
        )
        for one in scheduled.commits
    ]
    return ScheduledOut(
        id=scheduled.id,
        run_at=scheduled.run_at,
        status=scheduled.status,
        commits=commits,
        created_by=scheduled.created_by,
        created_at=scheduled.created_at,
        ended_at=scheduled.ended_at,
        parked_code=scheduled.parked_code,
        parked_reason=scheduled.parked_reason,
        audit_ids=None if scheduled.audit_ids is None else list(scheduled.audit_ids),
    )


def _proposed(proposal: Proposal) -> list[ProposedOut]:
    return [
        ProposedOut(company_id=one.company_id, planned_reserves_cents=one.planned, allocation_cap_cents=one.cap)
        for one in proposal.proposed
    ]


def _warning(warned: Warned) -> dict[str, Any]:
    company = {} if warned.company_id is None else {"company_id": warned.company_id}
    return {"type": warned.type, **company, "message": warned.message, "severity": warned.severity}


def _number(share: Tenths) -> orjson.Fragment:
    return orjson.Fragment(percent_text(share))
