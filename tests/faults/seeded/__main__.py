"""``python -m tests.faults.seeded [--only NAME…] [--report FILE]``: every seeded bug must be found.

For each scenario the product itself goes first and must be clean; then each bug that the scenario is for.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.faults.seeded.bug import Bug
from tests.faults.seeded.bugs import BUGS
from tests.faults.seeded.scenarios import play
from tests.faults.seeded.source import ROOT, edited, snapshot, suspect
from tests.faults.seeded.stage import Found, Ground, own_ground
from tests.faults.seeded.story import Story

CONTROL: Final = "none"  # the bug of a control run
SEED: Final = 20260302
SHORT_SESSION_SECONDS: Final = 6  # so that a frozen copy is replaced soon


@dataclass(frozen=True, slots=True)
class Result:
    """One run: `ok` is found, for a bug, and clean after an undisturbed play, for a control run."""

    bug: str
    scenario: str
    says: str
    ok: bool
    found: Sequence[str]
    first: str
    trouble: str
    seconds: int


def run(ground: Ground, source: Path, scenario: str, bug: Bug | None, *, seed: int = SEED) -> Result:
    """Plays the scenario on services that run from a copy of `source`, with the bug put in."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="drawdown-seeded-") as folder:
        Path(folder).chmod(0o755)
        suspected = suspect(source, Path(folder), bug.edits if bug else ())
        session = SHORT_SESSION_SECONDS if scenario == "zombie" else 15
        with ground.stage(suspected, sql=bug.sql if bug else "", session_seconds=session) as stage:
            found, trouble = play(Story(stage, seed), scenario)
    return result_of(bug, scenario, found, trouble, int(time.monotonic() - started))


def result_of(bug: Bug | None, scenario: str, found: Sequence[Found], trouble: str, seconds: int) -> Result:
    """A bug is found where one of its invariants is broken; the product is clean where none is."""
    broken = sorted({one.invariant for one in found})
    first = next((one for one in found if bug is None or one.invariant in bug.shown_by), found[0] if found else None)
    return Result(
        bug=bug.name if bug else CONTROL,
        scenario=scenario,
        says=bug.says if bug else "the product as it is",
        ok=bool(bug.shown_by & set(broken)) if bug else not (broken or trouble),
        found=broken,
        first=f"{first.invariant} {first.says}" if first else "",
        trouble=trouble,
        seconds=seconds,
    )


def run_all(bugs: Sequence[Bug], say: Callable[[Result], None], *, seed: int = SEED) -> list[Result]:
    """Each scenario's control run, then its bugs; on servers of their own, from one copy of the source as it is now."""
    results: list[Result] = []
    ground_of: AbstractContextManager[Ground] = own_ground(seed=seed)
    with ground_of as ground, tempfile.TemporaryDirectory(prefix="drawdown-source-") as folder:
        source = snapshot(Path(folder))
        for scenario in dict.fromkeys(bug.scenario for bug in bugs):
            for bug in (None, *(bug for bug in bugs if bug.scenario == scenario)):
                results.append(run(ground, source, scenario, bug, seed=seed))
                say(results[-1])
    return results


def show(results: Sequence[Result], console: Console) -> None:
    table = Table("bug", "scenario", "verdict", "found", "first", "s", box=None, pad_edge=False)
    for one in results:
        word = (
            ("clean" if one.bug == CONTROL else "found") if one.ok else ("BROKEN" if one.bug == CONTROL else "MISSED")
        )
        table.add_row(one.bug, one.scenario, word, " ".join(one.found), one.first[:100], str(one.seconds))
    console.print(table)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.seeded")
    parser.add_argument("--only", nargs="+", choices=sorted(BUGS), default=sorted(BUGS), metavar="NAME")
    parser.add_argument("--report", type=Path, help="write the results there, as JSON")
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args(arguments)
    bugs = [bug for name, bug in BUGS.items() if name in asked.only]
    for bug in bugs:
        edited(bug.edits, ROOT)  # all of them, before the first minute is spent
    console = Console(width=200)
    results = run_all(
        bugs,
        lambda one: console.print(
            f"{'ok  ' if one.ok else 'FAIL'} {one.scenario}/{one.bug} {one.seconds} s {one.first} {one.trouble}"
        ),
        seed=asked.seed,
    )
    show(results, console)
    if asked.report:
        content = {"seed": asked.seed, "results": [asdict(one) for one in results]}
        asked.report.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return 0 if all(one.ok for one in results) else 1


if __name__ == "__main__":
    sys.exit(main())
