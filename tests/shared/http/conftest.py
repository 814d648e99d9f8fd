"""The small service of `notes` on a real database, and a client inside the process."""

import asyncio
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any, Final

import httpx
import pytest
import structlog
from pydantic import SecretStr

from drawdown.addresses import role_url
from shared import postgres
from shared.http import create_app, dead_letter_router
from shared.ids import new_event_id
from shared.migrate import migrate, prepare
from shared.settings import Settings
from tests.shared.http.notes import StubRuntime, files, router
from tests.support.ledger import PASSWORD
from tests.support.servers import Servers, on_database

NOTE: Final = """-- migrate:up
create table note (id bigint generated always as identity primary key, fund_id bigint, text text);
grant select, insert, delete on note to drawdown_audit;
-- migrate:down
drop table note;
"""
EMPTY: Final = "truncate audit.note, audit.outbox, audit.dead_letter, audit.idempotency_key restart identity"


async def _run(url: str, statement: str) -> None:
    db = await postgres.connect(url, application="tests")
    try:
        await db.execute(statement)
    finally:
        await db.close()


@pytest.fixture(scope="session")
def database(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database with the mechanism's tables and one more."""
    name = f"drawdown_http_{new_event_id().hex[-12:]}"
    folder = tmp_path_factory.mktemp("migrations")
    folder.joinpath("0101_create_note.sql").write_text(NOTE)
    asyncio.run(_run(servers.postgres_url, f"create database {name}"))
    url = on_database(servers.postgres_url, name)
    asyncio.run(prepare(url, "audit", password=PASSWORD))
    migrate(url, "audit", folder)
    yield url
    asyncio.run(_run(servers.postgres_url, f"drop database {name} with (force)"))


@pytest.fixture
async def runtime(database: str) -> AsyncIterator[StubRuntime]:
    """A runtime on empty tables, logged in as the service's own role."""
    await _run(database, EMPTY)
    url = role_url(database, "audit", PASSWORD)
    settings = Settings(
        database_url=SecretStr(url), kafka="localhost:1", allowed_hosts="ledger.example", upload_limit_bytes=2**21
    )
    pool = await postgres.open_pool(url, application="tests", settings={"lock_timeout": "1s"})
    yield StubRuntime(pool, settings)
    pool.terminate()


@pytest.fixture
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged meanwhile."""
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        yield lines


@pytest.fixture
async def http(runtime: StubRuntime, logged: list[MutableMapping[str, Any]]) -> AsyncIterator[httpx.AsyncClient]:
    """A client on the service's application."""
    app = create_app("audit", [router, files, dead_letter_router("audit")], state=runtime)
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 40_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client
