"""Promises of `drawdown import`: history of people's own sheets becomes a ledger like any other, whatever dies on the
way."""

import csv
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from bench.history_sheets import SOURCE, History, write
from drawdown.localstack import processes
from shared.crashpoint import VARIABLE
from tests.support.desk import Desk
from tests.support.house import House

ROWS: Final = 20_000

pytestmark = pytest.mark.timeout(400)  # services die and come back while twenty thousand rows go in


def command(house: House, *arguments: object) -> list[str]:
    told = [str(argument) for argument in arguments]
    return [sys.executable, "-m", "drawdown", "import", *told, "--data", str(house.directory.path)]


def run(house: House, *arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(house, *arguments), capture_output=True, text=True, check=False)


def results(path: Path) -> list[dict[str, str]]:
    """The sheet of results beside a sheet."""
    with path.with_name(f"{path.name}.result.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def funds(house: House) -> dict[str, dict[str, Any]]:
    """Each fund's capital, by its name, whatever moment it is of."""
    items = house.http.get("/api/funds", params={"limit": 200}).json()["items"]
    found = {fund["name"]: house.http.get(f"/api/funds/{fund['id']}/capital").json() for fund in items}
    return {name: capital | {"as_of": None} for name, capital in found.items()}


def shows(house: House, history: History) -> None:
    """Every total of every fund is what the sheet comes to, to the last minor unit."""
    found = funds(house)
    assert {name: found[name]["total_funded"] for name in history.funded} == history.funded
    assert {name: found[name]["total_called"] for name in history.called} == history.called


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    return write(tmp_path_factory.mktemp("history") / "history.csv", ROWS)


@pytest.fixture(scope="module")
def imported(house: House, history: History) -> House:
    """The whole history, imported through deaths of the client and of everybody between it and the tables: as they
    answer, as they commit, as their answers are on the way, and anywhere."""
    arm(house, "allocations", "http.committed:2")
    arm(house, "payments", "http.commit_sent:2")
    client = start(house, history.path)
    for name in ("allocations", "payments"):
        wait_until(partial(has_ended, house, name))
        house.start(name)
    wait_until_done(history.path, ROWS // 2, client)
    client.send_signal(signal.SIGKILL)
    client.wait()
    client = start(house, history.path)
    for name, share in (("payments", 60), ("web", 80)):
        wait_until_done(history.path, ROWS * share // 100, client)
        house.kill(name)
        house.start(name)
    assert client.wait(timeout=100) == 0
    house.settle(timeout=100)
    return house


def start(house: House, path: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command(house, path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def arm(house: House, name: str, crash: str) -> None:
    """Starts a service again, to die at a crash point."""
    house.kill(name, signal.SIGTERM)
    program = house._program(name)
    house._children[name] = processes.start(house.directory, replace(program, env={**program.env, VARIABLE: crash}))
    house.wait_until_ready(name)


def has_ended(house: House, name: str) -> bool:
    return house._children[name].exit_code is not None


def wait_until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def wait_until_done(path: Path, rows: int, client: "subprocess.Popen[Any]") -> None:
    """Returns once the sheet of results has so many rows, or the client has ended before."""
    beside = path.with_name(f"{path.name}.result.csv")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and client.poll() is None:
        if beside.exists() and beside.read_bytes().count(b"\n") > rows:
            return
        time.sleep(0.005)
    assert client.poll() == 0 or time.monotonic() < deadline, f"{rows} rows were never done"


def test_history_is_there_once_whatever_died(imported: House, history: History) -> None:
    """Totals of every fund to the cent, each row created once, and every invariant of the ledger."""
    shows(imported, history)
    rows = results(history.path)
    assert Counter(row["outcome"] for row in rows) == {"created": ROWS}
    assert [int(row["row"]) for row in rows] == list(range(2, ROWS + 2))
    assert len({(row["type"], row["id"]) for row in rows}) == ROWS
    imported.check()


def test_the_same_file_again_changes_nothing(imported: House, history: History, tmp_path: Path) -> None:
    """The very same chunks answer as they did; the same rows in another order are there already."""
    again = run(imported, history.path, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["files"][0]["created"] == ROWS
    header, *lines = history.path.read_text().splitlines()
    other = tmp_path / "other.csv"
    other.write_text("\n".join([header, *reversed(lines)]) + "\n")
    done = run(imported, other, "--json")
    assert done.returncode == 0, done.stderr
    (told,) = json.loads(done.stdout)["files"]
    assert (told["created"], told["already_there"], told["refused"]) == (0, ROWS, 0)
    imported.settle(timeout=120)
    shows(imported, history)


def test_imported_history_lives_on(imported: House, desk: Desk) -> None:
    """A payment of today on an imported call, and a bank that takes an imported payment back, do as they always do."""
    calls = imported.http.get("/api/capital-calls", params={"status": "defaulted", "limit": 1}).json()["items"]
    call = calls[0]
    paid = desk.pay(call, call["outstanding"], "today")
    assert paid["call"]["status"] == "paid"
    one = next(
        payment
        for payment in imported.http.get(f"/api/capital-calls/{call['id']}").json()["applications"]
        if payment["source"] == SOURCE
    )
    back = desk.entry("back-today", one["amount"], source=SOURCE, kind="reversal", reverses=one["payment_id"])
    desk.bank({**back, "currency": call["currency"]})
    desk.until(f"/api/capital-calls/{call['id']}", {"outstanding": one["amount"], "status": "defaulted"})
    imported.settle()
    imported.check()


# ---- small sheets


def sheet(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.csv"
    path.write_text(text)
    return path


PROMISES: Final = """\
type,fund_key,deal_key,allocation_key,call_key,name,currency,time_zone,size,committed,amount,due_date
fund,{0}F,,,,{0} Fund,USD,UTC,1000000,,,
deal,,{0}D,,,{0} Deal,,,,,,
allocation,{0}F,{0}D,{0}A,,,,,,1000.00,,
call,,,{0}A,{0}C1,,,,,,600.00,2020-03-15
call,,,{0}A,{0}C2,,,,,,600.00,2020-06-15
"""
PAYMENTS: Final = """\
payment_id,amount,currency,value_date,call_key,kind,reverses
{0}E1,600.00,USD,2020-03-13,{0}C1,,
{0}R1,600.00,USD,2020-03-14,,reversal,{0}E1
{0}E2,600.00,USD,2020-03-15,{0}C1,,
{0}E3,0.01,USD,2020-03-16,{0}C1,,
{0}E4,1.00,USD,2020-06-15,{0}C2,,
"""


def test_bad_rows_are_named_and_the_others_taken(house: House, tmp_path: Path) -> None:
    """Exit code 2, each refusal with its row, code and words; payments that do not fit are held, as from a bank."""
    promises = sheet(tmp_path, "bad-promises", PROMISES.format("b") + "call,,,bA,bC3,,,,,,ten,2020-06-15\n")
    payments = sheet(tmp_path, "bad-payments", PAYMENTS.format("b"))
    done = run(house, promises, payments, "--source", "bank/bad", "--json")
    assert done.returncode == 2, done.stderr
    assert [(row["row"], row["outcome"], row["code"]) for row in results(promises)] == [
        *((str(n), "created", "") for n in (2, 3, 4, 5)),
        ("6", "refused", "over_commitment"),
        ("7", "refused", "invalid_value"),
    ]
    assert "more than the 400.00 USD still free" in results(promises)[4]["reason"]
    assert [(row["row"], row["outcome"], row["code"]) for row in results(payments)] == [
        ("2", "created", ""),
        ("3", "created", ""),
        ("4", "created", ""),
        ("5", "created", "over_payment"),
        ("6", "refused", "call_not_found"),
    ]
    told = json.loads(done.stdout)["files"]
    assert [(one["created"], one["refused"], one["held"]) for one in told] == [(4, 2, 0), (4, 1, 1)]
    house.settle()
    assert funds(house)["b Fund"]["total_funded"] == "600.00"


def test_a_dry_run_says_the_same_and_keeps_nothing(house: House, tmp_path: Path) -> None:
    """Row by row the verdicts of the real run after it, from services that know nothing of the file afterwards."""
    promises = sheet(tmp_path, "dry-promises", PROMISES.format("d"))
    payments = sheet(tmp_path, "dry-payments", PAYMENTS.format("d"))
    before = funds(house)
    dry = run(house, payments, promises, "--source", "bank/dry", "--dry-run", "--json")
    assert dry.returncode == 2, dry.stderr
    wanted = [(row["row"], row["outcome"], row["code"]) for path in (promises, payments) for row in results(path)]
    house.settle()
    assert funds(house) == before
    assert json.loads(dry.stdout)["dry_run"] is True
    real = run(house, payments, promises, "--source", "bank/dry")
    assert real.returncode == 2, real.stderr
    found = [(row["row"], row["outcome"], row["code"]) for path in (promises, payments) for row in results(path)]
    assert found == wanted
    house.settle()
    house.check()


def test_the_documented_sheet_is_taken(house: House, tmp_path: Path) -> None:
    """Whoever copies the example of the manual gets what it says."""
    manual = (Path(__file__).parents[2] / "docs" / "import.md").read_text()
    path = sheet(tmp_path, "manual", manual.split("```csv\n")[1].split("```")[0])
    done = run(house, path, "--source", "bank/manual-example", "--json")
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["files"][0]["created"] == 5
    house.settle()
    assert funds(house)["Balerion II"]["total_funded"] == "400000.00"


def test_a_file_that_is_no_sheet_is_refused_whole(house: House, tmp_path: Path) -> None:
    """Before anything of any file is sent: exit code 2, and why on stderr."""
    good = sheet(tmp_path, "good", "deal_key,name\nnever,Never\n")
    bad = sheet(tmp_path, "bad", "deal_key,nmae\nx,y\n")
    done = run(house, good, bad)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'nmae'" in done.stderr
    answer = house.http.get("/api/deals", params={"limit": 200}).json()["items"]
    assert "Never" not in {deal["name"] for deal in answer}


def test_nothing_runs_there(tmp_path: Path) -> None:
    """Exit code 4, and how to start it."""
    path = sheet(tmp_path, "deals", "deal_key,name\nD,x\n")
    asked = [sys.executable, "-m", "drawdown", "import", str(path), "--data", str(tmp_path / "nowhere")]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "drawdown up" in done.stderr


def test_ctrl_c_leaves_what_was_done(house: House, tmp_path: Path) -> None:
    """Interrupted, it says how to go on; what was written of the results stays, and going on ends like any run."""
    history = write(tmp_path / "interrupted.csv", 6_000, seed=2)
    text = history.path.read_text().replace(SOURCE, "bank/interrupted").replace("Fund ", "Other ")
    path = sheet(tmp_path, "interrupted", text)
    client = subprocess.Popen(command(house, path), stderr=subprocess.PIPE, text=True)
    wait_until_done(path, 300, client)
    client.send_signal(signal.SIGINT)
    _, said = client.communicate(timeout=60)
    assert client.returncode == 1
    assert "start it again to go on" in said
    assert 300 < len(results(path)) < 6_000
