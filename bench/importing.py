"""History import: a sheet of history by `drawdown import` into an empty ledger, until every fund's total is right."""

import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import gates
from bench.gates import Gate
from bench.history_sheets import History, write
from bench.stack import Patience, Stack, new_home, running, watching
from shared import currency

CAPITAL: Final = """
select f.name, f.currency, coalesce(sum(a.funded_minor), 0)::bigint as funded,
       coalesce(sum(a.called_minor), 0)::bigint as called
  from metrics.fund f
  left join metrics.allocation a on a.fund_id = f.id
 group by f.id, f.name, f.currency
"""


@dataclass(frozen=True, slots=True)
class Imported:
    """`taken_seconds` until the command has ended, each row with its answer; `seconds` until every total is right."""

    rows: int
    taken_seconds: float
    seconds: float

    @property
    def rate(self) -> float:
        """Rows per second, to right totals."""
        return self.rows / self.seconds


def measure(work: Path, *, rows: int) -> Imported:
    """On a stack that knows nothing yet. Raises `Refused` where a row was refused or a gate fails afterwards."""
    work.mkdir(parents=True, exist_ok=True)
    home = new_home(work)
    with running(home) as stack:
        stack.start_services()
        stack.start_front()
        history = write(home / "history.csv", rows)
        begun = time.monotonic()
        command = [sys.executable, "-m", "drawdown", "import", str(history.path), "--data", str(stack.directory.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        taken = time.monotonic()
        gates.insist([Gate("every row was taken", done.stderr[-300:] if done.returncode else "")])
        right = asyncio.run(_right(stack, history))
        gates.insist(asyncio.run(gates.of_stack(stack.directory.path)))
    return Imported(rows, taken - begun, right - begun)


async def _right(stack: Stack, history: History) -> float:
    """When every fund showed what the sheet comes to, and nothing moved any more."""
    patience = Patience()
    async with watching(stack.addresses) as watch:
        while True:
            found = {row["name"]: row for row in await watch.db.fetch(CAPITAL)}
            shown = {
                name: (currency.text(row["funded"], row["currency"]), currency.text(row["called"], row["currency"]))
                for name, row in found.items()
            }
            if shown == {name: (funded, history.called[name]) for name, funded in history.funded.items()}:
                break
            patience.look(f"totals: {shown}")
            await asyncio.sleep(0.1)
        right = time.monotonic()
        await watch.settle()
    return right
