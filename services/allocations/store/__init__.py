"""The allocations service's only SQL: one static statement above the one function that runs it.

Lock order: allocations by id, then their calls by id, then deals by id; each `for no key update`, which a row that only
refers to them (a new call, a new allocation) need not wait for.
"""

from services.allocations.store.allocations import (
    add_allocation,
    find_allocation,
    get_allocation,
    list_allocations,
    list_allocations_of_fund,
    lock_allocations,
    save_allocations,
)
from services.allocations.store.calls import (
    add_calls,
    calls_of,
    due_calls,
    list_calls,
    lock_calls,
    next_seq_no,
    save_terms,
)
from services.allocations.store.funds import (
    add_deal,
    add_fund,
    get_deal,
    get_fund,
    get_funds,
    list_deals,
    list_funds,
    lock_deals,
    new_ids,
    save_deals,
    time_zones,
    unfunded_deals,
)
from services.allocations.store.reports import lock_reported, save_folded

__all__ = [
    "add_allocation",
    "add_calls",
    "add_deal",
    "add_fund",
    "calls_of",
    "due_calls",
    "find_allocation",
    "get_allocation",
    "get_deal",
    "get_fund",
    "get_funds",
    "list_allocations",
    "list_allocations_of_fund",
    "list_calls",
    "list_deals",
    "list_funds",
    "lock_allocations",
    "lock_calls",
    "lock_deals",
    "lock_reported",
    "new_ids",
    "next_seq_no",
    "save_allocations",
    "save_deals",
    "save_folded",
    "save_terms",
    "time_zones",
    "unfunded_deals",
]
