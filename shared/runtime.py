"""One service as one process: its HTTP API, its batch reader, its relay and its ticks, started and stopped together."""

import asyncio
import contextlib
import gc
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI

from shared import outbox, telemetry
from shared.clock import Clock, clock_of
from shared.http import create_app, idempotency
from shared.kafka.consuming import Consuming
from shared.kafka.engine import Apply, BatchReader
from shared.lease import Lease
from shared.postgres import DatabaseAway, Pool, open_pool
from shared.relay import Relay
from shared.settings import Settings

log = structlog.get_logger(__name__)

_STUCK_OUTBOX_SECONDS: Final = 60
_CLOCK_JUMP_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Tick:
    """Work that recurs: `work` gets the pool and the time, on one copy of the service at a time.

    Two copies may overlap for a moment when one was frozen, so the work must stand being done twice.
    """

    name: str
    every_seconds: float
    work: Callable[[Pool, datetime], Awaitable[None]]


class Runtime:
    """A running service, as its `app` composes it.

    `reads` are the logical topics, `apply` does a batch of their records inside an open transaction; after a small one,
    records gather for `gather_seconds`. `server_settings` go to every connection of the pool.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        reads: Sequence[str] = (),
        apply: Apply | None = None,
        gather_seconds: float = 0.015,
        routers: Sequence[APIRouter] = (),
        ticks: Sequence[Tick] = (),
        server_settings: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.settings = settings
        self.clock: Clock = clock_of(settings.clock_offset_file)
        self._pool: Pool | None = None
        self._ticks = (*ticks, Tick("forget_answers", 3600, _forget_answers))
        self._server_settings = server_settings
        self._relay = Relay(name, settings)
        self._consuming: Consuming | None = None
        if reads and apply is not None and settings.role != "api":
            reader = BatchReader(
                service=name,
                prefix=settings.topic_prefix,
                pool=lambda: self.pool,
                clock=self.clock,
                apply=apply,
                after_commit=self.wake,
            )
            self._consuming = Consuming(name, settings, reads, reader, gather_seconds=gather_seconds)
        self.app: FastAPI = create_app(name, routers if settings.role != "worker" else (), state=self)

    @property
    def pool(self) -> Pool:
        """The connections; raises `DatabaseAway` until the database was reached for the first time."""
        if self._pool is None:
            raise DatabaseAway("the database has not been reached yet")
        return self._pool

    def wake(self) -> None:
        """Tells the relay that committed events wait."""
        self._relay.wake()

    async def checks(self) -> dict[str, dict[str, object]]:
        """What readiness depends on, by name, each with ``ok`` and what explains it."""
        found: dict[str, dict[str, object]] = {}
        try:
            async with asyncio.timeout(2), self.pool.acquire() as db:
                waiting, parked, oldest_seconds = await outbox.backlog(db, self.clock.now())
            found["database"] = {"ok": True}
            found["outbox"] = {
                "ok": oldest_seconds < _STUCK_OUTBOX_SECONDS and not parked,
                "waiting": waiting,
                "parked": parked,
                "oldest_seconds": oldest_seconds,
            }
            telemetry.OUTBOX_WAITING.set(waiting)
            telemetry.OUTBOX_OLDEST_SECONDS.set(oldest_seconds)
        except Exception as error:  # noqa: BLE001  (not ready, whatever the reason)
            found["database"] = {"ok": False, "error": type(error).__name__}
        if self._consuming is not None:
            found.update(self._consuming.checks())
        return found

    # ---- life

    async def serve(self) -> None:
        """Runs until SIGINT or SIGTERM; a stop that takes too long becomes a kill.

        Raises what ended the relay, the reader or the ticks: a process without them is not alive, whatever it answers.
        """
        telemetry.configure(self.name, self.settings)
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopping.set)
        async with self._http(), self._background() as background:
            gc.collect()
            gc.freeze()  # what lives since the start is not looked at again: the collector took a quarter of the time
            gc.set_threshold(200_000, 20, 100)
            stop = asyncio.create_task(stopping.wait())
            await asyncio.wait({stop, background}, return_when=asyncio.FIRST_COMPLETED)
            loop.call_later(self.settings.shutdown_seconds, os._exit, 1)
            log.info("stopping")
            if background.done():
                background.result()

    @contextlib.asynccontextmanager
    async def _http(self) -> AsyncIterator[None]:
        config = uvicorn.Config(
            self.app,
            host=self.settings.http_host,
            port=self.settings.http_port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
            server_header=False,
            proxy_headers=False,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve())
        try:
            while not server.started and not serving.done():
                await asyncio.sleep(0.01)
            if serving.done():
                raise RuntimeError(f"port {self.settings.http_port} cannot be taken")
            log.info("listening", host=self.settings.http_host, port=server.port)
            yield
        finally:
            server.should_exit = True
            with contextlib.suppress(Exception, SystemExit):
                await serving

    @contextlib.asynccontextmanager
    async def _background(self) -> AsyncIterator[asyncio.Task[None]]:
        """Everything but HTTP. It starts whenever the database and the broker are there, and ends in order."""
        task = asyncio.create_task(self._run())
        try:
            yield task
        finally:
            if self._consuming is not None:
                await self._consuming.stop()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if self._pool is not None:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(self._pool.close(), 5)

    async def _run(self) -> None:
        await self._reach_database()
        if self.settings.role == "api":
            await self._relay.run()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._relay.run())
            group.create_task(self._tick_tock())
            if self._consuming is not None:
                group.create_task(self._consuming.run())

    async def _reach_database(self) -> None:
        while self._pool is None:
            try:
                self._pool = await open_pool(
                    self.settings.database_url.get_secret_value(),
                    application=f"drawdown-{self.name}",
                    size=self.settings.pool_size,
                    settings=self._server_settings,
                )
            except DatabaseAway as error:
                log.warning("waiting for the database", error=str(error))
                await asyncio.sleep(0.5)

    # ---- ticks

    async def _tick_tock(self) -> None:
        """Holds the lease of the ticks and runs each when it is due, or at once when the clock has jumped."""
        while True:
            lease = Lease(self.settings.database_url.get_secret_value(), "ticks")
            try:
                if await lease.take():
                    await self._run_ticks(lease)
            except Exception as error:  # noqa: BLE001  (the next round does what this one could not)
                log.warning("ticks begin anew", error=repr(error))
            finally:
                await lease.give_up()
            await asyncio.sleep(0.5 + random.random())  # noqa: S311  (jitter, not a secret)

    async def _run_ticks(self, lease: Lease) -> None:
        due = {tick.name: 0.0 for tick in self._ticks}
        seen = (time.monotonic(), self.clock.now())
        while True:
            await lease.keep()
            elapsed_seconds = time.monotonic()
            now = self.clock.now()
            drift = (now - seen[1]).total_seconds() - (elapsed_seconds - seen[0])
            if abs(drift) > _CLOCK_JUMP_SECONDS:
                due = dict.fromkeys(due, 0.0)
            seen = (elapsed_seconds, now)
            for tick in self._ticks:
                if due[tick.name] <= elapsed_seconds:
                    due[tick.name] = elapsed_seconds + tick.every_seconds
                    await lease.keep_while(self._run_tick(tick, now))
            await asyncio.sleep(min([0.5, *(tick.every_seconds for tick in self._ticks)]))

    async def _run_tick(self, tick: Tick, now: datetime) -> None:
        try:
            await tick.work(self.pool, now)
        except Exception as error:  # noqa: BLE001  (one tick never stops the others)
            log.warning("tick failed", tick=tick.name, error=repr(error))
        self.wake()


async def _forget_answers(pool: Pool, now: datetime) -> None:
    async with pool.acquire() as db:
        await idempotency.forget(db, now)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process stops in our order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    @property
    def port(self) -> int:
        """The port that was really taken."""
        return int(self.servers[0].sockets[0].getsockname()[1])
