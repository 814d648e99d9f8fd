"""What people say of accounts: which fund a source pays for, and which sources are one bank account."""

from dataclasses import dataclass
from datetime import datetime

from services.payments import domain, store
from services.payments.store import Account
from shared.ids import FundId
from shared.postgres import Connection
from shared.refusal import Refused


@dataclass(frozen=True, slots=True)
class Registered:
    """An account, and the other names of its bank account."""

    account: Account
    same_account_as: tuple[str, ...]


async def register_account(
    db: Connection, fund_id: FundId, *, alias: str, currency: str, same_account_as: str | None = None, now: datetime
) -> Registered | Refused:
    """Lets a source pay this fund's calls only, from now on; the same again changes nothing.

    `same_account_as` is another registered source that shows the same bank account: what one of them has told, the
    other may tell again.
    """
    fund = (await store.get_funds(db, [fund_id])).get(fund_id)
    if fund is None:
        return Refused("fund_not_found", f"there is no fund {fund_id}")
    if domain.is_reserved(alias):
        return Refused("invalid_alias", f"{alias} is a source of our own", "Choose an alias such as bank/acme-usd-1.")
    if currency != fund.currency:
        return Refused(
            "currency_mismatch", f"fund {fund_id} is in {fund.currency}", f"Register an account in {fund.currency}."
        )
    wanted = Account(alias, fund_id, currency)
    if same_account_as is not None and (refused := await _why_not_same(db, wanted, same_account_as)) is not None:
        return refused
    registered = await store.add_account(db, wanted, now)
    if registered != wanted:
        return Refused("account_exists", f"{alias} is registered with another fund", "Choose another alias.")
    names = await store.other_names(db, alias)
    if same_account_as is not None and same_account_as not in names:
        await store.say_same(db, alias, same_account_as)
        names = await store.other_names(db, alias)
    return Registered(registered, tuple(names))


async def _why_not_same(db: Connection, wanted: Account, other: str) -> Refused | None:
    """Why a source cannot show the same bank account as another one."""
    if other == wanted.alias:
        return Refused("invalid_same_account", f"{other} is the very source that is registered", "Name another source.")
    known = await store.get_account(db, other)
    if known is None:
        return Refused("invalid_same_account", f"{other} is not registered", "Register that source first.")
    if (known.fund_id, known.currency) != (wanted.fund_id, wanted.currency):
        return Refused(
            "invalid_same_account",
            f"{other} is an account of another fund",
            "Name a source that is registered with this fund.",
        )
    return None
