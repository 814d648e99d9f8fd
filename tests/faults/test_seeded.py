"""Promises of the seeded bugs: each fits the source, each run is of the source it says, and some are found here."""

import subprocess
import sys
from pathlib import Path

import pytest

from drawdown.check.topics import Record
from tests.faults.seeded.__main__ import result_of, run
from tests.faults.seeded.bug import Bug
from tests.faults.seeded.bugs import BUGS
from tests.faults.seeded.scenarios import SCENARIOS
from tests.faults.seeded.source import PACKAGES, ROOT, Edit, NoLongerApplies, edited, environment, snapshot
from tests.faults.seeded.stage import Found, Ground
from tests.faults.seeded.topics import out_of_order
from tests.support.servers import Servers

QUICK = ("identities_are_not_unique", "dead_letters_are_dropped")


@pytest.mark.parametrize("bug", BUGS.values(), ids=BUGS)
def test_every_bug_still_fits_the_source(bug: Bug) -> None:
    """Each piece stands in the source exactly once, what is put in its place compiles, and its scenario is known."""
    texts = edited(bug.edits)
    for file, text in texts.items():
        assert text != (ROOT / file).read_text(encoding="utf-8")
        compile(text, file, "exec")
    assert bug.scenario in SCENARIOS
    assert bug.shown_by


def test_there_are_enough() -> None:
    """A dozen at the very least, and every scenario is there for one of them."""
    assert len(BUGS) >= 14
    assert {bug.scenario for bug in BUGS.values()} == set(SCENARIOS)


@pytest.mark.parametrize("piece", ["not there at all", "import"])
def test_a_piece_that_is_not_there_once_is_told(piece: str) -> None:
    """A change of the source cannot disarm a bug in silence."""
    with pytest.raises(NoLongerApplies):
        edited([Edit("shared/relay.py", piece, "")])


def test_a_run_is_of_its_copy(tmp_path: Path) -> None:
    """What is installed, and where a process is started, do not shadow the copy."""
    source = snapshot(tmp_path)
    show = f"import {', '.join(PACKAGES)}; print(*({', '.join(PACKAGES)}), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", show],
        env=dict(environment(source)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count(str(source)) == len(PACKAGES)


def test_verdicts() -> None:
    """A bug is found by its own invariants only, and the product is clean when nothing at all is found."""
    bug = BUGS["identities_are_not_unique"]
    other, own = Found("I12", "all is not still"), Found("I2", "booked 2 times")
    assert not result_of(bug, "plain", [], "", 1).ok
    assert not result_of(bug, "plain", [other], "", 1).ok
    assert result_of(bug, "plain", [other, own], "TimeoutError", 1).first == "I2 booked 2 times"
    assert not result_of(None, "plain", [other], "", 1).ok
    assert not result_of(None, "plain", [], "AssertionError: nothing was sent", 1).ok
    assert result_of(None, "plain", [], "", 1).ok


def test_order_is_looked_at() -> None:
    """A version first said behind a later one is told; a copy of an earlier one is not."""

    def said(*versions: int) -> list[str]:
        values = [b'{"id": 7, "version": %d}' % version for version in versions]
        return list(out_of_order(Record("fund.changed", 0, n, {}, value) for n, value in enumerate(values)))

    assert said(1, 2, 1, 3, 2) == []
    assert said(1, 3, 2) == ["fund.changed 7: version 2 was first said behind version 3"]


@pytest.mark.timeout(400)
def test_seeded_bugs_are_found(servers: Servers, ledger_template: str, tmp_path: Path) -> None:
    """The checker says no to two known mistakes, and yes to the same story without them; `make faults` has all."""
    ground = Ground(servers, ledger_template)
    source = snapshot(tmp_path)
    for bug in (None, *(BUGS[name] for name in QUICK)):
        result = run(ground, source, "plain", bug)
        assert result.ok, result
