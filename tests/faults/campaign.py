"""A campaign: chapters on fresh ledgers, each of some rounds; each round is faults under load, then a check at rest.

Everything that is drawn is drawn from the seed: what is loaded, which fault comes when and whom it hits first. What
the machine makes of it in time is its own; a failure is replayed by its seed and chapter.
"""

import asyncio
import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg

from drawdown.localstack.directory import Directory
from shared.crashpoint import Point
from tests.faults import verdict
from tests.faults.harm import Harm
from tests.faults.judge import Memory
from tests.faults.load_process import Load, loading
from tests.faults.plan import Kind, arrivals, steps
from tests.faults.stage import SESSION_SECONDS, Copy, Life, Stage
from tests.faults.tally import Tally

_LOOK_SECONDS: Final = 6.0  # between two questions under way


@dataclass(frozen=True, slots=True)
class Asked:
    """How much of a campaign is wanted."""

    seed: str
    kills: int = 1_000  # at random
    hits: int = 20  # of each crash point
    round_kills: int = 25
    chapter_rounds: int = 8
    first_chapter: int = 1
    chapters: int = 0  # 0: as many as the kills need
    patience_seconds: float = 60.0  # from the last fault to rest
    point_seconds: float = 25.0  # a crash point that is not met for so long is tried again later
    load_pause_seconds: float = 0.06
    most_seconds: float = 7_200.0
    keep_going: bool = False
    without: frozenset[Kind] = frozenset()


@dataclass(slots=True)
class Outcome:
    """What came of a campaign."""

    asked: Asked
    tally: Tally
    seconds: float = 0.0
    chapters: list[int] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)  # ledgers on which something was wrong


class Campaign:
    """Runs chapters until there were enough kills and hits, or something is wrong."""

    def __init__(self, asked: Asked, say: Callable[[str], None]) -> None:
        self.asked = asked
        self.outcome = Outcome(asked, Tally())
        self._say = say
        self._left = arrivals(f"{asked.seed}/points", asked.hits)
        self._began = time.monotonic()

    async def run(self) -> Outcome:
        chapter = self.asked.first_chapter
        while self._wants_more(chapter):
            self.outcome.chapters.append(chapter)
            await self._chapter(chapter)
            chapter += 1
        self.outcome.seconds = time.monotonic() - self._began
        return self.outcome

    def _wants_more(self, chapter: int) -> bool:
        if self.asked.chapters and chapter >= self.asked.first_chapter + self.asked.chapters:
            return False
        if self.outcome.tally.violations and not self.asked.keep_going:
            return False
        return self._in_time() and (self._wants_kills() or self._wants_points())

    def _in_time(self) -> bool:
        return time.monotonic() - self._began < self.asked.most_seconds

    def _wants_kills(self) -> bool:
        return self.outcome.tally.kills.total() < self.asked.kills

    def _wants_points(self) -> bool:
        return any(self._left.values())

    async def _chapter(self, number: int) -> None:
        path = _folder()
        before = len(self.outcome.tally.violations)
        seed = f"{self.asked.seed}/{number}"
        try:
            stage = Stage(Directory.at(path), seed=number)
            async with stage.opened():
                self._say(f"chapter {number}: a fresh ledger in {path}")
                services = verdict.services_of(stage)
                async with loading(
                    path,
                    seed=seed,
                    kafka=stage.addresses.kafka,
                    services=services,
                    pause_seconds=self.asked.load_pause_seconds,
                ) as load:
                    chapter = Chapter(self, stage, load, seed)
                    await chapter.run()
            for name in ("postgres", "kafka"):
                self.outcome.tally.read_server_log(name, stage.directory.log(name))
        except BaseException:
            self._say(f"chapter {number} was broken off; its ledger is kept in {path}")
            self.outcome.kept.append(path)
            raise
        if len(self.outcome.tally.violations) > before:
            self.outcome.kept.append(path)
        else:
            shutil.rmtree(path, ignore_errors=True)

    # ---- for a chapter

    def another_round(self) -> bool:
        """Whether the chapter may go on."""
        ill = self.outcome.tally.violations and not self.asked.keep_going
        return not ill and self._in_time() and (self._wants_kills() or self._wants_points())

    def points(self) -> dict[str, list[tuple[Point, int]]]:
        """The crash points that are still to be met, by service."""
        return self._left

    def wants_points(self, number: int) -> bool:
        """Rounds take turns; the last of the one kind are taken by the other."""
        return self._wants_points() and (number % 2 == 1 or not self._wants_kills())

    def say(self, text: str) -> None:
        self._say(f"{time.monotonic() - self._began:6.0f} s  {text}")


