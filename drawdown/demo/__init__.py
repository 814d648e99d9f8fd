"""`drawdown demo`: a fund, its calls and its bank, through the real path, with totals that anyone can check by hand."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from drawdown import exits, options
from drawdown.addresses import Addresses, NotRunning, look_up
from drawdown.demo import acts, picture, reserving
from drawdown.demo.client import Client, DemoFailed
from drawdown.demo.figures import figures_of
from drawdown.demo.story import TIME_ZONE, tell
from drawdown.localstack.directory import InUse
from drawdown.localstack.progress import CONSOLE
from drawdown.stack import Stack, Wanted, is_ready, running, to_stderr
from drawdown.up import REASONS
from shared.clock import SystemClock, business_date

# What proves the rest: each is a command of its own, and each must be content.
PROOFS: Final = (("check",), ("audit", "verify"))


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Stay up afterwards, until Ctrl-C.")] = False,
    data: options.Data = options.DEFAULT_DATA,
    port: Annotated[int, typer.Option(help="Where the pages and the API listen.")] = 8000,
) -> None:
    """Show the whole path on sample data: a new fund calls capital, its bank's statements come in, totals come out.

    Starts what is not running, and stops it again unless --keep. Every figure is asserted: exit code 0 means that all
    of them are right. Run again, it makes another fund beside the first.
    """
    try:
        with _stack(data, port) as (found, stack):
            stays = keep or stack is None
            _play(found, data, stays=stays)
            if keep and stack is not None:
                Console().print(f"It stays up at [bold]{found.front}[/bold]; Ctrl-C stops it.\n")
                with suppress(KeyboardInterrupt):
                    stack.wait_until_ended()
    except (DemoFailed, httpx.HTTPError, InUse, *REASONS) as failure:
        to_stderr(f"the demo failed: {escape(str(failure))}")
        raise typer.Exit(exits.FAILED) from None
    except KeyboardInterrupt:
        to_stderr("stopped")
        raise typer.Exit(exits.FAILED) from None


@contextmanager
def _stack(data: Path, port: int) -> Iterator[tuple[Addresses, Stack | None]]:
    """The stack of this directory: the one that runs already, which is left alone, or one that runs while we do."""
    with suppress(NotRunning), httpx.Client(timeout=5, trust_env=False) as http:
        there = look_up(data)
        if is_ready(http, there.front):
            yield there, None
            return
    with running(Wanted(data=data, port=port)) as stack:
        yield stack.addresses, stack


def _play(found: Addresses, data: Path, *, stays: bool) -> None:
    began = time.monotonic()
    story = tell(business_date(SystemClock().now(), TIME_ZONE))
    figures = figures_of(story)
    client = Client(found.front)
    try:
        with CONSOLE.status("a fund promises and calls …"):
            made = acts.promise(client, story)
        with CONSOLE.status("its bank reports …"):
            acts.report(client, story, made)
            settled = acts.settle(client, story, made, figures)
        with CONSOLE.status("it moves its reserves …"):
            moved = reserving.reallocate(client, story, made)
    finally:
        client.close()
    took = time.monotonic() - began
    console = Console()
    if console.width < picture.WIDTH:
        console = Console(width=picture.WIDTH)
    picture.show(console, story, made, settled, figures)
    picture.show_reserves(console, story, moved)
    console.print(Text(f"\nFrom the first promise to the last total: {took:.1f} s"))
    for proof in PROOFS:
        with CONSOLE.status(f"drawdown {' '.join(proof)} …"):
            _prove(proof, data)
        console.print(Text.assemble(("✓ ", "green"), f"drawdown {' '.join(proof)}"))
    console.print("\nNext")
    console.print(_next(found, made, data, stays=stays))


def _prove(command: tuple[str, ...], data: Path) -> None:
    """Runs one of our own commands, silent where it is content; fails with what it says where it is not."""
    argv = [sys.executable, "-m", "drawdown", *command, "--data", str(data)]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    if done.returncode:
        raise DemoFailed(f"`drawdown {' '.join(command)}` is not content:\n{done.stdout}{done.stderr}")


def _next(found: Addresses, made: acts.Made, data: Path, *, stays: bool) -> Table:
    where = "" if data == options.DEFAULT_DATA else f" --data {data}"
    steps = Table.grid(padding=(0, 2))
    steps.add_column(style="bold")
    if not stays:
        steps.add_row(f"drawdown up{where}", "the same data again, and it stays")
    steps.add_row(f"open {found.front}", "look around")
    steps.add_row(f"curl {found.front}/api/funds/{made.fund_id}/capital", "these totals")
    steps.add_row(f"drawdown feed STATEMENT.xml{where}", "a statement of your own")
    return steps
