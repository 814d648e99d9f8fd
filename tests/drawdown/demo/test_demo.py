"""Promises of `drawdown demo` as a person runs it."""

import subprocess
import sys

from tests.support.house import House


def demo(house: House) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "drawdown", "demo", "--data", str(house.directory.path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_on_a_house_that_runs(house: House) -> None:
    """It uses the house that is there and leaves it running; every total is right and proven; again, it numbers on."""
    first = demo(house)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Meridian Growth Fund I " in first.stdout
    assert "400,000.00 + 250,000.00 + 900,000.00 + 200,000.00 + 90,000.00 − 250,000.00" in first.stdout
    assert first.stdout.count("✓") == 10
    second = demo(house)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Meridian Growth Fund II " in second.stdout
    assert house.http.get("/readyz").is_success
    house.settle()
    house.check()
