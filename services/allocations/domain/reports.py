"""What payments' reports do to a whole batch of calls and their allocations.

A report is a fact: it is folded, never refused. For the state of a call the newest version wins, so duplicates, replays
and any order end alike. A report that no receivable of ours can make is not a fact but a fault: it is set aside as a
`Doubt`, changes nothing, and never stops the others.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from operator import attrgetter
from typing import NamedTuple

from services.allocations.domain.allocation import Allocation, advance, fold
from services.allocations.domain.call import Receivable, ReceivableStatus, Stage, planned_of
from shared.ids import AllocationId, CallId
from shared.money import Minor
from shared.value import new_tuple


class Reported(NamedTuple):
    """As much of a call as folding needs: a batch reads thousands of them."""

    id: CallId
    allocation_id: AllocationId
    stage: Stage
    amount: Minor
    receivable: Receivable


class Report(NamedTuple):
    """One version of a receivable, as payments said it; amounts in minor units of `currency`.

    `place` is the report's own in its batch.
    """

    place: int
    call_id: CallId
    allocation_id: AllocationId
    currency: str
    original: Minor
    released: Minor
    amount: Minor
    paid: Minor
    status: ReceivableStatus
    postings: int
    last_paid_on: date | None
    version: int


@dataclass(frozen=True, slots=True)
class Doubt:
    """The report at `place` in the batch cannot be true of a call of ours; `reason` is short and stable."""

    place: int
    reason: str
    detail: str


@dataclass(slots=True)
class Folded:
    """What a batch came to: what is now known of each call that changed, the allocations that changed, in their new
    state, and what was set aside."""

    receivables: dict[CallId, Receivable] = field(default_factory=dict)
    allocations: dict[AllocationId, Allocation] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)


def fold_reports(
    allocations: Mapping[AllocationId, Allocation],
    calls: Mapping[CallId, Reported],
    reports: Iterable[Report],
    *,
    now: datetime,
) -> Folded:
    """Fold every report of a batch: at most one version per allocation, none where nothing changed.

    `calls` must hold every known call that is reported, `allocations` the allocation of each of them.
    """
    folded = Folded()
    for report in sorted(reports, key=attrgetter("version")):
        call = calls.get(report.call_id)
        if call is None:
            folded.doubts.append(Doubt(report.place, "unknown_call", f"call {report.call_id} was never made here"))
            continue
        known = folded.receivables.get(call.id, call.receivable)
        if detail := _impossible(call, allocations[call.allocation_id], known, report):
            folded.doubts.append(Doubt(report.place, "impossible_report", f"call {call.id}: {detail}"))
        elif report.version > known.version:
            folded.receivables[call.id] = _receivable(report)
    _fold_allocations(allocations, calls, folded, now)
    return folded


def _fold_allocations(
    allocations: Mapping[AllocationId, Allocation], calls: Mapping[CallId, Reported], folded: Folded, now: datetime
) -> None:
    """Add up each allocation's changes, then fold them once. Reported calls are issued: what they plan they call."""
    changes: dict[AllocationId, list[int]] = {}
    for call_id, after in folded.receivables.items():
        call = calls[call_id]
        before = call.receivable
        sums = changes.setdefault(call.allocation_id, [0, 0, 0])
        sums[0] += planned_of(call.stage, call.amount, after) - planned_of(call.stage, call.amount, before)
        sums[1] += after.paid - before.paid
        sums[2] += after.postings - before.postings
    for allocation_id, (called_by, funded_by, new_postings) in changes.items():
        before_all = allocations[allocation_id]
        sum_of_all = fold(before_all, called_by=called_by, funded_by=funded_by, new_postings=new_postings)
        after_all = advance(before_all, sum_of_all, now=now)
        if after_all is not before_all:
            folded.allocations[allocation_id] = after_all


def _receivable(report: Report) -> Receivable:
    return new_tuple(
        Receivable,
        (report.version, report.released, report.paid, report.postings, report.status, report.last_paid_on),
    )


def _impossible(call: Reported, allocation: Allocation, known: Receivable, report: Report) -> str:
    """Why no receivable of this call can say so, or an empty text.

    With these ruled out each call keeps ``0 <= paid <= called <= amount`` and P never rises, so the allocation's
    amounts stay in order by construction, whatever else a report says.
    """
    if call.stage is not Stage.ISSUED:
        return f"it is {call.stage}, not issued"
    if report.allocation_id != call.allocation_id:
        return f"it belongs to allocation {call.allocation_id}, not {report.allocation_id}"
    if report.currency != allocation.currency:
        return f"it is in {allocation.currency}, not {report.currency}"
    if report.original != call.amount:
        return "the original amount is not the amount that was issued"
    if report.amount != report.original - report.released:
        return "the amount is not the original amount less what was released"
    if not 0 <= report.paid <= report.amount:
        return "paid is not between 0 and the amount"
    if report.status is ReceivableStatus.CANCELLED and (report.paid or not report.original):
        return "neither a paid call nor a call of 0 can be cancelled"
    return _going_back(known, report)


def _going_back(known: Receivable, report: Report) -> str:
    """Nothing released, posted or cancelled is ever taken back by a later version."""
    if report.version <= known.version:
        return ""
    if report.released < known.released:
        return "what was released cannot be taken back"
    if report.postings < known.postings:
        return "postings are counted up, never down"
    if known.status is ReceivableStatus.CANCELLED and report.status is not ReceivableStatus.CANCELLED:
        return "a cancelled call stays cancelled"
    return ""
