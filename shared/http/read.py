"""The dependency of every route that reads."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from contextlib import asynccontextmanager as contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from shared.http.port import connection, runtime_of
from shared.postgres import Connection, Pool


@dataclass(frozen=True, slots=True)
class Reader:
    """A way to the database and the time of the request."""

    pool: Pool
    now: datetime

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """``async with read.connection() as db:`` for one or a few statements; give it back before waiting."""
        return connection(self.pool)

    @contextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """A connection on which all statements see one state of the database."""
        async with connection(self.pool) as db, db.transaction(isolation="repeatable_read", readonly=True):
            yield db

    @contextmanager
    async def rehearsal(self) -> AsyncIterator[Connection]:
        """A connection in a transaction that is always taken back: what a dry run does, it does for real."""
        async with connection(self.pool) as db:
            transaction = db.transaction()
            await transaction.start()
            try:
                yield db
            finally:
                await transaction.rollback()


def _reader(request: Request) -> Reader:
    runtime = runtime_of(request)
    return Reader(runtime.pool, runtime.clock.now())


Read = Annotated[Reader, Depends(_reader)]
