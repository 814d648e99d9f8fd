"""Catch-up: a backlog waits while every worker is down; they come up, and payments keep coming meanwhile."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from bench import feed, gates
from bench.contender import Workload
from bench.stack import Patience, Stack, watching
from bench.throughput import TOPIC, release_late, until_right

TRICKLE_PER_SECOND: Final = 1_000
_CAUGHT_UP_RECORDS: Final = TRICKLE_PER_SECOND  # unread at most, by any reader of any topic: a second of traffic


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """`seconds` count from the command to start the services; `ready_seconds` of them until all said they are ready."""

    waiting: int
    came_meanwhile: int
    seconds: float
    ready_seconds: float

    @property
    def rate(self) -> float:
        """Events done per second, while they started too."""
        return (self.waiting + self.came_meanwhile) / self.seconds


def measure(stack: Stack, workload: Workload, *, waiting: int) -> CaughtUp:
    """On a furnished stack: the first `waiting` records wait, the rest of the workload comes at 1,000 per second.

    Raises `Refused` where a gate fails afterwards.
    """
    stack.stop_services()
    feeding = feed.start(stack.addresses.kafka, TOPIC, workload.events, waiting)
    feeding.go()
    feeding.wait()
    asyncio.run(release_late(stack))
    trickle = feed.start(
        stack.addresses.kafka,
        TOPIC,
        workload.events,
        workload.count - waiting,
        rate=TRICKLE_PER_SECOND,
        skip=waiting,
    )
    try:
        begun = time.monotonic()
        trickle.go()
        stack.start_services()
        ready = time.monotonic()
        caught_up = asyncio.run(_caught_up(stack))
        trickle.cut_short()
        trickle.wait()
    finally:
        trickle.stop()
    asyncio.run(_check(stack, workload.head(waiting + trickle.sent)))
    came = min(round((caught_up - begun) * TRICKLE_PER_SECOND), workload.count - waiting)
    return CaughtUp(waiting, came, caught_up - begun, ready - begun)


async def _caught_up(stack: Stack) -> float:
    """When no reader of any topic was more than a second of traffic behind."""
    patience = Patience()
    async with watching(stack.addresses) as watch:
        while (most := max((await watch.behind()).items(), key=lambda each: each[1]))[1] > _CAUGHT_UP_RECORDS:
            patience.look(f"unread: {most}")
            await asyncio.sleep(0.1)
    return time.monotonic()


async def _check(stack: Stack, done: Workload) -> None:
    async with watching(stack.addresses) as watch:
        await watch.until_read(done.count)
        await until_right(watch, done.expected)
        records = await watch.records()
        gates.insist(await gates.of_run(watch.db, done.expected, records, stack.addresses, stack.directory.path))
