"""HTTP in: issued calls, payments, and what people decide about both."""

from fastapi import APIRouter

from services.payments.api import calls, payments

router = APIRouter()
router.include_router(calls.router)
router.include_router(payments.router)

__all__ = ["router"]
