"""Promises of the named crash points: each stands in one place, costs nothing unarmed, and kills when it is told."""

import ast
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final, get_args

import pytest

from shared.crashpoint import POINTS, VARIABLE, Point, armed, crashpoint
from tests.faults.plan import arrivals
from tests.support.ledger import Ledger

ROOT: Final = Path(__file__).resolve().parents[2]


def placed() -> Counter[str]:
    """The names of all crash points in the code, as often as they stand there."""
    found: Counter[str] = Counter()
    for folder in ("shared", "services", "drawdown", "web"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                match node:
                    case ast.Call(func=ast.Name(id="crashpoint"), args=[ast.Constant(value=str(name))]):
                        found[name] += 1
                    case _:
                        pass
    return found


def test_every_named_point_is_placed_once() -> None:
    """A point that is nowhere, or in two places, proves less than its name says."""
    assert placed() == Counter(dict.fromkeys(POINTS, 1))


def test_every_point_is_documented() -> None:
    """Whoever reads the list knows what state a process dies in."""
    assert set(POINTS) == set(get_args(Point))
    assert all(re.fullmatch(r"[^.]{20,}", says) for says in POINTS.values())


def test_every_point_is_planned() -> None:
    """A campaign arms each point as often as it was asked to."""
    planned = Counter(point for queue in arrivals("any", 20).values() for point, _ in queue)
    assert planned == Counter(dict.fromkeys(POINTS, 20))


def test_unarmed_it_is_a_function_that_does_nothing() -> None:
    """A process that is not armed asks nothing, looks nothing up, and goes on."""

    def nothing(_name: str, /) -> None:
        """Says what it is, and does nothing."""

    assert crashpoint.__code__.co_code == nothing.__code__.co_code
    crashpoint("batch.applied")


def test_another_name_is_refused() -> None:
    """A typo in the environment ends the start, instead of proving nothing for an hour."""
    with pytest.raises(ValueError, match="no crash point"):
        armed("batch.aplied:1")


@pytest.mark.parametrize(
    ("text", "said"), [("batch.applied:3", "1 2 "), ("batch.applied", ""), ("batch.polled:2", "1 2 3 4 ")]
)
def test_it_kills_at_the_nth_arrival(text: str, said: str) -> None:
    """Only the named point counts arrivals, and the nth is the last thing that the process does."""
    code = (
        "from shared.crashpoint import crashpoint\n"
        "crashpoint('batch.polled')\n"
        "for n in range(1, 5):\n"
        "    crashpoint('batch.applied')\n"
        "    print(n, end=' ', flush=True)\n"
    )
    done = _run(code, text)
    assert done.stdout == said
    assert done.returncode == (0 if text.startswith("batch.polled") else -signal.SIGKILL)
    assert ("crash point reached" in done.stderr) == (done.returncode != 0)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
async def test_commit_sent_dies_between_the_commit_and_its_answer(ledger: Ledger, loop: str) -> None:
    """The transaction is committed by the server, and the process has not lived to hear it."""
    async with ledger.connect_admin() as db:
        await db.execute("create table public.mark (name text)")
    code = (
        "import asyncio, asyncpg, uvloop\n"
        "from shared.crashpoint import crashpoint\n"
        "async def main():\n"
        f"    async with asyncpg.create_pool({ledger.admin_url!r}, min_size=1, max_size=1) as pool:\n"
        "        async with pool.acquire() as db:\n"
        "            async with db.transaction():\n"
        f"                await db.execute('insert into mark values ($1)', {loop!r})\n"
        "                crashpoint('batch.commit_sent')\n"
        "            print('answered', flush=True)\n"
        f"{'uvloop' if loop == 'uvloop' else 'asyncio'}.run(main())\n"
    )
    done = _run(code, "batch.commit_sent:1")
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "")
    async with ledger.connect_admin() as db:
        while await db.fetchval("select count(*) from pg_stat_activity where query = 'COMMIT;' and state = 'active'"):
            pass
        assert await db.fetchval("select count(*) from mark where name = $1", loop) == 1


def _run(code: str, point: str) -> "subprocess.CompletedProcess[str]":
    environment = {VARIABLE: point, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
