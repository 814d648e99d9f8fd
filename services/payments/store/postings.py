"""SQL of postings: facts about calls' money, which are added and never changed; most stand in their payment's row."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

from services.payments.domain import Posting, PostingKind, Rule
from services.payments.store.writing import copy
from shared.ids import CallId, PaymentId
from shared.postgres import Connection, Record

POSTING: Final = """
       o.id, o.payment_id, s.name, p.external_id, o.call_id, o.call_version, o.kind, o.amount_minor, o.currency,
       o.value_date, o.recorded_at, o.rule, o.undoes
"""

LIVE_APPLICATIONS: Final = f"""
select {POSTING}
  from payments.posting o
  join payments.payment p on p.id = o.payment_id
  join payments.source s on s.id = p.source_id
 where o.payment_id = any($1::bigint[]) and o.kind = 'applied'
   and not exists (select from payments.later_posting u where u.undoes = o.id)
 order by o.id
"""  # noqa: S608  (columns of ours)


async def live_applications(db: Connection, payment_ids: Collection[PaymentId]) -> dict[PaymentId, list[Posting]]:
    """The applications of payments that are not undone."""
    found: defaultdict[PaymentId, list[Posting]] = defaultdict(list)
    for row in await db.fetch(LIVE_APPLICATIONS, list(payment_ids)):
        found[row[1]].append(posting_of(row))
    return dict(found)


def posting_of(row: Record) -> Posting:
    """The posting that a row keeps."""
    return Posting(
        *(row[0], row[1], row[2], row[3], row[4], row[5]),
        kind=PostingKind(row[6]),
        amount=row[7],
        currency=row[8],
        value_date=row[9],
        recorded_at=row[10],
        rule=Rule(row[11]),
        undoes=row[12],
    )


PAID_DAYS: Final = """
select o.call_id, o.value_date, count(*) as applications
  from payments.posting o
 where o.call_id = any($1::bigint[]) and o.kind = 'applied'
   and not exists (select from payments.later_posting u where u.undoes = o.id)
 group by o.call_id, o.value_date
"""


async def paid_days(db: Connection, call_ids: Collection[CallId]) -> dict[CallId, dict[date, int]]:
    """How many live applications of each value date the calls have; an answer for every call asked for."""
    days: dict[CallId, dict[date, int]] = {call_id: {} for call_id in call_ids}
    if days:
        for row in await db.fetch(PAID_DAYS, sorted(days)):
            days[row[0]][row[1]] = row[2]
    return days


_POSTING_COLUMNS: Final = (
    *("id", "payment_id", "call_id", "call_version", "kind", "amount_minor", "currency", "value_date"),
    *("recorded_at", "rule", "undoes"),
)


async def add_later_postings(db: Connection, postings: Sequence[Posting]) -> None:
    """Adds those postings that payments' own rows do not say; raises `Retry` where one was undone a moment ago."""
    rows = [
        (
            *(p.id, p.payment_id, p.call_id, p.call_version, str(p.kind), p.amount, p.currency, p.value_date),
            *(p.recorded_at, str(p.rule), p.undoes),
        )
        for p in postings
        if not p.is_booking
    ]
    await copy(db, "later_posting", _POSTING_COLUMNS, rows)
