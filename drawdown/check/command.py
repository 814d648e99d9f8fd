"""``drawdown check``: proves the invariants of a running stack, and ends with 0 only when all of them hold."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import asyncpg
import typer
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.table import Table

from drawdown import exits
from drawdown.addresses import Addresses, NotRunning, look_up
from drawdown.check.quiet import NotQuiet
from drawdown.check.run import Asked, Target
from drawdown.check.run import check as run
from drawdown.check.verdicts import SHOWN, Finding, Offender, Verdict, as_json, verdicts
from drawdown.localstack.directory import Directory
from drawdown.options import DEFAULT_DATA, Data, Json
from drawdown.programs import Programs

_COLOURS = {"holds": "green", "broken": "bold red", "not checked": "yellow"}


def check(
    data: Data = DEFAULT_DATA,
    json_output: Json = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Ask only what holds at every moment.")] = False,
    wait_seconds: Annotated[int, typer.Option(help="How long traffic may take to stop.", min=1)] = 60,
    full: Annotated[bool, typer.Option("--full", help="Also replay the read model beside the live one (I11).")] = False,
    history: Annotated[
        Path | None, typer.Option(help="JSON lines of what was sent.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Prove that the books are right, from the tables and topics alone."""
    err = Console(stderr=True)
    try:
        addresses = _addresses(data)
        target = _target(addresses)
        asked = Asked(0 if no_wait else wait_seconds, history)
        found = asyncio.run(run(target, asked, lambda line: err.print(f"[dim]{line} …[/dim]")))
        if full:
            found += verdicts([_replay(data, addresses)])
    except NotRunning as problem:
        err.print(str(problem), highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(exits.NOT_RUNNING) from None
    except (NotQuiet, OSError, asyncpg.PostgresError, KafkaError) as problem:
        err.print(f"cannot check: {problem}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(exits.FAILED) from None
    if json_output:
        print(json.dumps(as_json(found), indent=2, ensure_ascii=False))
    else:
        show(found, Console())
    if any(verdict.found for verdict in found):
        raise typer.Exit(exits.FAILED)


def show(found: Sequence[Verdict], console: Console) -> None:
    """The table, and below it the first offenders of each invariant that is broken."""
    table = Table("", "invariant", "rows", "verdict", box=None, pad_edge=False)
    for column in (table.columns[2], table.columns[3]):
        column.justify = "right"
    for verdict in found:
        word = f"{verdict.found:,} broken" if verdict.found else verdict.word
        table.add_row(verdict.invariant, verdict.promise, f"{verdict.rows:,}", f"[{_COLOURS[verdict.word]}]{word}[/]")
    console.print(table)
    for verdict in found:
        for one in verdict.findings:
            if one.found:
                console.print(f"\n{verdict.invariant} {one.what}: {one.found:,} of {one.rows:,}", highlight=False)
            for offender in one.offenders:
                console.print(f"  {offender.id}: {offender.says}", highlight=False, markup=False, soft_wrap=True)
        for why in verdict.not_checked:
            console.print(f"\n{verdict.invariant} {why}", style="yellow", highlight=False, markup=False)
    broken = sum(verdict.found > 0 for verdict in found)
    console.print(f"\n{broken} invariants are broken" if broken else "\nevery invariant holds", highlight=False)


def _addresses(data: Path) -> Addresses | None:
    """The stack of that directory, or None where the environment says where everything is."""
    named = os.environ.get("DRAWDOWN_POSTGRES_URL") and os.environ.get("DRAWDOWN_KAFKA")
    return None if named else look_up(data)


def _target(addresses: Addresses | None) -> Target:
    """Where to look: the environment, where it says so, over the running stack."""
    known = Target(addresses.admin_url, addresses.kafka, addresses.topic_prefix) if addresses else Target("", "")
    return Target(
        os.environ.get("DRAWDOWN_POSTGRES_URL") or known.postgres_url,
        os.environ.get("DRAWDOWN_KAFKA") or known.kafka,
        os.environ.get("DRAWDOWN_TOPIC_PREFIX") or known.topic_prefix,
    )


def _replay(data: Path, addresses: Addresses | None) -> Finding:
    """I11, by the service's own command: the replay uses its code on purpose, for it is its code that is proved."""
    finding = Finding("I11", "a replay beside the live read model", 0)
    own = Programs(Directory(data.expanduser().resolve()), addresses, {}) if addresses else None
    environment = {**os.environ, **(own.service_environment("metrics") if own else {})}
    if "DRAWDOWN_DATABASE_URL" not in environment:
        return replace(finding, not_checked="set DRAWDOWN_DATABASE_URL to the URL of the role of metrics")
    done = subprocess.run(
        [sys.executable, "-m", "services.metrics", "rebuild", "--verify"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return replayed(finding, done.returncode, done.stdout, done.stderr)


def replayed(finding: Finding, code: int, out: str, err: str) -> Finding:
    """What the replay's exit code and words mean: 0 is equal, 1 differs, unless it says that it cannot compare."""
    text = out.strip() or err.strip()
    rows = re.search(r"([\d,]+) rows", text)
    counted = replace(finding, rows=int(rows[1].replace(",", "")) if rows else 0)
    if code == 0:
        return counted
    if "cannot be replayed" in text:
        return replace(counted, not_checked=text)
    lines = text.splitlines()
    return replace(counted, found=1, offenders=(Offender("metrics", "\n".join(lines[:SHOWN])),))
