"""Money on hold as people work on it: what it may be for, what they chose from, and whose it is to look after."""

from collections.abc import Sequence
from datetime import datetime

from services.payments import store
from services.payments.domain import Part, Payment
from services.payments.matching import MATCHED, Candidate, Held, chosen, propose
from services.payments.store import QueuedHold, ShownPayment
from shared.ids import FundId, HoldId, PaymentId
from shared.postgres import Connection
from shared.refusal import Refused

MOST_CANDIDATES = 10


async def candidates_of(
    db: Connection, shown: Sequence[ShownPayment], *, most: int = MOST_CANDIDATES
) -> dict[PaymentId, tuple[Candidate, ...]]:
    """What each payment on hold may be for, the best first; nothing where no call was ever in question."""
    held = [one for payment in shown if payment.payment and (one := _held(payment.payment, payment.account_fund_id))]
    found = await store.look_around(db, held)
    return {one.payment_id: propose(one, found[one.payment_id], most=most) for one in held}


def _held(payment: Payment, account_fund_id: FundId | None) -> Held | None:
    if payment.hold is None or payment.hold.reason not in MATCHED:
        return None
    return Held.of(payment.entry, payment.hold, account_fund_id)


async def explained(
    db: Connection, payment: Payment, parts: Sequence[Part], account_fund_id: FundId | None
) -> dict[str, object]:
    """Why a locked payment's money goes where a person says: the candidate that it is, and those that it is not.

    Asked for before anything is written, it tells what the person could see.
    """
    held = _held(payment, account_fund_id)
    found = [] if held is None else propose(held, (await store.look_around(db, [held]))[payment.id])
    return chosen(parts, found).as_json(payment.entry.currency)


async def assign(db: Connection, hold_id: HoldId, owner: str | None, now: datetime) -> QueuedHold | Refused:
    """Makes somebody, or nobody, look after an open hold; the same again changes nothing."""
    done = await store.own_hold(db, hold_id, owner, now)
    hold = await store.get_hold(db, hold_id)
    if hold is None:
        return hold_not_found(hold_id)
    if not done:
        return Refused(
            "hold_resolved", f"hold {hold_id} is {hold.hold.resolution} already", "Only an open hold needs an owner."
        )
    return hold


def hold_not_found(hold_id: HoldId) -> Refused:
    """There is no hold under an id."""
    return Refused("hold_not_found", f"there is no hold {hold_id}")
