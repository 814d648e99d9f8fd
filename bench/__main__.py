"""``python -m bench``: the whole benchmark, or one figure of it."""

import asyncio
import json
import os
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from bench import everything, picture, report, show, throughput, workload
from bench.gates import Refused
from bench.machine import Busy
from bench.workload import Recipe

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_DOCS: Final = Path(__file__).parents[1] / "docs"
_OUT: Final = Console()
_SAY: Final = Console(stderr=True, highlight=False, soft_wrap=True)

Work = Annotated[Path, typer.Option(help="Where everything is kept meanwhile; on the disk that is to be measured.")]
_WORK: Final = Path(tempfile.gettempdir()) / f"drawdown-bench-{os.getuid()}"


@app.callback(invoke_without_command=True)
def all_figures(
    context: typer.Context,
    small: Annotated[bool, typer.Option("--small", help="A few minutes: proves that all of it works.")] = False,
    full: Annotated[bool, typer.Option("--full", help="The sizes that the goals speak of: most of a day.")] = False,
    rounds: Annotated[int, typer.Option(help="With the one that only warms up; 0: as planned.")] = 0,
    payments: Annotated[int, typer.Option(help="Of the contest, the other figures shrink with it; 0: as planned.")] = 0,
    only: Annotated[list[str] | None, typer.Option(help="throughput, variants, catch-up, freshness …")] = None,
    peers: Annotated[bool, typer.Option(help="Also the contenders.")] = True,
    even_if_busy: Annotated[bool, typer.Option("--even-if-busy", help="Measure, and mark every figure.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; docs/ of a whole run.")] = None,
    work: Work = _WORK,
) -> None:
    """The whole benchmark: one report, in the terminal, as JSON, as a page and as a picture."""
    if context.invoked_subcommand is not None:
        return
    plan = everything.planned(small=small, full=full, rounds=rounds, peers=peers, payments=payments)
    folder = out or (work if small or only or even_if_busy else _DOCS)
    told = folder / "performance.json"
    try:
        everything.run(plan, work, told, _SAY.print, only=only or (), even_if_busy=even_if_busy)
    except Busy as busy:
        _SAY.print(str(busy))
        raise typer.Exit(2) from None
    raise typer.Exit(_report(told))


@app.command("report")
def report_command(
    told: Annotated[Path, typer.Argument(help="The JSON of a run.")] = _DOCS / "performance.json",
) -> None:
    """Write page and picture of a run anew, beside its JSON."""
    raise typer.Exit(_report(told))


@app.command("throughput")
def throughput_command(
    payments: Annotated[int, typer.Option(help="Records to produce.")] = 100_000,
    scale: Annotated[float, typer.Option(help="Of the book; 1 has 60,000 calls.")] = 1.0,
    spread: Annotated[workload.Spread, typer.Option(help="How payments fall on calls.")] = "zipf",
    ids: Annotated[workload.Ids, typer.Option(help="How banks number.")] = "rising",
    seed: int = 1,
    batch_records: Annotated[int, typer.Option(help="Of one transaction at most; 0: as it is set.")] = 0,
    times: Annotated[int, typer.Option(help="So often, each time on a fresh copy.")] = 1,
    keep: Annotated[bool, typer.Option("--keep", help="Leave data and logs.")] = False,
    work: Work = _WORK,
) -> None:
    """Drawdown alone, with what it costs. Never a score: for that, run everything on a quiet machine."""
    _SAY.print("making the events, where they are not there …")
    made = workload.prepare(Recipe(payments, seed, scale, spread, ids), work / "workloads")
    environment = {"DRAWDOWN_BATCH_RECORDS": str(batch_records)} if batch_records else {}
    for _ in range(times):
        _SAY.print("starting; the book is loaded where it or our sources are new …")
        with throughput.furnished(made, work, keep=keep, environment=environment) as stack:
            _SAY.print(f"feeding; logs in {throughput.logs(stack)}")
            try:
                run = asyncio.run(throughput.measure(stack, made))
            except Refused as refused:
                _SAY.print(f"NO SCORE: {refused}")
                raise typer.Exit(1) from None
        show.run(_OUT, run)


def _report(file: Path) -> int:
    """Writes page and picture, shows the table; 1 where a figure was refused."""
    told = json.loads(file.read_text())
    drawing = file.with_suffix(".svg")
    drawing.write_text(picture.draw(told))
    file.with_suffix(".md").write_text(report.page(told, picture=drawing.name))
    report.terminal(_OUT, told)
    _SAY.print(f"{file.with_suffix('.md')}")
    wrong = told["refused"] or [sample for sample in told["contest"] + told["variants"] if not sample["right"]]
    return 1 if wrong else 0


def main() -> None:
    app()


if __name__ == "__main__":
    main()
