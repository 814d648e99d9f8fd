"""The load's process, as the campaign holds it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).resolve().parents[2]


class Load:
    """Goes and pauses; between the two it writes its journal before it sends."""

    def __init__(self, process: asyncio.subprocess.Process, journal: Path) -> None:
        self._process = process
        self.journal = journal

    async def go(self) -> None:
        await self._tell("go")

    async def pause(self, *, seconds: float) -> None:
        """Returns when nothing of it is under way; raises TimeoutError where a command finds no answer for so long."""
        async with asyncio.timeout(seconds):
            await self._tell("pause")

    async def _tell(self, word: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{word}\n".encode())
        if (await self._process.stdout.readline()).decode().strip() != word:
            raise RuntimeError("the load has ended; its log says why")


@asynccontextmanager
async def loading(
    directory: Path, *, seed: str, kafka: str, services: Mapping[str, Sequence[str]], pause_seconds: float
) -> AsyncIterator[Load]:
    """A load that waits for `go`, and is gone afterwards."""
    journal = directory / "journal.jsonl"
    with (directory / "logs" / "load.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.faults.load", "--seed", seed, "--journal", str(journal), "--kafka", kafka),
            *("--services", json.dumps(services), "--pause-seconds", str(pause_seconds)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            cwd=_ROOT,
        )
    try:
        yield Load(process, journal)
    finally:
        process.kill()
        await process.wait()
