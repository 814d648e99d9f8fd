"""What is kept and said of each new version of a fund's reserves."""

from typing import Any

from services.allocations.reallocation.domain import Book, Outcome
from services.allocations.reallocation.store import Entry
from shared import currency
from shared.contracts.allocations import ReserveChange, ReserveReallocated
from shared.outbox import Event


def changes_of(outcome: Outcome) -> list[dict[str, Any]]:
    """Every company that was proposed, moved or not, with a cap where the proposal brought one."""
    return [
        {
            "company_id": delta.company_id,
            "from_cents": delta.before,
            "to_cents": delta.after,
            **({} if one.cap is None else {"allocation_cap_cents": one.cap}),
        }
        for delta, one in zip(outcome.deltas, outcome.proposal.proposed, strict=True)
    ]


def reserve_reallocated(before: Book, after: Book, entry: Entry) -> Event:
    """The event of a fund's newest reserves."""
    code = after.currency
    changes = [
        ReserveChange.model_construct(
            company_id=change["company_id"],
            before=currency.text(change["from_cents"], code),
            after=currency.text(change["to_cents"], code),
        )
        for change in entry.changes
    ]
    data = ReserveReallocated(
        fund_id=after.fund_id,
        kind=entry.kind,
        audit_id=str(entry.id),
        currency=code,
        baseline_version=before.version,
        version=after.version,
        total_before=currency.text(before.total, code),
        total_after=currency.text(after.total, code),
        companies=len(after.reserves),
        changes=changes,
        reason=entry.reason,
        user_id=entry.user_id,
        occurred_at=entry.created_at,
    )
    return Event(ReserveReallocated.topic, str(after.fund_id), f"fund/{after.fund_id}", data, entry.created_at)
