"""Which companies a fund has reserves for, and their caps."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from services.allocations.reallocation import domain, store
from services.allocations.reallocation.domain import Book, NewReserve, Reserve
from services.allocations.reallocation.handlers.committing import no_such_fund
from services.allocations.reallocation.handlers.telling import reserve_reallocated
from services.allocations.reallocation.store import Entry
from shared import outbox
from shared.ids import DealId, FundId, new_event_id
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused


async def set_up(
    db: Connection,
    fund_id: FundId,
    wanted: Sequence[NewReserve],
    *,
    meant: Callable[[Book], Refused | None],
    reason: str | None,
    now: datetime,
    origin: Origin,
) -> Book | Refused:
    """Adds companies, and says what they have and may have, as the fund's next version.

    `meant` refuses reserves that the caller does not mean to change.
    """
    await store.lock_books(db, [fund_id])
    # Read behind the lock: a company that was added while it was waited for is seen too.
    before = await store.get_book(db, fund_id)
    if before is None:
        return no_such_fund(fund_id)
    if refused := meant(before):
        return refused
    names = await store.company_names(db, {one.company_id for one in wanted})
    after = domain.set_up(before, wanted, names)
    if isinstance(after, Refused):
        return after
    there = {reserve.company_id for reserve in before.reserves}
    kept = [reserve for reserve in after.reserves if reserve.company_id in there]
    added = [reserve for reserve in after.reserves if reserve.company_id not in there]
    if kept:
        await store.save_books(db, [domain.Book(fund_id, after.currency, after.size, after.version, kept)], now)
    if added:
        await store.add_reserves(db, after, added, now)
    entry = Entry(
        id=new_event_id(),
        fund_id=fund_id,
        kind="set_up",
        user_id=None,
        actor=origin.actor,
        baseline_version=before.version,
        new_version=after.version,
        changes=_changes(before, after, {one.company_id for one in wanted}),
        reason=reason,
        created_at=now,
    )
    await store.add_audits(db, [entry])
    await outbox.add(db, [reserve_reallocated(before, after, entry)], origin)
    return after


def _changes(before: Book, after: Book, named: Collection[DealId]) -> list[dict[str, int | None]]:
    """What each named company has, and the cap that is stored from now on."""
    was: dict[DealId, Reserve] = {reserve.company_id: reserve for reserve in before.reserves}
    return [
        {
            "company_id": reserve.company_id,
            "from_cents": was[reserve.company_id].planned if reserve.company_id in was else 0,
            "to_cents": reserve.planned,
            "allocation_cap_cents": reserve.cap,
        }
        for reserve in after.reserves
        if reserve.company_id in named
    ]
