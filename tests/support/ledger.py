"""Databases: one template, migrated once, and a fresh copy of it for each test."""

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drawdown.addresses import SERVICES, role_url
from drawdown.localstack.waiting import finish
from shared.ids import new_event_id
from shared.migrate import migrate, prepare
from shared.postgres import Connection, connect
from tests.support.servers import Servers, on_database

# Roles belong to the whole server, and other runs may use the same one: all agree on a password.
PASSWORD: Final = "drawdown"


@dataclass(frozen=True, slots=True)
class Ledger:
    """One database with every service's schema, migrated and empty."""

    name: str
    admin_url: str

    def url(self, service: str) -> str:
        """As the service's own role."""
        return role_url(self.admin_url, service, PASSWORD)

    @contextlib.asynccontextmanager
    async def connect(self, service: str) -> AsyncIterator[Connection]:
        """A connection as the service's own role, without a transaction."""
        async with _connected(self.url(service)) as db:
            yield db

    @contextlib.asynccontextmanager
    async def connect_admin(self) -> AsyncIterator[Connection]:
        """A connection that may see and do everything."""
        async with _connected(self.admin_url) as db:
            yield db


@contextlib.contextmanager
def template(servers: Servers) -> Iterator[str]:
    """The name of a database with all migrations, for as long as the block lasts."""
    with _database(servers, "template") as name:
        finish(migrate_all(on_database(servers.postgres_url, name)))
        yield name


@contextlib.contextmanager
def copy(servers: Servers, template_name: str) -> Iterator[Ledger]:
    """A fresh database, gone afterwards."""
    with _database(servers, "test", f"template {template_name}") as name:
        yield Ledger(name, on_database(servers.postgres_url, name))


@contextlib.contextmanager
def _database(servers: Servers, purpose: str, options: str = "") -> Iterator[str]:
    name = f"drawdown_{purpose}_{new_event_id().hex[-12:]}"
    finish(_run(servers.postgres_url, f"create database {name} {options}"))
    try:
        yield name
    finally:
        finish(_run(servers.postgres_url, f"drop database {name} with (force)"))


async def migrate_all(url: str) -> None:
    """Every service's role and schema, in a database that has none."""
    for service in SERVICES:
        await prepare(url, service, password=PASSWORD)
    # dbmate takes its lock per database, not per schema: one after the other.
    for service in SERVICES:
        room = Path(str(importlib.import_module(f"services.{service}").__file__)).parent / "migrations"
        await asyncio.to_thread(migrate, url, service, room)


async def _run(url: str, statement: str) -> None:
    async with _connected(url) as db:
        await db.execute(statement)


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Connection]:
    db = await connect(url, application="tests", settings={"timezone": "UTC"})
    try:
        yield db
    finally:
        await db.close()
