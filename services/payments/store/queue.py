"""SQL of the queue of holds: page by page, in sums, whose they are, and what was decided about them."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from services.payments.domain import Hold, Kind, Reason
from services.payments.store.holds import HOLD, hold_of
from shared.ids import FundId, HoldId, PaymentId
from shared.money import Minor
from shared.postgres import Connection, Record


@dataclass(frozen=True, slots=True)
class QueuedHold:
    """A hold, with who looks after it."""

    hold: Hold
    resolved_at: datetime | None
    owner: str | None
    owned_since: datetime | None

    @property
    def subject_id(self) -> PaymentId:
        """The payment or the conflict that it is about."""
        found = self.hold.payment_id or self.hold.conflict_id
        assert found is not None, self.hold
        return found


_QUEUED: Final = f"""
{HOLD}, resolved_at, owner, owned_since
"""

GET_HOLD: Final = f"""
select {_QUEUED}
  from payments.hold
 where id = $1
"""  # noqa: S608  (columns of ours)


async def get_hold(db: Connection, hold_id: HoldId) -> QueuedHold | None:
    """One hold as it now is."""
    row = await db.fetchrow(GET_HOLD, hold_id)
    return None if row is None else _queued(row)


def _queued(row: Record) -> QueuedHold:
    return QueuedHold(hold_of(row), row["resolved_at"], row["owner"], row["owned_since"])


class Sort(StrEnum):
    """What comes first in the queue: the oldest, or the largest."""

    AGE = "age"
    AMOUNT = "amount"


@dataclass(frozen=True, slots=True)
class HoldsAsked:
    """Which holds to list: open or resolved ones, as old as `until`, those that match; None matches all.

    `after` is the sort key and id of the last one seen.
    """

    is_open: bool
    sort: Sort
    until: datetime
    reason: Reason | None = None
    fund_id: FundId | None = None
    owner: str | None = None
    source_id: int | None = None
    after: tuple[datetime | int, int] | None = None
    limit: int = 50


_MATCHING: Final = """
   and opened_at <= $2 and ($3::text is null or reason = $3) and ($4::bigint is null or fund_id = $4)
   and ($5::text is null or owner = $5)
   and ($6::int is null
        or exists (select from payments.payment p where p.id = h.payment_id and p.source_id = $6)
        or exists (select from payments.conflict c where c.id = h.conflict_id and c.source_id = $6))
"""

OLDEST_HOLDS: Final = f"""
select {_QUEUED}
  from payments.hold h
 where state = $1 {_MATCHING}
   and ($7::timestamptz is null or (opened_at, id) > ($7, $8::bigint))
 order by opened_at, id
 limit $9
"""  # noqa: S608  (columns of ours)

# Sums of minor units: amounts of one currency are in order, and currencies are never converted.
LARGEST_HOLDS: Final = f"""
select {_QUEUED}
  from payments.hold h
 where state = $1 {_MATCHING}
   and ($7::bigint is null or (amount_minor <= $7 and (amount_minor < $7 or id > $8::bigint)))
 order by amount_minor desc, id
 limit $9
"""  # noqa: S608  (columns of ours)


async def list_holds(db: Connection, asked: HoldsAsked) -> list[QueuedHold]:
    """Holds, the oldest or the largest first."""
    statement = OLDEST_HOLDS if asked.sort is Sort.AGE else LARGEST_HOLDS
    rows = await db.fetch(
        statement,
        "open" if asked.is_open else "resolved",
        asked.until,
        None if asked.reason is None else str(asked.reason),
        asked.fund_id,
        asked.owner,
        asked.source_id,
        *(asked.after or (None, None)),
        asked.limit,
    )
    return [_queued(row) for row in rows]


@dataclass(frozen=True, slots=True)
class HoldTotal:
    """Open holds of one reason, kind and currency; a conflict's amount is told, not held."""

    reason: Reason
    kind: Kind
    currency: str
    count: int
    amount: Minor
    oldest: datetime


TOTAL_HOLDS: Final = """
select h.reason, coalesce(p.kind, c.kind) as kind, coalesce(p.currency, c.currency) as currency,
       count(*) as holds, sum(h.amount_minor) as amount, min(h.opened_at) as oldest
  from payments.hold h
  left join payments.payment p on p.id = h.payment_id
  left join payments.conflict c on c.id = h.conflict_id
 where h.state = 'open'
 group by h.reason, coalesce(p.kind, c.kind), coalesce(p.currency, c.currency)
 order by h.reason, currency, kind
"""


async def total_holds(db: Connection) -> list[HoldTotal]:
    """All that is open, counted and summed."""
    return [
        HoldTotal(Reason(reason), Kind(kind), currency, count, Minor(int(amount)), oldest)
        for reason, kind, currency, count, amount, oldest in await db.fetch(TOTAL_HOLDS)
    ]


# Who looks after it already has done so since then.
OWN_HOLD: Final = """
update payments.hold
   set owned_since = case when owner is not distinct from $2 then owned_since
                          when $2::text is not null then $3::timestamptz end,
       owner = $2
 where id = $1 and resolution is null
returning id
"""


async def own_hold(db: Connection, hold_id: HoldId, owner: str | None, now: datetime) -> bool:
    """Gives an open hold to somebody, or to nobody; whether there is such a one."""
    return await db.fetchval(OWN_HOLD, hold_id, owner, now) is not None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision as it stands on record."""

    hold_id: HoldId | None
    action: str
    reason: str
    actor: str
    recorded_at: datetime
    explanation: Mapping[str, Any] | None


DECISIONS: Final = """
select payment_id, hold_id, action, reason, actor, recorded_at, explanation::text as explanation
  from payments.resolution
 where payment_id = any($1::bigint[])
 order by id
"""

DECISIONS_OF_CONFLICTS: Final = """
select r.conflict_id, r.hold_id, r.action, r.reason, r.actor, r.recorded_at, r.explanation::text as explanation
  from payments.hold h
 cross join lateral (select own.* from payments.resolution own where own.hold_id = h.id offset 0) r
 where h.conflict_id = any($1::bigint[])
 order by r.id
"""


async def decisions_of(db: Connection, ids: Collection[PaymentId]) -> dict[PaymentId, list[Recorded]]:
    """What people decided about payments and conflicts, in order."""
    found: defaultdict[PaymentId, list[Recorded]] = defaultdict(list)
    for statement in (DECISIONS, DECISIONS_OF_CONFLICTS) if ids else ():
        for row in await db.fetch(statement, list(ids)):
            told = None if row[6] is None else json.loads(row[6])
            found[row[0]].append(Recorded(row[1], row[2], row[3], row[4], row[5], told))
    return dict(found)
