"""SQL of accounts: which fund a source pays for, which sources are one bank account, and the credits of those."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.payments.domain import LIKENESS_DAYS, TOLD_APART, Entry, Kind, Lookalikes, Seen, seen
from services.payments.store.writing import copy
from shared.ids import FundId
from shared.postgres import Connection

ACCOUNTS: Final = """
select alias, fund_id from payments.account where alias = any($1::text[])
"""


async def get_accounts(db: Connection, sources: Collection[str]) -> dict[str, FundId]:
    """The sources among these that pay one fund's calls only, with that fund."""
    if not sources:
        return {}
    return {row[0]: row[1] for row in await db.fetch(ACCOUNTS, list(sources))}


@dataclass(frozen=True, slots=True)
class Account:
    """A source that pays one fund's calls only."""

    alias: str
    fund_id: FundId
    currency: str


ADD_ACCOUNT: Final = """
insert into payments.account (alias, fund_id, currency, registered_at)
values ($1, $2, $3, $4)
    on conflict do nothing
"""

GET_ACCOUNT: Final = """
select alias, fund_id, currency from payments.account where alias = $1
"""


async def add_account(db: Connection, account: Account, now: datetime) -> Account:
    """Registers an account unless its alias is taken; gives what the alias is registered as."""
    await db.execute(ADD_ACCOUNT, account.alias, account.fund_id, account.currency, now)
    registered = await get_account(db, account.alias)
    assert registered is not None
    return registered


async def get_account(db: Connection, alias: str) -> Account | None:
    """What an alias is registered as."""
    row = await db.fetchrow(GET_ACCOUNT, alias)
    return None if row is None else Account(*row)


# Every batch reads this table first of all. Whoever adds to it waits for those that have read it, and makes others
# wait: so no credit is booked by a batch that did not know all names of its account.
LOCK_ALL_NAMES: Final = """
lock table payments.same_account in access exclusive mode
"""

BANK_ACCOUNTS: Final = """
select alias, bank_account from payments.same_account where alias = any($1::text[])
"""

JOIN_NAMES: Final = """
insert into payments.same_account (alias, bank_account)
select name, $2 from unnest($1::text[]) as new (name)
    on conflict do nothing
"""

MERGE_NAMES: Final = """
update payments.same_account set bank_account = $2 where bank_account = any($1::text[]) and bank_account <> $2
"""

# What came under a name before it was one of several; from now on each batch adds its own.
ADD_EARLIER_CREDITS: Final = """
insert into payments.account_credit (payment_id, source_id, currency, amount_minor, value_date)
select p.id, p.source_id, p.currency, p.amount_minor, p.value_date
  from payments.source s
  join payments.payment p on p.source_id = s.id
 where s.name = any($1::text[]) and p.kind = 'credit'
    on conflict do nothing
"""


async def say_same(db: Connection, one: str, other: str) -> None:
    """Makes two aliases, and all that are the same account with either, names of one bank account."""
    await db.execute(LOCK_ALL_NAMES)
    known = {row[0]: row[1] for row in await db.fetch(BANK_ACCOUNTS, [one, other])}
    bank_account = known.get(other) or known.get(one) or other
    await db.execute(MERGE_NAMES, list(known.values()), bank_account)
    fresh = [alias for alias in (one, other) if alias not in known]
    await db.execute(JOIN_NAMES, fresh, bank_account)
    await db.execute(ADD_EARLIER_CREDITS, fresh)


OTHER_NAMES: Final = """
select o.alias
  from payments.same_account a
  join payments.same_account o on o.bank_account = a.bank_account and o.alias <> a.alias
 where a.alias = $1
 order by o.alias
"""


async def other_names(db: Connection, alias: str) -> list[str]:
    """The other aliases of an alias's bank account, in their order."""
    return [row[0] for row in await db.fetch(OTHER_NAMES, alias)]


# One batch at a time compares the credits of an account, so that none overlooks what another is about to book. In the
# order of names, as everything is locked.
LOCK_NAMES: Final = """
select alias, bank_account
  from payments.same_account
 where bank_account = any($1::text[])
 order by bank_account, alias
   for no key update
"""

# Equal credits of the account; those that may be likenesses of what such a credit may resemble are twice as far away. A
# likeness that a person applied or returned was none.
ALIKE: Final = """
select near.payment_id, near.source, p.external_id, p.currency, p.amount_minor, p.value_date, p.call_id, p.reference,
       p.remittance, h.resembles_id
  from (select distinct c.payment_id, s.name as source
          from unnest($1::text[], $2::text[], $3::bigint[], $4::date[])
            as asked (bank_account, currency, amount_minor, value_date)
          join payments.same_account a on a.bank_account = asked.bank_account
          join payments.source s on s.name = a.alias
          join payments.account_credit c on c.source_id = s.id and c.amount_minor = asked.amount_minor
                                        and c.currency = asked.currency
                                        and c.value_date between asked.value_date - $5::int
                                                             and asked.value_date + $5::int) near
  join payments.payment p on p.id = near.payment_id
  left join payments.hold h on h.payment_id = p.id and h.resembles_id is not null
                           and (h.resolution is null or h.resolution <> all($6::text[]))
"""


async def lock_lookalikes(db: Connection, bank_accounts: Mapping[str, str], entries: Sequence[Entry]) -> Lookalikes:
    """What new entries under these names, each with its bank account, are to be compared with.

    Locks their accounts: what another transaction books for them is either seen here, or comes after this one.
    """
    names = {row[0]: row[1] for row in await db.fetch(LOCK_NAMES, sorted(set(bank_accounts.values())))}
    asked = {
        (names[entry.source], entry.currency, entry.amount, entry.value_date)
        for entry in entries
        if entry.source in names and entry.kind is Kind.CREDIT
    }
    if not asked:
        return Lookalikes(names)
    columns = [list(column) for column in zip(*sorted(asked), strict=True)]
    rows = await db.fetch(ALIKE, *columns, 2 * LIKENESS_DAYS, sorted(TOLD_APART))
    return Lookalikes(
        names,
        [
            seen(row[0], Entry(row[1], row[2], Kind.CREDIT, row[4], row[3], row[5], row[6], row[7], row[8]), row[9])
            for row in rows
        ],
    )


_CREDIT_COLUMNS: Final = ("payment_id", "source_id", "currency", "amount_minor", "value_date")


async def add_account_credits(db: Connection, sources: Mapping[str, int], credits: Sequence[Seen]) -> None:
    """Remembers credits of accounts with several names, for those that may resemble them."""
    rows = [(one.id, sources[one.source], one.currency, one.amount, one.value_date) for one in credits]
    await copy(db, "account_credit", _CREDIT_COLUMNS, rows)
