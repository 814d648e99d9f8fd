"""Folding what payments reports of issued calls, a whole batch at a time."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from services.allocations import store
from services.allocations.domain import (
    Allocation,
    Deal,
    Doubt,
    ReceivableStatus,
    Report,
    Status,
    fold_reports,
    restage,
    stage_of,
)
from services.allocations.handlers.views import allocation_status_changed, deal_changed
from shared import currency, outbox
from shared.contracts.payments import CallState
from shared.crashpoint import crashpoint
from shared.currency import UnknownCurrency
from shared.ids import AllocationId, CallId
from shared.money import NotAnAmount, parse
from shared.outbox import Origin
from shared.postgres import Connection


async def fold_status_reports(
    db: Connection, events: Sequence[CallState], *, now: datetime, origin: Origin
) -> list[Doubt]:
    """Folds every report of a batch, once; answers with those that cannot be true, by their place in `events`."""
    reports, doubts = _reports(events)
    calls, allocations = await store.lock_reported(db, {report.call_id for report in reports})
    crashpoint("allocations.rows_locked")
    folded = fold_reports(allocations, calls, reports, now=now)
    await store.save_folded(db, folded, calls)
    crashpoint("allocations.reports_saved")
    deals = await _restage_deals(db, folded.allocations.values(), now)
    told = [*map(allocation_status_changed, folded.allocations.values()), *map(deal_changed, deals)]
    await outbox.add(db, told, origin)
    crashpoint("allocations.events_added")
    return doubts + folded.doubts


def _reports(events: Iterable[CallState]) -> tuple[list[Report], list[Doubt]]:
    """The events in minor units; an amount that does not fit its currency was never ours."""
    reports: list[Report] = []
    doubts: list[Doubt] = []
    for place, event in enumerate(events):
        try:
            reports.append(_report(place, event))
        except (NotAnAmount, UnknownCurrency) as problem:
            detail = f"call {event.call_id}: {problem} is not an amount or currency that fits"
            doubts.append(Doubt(place, "impossible_report", detail))
    return reports, doubts


def _report(place: int, event: CallState) -> Report:
    decimals = currency.exponent(event.currency)
    return Report(
        place=place,
        call_id=CallId(event.call_id),
        allocation_id=AllocationId(event.allocation_id),
        currency=event.currency,
        original=parse(event.original_amount, exponent=decimals),
        released=parse(event.released, exponent=decimals),
        amount=parse(event.amount, exponent=decimals),
        paid=parse(event.paid, exponent=decimals),
        status=_STATUS[event.status],
        postings=event.postings,
        last_paid_on=event.last_paid_on,
        version=event.version,
    )


_STATUS: Final = {status.value: status for status in ReceivableStatus}


async def _restage_deals(db: Connection, allocations: Collection[Allocation], now: datetime) -> list[Deal]:
    """A deal's stage can only change when one of its allocations became funded, or was until now."""
    crossed = {
        a.deal_id for a in allocations if (a.status is Status.FUNDED) is not (a.previous_status is Status.FUNDED)
    }
    if not crossed:
        return []
    deals = await store.lock_deals(db, crossed)
    unfunded = await store.unfunded_deals(db, crossed)
    restaged = [restage(d, stage_of(allocated=True, unfunded=d.id in unfunded), now=now) for d in deals.values()]
    changed = [deal for deal in restaged if deal is not deals[deal.id]]
    await store.save_deals(db, changed)
    return changed
