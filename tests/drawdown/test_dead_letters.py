"""Promises of `drawdown dead-letters`: what nobody understood is found, shown as it came, and decided with a reason."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from drawdown import exits
from drawdown.dead_letters import app
from tests.support.house import House

GARBAGE = b"no payment \xff at all"


def drawdown(house: House, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--data", str(house.directory.path)], env={"COLUMNS": "160"})


def answer(house: House, *arguments: str) -> Any:
    done = drawdown(house, *arguments, "--json")
    assert done.exit_code == exits.OK, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module", autouse=True)
def letters(house: House) -> None:
    """One record that nobody can read, and 201 that miss their amount: more than one page."""
    house.publish("payment.received", "x", GARBAGE)
    house.publish_all([("payment.received", str(n), {"source": "bank/x", "payment_id": str(n)}) for n in range(201)])
    house.settle()


def test_all_letters_are_listed(house: House) -> None:
    """The list goes through every page of every service, and names place and reason."""
    found = answer(house, "list")
    assert len(found) == 202
    assert {letter["service"] for letter in found} == {"payments"}
    assert {letter["reason"] for letter in found} == {"bad_json", "missing_field"}
    assert answer(house, "list", "--service", "audit") == []
    table = drawdown(house, "list")
    assert "payment.received/" in table.stdout
    assert "missing_field" in table.stdout


def test_a_letter_is_shown_as_it_came(house: House) -> None:
    """Its raw bytes are kept, whether they are text or not."""
    listed = next(letter for letter in answer(house, "list") if letter["reason"] == "bad_json")
    letter = answer(house, "show", "payments", str(listed["id"]))
    assert letter["payload_text"] is None
    assert letter["bytes"] == len(GARBAGE)
    assert "not text" in drawdown(house, "show", "payments", str(listed["id"])).stdout


def test_a_letter_is_decided_once(house: House) -> None:
    """Who discards a letter gives a reason, which goes on record; a second decision is refused with a sentence."""
    letter = str(answer(house, "list")[0]["id"])
    first = drawdown(house, "discard", "payments", letter, "--reason", "sent by mistake")
    again = drawdown(house, "replay", "payments", letter, "--reason", "once more")
    assert first.exit_code == exits.OK, first.stderr
    assert again.exit_code == exits.USAGE
    assert "discarded already" in again.stderr
    assert answer(house, "show", "payments", letter)["decision_reason"] == "sent by mistake"


def test_a_replayed_letter_comes_again(house: House) -> None:
    """A replay sends the same bytes to the same topic: still unreadable, they are a new letter, and nothing is lost."""
    before = answer(house, "list")
    letter = next(one for one in before if one["state"] == "open" and one["reason"] == "missing_field")
    assert drawdown(house, "replay", "payments", str(letter["id"]), "--reason", "the reader was mended").exit_code == 0
    house.settle()
    after = answer(house, "list")
    assert len(after) == len(before) + 1
    assert after[0]["sha256"] == letter["sha256"]


def test_a_letter_that_is_not_there(house: House) -> None:
    """A wrong number is answered in words, with the exit code of a wrong argument."""
    done = drawdown(house, "show", "payments", "999999")
    assert done.exit_code == exits.USAGE
    assert "no dead letter 999999" in done.stderr


def test_nothing_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where no stack runs, the command says so and how to start one."""
    done = CliRunner().invoke(app, ["list", "--data", str(tmp_path_factory.mktemp("none"))])
    assert done.exit_code == exits.NOT_RUNNING
    assert "drawdown up" in done.stderr
