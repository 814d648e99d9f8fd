"""SQL of reserves. Lock order: reserves by fund and company, each `for no key update`."""

from services.allocations.reallocation.store.audits import Asked, Entry, add_audits, audit_bytes, list_audits
from services.allocations.reallocation.store.reserves import (
    add_reserves,
    company_names,
    get_book,
    lock_books,
    save_books,
    unfunded_of,
)
from services.allocations.reallocation.store.schedule import (
    Scheduled,
    Status,
    add_scheduled,
    due_scheduled,
    end_scheduled,
    get_scheduled,
    list_scheduled,
    lock_scheduled,
    next_scheduled_id,
)
from services.allocations.reallocation.store.templates import (
    SavedTemplate,
    add_template,
    find_template,
    list_templates,
)

__all__ = [
    "Asked",
    "Entry",
    "SavedTemplate",
    "Scheduled",
    "Status",
    "add_audits",
    "add_reserves",
    "add_scheduled",
    "add_template",
    "audit_bytes",
    "company_names",
    "due_scheduled",
    "end_scheduled",
    "find_template",
    "get_book",
    "get_scheduled",
    "list_audits",
    "list_scheduled",
    "list_templates",
    "lock_books",
    "lock_scheduled",
    "next_scheduled_id",
    "save_books",
    "unfunded_of",
]
