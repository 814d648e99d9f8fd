"""Whether a server answers: asked as a client asks, for a port that is open promises little."""

import socket

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from drawdown.localstack.postgres import DATABASE, Postgres
from drawdown.localstack.waiting import finish
from shared.postgres import connect, is_away

_APPLICATION = "drawdown-up"


def make_database(server: Postgres) -> bool:
    """Makes our database where it is missing; False while the server does not answer yet."""

    async def make() -> None:
        db = await connect(server.url("postgres"), application=_APPLICATION)
        try:
            if not await db.fetchval("select 1 from pg_database where datname = $1", DATABASE):
                await db.execute(f"create database {DATABASE}")
        finally:
            await db.close()

    try:
        finish(make())
    except Exception as error:
        if is_away(error):
            return False
        raise
    return True


def postgres_problem(url: str) -> str:
    """Why that database cannot be used; empty where it can."""

    async def ask() -> None:
        db = await connect(url, application=_APPLICATION)
        await db.close()

    try:
        finish(ask())
    except Exception as error:  # noqa: BLE001 (whatever it is, a person reads it)
        return str(error) or type(error).__name__
    return ""


def kafka_problem(bootstrap: str) -> str:
    """Why that broker cannot be used; empty where it can."""

    async def ask() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000)
        try:
            await admin.start()
            await admin.list_topics()
        finally:
            await admin.close()

    try:
        # A closed port is told here, for the client logs a warning of its own for each attempt.
        for address in bootstrap.split(","):
            host, _, port = address.strip().rpartition(":")
            socket.create_connection((host, int(port)), timeout=5).close()
        finish(ask())
    except (OSError, ValueError, KafkaError) as error:
        return str(error) or type(error).__name__
    return ""
