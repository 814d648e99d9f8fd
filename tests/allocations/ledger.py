"""Promises written straight into the database by the handlers, and what the outbox then holds."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.allocations import consumer, handlers
from services.allocations.domain import Command, Deal, Doubt, Fund, Schedule, Stage
from services.allocations.handlers import AllocationView, CallView
from services.allocations.handlers.views import call_snapshot
from shared import currency, topics
from shared.contracts import CallStatusChanged, encode
from shared.kafka.records import Arrival
from shared.money import Minor
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused
from tests.allocations.facts import DUE, NOW

ORIGIN = Origin(actor="tests")


async def fund(db: Connection, code: str = "USD", time_zone: str = "America/New_York") -> Fund:
    """A fund of a hundred million."""
    size = currency.parse("100000000", code)
    async with db.transaction():
        return await handlers.create_fund(
            db, name="Balerion II", code=code, time_zone=time_zone, size=size, now=NOW, origin=ORIGIN
        )


async def deal(db: Connection) -> Deal:
    """A prospect."""
    async with db.transaction():
        return await handlers.create_deal(db, name="Acme", now=NOW, origin=ORIGIN)


async def promise(
    db: Connection,
    committed: str = "1000000.00",
    *,
    of: Fund | None = None,
    to: Deal | None = None,
    schedule: Schedule | None = None,
) -> AllocationView:
    """An allocation, by a fund and to a deal of its own where none is named."""
    of, to = of or await fund(db), to or await deal(db)
    amount = currency.parse(committed, of.currency)
    async with db.transaction():
        made = await handlers.create_allocation(
            db, of, to.id, committed=amount, schedule=schedule, now=NOW, origin=ORIGIN
        )
    assert not isinstance(made, Refused), made
    return made


async def issue(
    db: Connection, of: AllocationView, amount: str, *, stage: Stage = Stage.ISSUED, due: date = DUE
) -> CallView:
    """A call in its first stage."""
    async with db.transaction():
        made = await handlers.create_call(
            db, of.allocation.id, amount=amount, due_date=due, stage=stage, now=NOW, origin=ORIGIN
        )
    assert not isinstance(made, Refused), made
    return made


async def move(db: Connection, of: CallView, command: Command, now: datetime = NOW) -> CallView | Refused:
    """A command to a call."""
    async with db.transaction():
        return await handlers.move_call(db, of.allocation.id, of.call.id, command, now=now, origin=ORIGIN)


async def hear(db: Connection, *events: CallStatusChanged) -> list[Doubt]:
    """One batch of reports, each of an amount that fits its currency."""
    reports, misfits, unreadable = consumer.read(arrivals(*events))
    assert not misfits
    assert not unreadable
    async with db.transaction():
        return await handlers.fold_status_reports(db, reports, now=NOW, origin=ORIGIN)


def arrivals(*said: CallStatusChanged | bytes, headers: Sequence[tuple[str, bytes]] = ()) -> list[Arrival]:
    """Records as the engine hands them over, one behind the other."""
    return [
        Arrival(
            topic=topics.CALL_STATUS_CHANGED,
            partition=0,
            incarnation=1,
            offset=offset,
            key=b"1",
            value=event if isinstance(event, bytes) else encode(event),
            headers=tuple(headers),
            timestamp_ms=0,
        )
        for offset, event in enumerate(said)
    ]


def said(
    of: CallView, version: int, *, paid: str = "0", postings: int = 0, released: str = "0", status: str = ""
) -> CallStatusChanged:
    """What payments would say of an issued call."""
    code = of.allocation.currency
    amount = Minor(of.call.amount - currency.parse(released, code))
    paid_minor = currency.parse(paid, code)
    word = status or ("paid" if paid_minor == amount else "partially_paid" if paid_minor else "called")
    terms = call_snapshot(of.call, of.allocation, of.fund)
    return CallStatusChanged.model_validate(
        {
            **{name: getattr(terms, name) for name in ("call_id", "allocation_id", "fund_id", "deal_id", "seq_no")},
            "reference": terms.reference,
            "currency": code,
            "original_amount": terms.amount,
            "released": currency.text(of.call.amount - amount, code),
            "amount": currency.text(amount, code),
            "paid": currency.text(paid_minor, code),
            "outstanding": currency.text(amount - paid_minor, code),
            "due_date": terms.due_date,
            "last_paid_on": date(2026, 2, 9) if paid_minor else None,
            "status": word,
            "previous_status": None if version == 1 else "called",
            "postings": postings,
            "version": version,
            "occurred_at": NOW,
            "applied": (),
        }
    )


@dataclass(frozen=True, slots=True)
class Told:
    """One event of the outbox."""

    topic: str
    key: str
    actor: str
    data: dict[str, Any]


async def told(db: Connection, topic: str | None = None) -> list[Told]:
    """The events that wait, in the order in which they were written; of one topic or of all."""
    rows = await db.fetch(
        "select topic, key, actor, payload from outbox_event where topic not like '%.dlt' order by id, number"
    )
    events = [Told(r["topic"], r["key"].decode(), r["actor"], json.loads(r["payload"])) for r in rows]
    return [event for event in events if topic in {None, event.topic}]


def words(events: Sequence[Told]) -> list[str]:
    """What allocation events say in short: version, cause and state."""
    return [f"{e.data['version']} {e.data['cause']} {e.data['status']}" for e in events]
