"""The one use case of metrics: keep the newest of everything that a batch of events says."""

from dataclasses import dataclass, field

from services.metrics import store
from services.metrics.domain import Allocation, Deal, Fund, Hold, Receivable, Terms, newest


@dataclass(frozen=True, slots=True)
class News:
    """What a batch of events says, in the order it was read."""

    funds: list[Fund] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    terms: list[Terms] = field(default_factory=list)
    receivables: list[Receivable] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)


async def keep(db: store.Writes, news: News) -> None:
    """Every row is at least as new as the batch says; what was known, or is older than what was known, changes nothing.

    The caller's transaction makes it whole or nothing.
    """
    await store.save_funds(db, newest(news.funds))
    await store.save_deals(db, newest(news.deals))
    await store.save_terms(db, newest(news.terms))
    await store.save_receivables(db, newest(news.receivables))
    await store.save_allocations(db, newest(news.allocations))
    await store.save_holds(db, newest(news.holds))
