"""Leadership by an advisory lock on a connection of its own, which the server ends when its holder freezes."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from shared.postgres import Connection, connect

T = TypeVar("T")

_CLASS: Final = 0x0DD  # keeps our advisory locks apart from anybody else's in the database

TAKE_LEASE: Final = """
select pg_try_advisory_lock($1, hashtext(current_schema() || '.' || $2))
"""
KEEP_LEASE: Final = """
select 1
"""


class Lease:
    """At most one copy of a service holds the lease `name` at a time.

    The holder must call `keep` at least every second or so: a session that is silent for five seconds is ended by the
    server, so a frozen process loses the lease. Two holders may overlap for a moment; what they do must stand that.
    """

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._db: Connection | None = None

    async def take(self) -> bool:
        """Tries to become the holder."""
        db = await connect(self._url, application=f"lease-{self._name}", settings={"idle_session_timeout": "5s"})
        if await db.fetchval(TAKE_LEASE, _CLASS, self._name):
            self._db = db
            return True
        await db.close()
        return False

    @property
    def db(self) -> Connection:
        """The lease's own connection; statements on it keep the lease as well."""
        assert self._db is not None, "the lease is not held"
        return self._db

    async def keep(self) -> None:
        """Shows that we live; raises a connection error when the lease is lost."""
        await self.db.fetchval(KEEP_LEASE)

    async def keep_while(self, work: Coroutine[Any, Any, T]) -> T:
        """Does what may take longer than a silent holder has; it is broken off where the lease is lost meanwhile."""
        doing = asyncio.ensure_future(work)
        try:
            while not doing.done():
                await asyncio.wait({doing}, timeout=1)
                if not doing.done():
                    await self.keep()
        except BaseException:
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)
            raise
        return doing.result()

    async def give_up(self) -> None:
        """Lets the next one in."""
        db, self._db = self._db, None
        if db is not None:
            with contextlib.suppress(Exception):
                await db.close(timeout=2)
