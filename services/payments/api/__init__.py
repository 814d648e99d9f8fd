"""HTTP in: issued calls, payments, the queue of holds, and what people decide about them."""

from fastapi import APIRouter

from services.payments.api import calls, holds, payments, policy

# One flat list: what the app asks of its routes it asks of each.
router = APIRouter(routes=[*calls.router.routes, *payments.router.routes, *holds.router.routes, *policy.router.routes])

__all__ = ["router"]
