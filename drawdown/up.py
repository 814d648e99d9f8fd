"""`drawdown up`: from nothing to a running house, and keep it so."""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from drawdown import addresses, exits, options, signals
from drawdown.addresses import Addresses
from drawdown.localstack import jars, java, kafka, postgres
from drawdown.localstack.directory import Directory, InUse
from drawdown.stack import CannotStart, Stack, Wanted, running, sweep, to_stderr

# What can keep a stack from starting, and is told to the person as it is.
REASONS: Final = (
    CannotStart,
    postgres.CannotRunPostgres,
    kafka.CannotRunKafka,
    java.NoJava,
    jars.CannotFetchKafka,
    OSError,
)
_LOOK_SECONDS: Final = 0.1


def up(
    data: options.Data = options.DEFAULT_DATA,
    port: Annotated[
        int, typer.Option(help="Where the pages and the API listen; another one where it is taken.")
    ] = 8000,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when everything is ready, and leave it running.")
    ] = False,
) -> None:
    """Start what is not there and keep it running: PostgreSQL, Kafka, every service and the front.

    DRAWDOWN_POSTGRES_URL and DRAWDOWN_KAFKA name servers to use instead of starting some.
    Ctrl-C stops everything; the data stay, and the next `up` continues with them.
    """
    wanted = Wanted(data=data, port=port)
    try:
        if detach:
            _detach(wanted)
        else:
            _stay(wanted)
    except InUse as in_use:
        to_stderr(f"{in_use}\nsee `drawdown status --data {data}`, stop it by `drawdown down --data {data}`")
        raise typer.Exit(exits.IN_USE) from None
    except REASONS as reason:
        to_stderr(str(reason))
        raise typer.Exit(exits.FAILED) from None
    except KeyboardInterrupt:
        to_stderr("stopped")


def summary(found: Addresses, data: Path, *, stays: bool) -> Panel:
    """What a person wants to know once everything runs."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim")
    rows.add_row("open", f"[bold]{found.front}[/bold]")
    rows.add_row("services", " · ".join(found.services))
    rows.add_row("servers", f"{found.postgres_url}\nKafka at {found.kafka}")
    rows.add_row("logs", str(data / "logs"))
    rows.add_row("next", f"drawdown feed STATEMENT.xml --data {data}\ndrawdown status --data {data}")
    rows.add_row("stop", "Ctrl-C" if stays else f"drawdown down --data {data}")
    return Panel(rows, title="Drawdown is ready", title_align="left", expand=False)


def _stay(wanted: Wanted) -> None:
    with running(wanted) as stack:
        Console().print(summary(stack.addresses, wanted.data, stays=True))
        with suppress(KeyboardInterrupt):
            stack.wait_until_ended()
        to_stderr("stopping: services first, then Kafka, then PostgreSQL …")


def _detach(wanted: Wanted) -> None:
    directory = Directory.at(wanted.data)
    with directory.locked(), signals.interrupting():
        sweep(directory)
        Stack(directory, wanted, to_stderr).prepare()  # downloads are shown here, where somebody looks
    log = directory.log("supervisor")
    told = log.stat().st_size if log.exists() else 0
    arguments = ("up", "--data", str(directory.path), "--port", str(wanted.port))
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "drawdown", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            start_new_session=True,
        )
    try:
        found = _follow(child, log, told, directory)
    except KeyboardInterrupt:
        child.terminate()
        child.wait()
        raise
    Console().print(summary(found, wanted.data, stays=False))


def _follow(child: "subprocess.Popen[bytes]", log: Path, told: int, directory: Directory) -> Addresses:
    """Repeat what the supervisor says until it is ready, or has failed."""
    with log.open("rb") as lines:
        lines.seek(told)
        while True:
            ended = child.poll() is not None
            for line in lines.readlines():
                to_stderr(line.decode(errors="replace").rstrip())
            if ended:
                raise typer.Exit(child.returncode or exits.FAILED)
            with suppress(addresses.NotRunning):
                return addresses.look_up(directory.path)
            time.sleep(_LOOK_SECONDS)
