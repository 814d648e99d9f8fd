"""Migrations: the mechanism's own tables and the service's, as numbered SQL, into the service's schema, by dbmate."""

import asyncio
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from shared.postgres import Connection, connect, is_catalog_race

MECHANISM: Final = Path(__file__).parent / "migrations"

# The planner guesses badly on tables it has only seen empty: a service's look-ups must never become scans.
_ROLE_SETTINGS: Final = {
    "search_path": "{schema}",
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


_ATTEMPTS: Final = 20


class MigrationFailed(RuntimeError):
    """dbmate refused; its own words are the message."""


def role_of(service: str) -> str:
    """The database role that a service logs in with."""
    return f"drawdown_{service}"


async def prepare(admin_url: str, service: str, *, password: str | None = None) -> None:
    """Makes the service's role and schema where they are not there, and gives the role its `password` if one is named.

    `admin_url` must belong to a role that may create roles and schemas. Safe to run again and side by side.
    """
    db = await connect(admin_url, application="drawdown-migrate")
    try:
        for tried in range(1, _ATTEMPTS + 1):
            try:
                async with db.transaction():
                    await _make_role(db, service, password)
                    await db.execute(f"create schema if not exists {service}")
                    await db.execute(f"grant usage on schema {service} to {role_of(service)}")
            except Exception as error:
                if tried == _ATTEMPTS or not is_catalog_race(error):
                    raise
                await asyncio.sleep(random.random() * 0.2)  # noqa: S311  (jitter, not a secret)
            else:
                return
    finally:
        await db.close()


async def _make_role(db: Connection, service: str, password: str | None) -> None:
    role = role_of(service)
    if not await db.fetchval("select 1 from pg_roles where rolname = $1", role):
        await db.execute(f"create role {role} login nosuperuser nocreatedb nocreaterole")
    for name, value in _ROLE_SETTINGS.items():
        await db.execute(f"alter role {role} set {name} = {value.format(schema=service)}")
    if password is not None:
        quoted = await db.fetchval("select quote_literal($1::text)", password)
        await db.execute(f"alter role {role} password {quoted}")


def migrate(admin_url: str, service: str, directory: Path) -> None:
    """Brings the service's schema to the newest version; raises `MigrationFailed`."""
    _dbmate(admin_url, service, directory, ["up"])


def roll_back(admin_url: str, service: str, directory: Path) -> None:
    """Takes back the newest migration of the service's schema; raises `MigrationFailed`."""
    _dbmate(admin_url, service, directory, ["rollback"])


def _dbmate(admin_url: str, service: str, directory: Path, command: Sequence[str]) -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "dbmate"),
            *("--migrations-dir", str(MECHANISM), "--migrations-dir", str(directory)),
            *("--migrations-table", "schema_migration", "--no-dump-schema", "--migration-lock"),
            *("--env-file", ""),
            *("--url", _in_schema(admin_url, service)),
            *command,
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise MigrationFailed(f"{service}: {done.stderr.strip() or done.stdout.strip()}")


def _in_schema(url: str, schema: str) -> str:
    """The URL with the schema as search path, and limits, so a migration never queues behind traffic for long."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    query |= {"search_path": schema, "lock_timeout": "10s", "statement_timeout": "10min"}
    query.setdefault("sslmode", "prefer" if parts.hostname not in {"127.0.0.1", "localhost"} else "disable")
    return urlunsplit(parts._replace(query=urlencode(query)))
