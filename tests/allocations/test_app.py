"""Promises of the service as it is put together."""

import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from services.allocations import app
from services.allocations.domain import Cadence, Regular, Single
from services.allocations.domain.lifecycle import document
from shared import topics
from shared.postgres import Connection, Pool, open_pool
from shared.settings import Settings
from tests.allocations import ledger
from tests.allocations.facts import DUE
from tests.allocations.ledger import told

NOTICE_DAY = datetime(2026, 2, 27, 15, tzinfo=UTC)


@pytest.fixture
async def pool(url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(url, application="tests", size=2)
    yield pool
    await pool.close()


async def test_the_tick_issues_all_that_is_due(pool: Pool, db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slice after slice until nothing waits, each call once, in the name of the clock."""
    monkeypatch.setattr(app, "SLICE", 3)
    await ledger.promise(db, schedule=Regular(Cadence.MONTHLY, datetime(2025, 1, 31, tzinfo=UTC).date(), 7))
    await ledger.promise(db, schedule=Single(DUE))
    for _ in range(2):
        await app.issue_due_calls(pool, NOTICE_DAY)
    issued = [e for e in await told(db, topics.CALL_TERMS_CHANGED) if e.data["stage"] == "issued"]
    assert len(issued) == 8
    assert {e.actor for e in issued} == {"clock"}


def test_the_service_is_composed() -> None:
    """It reads payments' reports and answers under its own paths."""
    runtime = app.build(Settings(database_url=SecretStr("postgresql://nowhere"), kafka="nowhere:9"))
    assert runtime.name == "allocations"
    assert "/api/allocations/dead-letters" in runtime.app.openapi()["paths"]


def test_the_lifecycle_can_be_printed() -> None:
    """`python -m services.allocations lifecycle` writes the page that is committed."""
    done = subprocess.run(
        [sys.executable, "-m", "services.allocations", "lifecycle"],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout == document()
