"""What a route needs from around it: a call or fund that may be on its way here, and new numbers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, cast

from fastapi import Depends, Request

from services.payments import store
from services.payments.store import Numbers
from shared.http import PathId, Read
from shared.ids import CallId, FundId
from shared.postgres import Connection

PATIENCE_SECONDS: Final = 3.0
_PAUSE_SECONDS: Final = 0.05


async def _wait(read: Read, is_there: Callable[[Connection], Awaitable[bool]]) -> None:
    """Waits a little for what another service has just made; whether it came, the route finds out itself."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_SECONDS
    while True:
        async with read.connection() as db:
            if await is_there(db):
                return
        if loop.time() + _PAUSE_SECONDS > deadline:
            return
        await asyncio.sleep(_PAUSE_SECONDS)


async def _heard_of_call(call_id: PathId, read: Read) -> CallId:
    await _wait(read, lambda db: store.is_call_heard_of(db, CallId(call_id)))
    return CallId(call_id)


async def _heard_of_fund(fund_id: PathId, read: Read) -> FundId:
    async def is_there(db: Connection) -> bool:
        return bool(await store.get_funds(db, [FundId(fund_id)]))

    await _wait(read, is_there)
    return FundId(fund_id)


HeardOfCall = Annotated[CallId, Depends(_heard_of_call)]
"""The `call_id` of a path, after a wait for a call that was made a moment ago."""

HeardOfFund = Annotated[FundId, Depends(_heard_of_fund)]
"""The `fund_id` of a path, likewise."""


def _numbers(request: Request) -> Numbers:
    return cast("Numbers", request.app.state.numbers)


NewNumbers = Annotated[Numbers, Depends(_numbers)]
"""Where this process takes new ids from."""
