"""Planners of a campaign at work on a seeded stage, and their judge's word on what came of it."""

import asyncio
import random
from contextlib import closing
from pathlib import Path
from typing import Final

from drawdown.localstack.waiting import finish
from shared.postgres import connect
from tests.faults import books, journal, planned
from tests.faults.books import Books
from tests.faults.journal import Journal
from tests.faults.judge import Memory
from tests.faults.load.clerk import Clerk
from tests.faults.load.gate import Gate
from tests.faults.load.plans import Planner
from tests.faults.seeded.stage import Found, Stage

_PLANNERS: Final = 2
_PATIENCE_SECONDS: Final = 90  # with all of them: a command that finds no answer is no proof of anything


def plan(stage: Stage, seed: int, *, turns: int) -> list[Found]:
    """Two planners do everything that planners do so many times; what their judge finds broken, when all is at rest."""
    path = stage.directory.path / "planned.jsonl"
    finish(_plan(stage, path, seed, turns))
    stage.settle()
    history = journal.read(path)
    rulings = planned.judge(history, finish(_read(stage)), Memory())
    found = [Found(one.invariant, f"{one.what}: {one.broken[0]}") for one in rulings if one.broken]
    differing = [key for key, asked in history.asked.items() if asked.differing]
    return [*found, *(Found("I1", f"{key} was answered differently when it was repeated") for key in differing)]


async def _plan(stage: Stage, path: Path, seed: int, turns: int) -> None:
    gate = Gate()
    gate.go()
    services = {name: [url] for name, url in stage.addresses.services.items()}
    with closing(Journal(path)) as writer:
        names = [f"plans-{n}" for n in range(_PLANNERS)]
        clerks = [Clerk(random.Random(f"{seed}/{name}"), writer, gate, services, f"clerk-{name}") for name in names]
        funds: list[int] = []
        planners = [
            Planner(random.Random(f"{seed}/{name}"), clerk, funds, name)
            for name, clerk in zip(names, clerks, strict=True)
        ]
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await asyncio.gather(*(one.begin() for one in planners))
                for _ in range(turns):
                    await asyncio.gather(*(one.do_each() for one in planners))
        finally:
            for clerk in clerks:
                await clerk.close()


async def _read(stage: Stage) -> Books:
    db = await connect(stage.addresses.admin_url, application="tests")
    try:
        return await books.read(db, heads_before={})
    finally:
        await db.close()
