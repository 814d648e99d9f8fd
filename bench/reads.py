"""Reads at many calls: what people look at most, one request after the other, and whether any table was read whole."""

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Final

import httpx

from bench import book as books
from bench.freshness import percentile
from bench.stack import Stack, watching
from shared.postgres import Connection

_LARGE_ROWS: Final = 5_000  # below that, reading the whole table is what a planner should do
_TOLD_SECONDS: Final = 11.0  # an idle session tells what it did after ten

READ_WHOLE: Final = """
select schemaname || '.' || relname as name, seq_scan
  from pg_stat_user_tables
 where n_live_tup > $1 and schemaname in ('allocations', 'payments', 'metrics')
"""


@dataclass(frozen=True, slots=True)
class Reads:
    """One page, asked for `times` times at `calls` calls; `read_whole` names large tables that were read from end to
    end meanwhile."""

    page: str
    calls: int
    times: int
    p50_ms: float
    p99_ms: float
    read_whole: tuple[str, ...]


async def measure(stack: Stack, *, times: int) -> list[Reads]:
    """Of each page, on a furnished stack at rest, for funds of every size."""
    book = books.read(stack.book)
    metrics, payments = stack.addresses.services["metrics"], stack.addresses.services["payments"]
    pages = {
        "fund capital": metrics + "/api/funds/{fund}/capital",
        "calendar, 3 months": metrics + "/api/funds/{fund}/calendar?from=2033-01-01&to=2033-03-31",
        "call list, first page": payments + "/api/capital-calls?fund_id={fund}",
        "call list of open calls": payments + "/api/capital-calls?fund_id={fund}&status=called",
    }
    chance = random.Random(1)
    # By allocation, so that large funds are asked for as often as they are large; the largest one always is.
    funds = [1, *(chance.choice(book.allocations).fund_id for _ in range(times - 1))]
    async with watching(stack.addresses) as watch:
        return [await _read(watch.db, page, url, funds, len(book.calls)) for page, url in pages.items()]


async def _read(db: Connection, page: str, url: str, funds: list[int], calls: int) -> Reads:
    took: list[float] = []
    before = await _scans(db)
    async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
        for fund_id in funds:
            begun = time.perf_counter()
            answer = await http.get(url.format(fund=fund_id))
            took.append((time.perf_counter() - begun) * 1000)
            answer.raise_for_status()
    after = await _scans(db)
    whole = tuple(sorted(name for name, scans in after.items() if scans > before.get(name, scans)))
    took.sort()
    return Reads(page, calls, len(took), percentile(took, 0.5), percentile(took, 0.99), whole)


async def _scans(db: Connection) -> dict[str, int]:
    await asyncio.sleep(_TOLD_SECONDS)
    return {row["name"]: row["seq_scan"] for row in await db.fetch(READ_WHOLE, _LARGE_ROWS)}
