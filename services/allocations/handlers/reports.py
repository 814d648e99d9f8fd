"""Folding what payments reports of issued calls, a whole batch at a time."""

from collections.abc import Collection, Sequence
from datetime import datetime

from services.allocations import store
from services.allocations.domain import (
    Allocation,
    Deal,
    Doubt,
    Report,
    Status,
    fold_reports,
    restage,
    stage_of,
)
from services.allocations.handlers.views import allocation_status_changed, deal_changed
from shared import outbox
from shared.crashpoint import crashpoint
from shared.outbox import Origin
from shared.postgres import Connection


async def fold_status_reports(
    db: Connection, reports: Sequence[Report], *, now: datetime, origin: Origin
) -> list[Doubt]:
    """Folds every report of a batch, once; answers with those that cannot be true."""
    calls, allocations = await store.lock_reported(db, {report.call_id for report in reports})
    crashpoint("allocations.rows_locked")
    folded = fold_reports(allocations, calls, reports, now=now)
    await store.save_folded(db, folded, calls)
    crashpoint("allocations.reports_saved")
    deals = await _restage_deals(db, folded.allocations.values(), now)
    told = [*map(allocation_status_changed, folded.allocations.values()), *map(deal_changed, deals)]
    await outbox.add(db, told, origin)
    crashpoint("allocations.events_added")
    return folded.doubts


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
