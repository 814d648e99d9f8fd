"""HTTP in: issued calls, payments, the queue of holds, and what people decide about them."""

from fastapi import APIRouter

from services.payments.api import calls, holds, payments, policy

router = APIRouter()
router.include_router(calls.router)
router.include_router(payments.router)
router.include_router(holds.router)
router.include_router(policy.router)

__all__ = ["router"]
