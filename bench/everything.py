"""The whole benchmark: one command, one report. What was measured is written after every step, so nothing is lost."""

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from pathlib import Path
from typing import Any, Final

from bench import catch_up, freshness, growth, importing, machine, reads, reallocation, rounds, throughput, workload
from bench.catch_up import CaughtUp
from bench.contender import Workload
from bench.freshness import Fresh
from bench.growth import Grown
from bench.importing import Imported
from bench.machine import Machine
from bench.reads import Reads
from bench.reallocation import Reallocated
from bench.rounds import Rounds, Sample, Say
from bench.throughput import Run
from bench.workload import Recipe
from shared.clock import SystemClock

_SHOWN_CHARACTERS: Final = 400  # of what refused a figure


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything: what two cores do in an hour. `rounds` count the one that only warms up."""

    payments: int = 80_000
    scale: float = 1.0
    rounds: int = 6
    variant_payments: int = 60_000
    variant_rounds: int = 4
    backlog: int = 200_000
    trickle_seconds: int = 120
    rates: tuple[int, ...] = (1_000, 2_000, 5_000)
    rate_seconds: float = 45
    stored: tuple[int, ...] = (400_000,)
    growth_probe: int = 60_000
    read_scale: float = 1.0
    read_times: int = 500
    reserves: tuple[int, ...] = (50, 5_000)  # companies of a fund
    reserve_rates: tuple[int, ...] = (0, 1_000)  # payments beside; 0: at rest
    reserve_seconds: float = 60  # of each size at each rate
    imported: tuple[int, ...] = (50_000,)  # rows
    peers: bool = True


SMALL: Final = Plan(
    payments=30_000,
    scale=0.1,
    rounds=2,
    variant_payments=20_000,
    variant_rounds=2,
    backlog=30_000,
    trickle_seconds=20,
    rates=(1_000, 5_000),
    rate_seconds=12,
    stored=(60_000,),
    growth_probe=20_000,
    read_scale=0.1,
    read_times=100,
    reserves=(50, 500),
    reserve_seconds=6,
    imported=(2_000,),
)
# The sizes that the goals speak of: most of a day.
FULL: Final = Plan(
    payments=1_000_000,
    variant_payments=300_000,
    variant_rounds=6,
    backlog=1_000_000,
    rates=(1_000, 5_000, 10_000, 20_000),
    rate_seconds=60,
    stored=(1_000_000, 10_000_000),
    growth_probe=300_000,
    read_scale=1_000_000 / 60_000,
    reserve_rates=(0, 1_000, 10_000),
    reserve_seconds=120,
    imported=(50_000, 1_000_000),
)


def planned(*, small: bool, full: bool, rounds: int, peers: bool, payments: int = 0) -> Plan:
    """The plan that the options ask for."""
    plan = SMALL if small else FULL if full else Plan()
    if rounds:
        plan = replace(plan, rounds=rounds, variant_rounds=rounds)
    if payments:
        plan = replace(
            plan,
            payments=payments,
            variant_payments=min(plan.variant_payments, payments),
            backlog=payments,
            stored=(payments,),
            growth_probe=min(plan.growth_probe, payments),
        )
    return replace(plan, peers=peers)


@dataclass(slots=True)
class Results:
    """Everything that was measured, in the order in which it was."""

    began: str
    plan: Plan
    machine: Machine
    busy: bool
    contest: list[Sample] = field(default_factory=list)
    gives_not: dict[str, str] = field(default_factory=dict)
    variants: list[Sample] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    catch_up: list[CaughtUp] = field(default_factory=list)
    freshness: list[Fresh] = field(default_factory=list)
    growth: list[Grown] = field(default_factory=list)
    reads: list[Reads] = field(default_factory=list)
    reallocation: list[Reallocated] = field(default_factory=list)
    imported: list[Imported] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)  # by figure: why it has no score

    def to_json(self) -> dict[str, Any]:
        told = _plain(asdict(self))
        assert isinstance(told, dict)
        return told


def run(
    plan: Plan, work: Path, out: Path, say: Say, *, only: Sequence[str] = (), even_if_busy: bool = False
) -> Results:
    """Measures what `only` names, or everything; writes `out` after each step. Raises `Busy`."""
    seen = machine.look(work)
    if not even_if_busy:
        machine.insist_on_quiet(seen)
    found = Results(
        began=SystemClock().now().isoformat(timespec="seconds"),
        plan=plan,
        machine=seen,
        busy=seen.others_share > machine.QUIET_SHARE,
    )
    steps = {
        "throughput": _contest,
        "variants": _variants,
        "catch-up": _catch_up,
        "freshness": _freshness,
        "growth": _growth,
        "reads": _reads,
        "reallocation": _reallocation,
        "import": _import,
    }
    for name, step in steps.items():
        if only and name not in only:
            continue
        say(f"== {name}")
        try:
            step(plan, work, found, say)
        except Exception as why:  # noqa: BLE001 (whatever it is: this figure has no score, and the others are made)
            found.refused[name] = " ".join(f"{type(why).__name__}: {why}".split())[:_SHOWN_CHARACTERS]
            say(f"NO SCORE for {name}: {why!r}")
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found.to_json(), indent=1) + "\n")
    return found


def _made(recipe: Recipe, work: Path) -> Workload:
    return workload.prepare(recipe, work / "workloads")


def _contest(plan: Plan, work: Path, found: Results, say: Say) -> None:
    peers = rounds.all_peers() if plan.peers else []
    found.gives_not = {peer.NAME: peer.GIVES_NOT for peer in peers}
    recipe = Recipe(plan.payments, scale=plan.scale)
    turns = Rounds(work, say, found.contest, found.runs)
    for number in range(1, plan.rounds + 1):
        turns.contest(number, _made(recipe, work), peers)


def _variants(plan: Plan, work: Path, found: Results, say: Say) -> None:
    base = Recipe(plan.variant_payments, scale=plan.scale)
    workloads = {
        "rising ids": _made(base, work),
        "random ids": _made(replace(base, ids="random"), work),
        "uniform": _made(replace(base, spread="uniform"), work),
        "skewed": _made(replace(base, spread="skew"), work),
    }
    turns = Rounds(work, say, found.variants, found.runs)
    for number in range(1, plan.variant_rounds + 1):
        turns.variants(number, workloads)


def _catch_up(plan: Plan, work: Path, found: Results, say: Say) -> None:
    trickle = plan.trickle_seconds * catch_up.TRICKLE_PER_SECOND
    made = _made(Recipe(plan.backlog + trickle, seed=2, scale=plan.scale), work)
    with throughput.furnished(made, work) as stack:
        done = catch_up.measure(stack, made, waiting=plan.backlog)
    say(f"{done.waiting:,} waiting and {done.came_meanwhile:,} more: {done.seconds:.1f} s, {done.rate:,.0f}/s")
    found.catch_up.append(done)


def _freshness(plan: Plan, work: Path, found: Results, say: Say) -> None:
    made = _made(Recipe(int(sum(plan.rates) * plan.rate_seconds), seed=3, scale=plan.scale), work)
    with throughput.furnished(made, work) as stack:
        measuring = freshness.measure(stack, made, rates=plan.rates, seconds=plan.rate_seconds, say=say)
        found.freshness.extend(asyncio.run(measuring))


def _growth(plan: Plan, work: Path, found: Results, say: Say) -> None:
    for stored in plan.stored:
        found.growth.append(growth.measure(work, say, scale=plan.scale, probe=plan.growth_probe, stored=stored))


def _reads(plan: Plan, work: Path, found: Results, say: Say) -> None:
    made = _made(Recipe(max(plan.variant_payments // 10, 1_000), scale=plan.read_scale), work)
    with throughput.furnished(made, work) as stack:
        asyncio.run(throughput.measure(stack, made))  # so that calls have payments and pages have something to show
        found.reads.extend(asyncio.run(reads.measure(stack, times=plan.read_times)))
    for one in found.reads:
        say(f"{one.page} at {one.calls:,} calls: p50 {one.p50_ms:.1f} ms, p99 {one.p99_ms:.1f} ms")


def _reallocation(plan: Plan, work: Path, found: Results, say: Say) -> None:
    payments = sum(int(rate * plan.reserve_seconds) for rate in plan.reserve_rates) * len(plan.reserves)
    made = _made(Recipe(max(payments, 1_000), seed=4, scale=plan.scale), work)
    with throughput.furnished(made, work) as stack:
        measuring = reallocation.measure(
            stack,
            made,
            companies=plan.reserves,
            rates=plan.reserve_rates,
            seconds=plan.reserve_seconds,
            say=say,
        )
        found.reallocation.extend(asyncio.run(measuring))


def _import(plan: Plan, work: Path, found: Results, say: Say) -> None:
    for rows in plan.imported:
        done = importing.measure(work, rows=rows)
        say(f"import of {rows:,} rows: taken in {done.taken_seconds:.1f} s, totals right after {done.seconds:.1f} s")
        found.imported.append(done)


def _plain(value: Any) -> Any:
    """What JSON can say; a number that is none becomes null."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return round(value, 6) if isinstance(value, float) else value