def _folder() -> Path:
    """A place that the servers' own user can reach too."""
    path = Path(tempfile.mkdtemp(prefix="drawdown-faults-"))
    path.chmod(0o711)
    return path


class Chapter:
    """One ledger, its rounds, and what was seen on it."""

    def __init__(self, campaign: Campaign, stage: Stage, load: Load, seed: str) -> None:
        self._campaign = campaign
        self._asked = campaign.asked
        self._tally = campaign.outcome.tally
        self._stage = stage
        self._load = load
        self._seed = seed
        self._harm = Harm(stage, self._tally)
        self._memory = Memory()
        self._queue: dict[str, list[tuple[Point, int]]] = {}  # what is armed from now on; empty between such rounds
        stage.on_end = self._note_end
        stage.next_point = self._next_point

    async def run(self) -> None:
        number = 0
        while number < self._asked.chapter_rounds and self._campaign.another_round():
            number += 1
            await self._load.go()
            async with self._watching():
                if self._campaign.wants_points(number):
                    await self._meet_points()
                else:
                    await self._do_steps(number)
            await self._rest(number)
        if not self._tally.violations:
            await verdict.replayed(self._stage, self._tally)
            await verdict.published_twice(self._stage, self._tally)
        await self._count()

    # ---- rounds

    async def _do_steps(self, number: int) -> None:
        """Faults at random, in every other such round with two copies of each service."""
        copies = 1 + (number // 2) % 2
        if copies == 2:
            self._tally.faults["rounds with two copies of each service"] += 1
            for name in [name for name in self._stage.copies if name.endswith("-2")]:
                await self._stage.want(name)
        enough = min(self._tally.kills.total() + self._asked.round_kills, self._asked.kills)
        give_up = time.monotonic() + 20 * self._asked.round_kills
        for step in steps(f"{self._seed}/{number}", copies=copies, without=self._asked.without):
            await asyncio.sleep(step.wait_seconds)
            await self._harm.do(step)
            if self._tally.kills.total() >= enough or time.monotonic() > give_up:
                break
        if copies == 2 and "hold_lock" not in self._asked.without:
            await self._harm.over()
            await asyncio.sleep(2 * SESSION_SECONDS)  # until the copies have shared the partitions out
            await self._harm.leave_zombies()

    async def _meet_points(self) -> None:
        """Every life of a service is armed with the next point that is wanted of it, until some have been met."""
        self._queue = self._campaign.points()
        wanted = self._tally.points.total() + self._asked.round_kills
        for name in ("allocations-1", "payments-1", "metrics-1", "audit-1"):
            if self._stage.signal(name, signal.SIGKILL):  # so that the next life is armed
                self._tally.early["to arm the next life"] += 1
        commands = asyncio.create_task(self._meet_in_commands())
        give_up = time.monotonic() + self._asked.point_seconds * max(self._asked.round_kills / 3, 4)
        try:
            while self._tally.points.total() < wanted and self._some_to_meet(commands) and time.monotonic() < give_up:
                await asyncio.sleep(0.2)
                self._give_up_on_old()
                await self._rebalance_armed()
        finally:
            commands.cancel()
            await asyncio.gather(commands, return_exceptions=True)
            self._queue = {}

    def _some_to_meet(self, commands: "asyncio.Task[None]") -> bool:
        armed = any(copy.life is not None and copy.life.armed is not None for copy in self._stage.copies.values())
        return armed or not commands.done() or any(self._queue.values())

    def _next_point(self, copy: Copy) -> tuple[Point, int] | None:
        if not copy.name.endswith("-1") or not self._queue:
            return None
        if self._queue[copy.service]:
            return self._queue[copy.service].pop()
        at_rebalance = self._queue["rebalances"]
        return at_rebalance.pop() if at_rebalance else None

    def _give_up_on_old(self) -> None:
        for copy in self._stage.copies.values():
            life = copy.life
            if (
                life
                and life.armed
                and not life.killed
                and time.monotonic() - life.started_at > self._asked.point_seconds
            ):
                self._stage.signal(copy.name, signal.SIGKILL)

    async def _rebalance_armed(self) -> None:
        """A second copy comes where the first is armed to die when partitions are taken away, or goes."""
        for copy in self._stage.copies.values():
            armed = copy.life is not None and copy.life.armed is not None and copy.life.armed[0] == "rebalance.revoked"
            if not copy.name.endswith("-1") or not armed or not (copy.life and copy.life.is_warm):
                continue
            other = self._stage.copies[f"{copy.service}-2"]
            if other.life is None:
                await self._stage.want(other.name)
            elif time.monotonic() - other.life.started_at > 2.5:
                await self._stage.unwant(other.name)

    async def _meet_in_commands(self) -> None:
        while self._queue.get("commands"):
            point, nth = self._queue["commands"].pop()
            code = 0
            try:
                code, _ = await self._stage.command("metrics", "rebuild", armed=(point, nth))
            finally:  # the round may end before it
                self._note_point(point, nth, met=code == -signal.SIGKILL, queue="commands")

    def _note_point(self, point: Point, nth: int, *, met: bool, queue: str) -> None:
        if met:
            self._tally.points[point] += 1
            return
        self._tally.missed[point] += 1
        if self._tally.missed[point] <= 3 * self._asked.hits + 5:
            self._campaign.points()[queue].insert(0, (point, 2 if queue == "rebalances" else 1))

    def _note_end(self, copy: Copy, life: Life, code: int) -> None:
        lines = life.log.read_text(errors="replace").splitlines() if life.log.exists() else []
        self._tally.read_log(lines)
        reached = any('"crash point reached"' in line for line in lines[-3:])
        if life.armed is not None:
            queue = "rebalances" if life.armed[0] == "rebalance.revoked" else copy.service
            self._note_point(*life.armed, met=reached and not life.killed, queue=queue)
        elif not life.killed:
            self._tally.unusual[f"{copy.service} ended by itself with code {code}"] += 1
        if code not in {0, -signal.SIGKILL}:
            self._campaign.say(f"{copy.name} ended with {code}: {' | '.join(lines[-3:])[-600:]}")

    # ---- watching and rest

    @contextlib.asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        """What holds in every snapshot is asked again and again meanwhile."""
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await verdict.under_way(self._stage, self._tally)

    async def _rest(self, number: int) -> None:
        """No more faults: everything must be well by itself, soon, and right."""
        await self._harm.over()
        await asyncio.to_thread(self._stage.network.lift)
        for name in [name for name in self._stage.copies if name.endswith("-2")]:
            await self._stage.unwant(name)
        for copy in self._stage.copies.values():
            if copy.life is not None and copy.life.armed is not None:  # it would die of its own at rest
                self._stage.signal(copy.name, signal.SIGKILL)
        last_fault = time.monotonic()
        patience = self._asked.patience_seconds
        try:
            await self._load.pause(seconds=patience)
            await verdict.at_rest(
                self._stage, self._tally, self._load.journal, self._memory, last_fault=last_fault, patience=patience
            )
        except TimeoutError as why:  # a command that finds no answer, or traffic that does not end
            says = str(why) or "a command found no answer"
            self._tally.violations.append(f"I12 no rest within {patience:.0f} s of the last fault: {says}")
        took = time.monotonic() - last_fault
        wrong = f"; {len(self._tally.violations)} WRONG" if self._tally.violations else ""
        kills, points = self._tally.kills.total(), self._tally.points.total()
        self._campaign.say(
            f"round {number}: {kills} kills, {points} points met, at rest and checked in {took:.1f} s{wrong}"
        )

    async def _count(self) -> None:
        stage = self._stage
        for copy in stage.copies.values():
            await stage.look(copy)
            if copy.life is not None:
                self._tally.read_log(copy.life.log.read_text(errors="replace").splitlines())
        self._tally.seen["redelivery ignored"] += stage.total('drawdown_payments_entries_total{became="duplicate"}')
        self._tally.seen["identity conflict held"] += stage.total(
            'drawdown_payments_entries_total{became="identity_conflict"}'
        )
        self._tally.sent["batches committed, as far as seen"] += stage.total("drawdown_batches_total")
        network = await asyncio.to_thread(stage.network.counts, "postgres")
        self._tally.seen["COMMIT's answer lost, and committed"] += network.get("swallow COMMIT", 0)
        self._tally.seen["COMMIT lost, and not committed"] += network.get("lose COMMIT", 0)
        self._tally.unusual.update(
            {
                name: count
                for name in ("drawdown_incarnation_alarms_total", "drawdown_internal_errors_total")
                if (count := stage.total(name))
            }
        )
