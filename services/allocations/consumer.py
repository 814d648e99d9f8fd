"""Kafka in: what payments reports of issued calls, to one handler; what cannot be true, to the dead letters."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from services.allocations import handlers
from services.allocations.domain import Doubt, ReceivableStatus, Report
from shared import currency, dead_letters, topics
from shared.contracts import CallState, Unreadable
from shared.contracts.members import Members, reader_of
from shared.currency import UnknownCurrency
from shared.dead_letters import DeadLetter
from shared.kafka.records import Arrival
from shared.money import NotAnAmount, checked
from shared.outbox import Origin
from shared.postgres import Connection
from shared.value import new_tuple

TOPICS: Final = (topics.CALL_STATUS_CHANGED,)


async def apply(db: Connection, arrivals: Sequence[Arrival], now: datetime) -> None:
    """Does one batch inside the open transaction. A report of a call we never made is our own fault or a stranger's:
    it is set aside with its reason, and never blocks the reports behind it."""
    reports, misfits, unreadable = read(arrivals)
    # A lone report is named as the cause of what follows; a batch of them has no single one.
    origin = arrivals[reports[0].place].origin() if len(reports) == 1 and not misfits else Origin()
    doubts = misfits + await handlers.fold_status_reports(db, reports, now=now, origin=origin)
    doubtful = [DeadLetter(arrivals[doubt.place], doubt.reason, doubt.detail) for doubt in doubts]
    await dead_letters.add(db, [*unreadable, *doubtful], now)


def read(arrivals: Sequence[Arrival]) -> tuple[list[Report], list[Doubt], list[DeadLetter]]:
    """What the records report, what of it is in no amount of its currency, and what nobody could understand.

    Each record becomes its report before the next is read: thousands of events kept at once would cost as much again.
    """
    reports: list[Report] = []
    misfits: list[Doubt] = []
    unreadable: list[DeadLetter] = []
    for place, arrival in enumerate(arrivals):
        try:
            event = _members_of(arrival.data)
        except Unreadable as wrong:
            unreadable.append(DeadLetter(arrival, wrong.reason, wrong.detail))
            continue
        try:
            reports.append(_report(place, event))
        except (NotAnAmount, UnknownCurrency) as wrong:
            detail = f"call {event['call_id']}: {wrong} is not an amount or currency that fits"
            misfits.append(Doubt(place, "impossible_report", detail))
    return reports, misfits, unreadable


def _report(place: int, event: Members) -> Report:
    """The event in minor units, its members in the order of `Report`."""
    code = event["currency"]
    decimals = currency.exponent(code)
    return new_tuple(
        Report,
        (
            place,
            event["call_id"],
            event["allocation_id"],
            code,
            checked(event["original_amount"], decimals),
            checked(event["released"], decimals),
            checked(event["amount"], decimals),
            checked(event["paid"], decimals),
            _STATUS[event["status"]],
            event["postings"],
            event["last_paid_on"],
            event["version"],
        ),
    )


_members_of: Final = reader_of(CallState)
_STATUS: Final = {status.value: status for status in ReceivableStatus}
