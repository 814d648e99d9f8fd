"""SQL of who says what: sources, the identities that are taken, and new numbers."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.payments.domain import Content, Entry, Identity, Ids, Kind, Known, take
from services.payments.store.writing import column
from shared.ids import FundId
from shared.postgres import Connection, IdBlocks


class Numbers:
    """New ids of one process, from sequences that rise by whole blocks; what a batch leaves over, the next one gets."""

    def __init__(self) -> None:
        self._payments = IdBlocks("payments.payment_number")
        self._postings = IdBlocks("payments.payment_number")
        self._holds = IdBlocks("payments.hold_number")
        self._left: tuple[list[int], list[int], list[int]] = ([], [], [])

    async def draw(self, db: Connection, *, payments: int, postings: int, holds: int) -> Ids:
        """At least so many ids of each kind, rising."""
        left, self._left = self._left, ([], [], [])
        return Ids(
            take([*left[0], *await self._payments.take(db, max(0, payments - len(left[0])))]),
            take([*left[1], *await self._postings.take(db, max(0, postings - len(left[1])))]),
            take([*left[2], *await self._holds.take(db, max(0, holds - len(left[2])))]),
        )

    def give_back(self, ids: Ids) -> None:
        """Ids that nobody was given."""
        self._left = (
            [*self._left[0], *ids.payments],
            [*self._left[1], *ids.postings],
            [*self._left[2], *ids.holds],
        )


FIND_SOURCES: Final = """
select name, id from payments.source where name = any($1::text[])
"""

# In name order, so two batches that bring the same new names wait for each other instead of deadlocking.
ADD_SOURCES: Final = """
insert into payments.source (name)
select name from unnest($1::text[]) as new (name) order by name
    on conflict do nothing
"""


async def number_sources(db: Connection, names: Iterable[str]) -> dict[str, int]:
    """The numbers of sources by name; unknown ones are added."""
    wanted = sorted(set(names))
    found = await find_sources(db, wanted)
    if len(found) < len(wanted):
        await db.execute(ADD_SOURCES, [name for name in wanted if name not in found])
        found = await find_sources(db, wanted)
    return found


async def find_sources(db: Connection, names: Collection[str]) -> dict[str, int]:
    """The numbers of those sources that are known."""
    return {row[0]: row[1] for row in await db.fetch(FIND_SOURCES, list(names))}


# What a batch of entries is about, in one round trip: a line per source, with its number, the fund that it pays for and
# the bank account that it is one name of; a line per identity that is booked already; and a line for each fund that
# takes what fits of a payment. Each source is asked for once, and identities name theirs by its place among them; the
# numbers found are one array, so that none is searched for.
LOOK_UP: Final = """
with asked as (
    select told.place, s.id as source_id, a.fund_id, g.bank_account
      from unnest(string_to_array($1, E'\\x1f')) with ordinality as told (name, place)
      left join payments.source s on s.name = told.name
      left join payments.account a on a.alias = told.name
      left join payments.same_account g on g.alias = told.name
), numbered as (
    select array_agg(source_id order by place) as sources from asked
)
select place, source_id, fund_id, bank_account, null::text as external_id, null::bigint as id, null::text as kind,
       null::bigint as amount_minor, null::text as currency, null::date as value_date, null::bigint as call_id,
       null::text as reference, null::text as reverses
  from asked
 union all
select told.place, null, null, null, p.external_id, p.id, p.kind, p.amount_minor, p.currency, p.value_date, p.call_id,
       p.reference, p.reverses
  from unnest(string_to_array($2, E'\\x1f')::int[], string_to_array($3, E'\\x1f')) as told (place, external_id)
  join payments.payment p on p.source_id = (select sources from numbered)[told.place]
                         and p.external_id = told.external_id
 union all
select null, null, fund_id, null, null, null, null, null, null, null, null, null, null
  from payments.fund_policy
 where over_payment = 'apply_and_hold_excess'
"""


@dataclass(slots=True)
class OnRecord:
    """What is on record of some identities: numbers of their sources, funds of their accounts, and what is booked.

    `bank_accounts` are those that have several names, by these; `applying` are all funds that take what fits.
    """

    sources: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, FundId] = field(default_factory=dict)
    known: dict[Identity, Known] = field(default_factory=dict)
    bank_accounts: dict[str, str] = field(default_factory=dict)
    applying: set[FundId] = field(default_factory=set)


async def look_up(db: Connection, identities: Sequence[Identity]) -> OnRecord:
    """What is on record of the identities of a batch; sources that are new are added."""
    places: dict[str, int] = {}
    asked = [places.setdefault(source, len(places) + 1) for source, _ in identities]
    names = list(places)
    found = OnRecord()
    external_ids = [external_id for _, external_id in identities]
    for row in await db.fetch(LOOK_UP, column(names), column(asked), column(external_ids)):
        if row[0] is None:
            found.applying.add(row[2])
            continue
        name, external_id = names[row[0] - 1], row[4]
        if external_id is not None:
            entry = Entry(name, external_id, Kind(row[6]), row[7], row[8], row[9], row[10], row[11], reverses=row[12])
            found.known[entry.identity] = Known(row[5], entry.content)
            continue
        if row[1] is not None:
            found.sources[name] = row[1]
        if row[2] is not None:
            found.accounts[name] = row[2]
        if row[3] is not None:
            found.bank_accounts[name] = row[3]
    if len(found.sources) < len(names):
        found.sources = await number_sources(db, names)
    return found


# A contradiction is compared by what was told, as everything is: its row's short key is for the table alone.
KNOWN_CONFLICTS: Final = """
select c.source_id, c.external_id, c.kind, c.amount_minor, c.currency, c.value_date, c.call_id, c.reference, c.reverses
  from unnest($1::int[], $2::text[]) as asked (source_id, external_id)
  join payments.conflict c on c.source_id = asked.source_id and c.external_id = asked.external_id
"""


async def known_conflicts(
    db: Connection, sources: Mapping[str, int], identities: Collection[Identity]
) -> set[tuple[Identity, Content]]:
    """The contradictions that are on record already for some identities."""
    if not identities:
        return set()
    asked = {(sources[source], external_id): (source, external_id) for source, external_id in identities}
    known: set[tuple[Identity, Content]] = set()
    for row in await db.fetch(KNOWN_CONFLICTS, [key[0] for key in asked], [key[1] for key in asked]):
        source, external_id = asked[row[0], row[1]]
        entry = Entry(source, external_id, Kind(row[2]), row[3], row[4], row[5], row[6], row[7], reverses=row[8])
        known.add((entry.identity, entry.content))
    return known
