"""Promises about the stage of a campaign: what it starts is heard of, whoever stops waiting for it."""

import asyncio
from pathlib import Path

from drawdown.localstack.directory import Directory
from tests.faults.stage import Stage

_USAGE = 2  # how a command that does not exist ends


async def test_commands_that_nobody_waits_for_any_more_do_not_silence_the_stage(tmp_path: Path) -> None:
    """A round that ends while a command starts, or runs, is followed by one that can start commands."""
    stage = Stage(Directory.at(tmp_path), seed=1)
    try:
        await stage._begin_warm()
        for turns in (1, 2, 3, 30):
            waiting = asyncio.create_task(stage.command("metrics", "nonsense"))
            for _ in range(turns):
                await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        code, said = await asyncio.wait_for(stage.command("metrics", "nonsense"), 60)
        assert code == _USAGE, said
    finally:
        await stage._close()
