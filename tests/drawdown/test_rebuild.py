"""Promises of `drawdown rebuild`."""

import asyncio
import subprocess
import sys
from pathlib import Path

from shared.postgres import connect
from tests.support.house import House


def rebuild(data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "drawdown", "rebuild", *arguments, "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


async def execute(url: str, statement: str) -> None:
    db = await connect(url, application="tests")
    await db.execute(statement)
    await db.close()


def test_verify_and_rebuild_beside_the_running_service(house: House) -> None:
    """Equal after traffic; different after a hand edit, with the row; equal again after a rebuild, while all run on."""
    data = house.directory.path
    fund = house.http.post(
        "/api/funds", json={"name": "Rebuilt", "currency": "USD", "time_zone": "UTC", "size": "1000000.00"}
    ).json()
    house.settle()
    equal = rebuild(data, "metrics", "--verify")
    assert equal.returncode == 0, equal.stdout + equal.stderr
    assert "equal, byte for byte" in equal.stdout

    asyncio.run(execute(house.addresses.admin_url, f"update metrics.fund set name = 'forged' where id = {fund['id']}"))
    different = rebuild(data, "metrics", "--verify")
    assert different.returncode == 1
    assert f"fund {fund['id']}" in different.stdout
    assert "forged" in different.stdout

    done = rebuild(data, "metrics")
    assert done.returncode == 0, done.stdout + done.stderr
    assert rebuild(data, "metrics", "--verify").returncode == 0
    deal = house.http.post("/api/deals", json={"name": "After the rebuild"}).json()
    house.settle()
    assert rebuild(data, "metrics", "--verify").returncode == 0, deal


def test_only_read_models_can_be_rebuilt(tmp_path: Path) -> None:
    """Ledgers are not made anew from events: the command line does not offer it."""
    assert rebuild(tmp_path, "payments").returncode == 2


def test_nothing_runs(tmp_path: Path) -> None:
    """Where nothing was started the exit code says so."""
    assert rebuild(tmp_path, "metrics").returncode == 4
