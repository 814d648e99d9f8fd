"""What HTTP needs of the process around it, and how a request finds it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol, cast

from fastapi import Request

from shared.clock import Clock
from shared.postgres import Connection, DatabaseAway, Pool, is_away
from shared.settings import Settings


class RuntimePort(Protocol):
    """The running service, as its API sees it; `app.state.runtime` holds it."""

    @property
    def name(self) -> str: ...
    @property
    def pool(self) -> Pool: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def settings(self) -> Settings: ...

    def wake(self) -> None:
        """Tells the relay that there is something to publish."""
        ...

    async def checks(self) -> Mapping[str, Mapping[str, object]]:
        """What readiness depends on, by name, each with ``ok`` and whatever explains it."""
        ...


def runtime_of(request: Request) -> RuntimePort:
    return cast("RuntimePort", request.app.state.runtime)


@asynccontextmanager
async def connection(pool: Pool, *, timeout_seconds: float = 10) -> AsyncIterator[Connection]:
    """A connection of the pool; raises `DatabaseAway` when there is none, or when it is lost meanwhile."""
    try:
        async with pool.acquire(timeout=timeout_seconds) as db:
            yield db
    except Exception as error:
        if is_away(error) and not isinstance(error, DatabaseAway):
            raise DatabaseAway(str(error) or type(error).__name__) from error
        raise
