"""The command line of a service: ``python -m services.X [serve|migrate|openapi|…]``."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import uvloop
from pydantic import SecretStr, ValidationError

from shared import migrate
from shared.runtime import Runtime
from shared.settings import Settings

Command = Callable[[Sequence[str]], int]


def main(
    service: str,
    build: Callable[[Settings], Runtime],
    *,
    migrations: Path,
    commands: Mapping[str, Command] | None = None,
) -> None:
    """Runs one command of a service and exits with its code.

    `serve` (the default) runs it; `migrate` brings its schema to the newest version with the role in
    ``DRAWDOWN_ADMIN_URL`` (and sets the service's password from ``DRAWDOWN_ROLE_PASSWORD``); `openapi` prints its HTTP
    contract. `commands` are the service's own.
    """
    own = {"serve": _serve(build), "migrate": _migrate(service, migrations), "openapi": _openapi(build)}
    known: dict[str, Command] = {**own, **(commands or {})}
    parser = argparse.ArgumentParser(prog=f"python -m services.{service}")
    parser.add_argument("command", nargs="?", default="serve", choices=sorted(known))
    chosen, rest = parser.parse_known_args()
    try:
        sys.exit(known[chosen.command](rest))
    except ValidationError as problem:
        missing = ", ".join(f"DRAWDOWN_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in problem.errors())
        _say(f"{service}: the environment is incomplete: {missing}", sys.stderr)
        sys.exit(2)


def _serve(build: Callable[[Settings], Runtime]) -> Command:
    def serve(arguments: Sequence[str]) -> int:
        parser = argparse.ArgumentParser(prog="serve")
        parser.add_argument("--role", choices=("all", "api", "worker"))
        role = parser.parse_args(arguments).role
        settings = Settings(**({"role": role} if role else {}))
        uvloop.run(build(settings).serve())
        return 0

    return serve


def _migrate(service: str, migrations: Path) -> Command:
    def run(_arguments: Sequence[str]) -> int:
        admin_url = os.environ.get("DRAWDOWN_ADMIN_URL")
        if not admin_url:
            _say("DRAWDOWN_ADMIN_URL must name a role that may create roles and schemas", sys.stderr)
            return 2
        asyncio.run(migrate.prepare(admin_url, service, password=os.environ.get("DRAWDOWN_ROLE_PASSWORD")))
        try:
            migrate.migrate(admin_url, service, migrations)
        except migrate.MigrationFailed as error:
            _say(error, sys.stderr)
            return 1
        return 0

    return run


def _openapi(build: Callable[[Settings], Runtime]) -> Command:
    def show(_arguments: Sequence[str]) -> int:
        nowhere = Settings(database_url=SecretStr("postgresql://nowhere"), kafka="nowhere:9092")
        document = build(nowhere).app.openapi()
        _say(json.dumps(document, indent=2, sort_keys=True))
        return 0

    return show


def _say(text: object, stream: TextIO | None = None) -> None:
    (stream or sys.stdout).write(f"{text}\n")
