"""The gate of the load: closed between rounds, when everything that is under way ends and nothing new begins."""

import asyncio
import contextlib
from collections.abc import Iterator


class Gate:
    """Whoever begins something waits for `open`, and is counted while it lasts."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def open(self) -> None:
        await self._open.wait()

    @contextlib.contextmanager
    def passing(self) -> Iterator[None]:
        """Something that must end before the load counts as paused."""
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    def go(self) -> None:
        self._open.set()

    async def pause(self) -> None:
        """Closes the gate and waits until nothing is under way."""
        self._open.clear()
        while self._under_way:
            await self._idle.wait()
