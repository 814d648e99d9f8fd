"""The payments service, composed: what it answers, what it reads, the sweep of held money, and the calendar's tick."""

from datetime import datetime

from services.payments import api, consumer, handlers
from services.payments.consumer import Consumer
from services.payments.handlers import CALLS_PER_SLICE, CALLS_PER_TICK
from services.payments.imports import api as imports
from services.payments.profiles import api as profiles
from services.payments.statements import api as statements
from services.payments.store import Numbers
from shared.http import dead_letter_router
from shared.ids import PaymentId
from shared.postgres import Pool
from shared.runtime import Runtime, Tick
from shared.settings import Settings


async def sweep(pool: Pool, numbers: Numbers, now: datetime) -> None:
    """Decides again all held money whose call or original has come, a slice and a transaction at a time."""
    after: PaymentId | None = PaymentId(0)
    while after is not None:
        async with pool.acquire() as db, db.transaction():
            after = await handlers.sweep(db, numbers, after=after, now=now)


async def tick_business_date(pool: Pool, now: datetime) -> None:
    """Gives every call the status of its fund's business date, a slice and a transaction at a time."""
    looked_at = CALLS_PER_TICK
    while looked_at == CALLS_PER_TICK:
        async with pool.acquire() as db, db.transaction():
            looked_at = await handlers.tick_business_date(db, now=now, limit=CALLS_PER_TICK)


async def close_short_calls(pool: Pool, now: datetime) -> None:
    """Closes the calls that are short by no more than their fund tolerates, a slice and a transaction at a time."""
    closed = CALLS_PER_SLICE
    while closed == CALLS_PER_SLICE:
        async with pool.acquire() as db, db.transaction():
            closed = await handlers.close_short_calls(db, now=now, limit=CALLS_PER_SLICE)


def build(settings: Settings) -> Runtime:
    """The service; one place deals out new ids to its consumer, its API and its sweep."""
    numbers = Numbers()
    reader = Consumer(numbers, settings.account_key.get_secret_value().encode())

    async def sweep_held(pool: Pool, now: datetime) -> None:
        await sweep(pool, numbers, now)

    runtime = Runtime(
        "payments",
        settings,
        reads=consumer.TOPICS,
        apply=reader.apply,
        routers=[dead_letter_router("payments"), api.router, statements.router, profiles.router, imports.router],
        ticks=[
            Tick("sweep_held", 1, sweep_held),
            Tick("close_short_calls", 5, close_short_calls),
            Tick("tick_business_date", 60, tick_business_date),
        ],
    )
    runtime.app.state.numbers = numbers
    return runtime
