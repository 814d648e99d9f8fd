"""`drawdown rebuild SERVICE`: make a read model anew from its topics, or prove that doing so would change nothing."""

import os
import subprocess
import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape

from drawdown import exits, options
from drawdown.addresses import NotRunning, look_up
from drawdown.localstack.directory import Directory
from drawdown.programs import Programs
from drawdown.stack import to_stderr


class ReadModel(StrEnum):
    """The services whose tables hold nothing that did not come from an event."""

    METRICS = "metrics"


def rebuild(
    service: Annotated[ReadModel, typer.Argument(help="Whose read model.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Replay beside the live tables, compare byte for byte, touch nothing.")
    ] = False,
    data: options.Data = options.DEFAULT_DATA,
) -> None:
    """Make a read model anew from its topics and put it in the old one's place; the service may run on meanwhile.

    With --verify: exit code 0 where live tables and replay are equal, 1 where they differ, with the first rows that do.
    """
    try:
        found = look_up(data)
    except NotRunning as nothing:
        to_stderr(escape(str(nothing)))
        raise typer.Exit(exits.NOT_RUNNING) from None
    environment = Programs(Directory(data.resolve()), found, {}).service_environment(service)
    command = [sys.executable, "-m", f"services.{service}", "rebuild", *(["--verify"] if verify else [])]
    raise typer.Exit(subprocess.run(command, env={**os.environ, **environment}, check=False).returncode)
