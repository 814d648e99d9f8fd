"""What a fund wants done with money that does not quite fit."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.payments.domain.calls import ZERO
from shared.ids import FundId
from shared.money import Minor


class OverPayment(StrEnum):
    """What becomes of a payment that is more than its call still takes."""

    HOLD = "hold"
    APPLY = "apply_and_hold_excess"


@dataclass(frozen=True, slots=True)
class FundPolicy:
    """A fund's wishes; as it stands here with version 0, what every fund wants that never said anything.

    `short_tolerance` is how much a call may be short by banks' charges and be closed all the same.
    """

    fund_id: FundId
    over_payment: OverPayment = OverPayment.HOLD
    short_tolerance: Minor = ZERO
    version: int = 0
    changed_by: str | None = None
    changed_at: datetime | None = None

    def revised(self, wanted: "FundPolicy", *, by: str, now: datetime) -> "FundPolicy":
        """The next version, as somebody wants it."""
        return replace(wanted, fund_id=self.fund_id, version=self.version + 1, changed_by=by, changed_at=now)
