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
    return None if row is None else allocation(row)


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
    return None if row is None else allocation(row)


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
    return [allocation(row) for row in await db.fetch(LIST_ALLOCATIONS, after, deal_id, status, limit)]


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
    return [allocation(row) for row in rows]


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
    return {row["id"]: allocation(row) for row in await db.fetch(LOCK_ALLOCATIONS, list(ids))}


# One array of whole steps costs half of what an array for each column does, at both ends.
SAVE_ALLOCATIONS: Final = """
update allocations.allocation a
   set planned_minor = new.planned, called_minor = new.called, funded_minor = new.funded, fresh = new.fresh,
       status = new.status, previous_status = new.previous_status, cause = new.cause, changed_at = new.changed_at,
       version = new.version
  from unnest($1::allocations.allocation_step[]) as new
 where a.id = new.id
"""


async def save_allocations(db: Connection, allocations: Collection[Allocation]) -> None:
    """The next version of locked allocations; the row itself proves amounts, state and version again."""
    if allocations:
        await db.execute(SAVE_ALLOCATIONS, [step(after) for after in allocations])


def step(after: Allocation) -> tuple[object, ...]:
    """What a step changed, in the order of its type's columns."""
    return (
        after.id,
        after.planned,
        after.called,
        after.funded,
        after.fresh,
        after.status,
        after.previous_status,
        after.cause,
        after.changed_at,
        after.version,
    )


def allocation(row: Record) -> Allocation:
    """A row as the rules see it."""
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
        previous_status=None if was is None else _STATUS[was],
        cause=_CAUSE[row["cause"]],
        version=row["version"],
    )


# A look-up is quicker than asking an enum for its member.
_STATUS: Final = {status.value: status for status in Status}
_CAUSE: Final = {cause.value: cause for cause in Cause}
