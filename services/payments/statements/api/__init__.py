"""HTTP of bank statements: uploads, and what became of them."""

from fastapi import APIRouter

from services.payments.statements.api import showing, uploading

# One flat list: what the app asks of its routes it asks of each.
router = APIRouter(routes=[*uploading.router.routes, *showing.router.routes])

__all__ = ["router"]
