"""``drawdown audit``: heads to keep elsewhere, an export, and the verdict on the chains."""

import asyncio
import json
import os
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Final, NoReturn, TypeVar

import typer
from rich.console import Console

from drawdown import exits
from drawdown.addresses import NotRunning, look_up
from drawdown.audit import reading
from drawdown.audit.verify import Chain, Mark, Name, as_document, heads_of
from drawdown.options import DEFAULT_DATA, Data, Json
from shared.postgres import is_away

app = typer.Typer(no_args_is_help=True, help="Prove that the record is as it was written.")

URL: Final = "DRAWDOWN_AUDIT_DATABASE_URL"  # where the record is, if not in the stack of --data

KeptHeads = Annotated[
    Path | None,
    typer.Option("--heads", metavar="FILE", exists=True, dir_okay=False, help="Heads that were kept elsewhere."),
]
Exported = Annotated[
    Path | None,
    typer.Option("--export", metavar="FILE", exists=True, dir_okay=False, help="An export, instead of a database."),
]


T = TypeVar("T")


@app.command()
def verify(
    data: Data = DEFAULT_DATA, heads: KeptHeads = None, export_file: Exported = None, json_output: Json = False
) -> None:
    """Walk every chain; 0 when all entries are as they were written, 1 when one is not."""
    kept = _kept(heads)
    chains = _verify_export(export_file, kept) if export_file is not None else _run(_verify(_url(data), kept))
    if json_output:
        print(json.dumps(_as_json(chains), indent=2))
    else:
        _show(chains)
    if any(chain.flaws for chain in chains):
        raise typer.Exit(exits.FAILED)


@app.command()
def heads(data: Data = DEFAULT_DATA) -> None:
    """The heads of all chains as JSON; keep them where nobody can change them, for `verify --heads`."""
    print(json.dumps(as_document(_run(_heads(_url(data)))), indent=2))


@app.command()
def export(data: Data = DEFAULT_DATA) -> None:
    """Every head and entry as lines of JSON, for `verify --export` on any machine."""
    _run(_export(_url(data)))


def _verify_export(export_file: Path, kept: dict[Name, Mark]) -> list[Chain]:
    try:
        with export_file.open() as file:
            return reading.verify_export(file, kept)
    except ValueError as problem:
        _fail(f"{export_file}: {problem}", exits.USAGE)


async def _verify(url: str, kept: dict[Name, Mark]) -> list[Chain]:
    async with reading.snapshot(url) as db:
        return await reading.verify(db, kept)


async def _heads(url: str) -> dict[Name, Mark]:
    async with reading.snapshot(url) as db:
        return await reading.heads(db)


async def _export(url: str) -> None:
    async with reading.snapshot(url) as db:
        async for line in reading.export(db):
            print(line)


def _run(work: Coroutine[None, None, T]) -> T:
    try:
        return asyncio.run(work)
    except Exception as error:
        if not is_away(error):
            raise
        _fail(f"the database cannot be reached: {error}", exits.FAILED)


def _url(data: Path) -> str:
    known = os.environ.get(URL)
    if known:
        return known
    try:
        return look_up(data).database_urls["audit"]
    except NotRunning as problem:
        _fail(str(problem), exits.NOT_RUNNING)


def _kept(file: Path | None) -> dict[Name, Mark]:
    try:
        return heads_of(json.loads(file.read_text())) if file else {}
    except ValueError as problem:
        _fail(f"{file}: {problem}", exits.USAGE)


def _fail(why: str, code: int) -> NoReturn:
    Console(stderr=True).print(why, highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(code)


def _as_json(chains: Sequence[Chain]) -> dict[str, object]:
    return {
        "verified": not any(chain.flaws for chain in chains),
        "entries": sum(chain.end.sequence for chain in chains),
        "erased": sum(chain.erased for chain in chains),
        "chains": [
            {
                "topic": chain.name.topic,
                "partition": chain.name.partition,
                "sequence": chain.end.sequence,
                "hash": chain.end.hash,
                "erased": chain.erased,
                "problems": [
                    {"sequence": flaw.sequence, "problem": flaw.problem, "detail": flaw.detail} for flaw in chain.flaws
                ],
            }
            for chain in chains
        ],
    }


def _show(chains: Sequence[Chain]) -> None:
    console = Console()
    flaws = [flaw for chain in chains for flaw in chain.flaws]
    for flaw in flaws:
        line = f"{flaw.chain}/{flaw.sequence}: {flaw.problem}: {flaw.detail}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    entries = sum(chain.end.sequence for chain in chains)
    erased = sum(chain.erased for chain in chains)
    verdict = f"{len(flaws)} problems" if flaws else "all as written"
    console.print(
        f"{entries:,} entries in {len(chains)} chains, {erased:,} payloads erased: {verdict}", highlight=False
    )
