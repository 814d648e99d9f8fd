"""`drawdown down`: stop what `up` started, cleanly."""

from typing import Annotated

import typer

from drawdown import exits, options
from drawdown.localstack.directory import Directory, InUse
from drawdown.localstack.processes import Known, known, stop_orphan
from drawdown.stack import SUPERVISOR, sweep, to_stderr

_PATIENCE_SECONDS = 180.0  # services, then Kafka, then PostgreSQL, each with its own limit


def down(
    data: options.Data = options.DEFAULT_DATA,
    remove_data: Annotated[bool, typer.Option("--remove-data", help="Then remove everything it kept.")] = False,
) -> None:
    """Stop what `up` started from this directory; the data stay. Safe to run again."""
    if not data.is_dir():
        to_stderr(f"nothing was started from {data}")
        return
    directory = Directory.at(data)
    supervisor = _supervisor(directory)
    if supervisor is not None:
        to_stderr(f"asking the supervisor (pid {supervisor.pid}) to stop everything …")
        stop_orphan(directory, supervisor, patience_seconds=_PATIENCE_SECONDS)
    try:
        with directory.locked():
            sweep(directory)
            if remove_data:
                directory.remove()
    except InUse as in_use:
        to_stderr(f"{in_use}, which could not be stopped")
        raise typer.Exit(exits.FAILED) from None
    to_stderr("stopped" if supervisor is not None else "nothing runs")


def _supervisor(directory: Directory) -> Known | None:
    return next((each for each in known(directory) if each.name == SUPERVISOR and each.process is not None), None)
