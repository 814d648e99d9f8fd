"""Promises of the largest reserves: thousands of companies are one event, and everybody who reads it takes it whole."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from shared.contracts.base import RECORD_LIMIT_BYTES
from tests.support.desk import Desk
from tests.support.house import House

COMPANIES: Final = 5_000
FIRST_CENTS: Final = 1_234_567_89
THEN_CENTS: Final = 1_000_000_01


@dataclass(frozen=True, slots=True)
class Planned:
    """A fund with reserves for every company that there is, set up and then moved, all at once."""

    house: House
    desk: Desk
    fund: int


@pytest.fixture(scope="module")
def planned(house: House, desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Planned:
    companies = _companies(house, desk, tmp_path_factory.mktemp("deals") / "deals.csv")
    fund = desk.fund()["id"]
    route = f"/api/funds/{fund}/reallocation"
    first = [{"company_id": company, "planned_reserves_cents": FIRST_CENTS} for company in companies]
    desk.put(f"/api/funds/{fund}/reserves", {"reserves": first, "reason": "all of them"})
    then = [{"company_id": company, "planned_reserves_cents": THEN_CENTS} for company in companies]
    proposal = {"current_version": 1, "proposed_allocations": then}
    digest = desk.post(f"{route}/preview", proposal)["digest"]
    done = desk.post(f"{route}/commit", {**proposal, "digest": digest, "reason": "NaN is no number", "user_id": 3})
    assert (done["new_version"], done["updated_count"]) == (2, COMPANIES)
    house.settle()
    return Planned(house, desk, fund)


def _companies(house: House, desk: Desk, path: Path) -> list[int]:
    """Their ids, brought in as history is."""
    keys = [f"D{number}" for number in range(COMPANIES)]
    path.write_text("\n".join(["deal_key,name", *(f"{key},Company {key}" for key in keys)]) + "\n")
    _run(house, "import", path)
    return sorted(desk.post("/api/imports/keys", {"kind": "deal", "keys": keys}, x_drawdown_upload="1")["ids"].values())


def _run(house: House, *arguments: object) -> str:
    """What a command says; asserts that it ends with 0."""
    told = [str(argument) for argument in arguments]
    command = [sys.executable, "-m", "drawdown", *told, "--data", str(house.directory.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_metrics_shows_their_total(planned: Planned) -> None:
    """The newest version's sum, to the cent, and nothing of it is a dead letter."""
    assert _reserves(planned) == {
        "fund_id": planned.fund,
        "currency": "USD",
        "planned_reserves": "5000000050.00",
        "companies": COMPANIES,
        "version": 2,
        "as_of": None,
    }
    assert planned.desk.get("/api/metrics/dead-letters")["items"] == []


def test_the_record_has_every_change(planned: Planned) -> None:
    """One entry for each version, larger than most events may be, with each company before and after."""
    entries: list[dict[str, Any]] = planned.desk.get("/api/audit", {"topic": "reserve.reallocated"})["items"]
    assert [entry["payload"]["version"] for entry in entries] == [2, 1]
    newest = entries[0]["payload"]
    assert len(json.dumps(newest, separators=(",", ":"))) > RECORD_LIMIT_BYTES
    assert len(newest["changes"]) == COMPANIES
    assert {(change["before"], change["after"]) for change in newest["changes"]} == {("1234567.89", "1000000.01")}


def test_the_record_is_proved_and_exported(planned: Planned, tmp_path: Path) -> None:
    """Both walks find every entry as it was written; so does whoever is given the export, and one byte is missed."""
    _run(planned.house, "audit", "verify")
    assert planned.desk.get("/api/audit/verify", {"topic": "reserve.reallocated"})["verified"] is True
    exported = tmp_path / "record.jsonl"
    exported.write_text(_run(planned.house, "audit", "export"))
    _run(planned.house, "audit", "verify", "--export", exported)

    lines = exported.read_text().splitlines()
    place = max(range(len(lines)), key=lambda number: len(lines[number]))
    told = json.loads(lines[place])
    told["payload"] = told["payload"][:-2] + "20"
    exported.write_text("\n".join([*lines[:place], json.dumps(told), *lines[place + 1 :]]))
    with pytest.raises(AssertionError, match="payload_changed"):
        _run(planned.house, "audit", "verify", "--export", exported)


def test_a_rebuild_gives_the_same(planned: Planned) -> None:
    """Replayed from the topics, beside the live tables and in their place, to the byte."""
    before = _reserves(planned)
    assert "equal, byte for byte" in _run(planned.house, "rebuild", "metrics", "--verify")
    _run(planned.house, "rebuild", "metrics")
    assert "equal, byte for byte" in _run(planned.house, "rebuild", "metrics", "--verify")
    assert _reserves(planned) == before


def _reserves(planned: Planned) -> dict[str, Any]:
    return planned.desk.get(f"/api/funds/{planned.fund}/planned-reserves") | {"as_of": None}


def test_the_books_are_right(planned: Planned) -> None:
    """Every invariant holds, and the history of reserves is among what was looked at."""
    verdict = planned.house.check()
    (reserves,) = [each for each in verdict["invariants"] if each["invariant"] == "I13"]
    looked_at = {question["what"]: question["rows"] for question in reserves["questions"]}
    assert looked_at["reserves are what their history comes to"] == COMPANIES
    assert looked_at["changes of reserves follow from each other"] == 2 * COMPANIES
