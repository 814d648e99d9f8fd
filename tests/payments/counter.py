"""The counter of the payments service for tests: hand in events batch by batch, each a transaction; look at tables."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.payments import handlers
from services.payments.domain import Entry, Terms
from services.payments.handlers import Received
from services.payments.store import Numbers
from shared.ids import PaymentId
from shared.outbox import Origin
from shared.postgres import Connection
from tests.payments.making import NOW, terms

Row = dict[str, Any]


@dataclass(slots=True)
class Counter:
    """Hands events to the handlers on one connection."""

    db: Connection
    numbers: Numbers = field(default_factory=Numbers)

    async def issue(self, *calls: int, amount: int = 400_000_00, **given: Any) -> None:
        """Issues calls by id."""
        await self.hear(*(terms(call_id, amount, **given) for call_id in calls))

    async def hear(self, *told: Terms, now: datetime = NOW) -> None:
        """A batch of terms."""
        async with self.db.transaction():
            await handlers.apply_terms(self.db, told, now=now, origin=Origin())

    async def receive(self, *entries: Entry, now: datetime = NOW) -> Received:
        """A batch of entries."""
        async with self.db.transaction():
            return await handlers.receive_payments(self.db, self.numbers, entries, now=now, origin=Origin())

    async def sweep(self, *, limit: int = 1_000) -> int:
        """The sweep, slice by slice until nothing is left; gives the number of slices."""
        after: PaymentId | None = PaymentId(0)
        slices = -1
        while after is not None:
            slices += 1
            async with self.db.transaction():
                after = await handlers.sweep(self.db, self.numbers, after=after, now=NOW, limit=limit)
        return slices

    async def rows(self, query: str, *values: object) -> list[Row]:
        """What a query finds."""
        return [dict(row) for row in await self.db.fetch(query, *values)]

    async def call(self, call_id: int = 17) -> Row:
        """A call's row."""
        (row,) = await self.rows("select * from payments.call where id = $1", call_id)
        return row

    async def payment(self, external_id: str = "E1") -> Row:
        """A payment's row, by the bank's own id."""
        (row,) = await self.rows("select * from payments.payment where external_id = $1", external_id)
        return row

    async def holds(self) -> list[tuple[Any, ...]]:
        """Reason, state, resolution and version of every hold, in the order they were opened."""
        rows = await self.rows("select reason, state, resolution, version from payments.hold order by id")
        return [tuple(row.values()) for row in rows]

    async def told(self, topic: str = "call.status_changed") -> list[Row]:
        """What went into the outbox for a topic, in order."""
        rows = await self.rows("select payload from payments.outbox_event where topic = $1 order by id, number", topic)
        return [json.loads(row["payload"]) for row in rows]

    async def check(self) -> None:
        """Conservation and gapless versions, by queries of their own over the tables and the outbox."""
        wrong = await self.rows(
            """
            select c.id, c.paid_minor, p.paid, c.postings, p.made
              from payments.call c
              left join (select call_id, count(*) as made,
                                sum(case kind when 'applied' then amount_minor else -amount_minor end) as paid
                           from payments.posting group by call_id) p on p.call_id = c.id
             where c.paid_minor <> coalesce(p.paid, 0) or c.postings <> coalesce(p.made, 0)
            """
        )
        wrong += await self.rows(
            """
            select p.id, p.applied_minor, o.applied, p.held_minor, h.held
              from payments.payment p
              left join (select payment_id, sum(case kind when 'applied' then amount_minor else -amount_minor end)
                                as applied
                           from payments.posting group by payment_id) o on o.payment_id = p.id
              left join (select payment_id, sum(amount_minor) as held
                           from payments.hold where resolution is null group by payment_id) h on h.payment_id = p.id
             where p.applied_minor <> coalesce(o.applied, 0) or p.held_minor <> coalesce(h.held, 0)
            """
        )
        assert wrong == []
        versions: dict[int, list[int]] = {}
        postings: set[int] = set()
        for event in await self.told():
            versions.setdefault(event["call_id"], []).append(event["version"])
            postings |= {posting["posting_id"] for posting in event["applied"]}
        for row in await self.rows("select id, version from payments.call"):
            assert versions[row["id"]] == list(range(1, row["version"] + 1))
        assert postings == {row["id"] for row in await self.rows("select id from payments.posting")}
