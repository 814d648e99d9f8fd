"""Use cases of the allocations service. One function is one transaction's work: load and lock, decide, save, tell."""

from services.allocations.handlers.calls import create_call, issue_due, move_call, no_such_allocation
from services.allocations.handlers.promises import create_allocation, create_deal, create_fund, no_such_deal
from services.allocations.handlers.reports import fold_status_reports
from services.allocations.handlers.views import AllocationView, CallView

__all__ = [
    "AllocationView",
    "CallView",
    "create_allocation",
    "create_call",
    "create_deal",
    "create_fund",
    "fold_status_reports",
    "issue_due",
    "move_call",
    "no_such_allocation",
    "no_such_deal",
]
