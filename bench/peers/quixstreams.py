"""QuixStreams, exactly once: the same fold per call, its state in RocksDB with a changelog; an environment of its own.

It caps a client that the product may want newer, so it is never installed beside it.
"""

import asyncio
import contextlib
import hashlib
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.contender import PeerResult, Servers, Workload
from bench.peers import ground
from bench.peers.ground import Committed, Following

NAME = "QuixStreams, exactly once"
GIVES_NOT = (
    "no fund totals (paid per call only; rolled up, each payment would go through the broker once more), no SQL, no "
    "fsync, no audit, no holds as records, no identity conflicts, no HTTP; knows late calls from the start"
)

PROCESSES: Final = 1
COMMIT_SECONDS: Final = 1.0
_REQUIREMENTS: Final = Path(__file__).with_name("requirements-quixstreams.txt")
_PROGRAM: Final = Path(__file__).with_name("programs") / "quixstreams_service.py"


class CannotInstall(RuntimeError):
    """What pip said last."""


async def run(workload: Workload, servers: Servers, work: Path) -> PeerResult:
    """One run, with its best settings."""
    return await run_with(workload, servers, work, count=PROCESSES, commit_seconds=COMMIT_SECONDS)


async def run_with(
    workload: Workload, servers: Servers, work: Path, *, count: int, commit_seconds: float
) -> PeerResult:
    """One run in so many processes, with that time between two commits."""
    python = await asyncio.to_thread(_environment, work / "quixstreams")
    name = ground.new_name("quix")
    payments, calls, group = f"{name}.payments", f"{name}.calls", f"{name}.group"
    settings = (
        servers.kafka,
        payments,
        calls,
        group,
        str(workload.folder / "calls.csv"),
        str(count),
        str(commit_seconds),
    )
    commands = {
        f"quix{n}": [str(python), "-P", str(_PROGRAM), *settings, str(work / name / f"state{n}")] for n in range(count)
    }
    async with ground.topics(servers.kafka, name, {payments: ground.PARTITIONS, calls: ground.PARTITIONS}):
        with ground.running(work / name, commands) as processes:
            await processes.wait_until_said("ready")
            async with _books(workload, servers.kafka, payments, calls, group) as books:
                return await ground.measure(workload, servers, payments, processes, books.right, books.still_right)


def _environment(folder: Path) -> Path:
    """The Python that has the library: made once for each list of requirements. Raises `CannotInstall`."""
    home = folder / hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:12]
    python = home / "bin" / "python"
    made = home / "made"
    if not made.exists():
        install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes")
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(home)],
            [str(python), *install, "--requirement", str(_REQUIREMENTS)],
        ):
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            if done.returncode:
                raise CannotInstall(done.stderr[-2_000:])
        made.touch()
    return python


@contextlib.asynccontextmanager
async def _books(workload: Workload, kafka: str, payments: str, calls: str, group: str) -> AsyncIterator["_Books"]:
    async with ground.following(kafka, calls) as totals, ground.committed(kafka, group, payments) as progress:
        yield _Books(workload, totals, progress)


@dataclass(frozen=True, slots=True)
class _Books:
    """What the processes have come to, beside what they must."""

    workload: Workload
    calls: Following
    progress: Committed

    async def right(self) -> bool:
        """Every payment is committed, with what it did; the totals are read when the clock has stopped."""
        return await self.progress.records() == self.workload.count

    async def still_right(self) -> bool:
        """Every call is the model's, and with the calls the funds."""
        await self.calls.read_to_end()
        return ground.same(self.calls.newest, self.workload.expected.paid_minor)
