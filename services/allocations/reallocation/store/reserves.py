"""Reserves of funds."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

from services.allocations.reallocation.domain import Book, Reserve
from shared.ids import DealId, FundId
from shared.money import Minor
from shared.postgres import Connection, Record

GET_BOOK: Final = """
select f.id as fund_id, f.currency, f.size_minor as size, r.allocation_version as version, r.company_id,
       d.name, r.planned_reserves_minor as planned, r.allocation_cap_minor as cap
  from allocations.fund f
  left join allocations.reserve r on r.fund_id = f.id
  left join allocations.deal d on d.id = r.company_id
 where f.id = $1
 order by r.company_id
"""


async def get_book(db: Connection, fund_id: FundId) -> Book | None:
    """A fund's reserves; at version 0 and empty where it has none, None where there is no such fund."""
    rows = await db.fetch(GET_BOOK, fund_id)
    if not rows:
        return None
    if rows[0]["company_id"] is None:
        return Book(fund_id, rows[0]["currency"], rows[0]["size"], 0, [])
    return _book(rows)


# The order is that of every other commit, so two that share funds wait for each other instead of deadlocking.
LOCK_BOOKS: Final = """
select r.fund_id, f.currency, f.size_minor as size, r.allocation_version as version, r.company_id,
       d.name, r.planned_reserves_minor as planned, r.allocation_cap_minor as cap
  from allocations.reserve r
  join allocations.fund f on f.id = r.fund_id
  join allocations.deal d on d.id = r.company_id
 where r.fund_id = any($1::bigint[])
 order by r.fund_id, r.company_id
   for no key update of r
"""


async def lock_books(db: Connection, fund_ids: Collection[FundId]) -> dict[FundId, Book]:
    """The reserves of these funds, locked by fund and company; funds that have none are missing."""
    rows = await db.fetch(LOCK_BOOKS, list(fund_ids))
    return {fund_id: _book(list(own)) for fund_id, own in groupby(rows, key=lambda row: row["fund_id"])}


SAVE_BOOKS: Final = """
update allocations.reserve r
   set planned_reserves_minor = new.planned,
       allocation_cap_minor = new.cap,
       allocation_version = new.version,
       changed_at = $6
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[])
       as new (fund_id, company_id, planned, cap, version)
 where r.fund_id = new.fund_id and r.company_id = new.company_id
"""


async def save_books(db: Connection, books: Collection[Book], now: datetime) -> None:
    """The next version of locked books: every row of theirs, since all of a fund's have its version."""
    await db.execute(SAVE_BOOKS, *_columns([(book, book.reserves) for book in books]), now)


ADD_RESERVES: Final = """
insert into allocations.reserve (fund_id, company_id, planned_reserves_minor, allocation_cap_minor,
                                 allocation_version, changed_at)
select new.fund_id, new.company_id, new.planned, new.cap, new.version, $6
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::int[])
       as new (fund_id, company_id, planned, cap, version)
"""


async def add_reserves(db: Connection, book: Book, added: Sequence[Reserve], now: datetime) -> None:
    """Rows for companies that a book did not have, at its version; the others must have it already."""
    await db.execute(ADD_RESERVES, *_columns([(book, added)]), now)


COMPANY_NAMES: Final = """
select id, name
  from allocations.deal
 where id = any($1::bigint[])
"""


async def company_names(db: Connection, ids: Collection[DealId]) -> dict[DealId, str]:
    """What these companies are called; those that do not exist are missing."""
    return {row["id"]: row["name"] for row in await db.fetch(COMPANY_NAMES, list(ids))}


UNFUNDED_OF: Final = """
select deal_id, committed_minor - funded_minor as unfunded
  from allocations.allocation
 where fund_id = $1
"""


async def unfunded_of(db: Connection, fund_id: FundId) -> dict[DealId, Minor]:
    """What a fund has promised to each company and not paid yet."""
    return {row["deal_id"]: row["unfunded"] for row in await db.fetch(UNFUNDED_OF, fund_id)}


def _columns(rows: Sequence[tuple[Book, Sequence[Reserve]]]) -> tuple[list[int | None], ...]:
    """Fund, company, planned, cap and version of each reserve, a list each."""
    flat = [
        (book.fund_id, reserve.company_id, reserve.planned, reserve.cap, book.version)
        for book, reserves in rows
        for reserve in reserves
    ]
    return tuple(map(list, zip(*flat, strict=True)))


def _book(rows: Sequence[Record]) -> Book:
    first = rows[0]
    reserves = [Reserve(row["company_id"], row["name"], row["planned"], row["cap"]) for row in rows]
    return Book(first["fund_id"], first["currency"], first["size"], first["version"], reserves)
