"""SQL of whose accounts statements show: one account has one name for ever."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from shared.postgres import Connection

Account: TypeAlias = "tuple[str, str]"  # the bank's account, and its currency


@dataclass(frozen=True, slots=True)
class Source:
    """The name under which an account reports."""

    id: int
    name: str
    account: Account


FIND_SOURCES: Final = """
select w.id, w.name, w.account, w.currency
  from payments.statement_source w
 where w.name = $1
 union
select w.id, w.name, w.account, w.currency
  from unnest($2::text[], $3::text[]) as asked (account, currency)
  join payments.statement_source w on w.account = asked.account and w.currency = asked.currency
"""


async def find_sources(db: Connection, name: str | None, accounts: Iterable[Account]) -> list[Source]:
    """The source of that name and those of the accounts, as far as they are known."""
    wanted = list(accounts)
    rows = await db.fetch(FIND_SOURCES, name, [one[0] for one in wanted], [one[1] for one in wanted])
    return [Source(row["id"], row["name"], (row["account"], row["currency"])) for row in rows]


ADD_SOURCE: Final = """
insert into payments.statement_source (name, account, currency, registered_at) values ($1, $2, $3, $4)
returning id
"""


async def add_source(db: Connection, name: str, account: Account, now: datetime) -> Source:
    """A new source; a name or account that was taken meanwhile is the database's refusal."""
    return Source(await db.fetchval(ADD_SOURCE, name, *account, now), name, account)


# Two statements of one account are taken one after the other, so that each sees what the other has sent on.
LOCK_SOURCES: Final = """
select pg_advisory_xact_lock(hashtext('payments.statement_source'), id)
  from (select id from unnest($1::int[]) as wanted (id) order by id) as in_order
"""


async def lock_sources(db: Connection, ids: Collection[int]) -> None:
    """Waits until no other transaction takes statements of these sources."""
    await db.execute(LOCK_SOURCES, sorted(ids))
