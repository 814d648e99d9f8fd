"""``python -m tests.faults.load`` runs the load: told ``go`` it begins, told ``pause`` it ends what it began.

It is told by one word a line on its standard input.
"""

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.faults.journal import Journal
from tests.faults.load.bank import Bank
from tests.faults.load.clerk import Clerk
from tests.faults.load.gate import Gate
from tests.faults.load.plans import Planner
from tests.faults.load.waves import Waves

_PLANNERS: Final = 2  # of reserves, for the same funds


async def serve(
    seed: str, path: Path, kafka: str, services: Mapping[str, Sequence[str]], desks: int, pause_seconds: float
) -> None:
    journal, gate = Journal(path), Gate()
    bank = Bank(random.Random(f"{seed}/bank"), journal, gate, kafka, pause_seconds)
    clerks = [
        Clerk(random.Random(f"{seed}/clerk/{n}"), journal, gate, services, name=f"clerk-{n}") for n in range(desks)
    ]
    waves = [
        Waves(random.Random(f"{seed}/waves/{n}"), journal, bank, clerk, name=f"desk-{n}")
        for n, clerk in enumerate(clerks)
    ]
    planning = [
        Clerk(random.Random(f"{seed}/planning/{n}"), journal, gate, services, name=f"clerk-plans-{n}")
        for n in range(_PLANNERS)
    ]
    funds: list[int] = []
    planners = [
        Planner(random.Random(f"{seed}/planner/{n}"), clerk, funds, name=f"planner-{n}")
        for n, clerk in enumerate(planning)
    ]
    async with asyncio.TaskGroup() as group:
        runs = (bank.run(), *(one.run() for one in waves), *(one.run() for one in planners))
        work = [group.create_task(run) for run in runs]
        await _obey(gate)
        for task in work:
            task.cancel()
    for clerk in (*clerks, *planning):
        await clerk.close()
    journal.close()


async def _obey(gate: Gate) -> None:
    """Until the end of standard input, which is also what the death of whoever started us looks like."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while word := (await reader.readline()).decode().strip():
        if word == "go":
            gate.go()
        else:
            await gate.pause()
        sys.stdout.write(f"{word}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults.load")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--kafka", required=True)
    parser.add_argument("--services", type=json.loads, required=True, help="JSON: the URLs of each service's copies")
    parser.add_argument("--desks", type=int, default=3)
    parser.add_argument("--pause-seconds", type=float, default=0.06)
    asked = parser.parse_args()
    asyncio.run(serve(asked.seed, asked.journal, asked.kafka, asked.services, asked.desks, asked.pause_seconds))
