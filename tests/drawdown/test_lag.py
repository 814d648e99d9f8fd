"""Promises of `drawdown lag`."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest
from rich.console import Console

from drawdown.lag import Standing, picture, state
from tests.support.house import House


def standing(*, committed: int | None = 10, end: int = 10, owner: str | None = "a", partition: int = 0) -> Standing:
    return Standing("drawdown.metrics", "fund.changed", partition, committed, end, owner)


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (standing(), None, "caught up"),
        (standing(committed=5), None, "behind"),
        (standing(committed=5), standing(committed=4), "moving"),
        (standing(committed=5), standing(committed=5), "standing"),
        (standing(committed=None, end=0), None, "caught up"),
        (standing(committed=1), standing(committed=None), "moving"),
        (standing(committed=5, owner=None), standing(committed=5), "nobody reads"),
    ],
)
def test_states(now: Standing, before: Standing | None, said: str) -> None:
    """Behind is told from stuck by two samples, and a partition without a reader is always shown."""
    assert state(now, before) == said


def test_quiet_partitions_are_one_line() -> None:
    """Partitions that are caught up are summed; each one that is behind or that nobody reads has its own line."""
    now = [standing(partition=0), standing(partition=1), standing(partition=2, committed=None, end=7, owner=None)]
    console = Console(width=120, record=True, file=None, quiet=False)
    with console.capture() as captured:
        console.print(picture(now, (), every=False))
    said = captured.get()
    assert "2 others" in said
    assert "never" in said
    assert "7 records are still to be read; nobody reads 1 of the partitions." in said


def test_nothing_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where nothing was started the exit code says so."""
    done = lag(["--data", str(tmp_path_factory.mktemp("none"))])
    assert done.returncode == 4
    assert "drawdown up" in done.stderr


def lag(arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "drawdown", "lag", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def look(house: House) -> Callable[[], list[dict[str, object]]]:
    def look() -> list[dict[str, object]]:
        done = lag(["--json", "--data", str(house.directory.path)])
        assert done.returncode == 0, done.stderr
        partitions: list[dict[str, object]] = json.loads(done.stdout)["partitions"]
        return partitions

    return look


def test_a_running_house(house: House, look: Callable[[], list[dict[str, object]]]) -> None:
    """Every group shows each partition it reads, with a reader; once settled nothing is behind."""
    house.http.post("/api/deals", json={"name": "Lag"}).raise_for_status()
    house.settle()
    partitions = look()
    assert {p["group"] for p in partitions} == {
        f"drawdown.{s}" for s in ("allocations", "payments", "metrics", "audit")
    }
    assert all(p["owner"] for p in partitions)

    house.kill("metrics")
    house.http.post("/api/deals", json={"name": "Lag again"}).raise_for_status()
    behind = [p for p in look() if p["group"] == "drawdown.metrics" and p["topic"] == "deal.changed" and p["lag"]]
    house.start("metrics")
    assert [p["lag"] for p in behind] == [1]
    assert behind[0]["state"] in {"nobody reads", "standing"}  # its session may not have ended yet
