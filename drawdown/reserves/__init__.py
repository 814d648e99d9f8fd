"""``drawdown reserves``: what a fund plans for its companies: look, set up, preview, commit, and who did what."""

from drawdown.reserves.command import app

__all__ = ["app"]
