"""The command line as a whole: every command is there, told, and imported only when it is used."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from drawdown import exits
from drawdown.__main__ import COMMANDS, build

CONTRACT = {
    "up",
    "down",
    "status",
    "demo",
    "feed",
    "import",
    "holds",
    "lag",
    "check",
    "dead-letters",
    "profiles",
    "reserves",
    "rebuild",
    "audit",
}


def test_the_commands_are_those_of_the_contract() -> None:
    """Scripts depend on the names."""
    assert set(COMMANDS) == CONTRACT


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_tells_what_it_does(name: str) -> None:
    """Help is there for each command, and shows where it looks for the stack."""
    shown = CliRunner().invoke(build([name]), [name, "--help"], prog_name="drawdown")
    assert shown.exit_code == exits.OK, shown.output
    assert "Usage" in shown.output


def test_help_lists_every_command() -> None:
    """A person finds them all without reading anything else."""
    shown = CliRunner().invoke(build(["--help"]), ["--help"])
    assert all(name in shown.output for name in COMMANDS)


def test_an_unknown_command_is_refused_as_such() -> None:
    """A typing error is exit code 2, never a trace."""
    refused = CliRunner().invoke(build(["stauts"]), ["stauts"])
    assert refused.exit_code == exits.USAGE


def test_a_command_imports_itself_alone() -> None:
    """`status` answers quickly, for it does not load what feeds, checks and demonstrates."""
    code = (
        "import json, sys; from drawdown.__main__ import build; build(['status']); print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert "drawdown.status" in loaded
    assert not {"drawdown.check", "drawdown.demo", "drawdown.feed", "drawdown.rebuild"} & loaded
