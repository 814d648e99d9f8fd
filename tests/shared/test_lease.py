"""Promises of leases: one holder at a time, for as long as it shows that it lives, whatever it does meanwhile."""

import asyncio

import pytest

from shared.lease import Lease
from tests.support.ledger import Ledger

LONGER_THAN_A_SILENT_HOLDER_HAS: float = 6.5


async def test_long_work_keeps_the_lease(ledger: Ledger) -> None:
    """The server ends a holder that is silent for five seconds; one that works for longer is not silent."""
    lease, other = Lease(ledger.url("payments"), "ticks"), Lease(ledger.url("payments"), "ticks")
    assert await lease.take()
    try:
        done = await lease.keep_while(asyncio.sleep(LONGER_THAN_A_SILENT_HOLDER_HAS, "done"))
        assert done == "done"
        assert not await other.take()
        await lease.keep()
    finally:
        await lease.give_up()
    assert await other.take()
    await other.give_up()


async def test_work_is_broken_off_where_the_lease_is_lost(ledger: Ledger) -> None:
    """Whoever takes it next must not work beside us for longer than it takes to notice."""
    lease = Lease(ledger.url("payments"), "ticks")
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    assert await lease.take()
    async with ledger.connect_admin() as admin:
        working = asyncio.ensure_future(lease.keep_while(work()))
        await asyncio.sleep(0)
        await admin.execute("select pg_terminate_backend($1)", lease.db.get_server_pid())
        with pytest.raises(Exception, match=r"terminat|closed"):
            await asyncio.wait_for(working, 20)
    assert ended.is_set()
    await lease.give_up()
