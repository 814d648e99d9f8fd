"""SQL of what funds want done with money that does not fit."""

from typing import Final

from services.payments.domain import FundPolicy, OverPayment
from shared.ids import FundId
from shared.postgres import Connection

GET_POLICY: Final = """
select fund_id, over_payment, short_tolerance_minor, version, changed_by, changed_at
  from payments.fund_policy
 where fund_id = $1
"""


async def get_policy(db: Connection, fund_id: FundId) -> FundPolicy:
    """What a fund wants; the default where it never said anything."""
    row = await db.fetchrow(GET_POLICY, fund_id)
    return FundPolicy(fund_id) if row is None else FundPolicy(row[0], OverPayment(row[1]), *row[2:])


# A version that moved meanwhile changes nothing, and is told by the missing row.
SAVE_POLICY: Final = """
insert into payments.fund_policy as p
       (fund_id, over_payment, short_tolerance_minor, version, changed_by, changed_at)
values ($1, $2, $3, $4, $5, $6)
    on conflict (fund_id) do update
   set over_payment = excluded.over_payment, short_tolerance_minor = excluded.short_tolerance_minor,
       version = excluded.version, changed_by = excluded.changed_by, changed_at = excluded.changed_at
 where p.version = excluded.version - 1
returning version
"""


async def save_policy(db: Connection, policy: FundPolicy) -> bool:
    """Writes the next version of a fund's policy, unless another one came first."""
    saved = await db.fetchval(
        SAVE_POLICY,
        policy.fund_id,
        str(policy.over_payment),
        policy.short_tolerance,
        policy.version,
        policy.changed_by,
        policy.changed_at,
    )
    return saved is not None


FUNDS_APPLYING: Final = """
select fund_id from payments.fund_policy where over_payment = 'apply_and_hold_excess'
"""


async def funds_applying(db: Connection) -> frozenset[FundId]:
    """The funds that take what fits of a payment, and hold only the rest."""
    return frozenset(row[0] for row in await db.fetch(FUNDS_APPLYING))
