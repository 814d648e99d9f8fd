"""`up` on servers that exist already: used as they are, named when they are not there, never stopped."""

import os
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from drawdown import exits
from drawdown.addresses import SERVICES, look_up, role_url, without_password
from drawdown.localstack import ports, readiness
from drawdown.localstack.directory import Directory
from drawdown.localstack.waiting import finish
from tests.support import servers as servers_
from tests.support import topics
from tests.support.ledger import PASSWORD, Ledger
from tests.support.servers import Servers


@pytest.fixture
def directory() -> Iterator[Directory]:
    with servers_.directory() as fresh:
        # Roles belong to the whole server, which other tests use at the same time.
        fresh.write("secrets.json", dict.fromkeys(SERVICES, PASSWORD))
        yield fresh


def drawdown(directory: Directory, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "drawdown", *arguments, "--data", str(directory.path)]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def test_servers_that_exist_are_used_and_left_alone(servers: Servers, ledger: Ledger, directory: Directory) -> None:
    """DRAWDOWN_POSTGRES_URL and DRAWDOWN_KAFKA replace what we would start; `down` stops only what is ours."""
    prefix = topics.new_prefix()
    given = {
        "DRAWDOWN_POSTGRES_URL": ledger.admin_url,
        "DRAWDOWN_KAFKA": servers.kafka,
        "DRAWDOWN_TOPIC_PREFIX": prefix,
    }
    try:
        up = drawdown(directory, "up", "--detach", "--port", str(ports.free()), **given)
        assert up.returncode == exits.OK, up.stderr
        found = look_up(directory.path)
        assert (found.kafka, found.topic_prefix) == (servers.kafka, prefix)
        assert not (directory.path / "postgres").exists()
        assert not list((directory.path / "kafka").iterdir())
        assert httpx.get(f"{found.front}/api/funds", trust_env=False).json() == {"items": [], "next": None}
        assert "not ours" in drawdown(directory, "status").stdout
    finally:
        down = drawdown(directory, "down")
        finish(topics.remove(servers.kafka, prefix))
    assert down.returncode == exits.OK
    assert not readiness.postgres_problem(ledger.admin_url)
    assert not readiness.kafka_problem(servers.kafka)


@pytest.mark.parametrize("missing", ["DRAWDOWN_POSTGRES_URL", "DRAWDOWN_KAFKA"])
def test_a_server_that_is_not_there_is_named(
    servers: Servers, ledger: Ledger, directory: Directory, missing: str
) -> None:
    """A wrong address fails at once, says which it is and shows no password."""
    nowhere = f"127.0.0.1:{ports.free()}"
    wrong = {"DRAWDOWN_POSTGRES_URL": f"postgresql://me:hidden@{nowhere}/x", "DRAWDOWN_KAFKA": nowhere}
    given = {"DRAWDOWN_POSTGRES_URL": ledger.admin_url, "DRAWDOWN_KAFKA": servers.kafka, missing: wrong[missing]}
    up = drawdown(directory, "up", "--port", str(ports.free()), **given)
    assert up.returncode == exits.FAILED
    assert nowhere in up.stderr
    assert "hidden" not in up.stderr
    assert drawdown(directory, "status").returncode == exits.NOT_RUNNING


def test_urls_of_roles_keep_all_but_the_user() -> None:
    """A site's own host, port, database and options reach every service; what is shown has no secret."""
    admin = "postgresql://root:s3cret@db.example:6432/books?sslmode=require"
    assert role_url(admin, "audit", "p@ss/word") == (
        "postgresql://drawdown_audit:p%40ss%2Fword@db.example:6432/books?sslmode=require"
    )
    assert without_password(admin) == "postgresql://root@db.example:6432/books"
