"""Rounds: everything that is compared is measured in turn, again and again, and compared within its round only."""

import asyncio
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Final

from bench import machine, peers, throughput
from bench.contender import PeerResult, Workload
from bench.stack import Stack, Stalled
from bench.throughput import Run

DRAWDOWN: Final = "Drawdown"
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """One contender in one round. A wrong one has no rate: it counts as a failure, never as a speed."""

    round: int
    contender: str
    events: int
    seconds: float
    right: bool
    note: str = ""

    @property
    def rate(self) -> float:
        return self.events / self.seconds


@dataclass(frozen=True, slots=True)
class Middle:
    """The median with the smallest and the largest; of nothing where no round was right."""

    median: float
    least: float
    most: float
    rounds: int


def middle(values: Iterable[float]) -> Middle | None:
    """None where there are no values."""
    known = sorted(values)
    return Middle(median(known), known[0], known[-1], len(known)) if known else None


def counted(samples: Sequence[Sample]) -> list[Sample]:
    """Without the first round, which warms everything up, unless it is the only one."""
    first = min((sample.round for sample in samples), default=0)
    return [sample for sample in samples if sample.round > first] or list(samples)


def rates(samples: Sequence[Sample], contender: str) -> Middle | None:
    """A contender's rates, over the rounds in which it was right."""
    return middle(s.rate for s in counted(samples) if s.contender == contender and s.right)


def ratios(samples: Sequence[Sample], contender: str, beside: str) -> Middle | None:
    """`contender` ÷ `beside`, round by round, over the rounds in which both were right."""
    by_round: dict[int, dict[str, float]] = {}
    for sample in counted(samples):
        if sample.right:
            by_round.setdefault(sample.round, {})[sample.contender] = sample.rate
    return middle(one[contender] / one[beside] for one in by_round.values() if {contender, beside} <= one.keys())


def all_peers() -> list[ModuleType]:
    """The modules of `bench.peers` that are contenders."""
    names = sorted(info.name for info in pkgutil.iter_modules(peers.__path__))
    modules = [importlib.import_module(f"bench.peers.{name}") for name in names]
    return [module for module in modules if hasattr(module, "NAME") and hasattr(module, "run")]


@dataclass(slots=True)
class Rounds:
    """The samples and runs so far."""

    work: Path
    say: Say
    samples: list[Sample]
    runs: list[Run]

    def contest(self, number: int, workload: Workload, against: Sequence[ModuleType]) -> None:
        """One round: Drawdown on servers that know the book, then every peer on the same servers, alone."""
        with throughput.furnished(workload, self.work) as stack:
            self.drawdown(number, DRAWDOWN, stack, workload)
            stack.stop_services()
            for peer in against:
                self._peer(number, stack, workload, peer)

    def variants(self, number: int, workloads: Mapping[str, Workload]) -> None:
        """One round of Drawdown alone, on a fresh copy of the same book for each workload."""
        for name, workload in workloads.items():
            with throughput.furnished(workload, self.work) as stack:
                self.drawdown(number, name, stack, workload)

    def drawdown(self, number: int, name: str, stack: Stack, workload: Workload) -> None:
        """One run of ours."""
        try:
            run = asyncio.run(throughput.measure(stack, workload, strict=False))
        except Stalled as stalled:
            self._add(Sample(number, name, workload.count, float("inf"), right=False, note=str(stalled)))
            return
        wrong = "; ".join(f"{gate.promise}: {gate.wrong}" for gate in run.gates if gate.wrong)
        disturbed = f"others had {run.others_share:.0%}" if run.others_share > machine.DISTURBED_SHARE else ""
        self.runs.append(run)
        self._add(Sample(number, name, run.events, run.seconds, run.right, wrong or disturbed))

    def _peer(self, number: int, stack: Stack, workload: Workload, peer: ModuleType) -> None:
        folder = self.work / "peers"
        folder.mkdir(exist_ok=True)
        share = workload.head(getattr(peer, "LIMIT_EVENTS", workload.count))
        try:
            result: PeerResult = asyncio.run(peer.run(share, stack.servers, folder))
        except Exception as error:  # noqa: BLE001 (a peer that fails has no score, and stops nobody)
            self._add(Sample(number, peer.NAME, share.count, float("inf"), right=False, note=repr(error)[:300]))
            return
        self._add(Sample(number, peer.NAME, result.events, result.seconds, result.right, result.note))

    def _add(self, sample: Sample) -> None:
        self.samples.append(sample)
        verdict = f"{sample.rate:,.0f}/s" if sample.right else "NO SCORE"
        self.say(f"round {sample.round}, {sample.contender}: {verdict} {sample.note}")
