"""Allocations."""

from collections.abc import Collection, Sequence
from typing import Final

from services.allocations.domain import Allocation, Cause, Status
from shared.ids import AllocationId, DealId, FundId
from shared.postgres import Connection, Record

ADD_ALLOCATION: Final = """
insert into allocations.allocation (id, fund_id, deal_id, currency, exponent, committed_minor, planned_minor,
                                    called_minor, funded_minor, fresh, status, previous_status, cause, changed_at,
                                    version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""


async def add_allocation(db: Connection, new: Allocation, *, exponent: int) -> None:
    """A new allocation; `exponent` is its currency's number of decimals."""
    await db.execute(
        ADD_ALLOCATION,
        new.id,
        new.fund_id,
        new.deal_id,
        new.currency,
        exponent,
        new.committed,
        new.planned,
        new.called,
        new.funded,
        new.fresh,
        new.status,
        new.previous_status,
        new.cause,
        new.changed_at,
        new.version,
    )


GET_ALLOCATION: Final = """
select id, fund_id, deal_id, currency, committed_minor, planned_minor, called_minor, funded_minor, fresh,
       previous_status, cause, changed_at, version
  from allocations.allocation
 where id = $1
"""


async def get_allocation(db: Connection, allocation_id: AllocationId) -> Allocation | None:
    """One allocation."""
    row = await db.fetchrow(GET_ALLOCATION, allocation_id)
    return None if row is None else _allocation(row)


FIND_ALLOCATION: Final = """
select id, fund_id, deal_id, currency, committed_minor, planned_minor, called_minor, funded_minor, fresh,
       previous_status, cause, changed_at, version
  from allocations.allocation
 where deal_id = $2
   and fund_id = $1
"""


async def find_allocation(db: Connection, fund_id: FundId, deal_id: DealId) -> Allocation | None:
    """The one allocation of a fund to a deal."""
    row = await db.fetchrow(FIND_ALLOCATION, fund_id, deal_id)
    return None if row is None else _allocation(row)


LIST_ALLOCATIONS: Final = """
select id, fund_id, deal_id, currency, committed_minor, planned_minor, called_minor, funded_minor, fresh,
       previous_status, cause, changed_at, version
  from allocations.allocation
 where id > $1
   and ($2::bigint is null or deal_id = $2)
   and ($3::text is null or status = $3)
 order by id
 limit $4
"""


async def list_allocations(
    db: Connection, *, deal_id: int | None, status: str | None, after: int, limit: int
) -> Sequence[Allocation]:
    """Allocations in the order they were made, those with an id above `after`; a filter of None takes all."""
    return [_allocation(row) for row in await db.fetch(LIST_ALLOCATIONS, after, deal_id, status, limit)]


# A statement of its own, for one that may or may not name a fund is planned without the fund's index.
LIST_ALLOCATIONS_OF_FUND: Final = """
select id, fund_id, deal_id, currency, committed_minor, planned_minor, called_minor, funded_minor, fresh,
       previous_status, cause, changed_at, version
  from allocations.allocation
 where fund_id = $1
   and id > $2
   and ($3::bigint is null or deal_id = $3)
   and ($4::text is null or status = $4)
 order by id
 limit $5
"""


async def list_allocations_of_fund(
    db: Connection, fund_id: FundId, *, deal_id: int | None, status: str | None, after: int, limit: int
) -> Sequence[Allocation]:
    """The same, of one fund."""
    rows = await db.fetch(LIST_ALLOCATIONS_OF_FUND, fund_id, after, deal_id, status, limit)
    return [_allocation(row) for row in rows]


# In id order, so that two batches which share allocations wait for each other instead of deadlocking.
LOCK_ALLOCATIONS: Final = """
select id, fund_id, deal_id, currency, committed_minor, planned_minor, called_minor, funded_minor, fresh,
       previous_status, cause, changed_at, version
  from allocations.allocation
 where id = any($1::bigint[])
 order by id
   for no key update
"""


async def lock_allocations(db: Connection, ids: Collection[AllocationId]) -> dict[AllocationId, Allocation]:
    """These allocations, locked in id order; those that do not exist are missing."""
    return {row["id"]: _allocation(row) for row in await db.fetch(LOCK_ALLOCATIONS, list(ids))}


SAVE_ALLOCATIONS: Final = """
update allocations.allocation a
   set planned_minor = new.planned, called_minor = new.called, funded_minor = new.funded, fresh = new.fresh,
       status = new.status, previous_status = new.previous_status, cause = new.cause, changed_at = new.changed_at,
       version = new.version
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::boolean[], $6::text[], $7::text[],
              $8::text[], $9::timestamptz[], $10::int[])
    as new (id, planned, called, funded, fresh, status, previous_status, cause, changed_at, version)
 where a.id = new.id
"""


async def save_allocations(db: Connection, allocations: Collection[Allocation]) -> None:
    """The next version of locked allocations; the row itself proves amounts, state and version again."""
    if allocations:
        await db.execute(
            SAVE_ALLOCATIONS,
            [a.id for a in allocations],
            [a.planned for a in allocations],
            [a.called for a in allocations],
            [a.funded for a in allocations],
            [a.fresh for a in allocations],
            [a.status for a in allocations],
            [a.previous_status for a in allocations],
            [a.cause for a in allocations],
            [a.changed_at for a in allocations],
            [a.version for a in allocations],
        )


def _allocation(row: Record) -> Allocation:
    was = row["previous_status"]
    return Allocation(
        id=row["id"],
        fund_id=row["fund_id"],
        deal_id=row["deal_id"],
        currency=row["currency"],
        committed=row["committed_minor"],
        changed_at=row["changed_at"],
        planned=row["planned_minor"],
        called=row["called_minor"],
        funded=row["funded_minor"],
        fresh=row["fresh"],
        previous_status=None if was is None else Status(was),
        cause=Cause(row["cause"]),
        version=row["version"],
    )
