"""How each fault is done to a stage. What a fault holds back goes on by itself, in a task that the round waits for."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Final

import asyncpg

from drawdown.addresses import SERVICES
from tests.faults.network import Rule
from tests.faults.plan import Kind, Step
from tests.faults.stage import SESSION_SECONDS, Copy, Stage
from tests.faults.tally import Tally

_FROZEN_SECONDS: Final = (1.5 * SESSION_SECONDS, 1.5 * SESSION_SECONDS, 3.0 * SESSION_SECONDS)
_WARM_SECONDS: Final = 4.0
_LOCKED_SECONDS: Final = 6.0  # a service waits five for a lock
_CLOCK_DAYS: Final = (-3, 0, 1, 9)  # always less apart than an answer is kept
_NETWORK: Final = (
    ("postgres", Rule("swallow", message="COMMIT", chance=0.3, times=2)),
    ("postgres", Rule("swallow", message="COMMIT", chance=0.3, times=2)),
    ("postgres", Rule("lose", message="COMMIT", chance=0.3, times=2)),
    ("postgres", Rule("lose", message="COMMIT", chance=0.3, times=2)),
    ("postgres", Rule("hold", message="COMMIT", chance=0.2, milliseconds=400)),
    ("postgres", Rule("cut_after", size_bytes=20_000, times=6)),
    ("postgres", Rule("stall")),
    ("postgres", Rule("refuse")),
    ("kafka", Rule("swallow", message="produce", chance=0.3, times=3)),
    ("kafka", Rule("lose", message="produce", chance=0.3, times=3)),
    ("kafka", Rule("swallow", message="offset_commit", times=2)),
    ("kafka", Rule("delay", milliseconds=30)),
    ("kafka", Rule("slice", size_bytes=100, chance=0.05)),
    ("kafka", Rule("stall")),
)

A_BACKEND: Final = """
select pid
  from pg_stat_activity
 where (application_name like 'drawdown-%' or application_name like 'lease-%')
   and application_name <> 'drawdown-check'
 order by state = 'active' desc, md5(pid::text || $1)
 limit 1
