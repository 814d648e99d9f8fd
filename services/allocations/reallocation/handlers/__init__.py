"""Use cases of reserves. One function is one transaction's work: load and lock, decide, save, tell."""

from services.allocations.reallocation.handlers.committing import (
    Committed,
    commit,
    no_such_fund,
    preview,
)
from services.allocations.reallocation.handlers.planning import (
    apply_template,
    save_template,
    suggest,
)
from services.allocations.reallocation.handlers.scheduling import cancel, no_such_schedule, run, schedule
from services.allocations.reallocation.handlers.setting_up import set_up

__all__ = [
    "Committed",
    "apply_template",
    "cancel",
    "commit",
    "no_such_fund",
    "no_such_schedule",
    "preview",
    "run",
    "save_template",
    "schedule",
    "set_up",
    "suggest",
]
