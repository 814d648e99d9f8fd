"""HTTP of reserves: set up, preview, commit, history, plans."""

from fastapi import APIRouter

from services.allocations.reallocation.api import committing, history, planning, scheduling

# One flat list: what the app asks of its routes it asks of each.
router = APIRouter(
    routes=[*committing.router.routes, *history.router.routes, *planning.router.routes, *scheduling.router.routes]
)

__all__ = ["router"]
