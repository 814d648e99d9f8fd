"""Promises of migrations: safe side by side, and a role can do no more than its service needs."""

import asyncio

import asyncpg
import pytest

from shared.migrate import prepare, role_of
from tests.support.ledger import PASSWORD, Ledger


async def test_two_stacks_may_prepare_at_once(ledger: Ledger) -> None:
    """Roles belong to the whole server: twins that make or change them at the same moment both succeed."""
    await asyncio.gather(*(prepare(ledger.admin_url, "metrics", password=PASSWORD) for _ in range(6)))


@pytest.mark.parametrize("service", ["allocations", "payments", "metrics", "audit"])
async def test_a_role_sees_its_own_schema_only(ledger: Ledger, service: str) -> None:
    """No service can read another one's tables, nor make tables of its own."""
    others = {"allocations", "payments", "metrics", "audit"} - {service}
    async with ledger.connect(service) as db:
        assert await db.fetchval("select current_user") == role_of(service)
        for other in others:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.fetch(f"select * from {other}.outbox")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute(f"create table {service}.mine (x int)")
