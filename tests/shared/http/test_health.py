"""Promises of health: alive says little, ready says everything."""

import httpx

from shared import telemetry
from tests.shared.http.notes import StubRuntime


async def test_alive_asks_nothing(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """A process whose database is away is still alive."""
    runtime.pool.terminate()
    assert (await http.get("/livez")).json() == {"status": "ok"}


async def test_ready_lists_every_check(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """One failed check is 503, and all are named with what explains them."""
    ready = await http.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    runtime.found = {"database": {"ok": True}, "outbox": {"ok": False, "oldest_seconds": 90}}
    not_ready = await http.get("/readyz")
    assert not_ready.status_code == 503
    assert not_ready.json() == {"service": "audit", "status": "not_ready", "checks": runtime.found}


async def test_metrics_are_prometheus_text(http: httpx.AsyncClient) -> None:
    """Counters and gauges of the process under one prefix."""
    telemetry.CONSUMER_LAG.labels("payment.received", "0").set(7)
    answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert 'drawdown_consumer_lag_records{partition="0",topic="payment.received"} 7.0' in answer.text
