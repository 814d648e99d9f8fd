"""HTTP in: funds, deals, allocations and the plans of capital calls."""

from services.allocations.api.routes import router

__all__ = ["router"]
