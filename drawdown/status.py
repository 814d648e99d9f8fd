"""`drawdown status`: what runs from a data directory, and whether it is ready."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

from drawdown import exits, options
from drawdown.addresses import SERVICES, Addresses, NotRunning, look_up
from drawdown.localstack.directory import Directory
from drawdown.localstack.processes import Known, known
from drawdown.stack import FRONT, SUPERVISOR, is_ready, to_stderr


@dataclass(frozen=True, slots=True)
class Part:
    """One service or the front; `pid` is None while it is down."""

    name: str
    role: str
    pid: int | None
    url: str
    ready: bool


def status(data: options.Data = options.DEFAULT_DATA, as_json: options.Json = False) -> None:
    """Show what runs. Exit code 0: everything is ready; 4: nothing runs; 5: some part is not ready."""
    alive = {each.name: each for each in _alive(Directory(data.resolve()))}
    try:
        found = look_up(data)
    except NotRunning as nothing:
        to_stderr("starting, or stopping …" if SUPERVISOR in alive else str(nothing))
        raise typer.Exit(exits.NOT_READY if SUPERVISOR in alive else exits.NOT_RUNNING) from None
    if SUPERVISOR not in alive and not any(name in alive for name in (*SERVICES, FRONT)):
        to_stderr(str(NotRunning(data)))
        raise typer.Exit(exits.NOT_RUNNING)
    parts = _parts(found, alive)
    servers = [{"name": name, "pid": alive[name].pid} for name in ("postgres", "kafka") if name in alive]
    if as_json:
        typer.echo(json.dumps(_document(found, parts, servers), indent=2))
    else:
        Console().print(_table(found, parts, servers))
    if not all(part.ready for part in parts):
        raise typer.Exit(exits.NOT_READY)


def _alive(directory: Directory) -> list[Known]:
    return [each for each in known(directory) if each.process is not None]


def _parts(found: Addresses, alive: dict[str, Known]) -> list[Part]:
    urls = {**found.services, FRONT: found.front}
    with httpx.Client(timeout=3, trust_env=False) as http:
        return [
            Part(
                name=name,
                role="front" if name == FRONT else "all",
                pid=alive[name].pid if name in alive else None,
                url=url,
                ready=name in alive and is_ready(http, url),
            )
            for name, url in urls.items()
        ]


def _document(found: Addresses, parts: list[Part], servers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "front": found.front,
        "postgres_url": found.postgres_url,
        "kafka": found.kafka,
        "services": [
            {"name": part.name, "role": part.role, "pid": part.pid, "url": part.url, "ready": part.ready}
            for part in parts
        ],
        "servers": servers,
    }


def _table(found: Addresses, parts: list[Part], servers: list[dict[str, Any]]) -> Table:
    table = Table("name", "role", "pid", Column("address", overflow="fold"), "", box=SIMPLE)
    for part in parts:
        table.add_row(part.name, part.role, _pid(part.pid), part.url, "ready" if part.ready else "[red]not ready[/red]")
    pids = {server["name"]: server["pid"] for server in servers}
    for name, address in (("postgres", found.postgres_url), ("kafka", found.kafka)):
        table.add_row(name, "server", _pid(pids.get(name)), address, "" if name in pids else "not ours")
    return table


def _pid(pid: int | None) -> str:
    return "" if pid is None else str(pid)
