"""``python -m bench.peers.smoke NAME… [--events N]``: a contender alone, on servers of its own, against the model.

For trying one out; never a score, for nothing else is measured beside it.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Final

import typer

from bench import workload
from bench.contender import Servers
from bench.workload import Recipe
from drawdown.localstack import jars, java, kafka, postgres, processes, readiness
from drawdown.localstack.directory import Directory
from drawdown.localstack.waiting import until

_WORK: Final = Path(tempfile.gettempdir()) / f"drawdown-bench-{os.getuid()}"
_START_SECONDS: Final = 120.0

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@contextmanager
def servers(work: Path) -> Iterator[Servers]:
    """A durable broker and database for as long as the block lasts, in a folder that is removed afterwards."""
    path = Path(tempfile.mkdtemp(prefix="peers-", dir=work))
    path.chmod(0o711)
    directory = Directory.at(path / "data")
    database, broker = postgres.prepare(directory), kafka.prepare(directory)
    children = [processes.start(directory, server.program) for server in (database, broker)]
    try:
        until(lambda: readiness.make_database(database), seconds=_START_SECONDS)
        until(lambda: not readiness.kafka_problem(broker.bootstrap), seconds=_START_SECONDS)
        url = database.url("postgres")
        yield Servers(broker.bootstrap, url, java.find(directory), tuple(jars.fetch(directory)))
    finally:
        for child in children:
            child.stop()
        directory.remove()
        path.rmdir()


@app.command()
def smoke(
    names: Annotated[list[str], typer.Argument(help="naive, handlers8, kafka_streams, quixstreams, sql_limit")],
    events: Annotated[int, typer.Option(help="Records to produce.")] = 5_000,
    scale: Annotated[float, typer.Option(help="Of the book; 1 has 60,000 calls.")] = 0.05,
    work: Annotated[Path, typer.Option(help="Where everything is kept meanwhile.")] = _WORK,
) -> None:
    """Run each of these contenders once; fails where one is not right."""
    work.mkdir(mode=0o711, parents=True, exist_ok=True)
    made = workload.prepare(Recipe(events, scale=scale), work / "workloads")
    wrong = []
    with servers(work) as shared:
        for name in names:
            peer = import_module(f"bench.peers.{name}")
            folder = work / "peers"
            folder.mkdir(mode=0o711, exist_ok=True)
            done = asyncio.run(peer.run(made, shared, folder))
            verdict = "right" if done.right else "WRONG"
            print(f"{peer.NAME}: {verdict}, {done.events:,} events, {done.rate:,.0f}/s alone; {done.note}", flush=True)
            wrong += [] if done.right else [name]
    raise typer.Exit(1 if wrong else 0)


if __name__ == "__main__":
    app()
