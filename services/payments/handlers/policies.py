"""What a fund wants done with money that does not fit: read by anyone, revised by people."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from services.payments import store
from services.payments.domain import FundPolicy, OverPayment
from services.payments.store import Fund
from shared import currency
from shared.ids import FundId
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

MOST_TOLERATED_MINOR: Final = 10**15  # what every column that it is compared with can hold


async def get_policy(db: Connection, fund_id: FundId) -> tuple[FundPolicy, Fund] | Refused:
    """A fund's policy, with the fund; the default, as version 0, where none was ever set."""
    fund = (await store.get_funds(db, [fund_id])).get(fund_id)
    if fund is None:
        return Refused("fund_not_found", f"there is no fund {fund_id}")
    return await store.get_policy(db, fund_id), fund


async def set_policy(
    db: Connection,
    before: FundPolicy,
    fund: Fund,
    *,
    over_payment: OverPayment,
    short_tolerance: str,
    expected: Collection[int] | None,
    now: datetime,
    origin: Origin,
) -> tuple[FundPolicy, Fund] | Refused:
    """Makes the next version of a fund's policy; money that has been decided about already stays where it is.

    `short_tolerance` is in major units of the fund's currency. `expected` are the versions that the caller would
    change; None is enough for the first one only.
    """
    if expected is None and before.version > 0:
        return Refused("version_required", f"the policy of fund {fund.id} is at version {before.version} already")
    tolerance = currency.parse(short_tolerance, fund.currency)
    if tolerance > MOST_TOLERATED_MINOR:
        return Refused("invalid_short_tolerance", f"at most {currency.text(MOST_TOLERATED_MINOR, fund.currency)}")
    wanted = FundPolicy(fund.id, over_payment, tolerance)
    after = before.revised(wanted, by=origin.actor, now=now)
    if (expected is not None and before.version not in expected) or not await store.save_policy(db, after):
        return Refused(
            "version_conflict",
            f"the policy of fund {fund.id} has changed meanwhile",
            facts={"current_version": before.version},
        )
    return after, fund
