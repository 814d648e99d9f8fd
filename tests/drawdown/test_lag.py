"""Promises of how `drawdown lag` tells and shows; on a running house see `test_on_a_house`."""

from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from drawdown.__main__ import build
from drawdown.lag import Standing, picture, state


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
    console = Console(width=120)
    with console.capture() as captured:
        console.print(picture(now, (), every=False))
    said = captured.get()
    assert "2 others" in said
    assert "never" in said
    assert "7 records are still to be read; nobody reads 1 of the partitions." in said


def test_empty_topics_take_no_line() -> None:
    """A topic that holds nothing is shown only when every partition is asked for."""
    console = Console(width=120)
    for every in (False, True):
        with console.capture() as captured:
            console.print(picture([standing(committed=0, end=0)], (), every=every))
        assert ("fund.changed" in captured.get()) is every


def test_nothing_runs(tmp_path: Path) -> None:
    """Where nothing was started the exit code says so."""
    assert CliRunner().invoke(build(["lag"]), ["lag", "--data", str(tmp_path)]).exit_code == 4
