"""The stage of a campaign: servers, proxies and services as real processes, kept running whatever happens to them.

What dies is started again within a moment. Everything is reached by asyncio; one stage is one database and one broker.
"""

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx

from drawdown.addresses import SERVICES, Addresses
from drawdown.localstack import ports, processes, readiness
from drawdown.localstack.directory import Directory
from drawdown.localstack.processes import Child, Program
from drawdown.programs import Programs
from shared import topics
from shared.crashpoint import VARIABLE, Point
from shared.postgres import Connection, connect
from tests.faults.network.house import PROXIES, Wiring, wire
from tests.support import house as house_
from tests.support.ledger import migrate_all

SESSION_SECONDS: Final = 4
CLOCK: Final = "clock-offset"
PARTITIONS: Final = 4
_ROOT: Final = Path(__file__).resolve().parents[2]
_LOG_MANAGER: Final = "-Dorg.slf4j.simpleLogger.log.kafka.log.LogManager=info"  # says when it recovers
COUNTERS: Final = (
    "drawdown_batches_total",
    "drawdown_batch_retries_total",
    "drawdown_fenced_batches_total",
    "drawdown_incarnation_alarms_total",
    "drawdown_internal_errors_total",
    "drawdown_published_records_total",
    "drawdown_relay_failures_total",
    'drawdown_payments_entries_total{became="duplicate"}',
    'drawdown_payments_entries_total{became="identity_conflict"}',
)


@dataclass(slots=True)
class Life:
    """One process of a service, from its start to its end."""

    log: Path
    armed: tuple[Point, int] | None = None
    pid: int = 0
    started_at: float = 0.0
    counted: Counter[str] = field(default_factory=Counter)
    killed: bool = False  # by us, on purpose

    @property
    def is_warm(self) -> bool:
        """Whether it has done a batch: to kill it before proves little."""
        return self.counted["drawdown_batches_total"] > 0


@dataclass(slots=True)
class Copy:
    """One copy of a service, which has one life after the other."""

    name: str  # such as payments-1
    service: str
    program: Program
    life: Life | None = None
    wanted: bool = False
    lives: int = 0
    frozen: bool = False


