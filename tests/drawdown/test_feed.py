"""Promises of `drawdown feed`: data on stdout, problems on stderr, exit codes that scripts can rely on."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from drawdown.samples import Line, camt053
from tests.support.house import House

DAY = date(2026, 3, 2)
SOURCE = "bank/feed-usd-1"


def feed(house: House, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "drawdown", "feed", *arguments, "--data", str(house.directory.path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def statement(folder: Path, name: str, *ids: str, amount: str = "5.00") -> str:
    lines = [Line(amount, DAY, bank_reference=id, remittance=f"wire {id}") for id in ids]
    path = folder / f"{name}.xml"
    path.write_bytes(camt053(name, "FEED-4000-77", "USD", "0.00", lines))
    return str(path)


def test_a_file_is_taken_and_its_payments_are_known(house: House, tmp_path: Path) -> None:
    """From a file on disk to held payments of the ledger, each once, however often it is fed and shown again."""
    first = statement(tmp_path, "first", "F-1", "F-2")
    later = statement(tmp_path, "later", "F-1", "F-2", "F-3")
    for arguments in ((first, "--source", SOURCE), (first,), (later,), (first, later)):
        done = feed(house, *arguments)
        assert done.returncode == 0, done.stderr
    house.settle()
    held = house.http.get("/api/payments", params={"status": "held", "limit": 200}).json()["items"]
    ours = sorted(payment["payment_id"] for payment in held if payment["source"] == SOURCE)
    assert ours == ["F-1", "F-2", "F-3"]


def test_json_is_one_document_for_each_file(house: House, tmp_path: Path) -> None:
    """Nothing but the documents stands on stdout; a dry run has no ids and keeps nothing."""
    files = [statement(tmp_path, f"json-{number}", f"J-{number}") for number in (1, 2)]
    looked = feed(house, *files, "--source", SOURCE, "--dry-run", "--json")
    assert looked.returncode == 0, looked.stderr
    documents = [json.loads(line) for line in looked.stdout.splitlines()]
    assert [document["file"] for document in documents] == files
    for document in documents:
        assert document["format"] == "camt.053.001.08"
        assert document["problems"] == []
        (shown,) = document["statements"]
        assert shown["id"] is None
        assert {"account", "currency", "opening", "closing", "proven", "entries"} <= set(shown)
        (entry,) = shown["entries"]
        assert {"payment_id", "kind", "amount", "currency", "booking_date", "value_date", "reference", "remittance",
                "remitter", "posted", "why_not"} <= set(entry)  # fmt: skip


def test_a_refused_file_stops_no_other(house: House, tmp_path: Path) -> None:
    """Exit code 2 and the line on stderr; the files around it are taken."""
    bad = tmp_path / "bad.xml"
    bad.write_bytes(Path(statement(tmp_path, "good-1", "G-1")).read_bytes().replace(b"5.00", b"5.001"))
    files = [statement(tmp_path, "good-2", "G-2"), str(bad), statement(tmp_path, "good-3", "G-3")]
    done = feed(house, *files, "--source", SOURCE, "--json")
    assert done.returncode == 2
    first, second, third = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["problems"], third["problems"]) == ([], [])
    assert second["statements"] == []
    assert "more than the 2 decimals" in second["problems"][0]["what"]
    shown = feed(house, str(bad))
    assert shown.returncode == 2
    assert "bad.xml: line " in shown.stderr
    assert "nothing of it was kept" in shown.stderr


def test_an_unknown_account_needs_a_source(house: House, tmp_path: Path) -> None:
    """The refusal says what to do."""
    path = tmp_path / "new.xml"
    path.write_bytes(camt053("new", "NOBODY-KNOWS-ME", "USD", "0.00", [Line("5.00", DAY, bank_reference="N-1")]))
    done = feed(house, str(path))
    assert done.returncode == 2
    assert "Send source" in " ".join(done.stderr.split())


@pytest.mark.parametrize(("name", "code"), [("missing.xml", 2), ("here.xml", 4)])
def test_without_a_file_or_a_stack(tmp_path: Path, name: str, code: int) -> None:
    """A file that is not there is wrong usage; a stack that is not there has an exit code of its own."""
    tmp_path.joinpath("here.xml").write_bytes(b"<x/>")
    command = [sys.executable, "-m", "drawdown", "feed", str(tmp_path / name), "--data", str(tmp_path / "stack")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
