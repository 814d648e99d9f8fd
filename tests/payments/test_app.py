"""Promises of the service as it is put together."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from services.payments import app
from shared.postgres import Pool, open_pool
from shared.settings import Settings
from tests.payments.counter import Counter
from tests.payments.making import NOW, credit
from tests.support.ledger import Ledger


@pytest.fixture
async def pool(database: Ledger) -> AsyncIterator[Pool]:
    pool = await open_pool(database.url("payments"), application="tests", size=2)
    yield pool
    await pool.close()


async def test_the_sweep_leaves_nothing_that_can_be_decided(pool: Pool, counter: Counter) -> None:
    """Slice after slice, each its own transaction; and again with nothing to do."""
    await counter.receive(*(credit(f"E{n}", 1) for n in range(30)))
    await counter.issue(17)
    for _ in range(2):
        await app.sweep(pool, counter.numbers, NOW)
    assert (await counter.call())["paid_minor"] == 30
    await counter.check()


async def test_the_tick_gives_every_call_its_status(
    pool: Pool, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slice after slice, however many fall due on one day, in the name of the clock."""
    monkeypatch.setattr(app, "CALLS_PER_TICK", 4)
    await counter.issue(*range(1, 11))
    for _ in range(2):
        await app.tick_business_date(pool, datetime(2026, 3, 17, tzinfo=UTC))
    assert await counter.rows("select distinct status, version from payments.call") == [
        {"status": "overdue", "version": 2}
    ]
    actors = await counter.rows("select distinct actor from payments.outbox order by 1")
    assert [row["actor"] for row in actors] == ["clock", "system"]


def test_the_service_is_composed() -> None:
    """It reads three topics and answers under every path of its contract."""
    runtime = app.build(Settings(database_url=SecretStr("postgresql://nowhere"), kafka="nowhere:9"))
    assert runtime.name == "payments"
    paths = set(runtime.app.openapi()["paths"])
    calls, payments = "/api/capital-calls", "/api/payments"
    assert {
        calls,
        *(
            f"{calls}/{{call_id}}{end}"
            for end in ("", "/payments", "/cancel", "/release-remainder", "/declare-default")
        ),
        payments,
        *(f"{payments}/{{payment_id}}{end}" for end in ("", "/resolve", "/unapply", "/reverse")),
        "/api/funds/{fund_id}/accounts",
        "/api/payments/dead-letters",
        "/api/bank-statements",
    } <= paths
