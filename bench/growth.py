"""Growth: the same number of payments on a ledger without history, and on one that has much of it.

The history is not made up: it was fed through the same services before, payment by payment.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import meter, throughput, workload
from bench.model import Expected
from bench.throughput import Run
from bench.workload import Recipe

_AT_ONCE: Final = 1_000_000  # of the history, per file


@dataclass(frozen=True, slots=True)
class Grown:
    """`before` on an empty ledger, `after` on one with `stored` payments; resident memory of the four services."""

    stored: int
    before: Run
    after: Run
    before_mib: float
    after_mib: float

    @property
    def kept(self) -> float:
        """The part of the throughput that is left."""
        return self.after.rate / self.before.rate


def measure(work: Path, say: Callable[[str], None], *, scale: float, probe: int, stored: int) -> Grown:
    """Measures `probe` payments, feeds `stored` ones, measures as many again. Raises `Refused` where a gate fails."""
    pieces = [min(_AT_ONCE, stored - start) for start in range(0, stored, _AT_ONCE)]
    sizes = [probe, *pieces, probe]
    parts = [
        workload.prepare(Recipe(size, scale=scale, part=n, of=len(sizes)), work / "workloads")
        for n, size in enumerate(sizes, start=1)
    ]
    done = Expected()
    runs: list[Run] = []
    resident: list[float] = []
    with throughput.furnished(parts[0], work) as stack:
        for n, part in enumerate(parts):
            run = asyncio.run(throughput.measure(stack, part, release=n == 0, already=done))
            done = done + part.expected
            say(f"growth, {sum(sizes[:n]):,} stored: {run.rate:,.0f}/s")
            runs.append(run)
            resident.append(sum(meter.resident_mib(stack.pids[name]) for name in stack.addresses.services))
    return Grown(sum(sizes[:-1]), runs[0], runs[-1], resident[0], resident[-1])
