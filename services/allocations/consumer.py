"""Kafka in: what payments reports of issued calls, to one handler; what cannot be true, to the dead letters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.allocations import handlers
from shared import dead_letters, topics
from shared.contracts.payments import CallState
from shared.dead_letters import DeadLetter
from shared.kafka.records import Arrival
from shared.kafka.sorting import sort_out
from shared.outbox import Origin
from shared.postgres import Connection

TOPICS: Final = (topics.CALL_STATUS_CHANGED,)


async def apply(db: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
    """Does one batch inside the open transaction. A report of a call we never made is our own fault or a stranger's:
    it is set aside with its reason, and never blocks the reports behind it."""
    done = sort_out(arrivals, {topics.CALL_STATUS_CHANGED: CallState})
    reports = done.of(topics.CALL_STATUS_CHANGED, CallState)
    doubts = await handlers.fold_status_reports(db, [event for _, event in reports], now=now, origin=_origin(reports))
    doubtful = [DeadLetter(reports[doubt.place][0], doubt.reason, doubt.detail) for doubt in doubts]
    await dead_letters.add(db, [*done.unreadable, *doubtful], now)


def _origin(reports: Sequence[tuple[Arrival, CallState]]) -> Origin:
    """A lone report is named as the cause of what follows; a batch of them has no single one."""
    return reports[0][0].origin() if len(reports) == 1 else Origin()
