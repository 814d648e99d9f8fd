"""What dies is started again, and said so."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from drawdown.localstack.directory import Directory
from drawdown.localstack.processes import Program, known
from drawdown.localstack.waiting import until
from drawdown.supervisor import Supervisor
from tests.support import servers

SLEEP = "import time; time.sleep(600)"


class Kept:
    """A supervisor of one program, and what it said."""

    def __init__(self, directory: Directory, code: str) -> None:
        self.directory = directory
        self.said: list[str] = []
        self.supervisor = Supervisor(directory, self.said.append)
        argv = [sys.executable, "-c", code]
        self.supervisor.keep(Program("program", argv, dict(os.environ), directory.log("program"), patience_seconds=5))

    @property
    def pid(self) -> int:
        return next((each.pid for each in known(self.directory) if each.process), 0)

    def tend_until_it_said(self, count: int) -> None:
        def tended() -> bool:
            self.supervisor.tend()
            return len(self.said) >= count

        assert until(tended, seconds=20)


@pytest.fixture
def directory() -> Iterator[Directory]:
    with servers.directory() as fresh:
        yield fresh


def test_what_was_killed_runs_again(directory: Directory) -> None:
    """A kill is said, with the signal's name and where to read more, and a new process takes the place."""
    kept = Kept(directory, SLEEP)
    first = kept.pid
    os.kill(first, signal.SIGKILL)
    kept.tend_until_it_said(1)
    assert "program was ended by SIGKILL; starting it again in 0.5 s" in kept.said[0]
    assert str(directory.log("program")) in kept.said[0]

    def again() -> bool:
        kept.supervisor.tend()
        return kept.pid not in {0, first}

    assert until(again, seconds=5)
    kept.supervisor.stop("program")
    assert kept.pid == 0


def test_pauses_grow_while_it_keeps_dying(directory: Directory) -> None:
    """A program that cannot run does not burn the machine, and how often it failed can be asked."""
    kept = Kept(directory, "import sys; sys.exit(3)")
    kept.tend_until_it_said(3)
    assert [line.partition("; ")[2].partition(" (")[0] for line in kept.said] == [
        "starting it again in 0.5 s",
        "starting it again in 1 s",
        "starting it again in 2 s",
    ]
    assert "ended with code 3" in kept.said[0]
    assert kept.supervisor.failures("program") == 3
    kept.supervisor.stop("program")


def test_stopping_what_is_down_is_no_matter(directory: Directory) -> None:
    """A stop works at any moment, also in the pause before a restart, and for names that were never kept."""
    kept = Kept(directory, "import sys; sys.exit(3)")
    kept.tend_until_it_said(1)
    kept.supervisor.stop("program", "nobody")
    assert known(directory) == []
