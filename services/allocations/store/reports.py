"""What a batch of reports needs: the calls it tells of with their allocations, read at once and written at once.

An allocation's row is the lock over its calls. Reported calls are not locked themselves: only reports change them, and
each is written against the version that was read.
"""

from collections.abc import Collection
from typing import Final

from services.allocations.domain import Allocation, Folded, Reported, Stage
from services.allocations.domain.call import UNHEARD
from services.allocations.store.allocations import SAVE_ALLOCATIONS, allocation, step
from services.allocations.store.calls import receivable
from shared.ids import AllocationId, CallId
from shared.postgres import Connection, Record, Retry

# In the order of allocations, so that two batches which share some wait for each other instead of deadlocking.
LOCK_REPORTED: Final = """
select c.id as call_id, c.stage, c.amount_minor, c.report_version, c.released_minor, c.paid_minor, c.postings,
       c.receivable_status, c.last_paid_on,
       a.id, a.fund_id, a.deal_id, a.currency, a.committed_minor, a.planned_minor, a.called_minor, a.funded_minor,
       a.fresh, a.previous_status, a.cause, a.changed_at, a.version
  from allocations.call c
  join allocations.allocation a on a.id = c.allocation_id
 where c.id = any($1::bigint[])
 order by a.id
   for no key update of a
"""


async def lock_reported(
    db: Connection, ids: Collection[CallId]
) -> tuple[dict[CallId, Reported], dict[AllocationId, Allocation]]:
    """As much of these calls as folding needs, and their allocations, locked; calls that do not exist are missing."""
    calls: dict[CallId, Reported] = {}
    allocations: dict[AllocationId, Allocation] = {}
    for row in await db.fetch(LOCK_REPORTED, list(ids)):
        calls[row["call_id"]] = _reported(row)
        if row["id"] not in allocations:
            allocations[row["id"]] = allocation(row)
    return calls, allocations


SAVE_FOLDED: Final = (
    f"with advanced as ({SAVE_ALLOCATIONS})"  # noqa: S608  (a constant in a constant)
    """
update allocations.call c
   set report_version = new.version, released_minor = new.released, paid_minor = new.paid, postings = new.postings,
       receivable_status = new.status, last_paid_on = new.last_paid_on
  from unnest($2::allocations.call_report[]) as new
 where c.id = new.id
   and c.report_version = new.known_version
"""
)


async def save_folded(db: Connection, folded: Folded, calls: dict[CallId, Reported]) -> None:
    """What a batch came to, of calls and allocations that are as `lock_reported` found them."""
    if not folded.receivables:
        return
    reports = [(key, calls[key].receivable.version, *known) for key, known in sorted(folded.receivables.items())]
    done = await db.execute(SAVE_FOLDED, [step(after) for after in folded.allocations.values()], reports)
    if done != f"UPDATE {len(reports)}":
        raise Retry("somebody else has folded reports of the same calls")


def _reported(row: Record) -> Reported:
    return Reported(
        row["call_id"],
        row["id"],
        _STAGE[row["stage"]],
        row["amount_minor"],
        receivable(row) if row["report_version"] else UNHEARD,
    )


_STAGE: Final = {stage.value: stage for stage in Stage}
