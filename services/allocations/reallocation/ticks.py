"""What recurs: schedules whose time has come, and how much room the history takes."""

import time
from datetime import datetime
from typing import Final

import structlog

from services.allocations.reallocation import handlers, store
from services.allocations.reallocation.api.contract import AUDIT_BYTES, log_commits
from shared.postgres import Pool

log = structlog.get_logger(__name__)

SLICE: Final = 100  # schedules looked up at once, each then done in a transaction of its own


async def run_due(pool: Pool, now: datetime) -> None:
    """Does every scheduled reallocation whose time has come, the earliest first; one that fails waits for the next
    tick, and the others go on."""
    async with pool.acquire() as db:
        due = await store.due_scheduled(db, now, limit=SLICE)
    for schedule_id in due:
        began_seconds = time.perf_counter()
        try:
            async with pool.acquire() as db, db.transaction():
                ran = await handlers.run(db, schedule_id, now=now)
        except Exception as error:  # noqa: BLE001  (one schedule never holds up the others)
            log.warning("scheduled reallocation failed", schedule_id=schedule_id, error=repr(error))
            continue
        if ran is not None:
            log_commits(ran.done, duration_ms=round(1000 * (time.perf_counter() - began_seconds)))
            ended = ran.scheduled
            log.info("scheduled reallocation ended", schedule_id=ended.id, status=ended.status, code=ended.parked_code)


async def measure(pool: Pool, _now: datetime) -> None:
    """Keeps the gauge of the history's size."""
    async with pool.acquire() as db:
        AUDIT_BYTES.set(await store.audit_bytes(db))
