"""The allocations service, composed: what it answers, what it reads, and the clock that issues calls."""

from datetime import datetime
from typing import Final

from services.allocations import consumer, handlers
from services.allocations.api import router
from services.allocations.imports import api as imports
from services.allocations.reallocation import api as reallocation
from services.allocations.reallocation import ticks as reallocations
from shared.http import dead_letter_router
from shared.outbox import Origin
from shared.postgres import Pool
from shared.runtime import Runtime, Tick
from shared.settings import Settings

SLICE: Final = 200  # calls issued in one transaction: locks are held for milliseconds


async def issue_due_calls(pool: Pool, now: datetime) -> None:
    """Issues every scheduled call whose notice date has come, a slice and a transaction at a time."""
    issued = SLICE
    while issued == SLICE:
        async with pool.acquire() as db, db.transaction():
            issued = await handlers.issue_due(db, limit=SLICE, now=now, origin=Origin(actor="clock"))


def build(settings: Settings) -> Runtime:
    """The service; its own routes come after the dead letters', whose address looks like an allocation's."""
    return Runtime(
        "allocations",
        settings,
        reads=consumer.TOPICS,
        apply=consumer.apply,
        routers=[dead_letter_router("allocations"), router, reallocation.router, imports.router],
        ticks=[
            Tick("issue_due_calls", 1, issue_due_calls),
            Tick("run_due_reallocations", 1, reallocations.run_due),
            Tick("measure_reallocations", 60, reallocations.measure),
        ],
    )
