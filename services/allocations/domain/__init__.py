"""The rules of promises: pure functions over named amounts. No clock, no database, no contracts.

`allocation` is the state and its guard, `lifecycle` the same as a table, `call` the stages of a plan, `schedule` how a
commitment becomes calls, `reports` what payments' facts do to a whole batch, `deal` what follows for a deal.
"""

from services.allocations.domain.allocation import (
    Allocation,
    Cause,
    FundingStatus,
    Status,
    advance,
    fold,
    moved,
    over_commitment,
    status_of,
    unfit_commitment,
)
from services.allocations.domain.call import (
    Call,
    Command,
    Policy,
    Receivable,
    ReceivableStatus,
    Stage,
    decide,
    new_call,
    notice_date,
    shown_status,
)
from services.allocations.domain.deal import Deal, DealStage, Fund, restage, stage_of
from services.allocations.domain.reports import Doubt, Folded, Report, Reported, fold_reports
from services.allocations.domain.schedule import (
    Cadence,
    Custom,
    Regular,
    Schedule,
    Single,
    Tranche,
    spread,
)

__all__ = [
    "Allocation",
    "Cadence",
    "Call",
    "Cause",
    "Command",
    "Custom",
    "Deal",
    "DealStage",
    "Doubt",
    "Folded",
    "Fund",
    "FundingStatus",
    "Policy",
    "Receivable",
    "ReceivableStatus",
    "Regular",
    "Report",
    "Reported",
    "Schedule",
    "Single",
    "Stage",
    "Status",
    "Tranche",
    "advance",
    "decide",
    "fold",
    "fold_reports",
    "moved",
    "new_call",
    "notice_date",
    "over_commitment",
    "restage",
    "shown_status",
    "spread",
    "stage_of",
    "status_of",
    "unfit_commitment",
]
