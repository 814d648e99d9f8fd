"""Promises of `drawdown rebuild` where nothing runs; the others stand in `test_on_a_house`."""

from pathlib import Path

from typer.testing import CliRunner, Result

from drawdown.__main__ import build


def rebuild(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(build(["rebuild"]), ["rebuild", *arguments, "--data", str(data)])


def test_only_read_models_can_be_rebuilt(tmp_path: Path) -> None:
    """Ledgers are not made anew from events: the command line does not offer it."""
    assert rebuild(tmp_path, "payments").exit_code == 2


def test_nothing_runs(tmp_path: Path) -> None:
    """Where nothing was started the exit code says so."""
    assert rebuild(tmp_path, "metrics").exit_code == 4
