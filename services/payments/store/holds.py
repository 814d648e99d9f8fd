"""SQL of holds, and of what people decided about them."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.payments.domain import Hold, Reason, Resolution
from services.payments.store.writing import copy, expect
from shared.ids import PaymentId
from shared.postgres import Connection, Record

HOLD: Final = """
       id, payment_id, conflict_id, reason, amount_minor, opened_at, call_id, fund_id, resolution, version,
       resembles_id
"""

OPEN_HOLDS: Final = f"""
select {HOLD}
  from payments.hold
 where payment_id = any($1::bigint[]) and resolution is null
"""  # noqa: S608  (columns of ours)


async def open_holds(db: Connection, payment_ids: Collection[PaymentId]) -> dict[PaymentId, Hold]:
    """The open holds of payments."""
    return {row[1]: hold_of(row) for row in await db.fetch(OPEN_HOLDS, list(payment_ids))}


def hold_of(row: Record) -> Hold:
    """The hold that a row keeps."""
    return Hold(
        *(row[0], row[1], row[2]),
        reason=Reason(row[3]),
        amount=row[4],
        opened_at=row[5],
        call_id=row[6],
        fund_id=row[7],
        resolution=None if row[8] is None else Resolution(row[8]),
        version=row[9],
        resembles_id=row[10],
    )


_HOLD_COLUMNS: Final = (
    *("id", "payment_id", "conflict_id", "reason", "amount_minor", "call_id", "fund_id", "opened_at", "resolution"),
    *("resolved_at", "version", "resembles_id"),
)


async def add_holds(db: Connection, holds: Sequence[Hold], now: datetime) -> None:
    """Adds holds, open ones and such as were resolved in the same breath."""
    rows = [
        (
            *(h.id, h.payment_id, h.conflict_id, str(h.reason), h.amount, h.call_id, h.fund_id, h.opened_at),
            *(None if h.resolution is None else str(h.resolution), None if h.is_open else now, h.version),
            h.resembles_id,
        )
        for h in holds
    ]
    await copy(db, "hold", _HOLD_COLUMNS, rows)


SAVE_HOLDS: Final = """
update payments.hold h
   set reason = new.reason, fund_id = new.fund_id, resolution = new.resolution, version = new.version,
       resolved_at = case when new.resolution is not null then $6::timestamptz end
  from unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[])
    as new (id, reason, fund_id, resolution, version)
 where h.id = new.id and h.resolution is null and h.version < new.version
"""


async def save_holds(db: Connection, holds: Sequence[Hold], now: datetime) -> None:
    """Writes open holds as they now are; all of them, or it raises."""
    if holds:
        done = await db.execute(
            SAVE_HOLDS,
            [h.id for h in holds],
            [str(h.reason) for h in holds],
            [h.fund_id for h in holds],
            [None if h.resolution is None else str(h.resolution) for h in holds],
            [h.version for h in holds],
            now,
        )
        expect(len(holds), done)


# Holds whose cause has gone: the call was issued or will never be, the original has come. In payment-id order.
# Each look-up is fenced (`offset 0`, scalar subqueries): a plan made while the tables were empty would otherwise read
# all payments once for each hold, or hash all their identities, for as long as it is kept.
HOLDS_TO_RECONSIDER: Final = """
select p.id, s.name as source, p.source_id, p.external_id, p.reverses
  from payments.hold h
 cross join lateral (select own.id, own.source_id, own.external_id, own.reverses
                       from payments.payment own
                      where own.id = h.payment_id
                     offset 0) p
 cross join lateral (select named.name
                       from payments.source named
                      where named.id = p.source_id
                     offset 0) s
 where h.resolution is null and h.reason = any('{unknown_call,original_not_found}') and h.payment_id > $1
   and case h.reason
       when 'unknown_call'
       then coalesce((select true from payments.call c where c.id = h.call_id),
                     (select n.stage in ('rejected', 'withdrawn') from payments.plan n where n.call_id = h.call_id))
       else (select true from payments.payment o where o.source_id = p.source_id and o.external_id = p.reverses)
       end
 order by h.payment_id
 limit $2
"""


async def holds_to_reconsider(db: Connection, *, after: PaymentId, limit: int) -> list[Record]:
    """Payments whose hold has lost its cause, in id order, from beyond `after`, with what they reverse."""
    return await db.fetch(HOLDS_TO_RECONSIDER, after, limit)


ADD_RESOLUTION: Final = """
insert into payments.resolution
       (payment_id, conflict_id, hold_id, action, reason, actor, recorded_at, explanation)
values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb)
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about a payment or a conflict, and why; `explanation` says what they chose from."""

    payment_id: PaymentId | None
    conflict_id: PaymentId | None
    hold: Hold | None
    action: str
    reason: str
    actor: str
    explanation: Mapping[str, object] | None = None


async def add_resolution(db: Connection, decision: Decision, now: datetime) -> None:
    """Puts a person's decision on record."""
    await db.execute(
        ADD_RESOLUTION,
        decision.payment_id,
        decision.conflict_id,
        decision.hold and decision.hold.id,
        decision.action,
        decision.reason,
        decision.actor,
        now,
        None if decision.explanation is None else json.dumps(decision.explanation),
    )
