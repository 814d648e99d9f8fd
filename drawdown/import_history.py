"""`drawdown import`: history in bulk from people's own sheets, by way of the running stack's front."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from drawdown import exits, options
from drawdown.addresses import NotRunning, look_up
from drawdown.imports.results import Counts, Results
from drawdown.imports.run import Run
from drawdown.imports.sending import CannotImport, Desk
from drawdown.imports.sheets import BadSheet, Sheet, look_over
from drawdown.stack import to_stderr

Say = Callable[[str], None]


def import_history(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE.csv…", exists=True, dir_okay=False, readable=True, show_default=False, help="Sheets as CSV."
        ),
    ],
    source: Annotated[
        str | None,
        typer.Option(metavar="ALIAS", help="Who reports, on which account, where a payment's row does not say it."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of each row; keep nothing.")
    ] = False,
    data: options.Data = options.DEFAULT_DATA,
    as_json: options.Json = False,
) -> None:
    """Import history: funds, deals, allocations, calls and payments with their original dates.

    One file with a column `type`, or a file for each kind; rows refer to each other by keys of your own. What became
    of each row stands in FILE.csv.result.csv. A row that is refused never stops the others. Interrupted, it goes on
    where it stopped when it is started again; what is there already is never doubled.

    Exit code 0: every row was taken, or was there already. 2: a row or a file was refused.
    """
    began = time.monotonic()
    try:
        front = look_up(data).front
        sheets = _look_over(files)
        with contextlib.ExitStack() as stack:
            results = {sheet.path: stack.enter_context(Results(sheet.path)) for sheet in sheets}
            _run(front, sheets, results, source=source, dry_run=dry_run)
    except NotRunning as nothing:
        to_stderr(escape(str(nothing)))
        raise typer.Exit(exits.NOT_RUNNING) from None
    except BadSheet as bad:
        to_stderr(escape(f"{bad}; nothing was imported"))
        raise typer.Exit(exits.USAGE) from None
    except (CannotImport, OSError) as error:
        to_stderr(escape(f"{error}; start it again to go on, nothing is doubled"))
        raise typer.Exit(exits.FAILED) from None
    except KeyboardInterrupt:
        to_stderr("interrupted; start it again to go on, nothing is doubled")
        raise typer.Exit(exits.FAILED) from None
    show = _show_json if as_json else _show
    show(sheets, results, dry_run=dry_run, seconds=time.monotonic() - began)
    if any(one.counts.refused for one in results.values()):
        raise typer.Exit(exits.USAGE)


def _look_over(files: Sequence[Path]) -> list[Sheet]:
    sheets = []
    with Console(stderr=True).status("reading") as status:
        for path in dict.fromkeys(files):
            status.update(f"reading {escape(path.name)}")
            sheets.append(look_over(path))
    return sheets


def _run(
    front: str, sheets: Sequence[Sheet], results: Mapping[Path, Results], *, source: str | None, dry_run: bool
) -> None:
    with _progress(sum(sheet.rows for sheet in sheets), results) as (done, say), Desk(front, say) as desk:
        Run(desk, sheets, results, done=done, source=source, dry_run=dry_run).run()


@contextlib.contextmanager
def _progress(rows: int, results: Mapping[Path, Results]) -> Iterator[tuple[Callable[[str, int], None], Say]]:
    """A bar on stderr with counts and the time that is left; gives what moves it, and what says what is waited for."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}{task.fields[waiting]}"),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task("import", total=rows, counts="", waiting="")

        def done(kind: str, count: int) -> None:
            refused = sum(one.counts.refused for one in results.values())
            counts = f"{refused:,} refused" if refused else ""
            progress.update(task, advance=count, description=f"{kind}s" if kind else "import", counts=counts)

        def say(what: str) -> None:
            progress.update(task, waiting=escape(f" · {what}") if what else "")

        yield done, say


def _show_json(sheets: Sequence[Sheet], results: Mapping[Path, Results], *, dry_run: bool, seconds: float) -> None:
    documents = [_document(sheet, results[sheet.path]) for sheet in sheets]
    typer.echo(json.dumps({"dry_run": dry_run, "seconds": round(seconds, 3), "files": documents}))


def _document(sheet: Sheet, results: Results) -> dict[str, Any]:
    counts = results.counts
    return {
        "file": str(sheet.path),
        "sha256": sheet.sha256,
        "rows": sheet.rows,
        "created": counts.created,
        "already_there": counts.already_there,
        "refused": counts.refused,
        "held": counts.held,
        "refusals": dict(counts.codes.most_common()),
        "results": str(results.path),
    }


def _show(sheets: Sequence[Sheet], results: Mapping[Path, Results], *, dry_run: bool, seconds: float) -> None:
    console = Console()
    for sheet in sheets:
        told = results[sheet.path]
        console.print(f"{escape(str(sheet.path))}: {_counts(told.counts, dry_run=dry_run)}", soft_wrap=True)
        console.print(f"  each row: {escape(str(told.path))}", soft_wrap=True)
    rows = sum(sheet.rows for sheet in sheets)
    console.print(f"{rows:,} rows in {seconds:,.1f} s{'; nothing was kept' if dry_run else ''}", soft_wrap=True)


def _counts(counts: Counts, *, dry_run: bool) -> str:
    parts = [
        f"{counts.created:,} {'would be created' if dry_run else 'created'}",
        f"{counts.already_there:,} there already",
        f"{counts.refused:,} refused",
    ]
    if counts.held:
        parts.append(f"of the payments {counts.held:,} on hold")
    if counts.codes:
        parts.append(f"refused for {', '.join(f'{code} ({number:,})' for code, number in counts.codes.most_common(5))}")
    return ", ".join(parts)
