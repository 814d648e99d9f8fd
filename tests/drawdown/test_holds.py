"""Promises of `drawdown holds`: the queue at a terminal, decisions one by one and by file, codes for scripts."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from drawdown import exits
from drawdown.holds import app
from tests.support.desk import Desk
from tests.support.house import House


def drawdown(house: House, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--data", str(house.directory.path)], env={"COLUMNS": "200"})


def answer(house: House, *arguments: str) -> Any:
    done = drawdown(house, *arguments, "--json")
    assert done.exit_code == exits.OK, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def call(house: House) -> dict[str, Any]:
    """An issued call of 100.00, and 230 payments that no rule can place: more than one page."""
    desk = Desk(house)
    issued = desk.call(desk.allocation("1000.00"), "100.00")
    desk.bank(*(desk.entry(f"H-{n}", "100.00", remitter={"name": "Acme LP"}) for n in range(230)))
    house.settle()
    return issued


def queue(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer(house, "list")
    return found


def decisions(path: Path, *rows: tuple[object, ...]) -> str:
    with path.open("w", newline="") as out:
        csv.writer(out).writerows([("payment_id", "action", "parts", "reason"), *rows])
    return str(path)


def told(path: Path) -> list[tuple[str, str]]:
    """Payment and result of each row of a result file."""
    with path.open(newline="") as file:
        return [(row["payment_id"], row["result"]) for row in csv.DictReader(file)]


def test_the_queue_is_listed(house: House, call: dict[str, Any]) -> None:
    """Every page, narrowed as asked; a table for people, with what is on hold in all."""
    assert len(queue(house)) == 230
    assert len(answer(house, "list", "--most", "3", "--sort", "amount", "--reason", "no_match")) == 3
    assert answer(house, "list", "--source", "bank/nobody") == []
    assert answer(house, "list", "--older-than", "1") == []
    table = drawdown(house, "list", "--most", "2")
    assert f"100.00 to call {call['id']} (40)" in table.stdout
    assert "230 payments with 23000.00 USD on hold in all" in table.stdout
    assert "no resolved holds" in drawdown(house, "list", "--state", "resolved").stdout
    refused = drawdown(house, "list", "--state", "lost")
    assert (refused.exit_code, "state" in refused.stderr) == (exits.USAGE, True)


def test_a_hold_is_shown_with_its_candidates(house: House, call: dict[str, Any]) -> None:
    """What the bank said, what it may be for, and why."""
    hold_id = str(queue(house)[0]["id"])
    assert answer(house, "show", hold_id)["candidates"][0]["rule"] == "exact_amount"
    shown = drawdown(house, "show", hold_id).stdout
    assert f"candidate 1: 100.00 to call {call['id']}, 40 of 100" in shown
    assert f"100.00 on hold: 100.00 outstanding on call {call['id']}" in shown
    missing = drawdown(house, "show", "999999")
    assert (missing.exit_code, "there is no hold 999999" in missing.stderr) == (exits.USAGE, True)


def test_holds_are_given_to_somebody(house: House, call: dict[str, Any]) -> None:
    """Several at once; to nobody again; never to both."""
    first, second = (str(hold["id"]) for hold in queue(house)[:2])
    assert drawdown(house, "assign", first, second, "--owner", "ann").stdout.count("is ann's") == 2
    assert len(answer(house, "list", "--owner", "ann")) == 2
    assert drawdown(house, "assign", first, "--nobody").exit_code == exits.OK
    assert len(answer(house, "list", "--owner", "ann")) == 1
    for arguments in ((), ("--owner", "ann", "--nobody")):
        assert drawdown(house, "assign", first, *arguments).exit_code == exits.USAGE


def test_one_hold_is_resolved(house: House, call: dict[str, Any]) -> None:
    """By an action, parts or a candidate; a rehearsal first; what is refused says why."""
    last, other = (str(hold["id"]) for hold in queue(house)[-2:])
    rehearsed = drawdown(house, "resolve", last, "--candidate", "1", "--reason", "a call", "--dry-run")
    assert (rehearsed.exit_code, "would be resolved" in rehearsed.stdout) == (exits.OK, True)
    assert drawdown(house, "resolve", last, "--candidate", "1", "--reason", "a call").exit_code == exits.OK
    assert "a call" in drawdown(house, "show", last).stdout
    parts = ("--action", "apply", "--part", f"{call['id']}:100.00", "--reason", "x")
    refused = drawdown(house, "resolve", other, *parts)
    assert (refused.exit_code, "at most what is outstanding" in refused.stderr) == (exits.USAGE, True)
    for wrong in (
        *(("--action", "steal", "--reason", "x"), ("--action", "return"), ("--candidate", "9", "--reason", "x")),
        ("--action", "apply", "--reason", "x"),
    ):
        assert drawdown(house, "resolve", other, *wrong).exit_code == exits.USAGE
    assert drawdown(house, "resolve").exit_code == exits.USAGE
    assert answer(house, "resolve", other, "--action", "return", "--reason", "x")["result"] == "done"


def test_a_file_of_decisions_is_done_once(house: House, call: dict[str, Any], tmp_path: Path) -> None:
    """A rehearsal does nothing; then each row by itself, with a file that says what became of it; the same file again
    changes nothing and says the same; exit code 2 tells that a row was refused."""
    payments = [hold["payment"] for hold in queue(house)[:120]]
    rows = [(payment, "return", "", "not ours") for payment in payments]
    wrong = (2**63 - 1, "return", "", "nobody knows it")
    path, results = decisions(tmp_path / "d.csv", *rows, wrong), tmp_path / "d.results.csv"
    before = len(queue(house))
    rehearsed = drawdown(house, "resolve", "--file", path, "--dry-run")
    assert (rehearsed.exit_code, len(queue(house))) == (exits.USAGE, before)
    assert "120 of 121 decisions would be done, 1 refused" in rehearsed.stdout
    for _ in range(2):
        done = drawdown(house, "resolve", "--file", path)
        assert done.exit_code == exits.USAGE
        assert "120 of 121 decisions are done, 1 refused" in done.stdout
        assert told(results) == [
            *((str(payment), "done") for payment in payments),
            (str(wrong[0]), "payment_not_found"),
        ]
    assert len(queue(house)) == before - 120
    house.check()


def test_a_wrong_file_is_refused_whole(house: House, call: dict[str, Any], tmp_path: Path) -> None:
    """Every wrong line is named, and nothing is decided; a good one ends with 0 and can be read by programs."""
    payment = queue(house)[0]["payment"]
    before = len(queue(house))
    refused = drawdown(
        house, "resolve", "--file", decisions(tmp_path / "w.csv", (payment, "return", "", "x"), ("", ""))
    )
    assert (refused.exit_code, "line 3" in refused.stderr, len(queue(house))) == (exits.USAGE, True, before)
    where = ("--results", str(tmp_path / "there.csv"))
    done = answer(house, "resolve", "--file", decisions(tmp_path / "r.csv", (payment, "return", "", "x")), *where)
    assert (done["done"], done["refused"], done["dry_run"]) == (1, 0, False)
    assert told(tmp_path / "there.csv") == [(str(payment), "done")]


def test_nothing_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where no stack runs, the command says so and how to start one."""
    done = CliRunner().invoke(app, ["list", "--data", str(tmp_path_factory.mktemp("none"))])
    assert (done.exit_code, "drawdown up" in done.stderr) == (exits.NOT_RUNNING, True)