"""

END_SESSION: Final = """
select pg_terminate_backend($1)
"""


def _may_be_hit(copy: Copy) -> bool:
    return copy.life is not None and not copy.frozen and not copy.life.killed


class Harm:
    """Does faults to one stage, and counts them."""

    def __init__(self, stage: Stage, tally: Tally) -> None:
        self._stage = stage
        self._tally = tally
        self._passing: set[asyncio.Task[None]] = set()
        self._busy: set[str] = set()  # what a fault still has in its hands: servers and proxies
        self._how: Mapping[Kind, Callable[[Step], Awaitable[None]]] = {
            "kill_one": lambda step: self._kill_services(step, 1),
            "kill_some": lambda step: self._kill_services(step, 2 + step.chance % 2),
            "kill_all": self._kill_all,
            "kill_postmaster": lambda _: self._end_server("postgres", signal.SIGKILL),
            "kill_backend": self._kill_backend,
            "kill_broker": lambda _: self._end_server("kafka", signal.SIGKILL),
            "shut_database_down": lambda _: self._end_server("postgres", signal.SIGQUIT),
            "end_session": self._end_session,
            "freeze_service": self._freeze_service,
            "freeze_broker": self._freeze_broker,
            "hold_lock": self._hold_lock,
            "move_clock": self._move_clock,
            "rebuild": self._rebuild,
            "harm_network": self._harm_network,
        }

    async def do(self, step: Step) -> None:
        """Begins that fault; a fault that meets nothing, because its victim is down already, is none."""
        await self._how[step.kind](step)

    async def over(self) -> None:
        """Returns when nothing is held back any more."""
        while self._passing:
            await asyncio.gather(*self._passing, return_exceptions=True)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    # ---- services

    async def _kill_services(self, step: Step, count: int) -> None:
        """Of those that have done a batch since their start, which is waited for; each sixth time whoever there is."""
        give_up = time.monotonic() + (0 if step.chance % 6 == 0 else _WARM_SECONDS)
        while True:
            able = [copy for copy in map(self._stage.copies.__getitem__, step.order) if _may_be_hit(copy)]
            await asyncio.gather(*(self._stage.look(copy) for copy in able if copy.life and not copy.life.is_warm))
            warm = [copy for copy in able if copy.life and copy.life.is_warm]
            if len(warm) >= count or time.monotonic() > give_up:
                break
            await asyncio.sleep(0.1)
        others = [copy for copy in able if copy not in warm]
        for copy in [*warm, *others][:count]:
            self._kill(copy)

    def _kill(self, copy: Copy) -> None:
        warm = copy.life is not None and copy.life.is_warm
        if self._stage.signal(copy.name, signal.SIGKILL):
            (self._tally.kills if warm else self._tally.early)[copy.service] += 1

    async def _kill_all(self, step: Step) -> None:
        for copy in self._stage.copies.values():
            if _may_be_hit(copy):
                self._kill(copy)
        await self._end_server("kafka", signal.SIGKILL)
        await self._end_server("postgres", signal.SIGKILL)
        self._tally.faults["everything killed at once"] += 1

    async def _freeze_service(self, step: Step) -> None:
        for name in step.order:
            copy = self._stage.copies[name]
            if _may_be_hit(copy):
                self._begin(self._freeze(copy, _FROZEN_SECONDS[step.chance % len(_FROZEN_SECONDS)]))
                return

    async def leave_zombies(self) -> None:
        """Freezes the first copy of every service, whose partitions the second ones take, while a stranger locks a
        table of theirs; then the first go on with what they had in hand."""
        self._begin(self._lock("payments"))
        for service in SERVICES:
            self._begin(self._freeze(self._stage.copies[f"{service}-1"], _FROZEN_SECONDS[0]))
        await self.over()

    async def _freeze(self, copy: Copy, seconds: float) -> None:
        life = copy.life
        if not self._stage.signal(copy.name, signal.SIGSTOP):
            return
        copy.frozen = True
        self._tally.faults[f"{copy.service} frozen"] += 1
        await asyncio.sleep(seconds)
        if copy.life is life:
            self._stage.signal(copy.name, signal.SIGCONT)
            copy.frozen = False

    async def _rebuild(self, _: Step) -> None:
        self._begin(self._rebuild_metrics())

    async def _rebuild_metrics(self) -> None:
        code, _ = await self._stage.command("metrics", "rebuild")
        self._tally.faults["read model rebuilt under load" if code == 0 else "rebuild that a fault ended"] += 1

    # ---- servers

    async def _end_server(self, name: str, number: signal.Signals) -> None:
        child = self._stage.servers[name]
        if name in self._busy or child.exit_code is not None:
            return
        warm = self._stage.server_is_warm(name)
        self._begin(self._until_up(name))
        child.signal(number)
        if number is signal.SIGQUIT:
            self._tally.faults["postgres shut down at once"] += 1
        else:
            victim = "postmaster" if name == "postgres" else "broker"
            (self._tally.kills if warm else self._tally.early)[victim] += 1

    async def _until_up(self, name: str) -> None:
        self._busy.add(name)
        try:
            await asyncio.sleep(0.3)
            await self._stage.until_up(name)
        finally:
            self._busy.discard(name)

    async def _kill_backend(self, step: Step) -> None:
        """SIGKILL of one backend makes the server end every session and recover."""
        pid = await self._backend(step)
        if pid is None or "postgres" in self._busy:
            return
        warm = self._stage.server_is_warm("postgres")
        self._begin(self._until_up("postgres"))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            (self._tally.kills if warm else self._tally.early)["backend"] += 1

    async def _end_session(self, step: Step) -> None:
        pid = await self._backend(step)
        if pid is None:
            return
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            async with self._stage.admin() as db:
                self._tally.faults["session ended by the server"] += bool(await db.fetchval(END_SESSION, pid))

    async def _backend(self, step: Step) -> int | None:
        """The process of one of the services' sessions, one that does something if there is one."""
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            async with self._stage.admin() as db:
                found: int | None = await db.fetchval(A_BACKEND, str(step.chance))
                return found
        return None

    async def _freeze_broker(self, _: Step) -> None:
        if "kafka" not in self._busy:
            self._begin(self._freeze_broker_for(1.5 * SESSION_SECONDS))

    async def _freeze_broker_for(self, seconds: float) -> None:
        self._busy.add("kafka")
        child = self._stage.servers["kafka"]
        child.signal(signal.SIGSTOP)
        self._tally.faults["broker frozen"] += 1
        await asyncio.sleep(seconds)
        child.signal(signal.SIGCONT)
        self._busy.discard("kafka")

    # ---- everything between

    async def _hold_lock(self, step: Step) -> None:
        """Somebody else's session keeps a service from moving its positions for longer than it waits."""
        self._begin(self._lock(SERVICES[step.chance % len(SERVICES)]))

    async def _lock(self, service: str) -> None:
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            async with self._stage.admin() as db, db.transaction():
                await db.execute(f"lock table {service}.position in exclusive mode")
                self._tally.faults["table locked by a stranger"] += 1
                await asyncio.sleep(_LOCKED_SECONDS)

    async def _move_clock(self, step: Step) -> None:
        days = _CLOCK_DAYS[step.chance % len(_CLOCK_DAYS)]
        self._stage.move_clock(days * 86_400 + step.chance % 600)
        self._tally.faults["clock moved"] += 1

    async def _harm_network(self, step: Step) -> None:
        proxy, rule = random.Random(step.chance).choice(_NETWORK)
        if proxy not in self._busy:
            self._begin(self._suffer(proxy, rule))

    async def _suffer(self, proxy: str, rule: Rule) -> None:
        number = await asyncio.to_thread(self._stage.network.arm, proxy, rule)
        self._tally.faults[f"network: {rule.kind} {rule.message}".rstrip() + f" ({proxy})"] += 1
        await asyncio.sleep(2.5)
        await asyncio.to_thread(self._stage.network.lift, proxy, number)
