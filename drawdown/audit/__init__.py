"""``drawdown audit``: the record, proved by code that the service which wrote it does not know."""

from drawdown.audit.command import app

__all__ = ["app"]
