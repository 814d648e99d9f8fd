"""Funds and deals."""

from collections.abc import Collection, Sequence
from typing import Final, Literal

from services.allocations.domain import Deal, DealStage, Fund
from shared.ids import DealId, FundId
from shared.postgres import Connection, Record

NEXT_IDS: Final = """
select nextval(('allocations.' || $1)::regclass) as id
  from generate_series(1, $2::int)
"""


async def new_ids(
    db: Connection, sequence: Literal["fund_id", "deal_id", "allocation_id", "call_id"], count: int = 1
) -> list[int]:
    """`count` new ids, rising."""
    return [row["id"] for row in await db.fetch(NEXT_IDS, sequence, count)]


ADD_FUND: Final = """
insert into allocations.fund (id, name, currency, exponent, time_zone, size_minor, changed_at, version)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""


async def add_fund(db: Connection, fund: Fund, *, exponent: int) -> None:
    """A new fund; `exponent` is its currency's number of decimals."""
    await db.execute(
        ADD_FUND,
        fund.id,
        fund.name,
        fund.currency,
        exponent,
        fund.time_zone,
        fund.size,
        fund.changed_at,
        fund.version,
    )


GET_FUNDS: Final = """
select id, name, currency, time_zone, size_minor as size, changed_at, version
  from allocations.fund
 where id = any($1::bigint[])
"""


async def get_funds(db: Connection, ids: Collection[FundId]) -> dict[FundId, Fund]:
    """These funds, by id; those that do not exist are missing."""
    return {row["id"]: Fund(**row) for row in await db.fetch(GET_FUNDS, list(ids))}


async def get_fund(db: Connection, fund_id: FundId) -> Fund | None:
    """One fund."""
    return (await get_funds(db, [fund_id])).get(fund_id)


LIST_FUNDS: Final = """
select id, name, currency, time_zone, size_minor as size, changed_at, version
  from allocations.fund
 where id > $1
 order by id
 limit $2
"""


async def list_funds(db: Connection, *, after: int, limit: int) -> Sequence[Fund]:
    """Funds in the order they were made, those with an id above `after`."""
    return [Fund(**row) for row in await db.fetch(LIST_FUNDS, after, limit)]


TIME_ZONES: Final = """
select distinct time_zone
  from allocations.fund
"""


async def time_zones(db: Connection) -> list[str]:
    """Every time zone that some fund counts its days in."""
    return [row["time_zone"] for row in await db.fetch(TIME_ZONES)]


ADD_DEAL: Final = """
insert into allocations.deal (id, name, stage, changed_at, version)
values ($1, $2, $3, $4, $5)
"""


async def add_deal(db: Connection, deal: Deal) -> None:
    """A new deal."""
    await db.execute(ADD_DEAL, deal.id, deal.name, deal.stage, deal.changed_at, deal.version)


GET_DEAL: Final = """
select id, name, stage, changed_at, version
  from allocations.deal
 where id = $1
"""


async def get_deal(db: Connection, deal_id: DealId) -> Deal | None:
    """One deal."""
    row = await db.fetchrow(GET_DEAL, deal_id)
    return None if row is None else _deal(row)


LIST_DEALS: Final = """
select id, name, stage, changed_at, version
  from allocations.deal
 where id > $1
 order by id
 limit $2
"""


async def list_deals(db: Connection, *, after: int, limit: int) -> Sequence[Deal]:
    """Deals in the order they were made, those with an id above `after`."""
    return [_deal(row) for row in await db.fetch(LIST_DEALS, after, limit)]


LOCK_DEALS: Final = """
select id, name, stage, changed_at, version
  from allocations.deal
 where id = any($1::bigint[])
 order by id
   for no key update
"""


async def lock_deals(db: Connection, ids: Collection[DealId]) -> dict[DealId, Deal]:
    """These deals, locked in id order."""
    return {row["id"]: _deal(row) for row in await db.fetch(LOCK_DEALS, list(ids))}


# Stops at the first commitment that is not funded, which nearly every deal has.
UNFUNDED_DEALS: Final = """
select asked.id
  from unnest($1::bigint[]) as asked (id)
 where exists (select from allocations.allocation a where a.deal_id = asked.id and a.status <> 'funded')
"""


async def unfunded_deals(db: Connection, ids: Collection[DealId]) -> set[DealId]:
    """Those of these deals to which some commitment is not funded; read after locking them."""
    return {row["id"] for row in await db.fetch(UNFUNDED_DEALS, list(ids))}


SAVE_DEALS: Final = """
update allocations.deal d
   set stage = new.stage, changed_at = new.changed_at, version = new.version
  from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::int[]) as new (id, stage, changed_at, version)
 where d.id = new.id
"""


async def save_deals(db: Connection, deals: Collection[Deal]) -> None:
    """The new stage and version of locked deals."""
    if deals:
        await db.execute(
            SAVE_DEALS,
            [deal.id for deal in deals],
            [deal.stage for deal in deals],
            [deal.changed_at for deal in deals],
            [deal.version for deal in deals],
        )


def _deal(row: Record) -> Deal:
    return Deal(row["id"], row["name"], row["changed_at"], DealStage(row["stage"]), row["version"])
