"""What allocations and the calendar say: funds, terms of calls, and the business date."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from services.payments import store
from services.payments.domain import Plan, Stage, Terms, Version, issue, newest_terms, tick
from services.payments.handlers.telling import call_status_changed
from services.payments.store import Fund
from shared import outbox
from shared.clock import business_date
from shared.crashpoint import crashpoint
from shared.outbox import Origin
from shared.postgres import Connection

CALLS_PER_TICK: Final = 1_000  # in one transaction


async def apply_funds(db: Connection, funds: Iterable[Fund]) -> None:
    """Remembers each fund's currency and time zone; the newest version wins."""
    await store.save_funds(db, funds)


async def apply_terms(db: Connection, told: Sequence[Terms], *, now: datetime, origin: Origin) -> None:
    """Makes a receivable of each call that is issued, once, and remembers the stage of those that are not."""
    newest = newest_terms(told)
    await store.save_plans(db, [Plan(t.id, t.stage, t.terms_version) for t in newest if t.stage is not Stage.ISSUED])
    issued = [terms for terms in newest if terms.stage is Stage.ISSUED]
    known = await store.lock_calls(db, (terms.id for terms in issued))
    fresh = [terms for terms in issued if terms.id not in known]
    if not fresh:
        return
    # Terms may come before their fund, from another topic: what they say of it holds until the fund itself is heard.
    await store.save_funds(db, (Fund(t.fund_id, t.currency, t.time_zone, 0) for t in fresh))
    funds = await store.get_funds(db, {terms.fund_id for terms in fresh})
    calls = [issue(t, business_date(now, funds[t.fund_id].time_zone)) for t in fresh]
    await store.add_calls(db, calls, now)
    await outbox.add(db, [call_status_changed(Version(call, None), now) for call in calls], origin)


async def tick_business_date(db: Connection, *, now: datetime, limit: int = CALLS_PER_TICK) -> int:
    """Looks at a slice of the calls that a new business date may make overdue, or put in default.

    Gives how many it looked at; fewer than `limit` means that all is done.
    """
    funds = await store.get_funds(db)
    today = {fund.id: business_date(now, fund.time_zone) for fund in funds.values()}
    watched = await store.calls_to_watch(db, today, limit=limit)
    calls = await store.lock_calls(db, watched)
    seen = [(call, tick(call, today[call.fund_id])) for call in calls.values()]
    changed = [(before, after) for before, after in seen if after.version != before.version]
    await store.save_calls(db, [(after, before.status) for before, after in changed], now)
    await store.save_watched(db, [after for before, after in seen if after.version == before.version])
    crashpoint("payments.statuses_saved")
    events = [call_status_changed(Version(after, before.status), now) for before, after in changed]
    await outbox.add(db, events, Origin(actor="clock"))
    return len(watched)
