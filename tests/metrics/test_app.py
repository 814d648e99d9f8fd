"""Promises of how the service is put together."""

from pydantic import SecretStr

from services.metrics.app import SERVER_SETTINGS, build
from shared.settings import Settings


def test_it_is_composed() -> None:
    """Figures, dead letters and health are answered; commits need not wait for the disk, as all can be rebuilt."""
    runtime = build(Settings(database_url=SecretStr("postgresql://nowhere"), kafka="nowhere:9"))
    paths = runtime.app.openapi()["paths"]
    assert runtime.name == "metrics"
    assert {
        "/api/funds/{fund_id}/capital",
        "/api/funds/{fund_id}/capital-calls/stats",
        "/api/funds/{fund_id}/calendar",
        "/api/funds/{fund_id}/planned-reserves",
        "/api/allocations/{allocation_id}/progress",
        "/api/metrics/dead-letters",
    } <= paths.keys()
    assert SERVER_SETTINGS == {"synchronous_commit": "off"}
