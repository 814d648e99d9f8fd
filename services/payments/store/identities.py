"""SQL of who says what: sources, the identities that are taken, and new numbers."""

from collections.abc import Collection, Iterable
from typing import Final

from services.payments.domain import Identity, Ids, Known, take
from shared.postgres import Connection, IdBlocks


class Numbers:
    """New ids of one process, from sequences that rise by whole blocks; what a batch leaves over, the next one gets."""

    def __init__(self) -> None:
        self._payments = IdBlocks("payments.payment_number")
        self._postings = IdBlocks("payments.posting_number")
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


KNOWN_IDENTITIES: Final = """
select p.source_id, p.external_id, p.id, p.content
  from unnest($1::int[], $2::text[]) as asked (source_id, external_id)
  join payments.payment p on p.source_id = asked.source_id and p.external_id = asked.external_id
"""


async def known_identities(
    db: Connection, sources: dict[str, int], identities: Iterable[Identity]
) -> dict[Identity, Known]:
    """What is booked already under the identities of a batch."""
    asked = {(sources[identity[0]], identity[1]): identity for identity in identities}
    rows = await db.fetch(KNOWN_IDENTITIES, [key[0] for key in asked], [key[1] for key in asked])
    return {asked[row[0], row[1]]: Known(row[2], row[3]) for row in rows}


KNOWN_CONFLICTS: Final = """
select c.source_id, c.external_id, c.content
  from unnest($1::int[], $2::text[]) as asked (source_id, external_id)
  join payments.conflict c on c.source_id = asked.source_id and c.external_id = asked.external_id
"""


async def known_conflicts(
    db: Connection, sources: dict[str, int], identities: Collection[Identity]
) -> set[tuple[Identity, bytes]]:
    """The contradictions that are on record already for some identities."""
    if not identities:
        return set()
    asked = {(sources[source], external_id): (source, external_id) for source, external_id in identities}
    rows = await db.fetch(KNOWN_CONFLICTS, [key[0] for key in asked], [key[1] for key in asked])
    return {(asked[row[0], row[1]], row[2]) for row in rows}
