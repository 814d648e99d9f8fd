"""The books of a house: `drawdown check --full`."""

import json
import subprocess
import sys

from tests.corpus.seen import Json
from tests.support.house import House


def check(house: House) -> Json:
    """The verdict on every invariant, whatever it is."""
    command = [sys.executable, "-m", "drawdown", "check", "--full", "--json", "--data", str(house.directory.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    verdict: Json = json.loads(done.stdout)
    return verdict


def broken(verdict: Json) -> list[Json]:
    """What does not hold, or could not be asked."""
    return [each for each in verdict["invariants"] if each["verdict"] != "holds"]
