"""SQL of imports: which calls are known, and what became of entries."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from services.payments.domain import Content, Entry, Identity, Kind
from services.payments.imports.rules import Booking
from services.payments.store.writing import column
from shared.ids import CallId
from shared.postgres import Connection, Record

UNHEARD_CALLS: Final = """
select asked.id
  from unnest($1::bigint[]) as asked (id)
 where not exists (select from payments.call c where c.id = asked.id)
   and not exists (select from payments.plan p where p.call_id = asked.id)
"""


async def unheard_calls(db: Connection, ids: Collection[CallId]) -> set[CallId]:
    """Those of these calls of which allocations has told nothing yet."""
    if not ids:
        return set()
    return {row["id"] for row in await db.fetch(UNHEARD_CALLS, sorted(ids))}


# `fresh`: booked by this very transaction, not only changed by it.
FIND_ENTRIES: Final = """
with asked as (
    select array_agg(s.id order by told.place) as sources
      from unnest(string_to_array($1, E'\\x1f')) with ordinality as told (name, place)
      left join payments.source s on s.name = told.name
)
select told.place, p.external_id, p.id, p.status,
       p.xmin = pg_current_xact_id()::xid and p.recorded_at = $4 as fresh, h.reason,
       p.kind, p.amount_minor, p.currency, p.value_date, p.call_id, p.reference, p.reverses
  from unnest(string_to_array($2, E'\\x1f')::int[], string_to_array($3, E'\\x1f')) as told (place, external_id)
  join payments.payment p on p.source_id = (select sources from asked)[told.place]
                         and p.external_id = told.external_id
  left join payments.hold h on h.payment_id = p.id and h.resolution is null
"""


async def find_entries(db: Connection, identities: Sequence[Identity], now: datetime) -> dict[Identity, Booking]:
    """What is booked under these identities; `now` is the time at which this transaction books."""
    if not identities:
        return {}
    places: dict[str, int] = {}
    asked = [places.setdefault(source, len(places) + 1) for source, _ in identities]
    names = list(places)
    external_ids = [external_id for _, external_id in identities]
    found: dict[Identity, Booking] = {}
    for row in await db.fetch(FIND_ENTRIES, column(names), column(asked), column(external_ids), now):
        identity = names[row[0] - 1], row[1]
        found[identity] = Booking(row[2], row[3], row[5], None if row[4] else _content(identity, row))
    return found


def _content(identity: Identity, row: Record) -> Content:
    source, external_id = identity
    return Entry(source, external_id, Kind(row[6]), row[7], row[8], row[9], row[10], row[11], reverses=row[12]).content