class Stage:
    """Starts, kills and restarts; `on_end` is told of every life that ended, with its exit code."""

    def __init__(self, directory: Directory, *, seed: int) -> None:
        self.directory = directory
        self.wiring: Wiring = wire(directory, seed=seed)
        self.network = self.wiring.network
        self._let_sessions_be_short()
        self.addresses: Addresses = house_._addresses(directory, self.wiring.admin_url, self.wiring.kafka, "")
        self.copies = {f"{name}-{n}": self._copy(name, n) for n in (1, 2) for name in SERVICES}
        self.servers: dict[str, Child] = {}
        self._programs = {program.name: program for program in (*self.wiring.servers, self.wiring.proxies)}
        self.server_up_at: Counter[str] = Counter()  # all batches done when that server was last ready
        self.on_end: Callable[[Copy, Life, int], None] = lambda _copy, _life, _code: None
        self.next_point: Callable[[Copy], tuple[Point, int] | None] = lambda _copy: None
        self.ended = Counter[str]()
        self.past: Counter[str] = Counter()  # counters of lives that have ended
        self._warm: asyncio.subprocess.Process | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[tuple[int, str]]] = set()  # commands
        self._tasks: list[asyncio.Task[None]] = []
        self._starting: dict[str, asyncio.Future[int]] = {}
        self._by_pid: dict[int, tuple[Copy, Life]] = {}
        self._ends: dict[int, asyncio.Future[int]] = {}
        self._commands = 0
        self._restarts: set[asyncio.Task[None]] = set()
        self._http = httpx.AsyncClient(timeout=2, trust_env=False)
        self.closing = False
        self._moved_seconds = 0

    def _let_sessions_be_short(self) -> None:
        file = self.directory.path / "kafka" / "server.properties"
        with file.open("a") as settings:
            settings.write("group.min.session.timeout.ms=1000\n")
            settings.write("initial.broker.registration.timeout.ms=600000\n")  # on a busy machine it takes its time

    def _copy(self, service: str, number: int) -> Copy:
        name = f"{service}-{number}"
        extra = {
            "DRAWDOWN_CLOCK_OFFSET_FILE": str(self.directory.path / CLOCK),
            "DRAWDOWN_SESSION_TIMEOUT_MS": str(SESSION_SECONDS * 1000),
            "DRAWDOWN_REBALANCE_TIMEOUT_MS": "10000",
            "DRAWDOWN_HEARTBEAT_INTERVAL_MS": "500",
        }
        program = Programs(self.directory, self.wiring.through(self.addresses), extra).service(service)
        port = ports.remembered(self.directory, name)
        own = {"DRAWDOWN_GROUP_INSTANCE_ID": name, "DRAWDOWN_HTTP_PORT": str(port)}
        url = f"http://{ports.LOOPBACK}:{port}"
        return Copy(name, service, replace(program, name=name, url=url, env={**program.env, **own}))

    # ---- opening and closing

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator["Stage"]:
        """Servers and the first copies run, on an empty ledger; gone afterwards."""
        try:
            for name in ("postgres", "kafka", PROXIES):
                self._start_server(name)
            await self._begin_warm()
            for name in ("postgres", "kafka", PROXIES):
                await self.until_up(name)
            await migrate_all(self.addresses.admin_url)
            await topics.make_topics(self.addresses.kafka, partitions=PARTITIONS)
            self.addresses.save(self.directory)
            self._tasks.append(asyncio.create_task(self._keep_servers()))
            self._tasks.append(asyncio.create_task(self._scrape()))
            for service in SERVICES:
                await self.want(f"{service}-1")
            yield self
        finally:
            await self._close()

    async def _close(self) -> None:
        self.closing = True
        ours = (*self._tasks, *self._restarts, *self._running)
        for task in ours:
            task.cancel()
        await asyncio.gather(*ours, return_exceptions=True)
        if self._warm is not None and self._warm.stdin is not None:
            self._warm.stdin.close()
            await self._warm.wait()
        await self._http.aclose()
        for child in self.servers.values():
            child.signal(signal.SIGCONT)
            child.signal(signal.SIGKILL if child.program.name == "kafka" else child.program.stop_signal)
        for child in self.servers.values():
            await asyncio.to_thread(child.wait)

    # ---- services

    async def _begin_warm(self) -> None:
        log = (self.directory.path / "logs" / "warm.log").open("ab")
        self._warm = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.faults.warm"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=_ROOT,
        )
        log.close()
        assert self._warm.stdout is not None
        if not json.loads(await self._warm.stdout.readline() or "{}"):
            raise RuntimeError(f"the warm parent ended:\n{(self.directory.path / 'logs' / 'warm.log').read_text()}")
        self._hearing = asyncio.create_task(self._hear(self._warm.stdout))
        self._tasks.append(self._hearing)

    async def _hear(self, said: asyncio.StreamReader) -> None:
        while line := await said.readline():
            told: dict[str, Any] = json.loads(line)
            if "started" in told:
                self._starting.pop(told["started"]).set_result(told["pid"])
            else:
                await self._take_end(told["ended"], told["code"])

    async def _take_end(self, pid: int, code: int) -> None:
        while pid not in self._by_pid and pid not in self._ends:
            await asyncio.sleep(0)  # whoever started it has not noted its pid yet
        if pid in self._ends:
            self._ends.pop(pid).set_result(code)
        else:
            self._note_end(*self._by_pid.pop(pid), code)

    def _ask_warm(self, asked: dict[str, object]) -> None:
        assert self._warm is not None
        assert self._warm.stdin is not None
        self._warm.stdin.write(json.dumps(asked).encode() + b"\n")

    async def want(self, name: str) -> None:
        """From now on that copy runs."""
        copy = self.copies[name]
        copy.wanted = True
        if copy.life is None:
            await self._start(copy)

    async def unwant(self, name: str) -> None:
        """That copy ends for good, as rudely as any."""
        copy = self.copies[name]
        copy.wanted = False
        while copy.life is not None:
            self.signal(name, signal.SIGCONT)
            self.signal(name, signal.SIGKILL)
            await asyncio.sleep(0.02)

    async def _start(self, copy: Copy) -> None:
        copy.lives += 1
        key = f"{copy.name}.{copy.lives:04d}"
        armed = self.next_point(copy)
        life = Life(self.directory.path / "logs" / f"{key}.log", armed, started_at=time.monotonic())
        env = dict(copy.program.env) | ({VARIABLE: f"{armed[0]}:{armed[1]}"} if armed else {})
        copy.life, copy.frozen = life, False
        life.pid = await self._fork(key, [copy.service, "serve"], env, life.log)
        self._by_pid[life.pid] = (copy, life)

    async def _fork(self, key: str, argv: Sequence[str], env: Mapping[str, str], log: Path) -> int:
        if self._hearing is None or self._hearing.done():
            raise RuntimeError("the warm parent is not heard any more")
        self._starting[key] = asyncio.get_running_loop().create_future()
        pid = self._starting[key]
        self._ask_warm({"start": key, "argv": argv, "env": env, "log": str(log)})
        return await pid

    async def command(self, service: str, *argv: str, armed: tuple[Point, int] | None = None) -> tuple[int, str]:
        """Runs a command of a service beside it; its exit code, and what it said.

        Who waits for it may stop waiting: it runs on, and its end is noted all the same.
        """
        running = asyncio.create_task(self._command(service, *argv, armed=armed))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return await asyncio.shield(running)

    async def _command(self, service: str, *argv: str, armed: tuple[Point, int] | None) -> tuple[int, str]:
        self._commands += 1
        key = f"{service}-{argv[0]}.{self._commands:04d}"
        log = self.directory.path / "logs" / f"{key}.log"
        env = dict(self.copies[f"{service}-1"].program.env) | ({VARIABLE: f"{armed[0]}:{armed[1]}"} if armed else {})
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._ends[await self._fork(key, [service, *argv], env, log)] = ended
        return await ended, log.read_text(errors="replace")

    def signal(self, name: str, number: int) -> bool:
        """Sends a signal to that copy; False where it does not run now."""
        life = self.copies[name].life
        if life is None or not life.pid:
            return False
        life.killed |= number == signal.SIGKILL
        self._ask_warm({"signal": life.pid, "number": int(number)})
        return True

    def _note_end(self, copy: Copy, life: Life, code: int) -> None:
        self.past.update(life.counted)
        copy.life = None
        if not self.closing:
            self.on_end(copy, life, code)
            task = asyncio.create_task(self._restart(copy))
            self._restarts.add(task)
            task.add_done_callback(self._restarts.discard)

    async def _restart(self, copy: Copy) -> None:
        await asyncio.sleep(0.05)
        if copy.wanted and copy.life is None:
            await self._start(copy)

    # ---- servers

    def _start_server(self, name: str) -> None:
        program = self._programs[name]
        if name == "kafka":
            java, *rest = program.argv
            program = replace(program, argv=[java, _LOG_MANAGER, *rest])
        self.servers[name] = processes.start(self.directory, program)

    async def _keep_servers(self) -> None:
        """Starts again what has ended; a PostgreSQL whose old children hold its memory for a moment, until it stays."""
        while True:
            for name, child in self.servers.items():
                if child.exit_code is not None:
                    self.ended[name] += 1
                    child.forget()
                    self._start_server(name)
            await asyncio.sleep(0.2)

    async def until_up(self, name: str, *, seconds: float = 600) -> None:
        """Returns when that server answers; raises TimeoutError with what it said last."""
        give_up = time.monotonic() + seconds
        while await asyncio.to_thread(self._server_problem, name):
            if time.monotonic() > give_up:
                raise TimeoutError(f"{name} is not up:\n{self.directory.log(name).read_text(errors='replace')[-4000:]}")
            await asyncio.sleep(0.1)
        self.server_up_at[name] = self.total("drawdown_batches_total")

    def _server_problem(self, name: str) -> str:
        match name:
            case "kafka":
                return readiness.kafka_problem(self.addresses.kafka)
            case "postgres":
                return readiness.postgres_problem(self.addresses.admin_url)
            case _:
                return "" if self.network.is_ready() else "no answer"

    def server_is_warm(self, name: str) -> bool:
        """Whether a batch was done since that server came up, so that killing it meets something."""
        return self.total("drawdown_batches_total") > self.server_up_at[name]

    @contextlib.asynccontextmanager
    async def admin(self) -> AsyncIterator[Connection]:
        """A connection that may see and do everything, round the proxies."""
        db = await connect(self.addresses.admin_url, application="campaign", settings={"timezone": "UTC"})
        try:
            yield db
        finally:
            await db.close(timeout=5)

    # ---- time, counters

    def move_clock(self, seconds: int) -> None:
        """Puts the clock of every service so far from the machine's."""
        self._moved_seconds = seconds
        file = self.directory.path / CLOCK
        draft = file.with_suffix(".new")
        draft.write_text(str(seconds))
        draft.replace(file)

    def total(self, counter: str) -> int:
        """That counter, summed over every life so far."""
        live = (copy.life.counted[counter] for copy in self.copies.values() if copy.life)
        return self.past[counter] + sum(live)

    async def look(self, copy: Copy) -> None:
        """Reads the counters of a copy as they are now, where it answers."""
        life = copy.life
        if life is None or copy.frozen:
            return
        with contextlib.suppress(httpx.HTTPError):
            shown = (await self._http.get(copy.program.url + "/metrics")).text
            told = dict(line.rsplit(" ", 1) for line in shown.splitlines() if line.startswith("drawdown_"))
            if copy.life is life:
                life.counted = Counter({name: int(float(told[name])) for name in COUNTERS if name in told})

    async def _scrape(self) -> None:
        while True:
            await asyncio.gather(*(self.look(copy) for copy in self.copies.values()))
            await asyncio.sleep(0.4)
