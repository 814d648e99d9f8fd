"""The promise of a large statement: ten thousand entries, killed half way and fed again, and the proof is exact."""

import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Final

import pytest

from drawdown.samples import Line, camt053
from shared.crashpoint import VARIABLE
from tests.support.desk import Desk
from tests.support.house import House

SOURCE: Final = "bank/large-usd-1"
DAY: Final = date(2026, 3, 2)
ENTRIES: Final = 10_000
CALLS: Final = 20


def kind_of(n: int) -> str:
    """What the n-th entry is: most are wires for a call."""
    if n % 500 == 499:
        return "reversal"  # of the one before it
    if n % 200 == 199:
        return "fee"
    return "unknown" if n % 100 == 99 else "wire"


def line(n: int, references: list[str]) -> Line:
    match kind_of(n):
        case "reversal":
            return Line("1.00", DAY, mark="DBIT", reversal=True, bank_reference=f"L-{n}", end_to_end_id=f"E-{n - 1}")
        case "fee":
            return Line("0.25", DAY, mark="DBIT", bank_reference=f"L-{n}", note="FEES")
        case "unknown":
            return Line("1.00", DAY, bank_reference=f"L-{n}", remittance="who knows")
        case _:
            reference = references[n % CALLS]
            return Line("1.00", DAY, bank_reference=f"L-{n}", end_to_end_id=f"E-{n}", reference=reference)


def feed(house: House, path: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "drawdown", "feed", str(path), "--source", SOURCE]
    return subprocess.run([*command, "--data", str(house.directory.path)], capture_output=True, text=True, check=False)


def test_ten_thousand_entries_killed_half_way(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a statement is none: what was killed left nothing, the same file again is taken whole, each entry once."""
    house = desk.house
    allocation = desk.allocation(f"{ENTRIES}.00")
    calls = [desk.call(allocation, f"{ENTRIES // CALLS}.00") for _ in range(CALLS)]
    lines = [line(n, [call["reference"] for call in calls]) for n in range(ENTRIES)]
    path = tmp_path / "large.xml"
    path.write_bytes(camt053("LARGE", "LARGE-ACCOUNT-1", "USD", "17.00", lines))

    house.stop("payments")
    monkeypatch.setenv(VARIABLE, "statements.slice_added:5")
    house.start("payments")
    monkeypatch.delenv(VARIABLE)
    killed = feed(house, path)
    assert killed.returncode == 1, killed.stdout
    assert "nothing is doubled" in " ".join(killed.stderr.split())
    house.kill("payments")  # it is dead already: this only takes note of it
    house.start("payments")
    assert desk.get("/api/bank-statements", {"source": SOURCE})["items"] == []

    again = feed(house, path)
    assert again.returncode == 0, again.stderr
    house.kill("payments")  # while the entries are being booked
    house.start("payments")
    assert feed(house, path).returncode == 0
    house.settle(180)

    (statement,) = desk.get("/api/bank-statements", {"source": SOURCE})["items"]
    proof = desk.get(f"/api/bank-statements/{statement['id']}")["proof"]
    kinds = Counter(kind_of(n) for n in range(ENTRIES))
    applied = kinds["wire"] - kinds["reversal"]
    assert {one["place"]: (one["entries"], one["amount"]) for one in proof["places"] if one["entries"]} == {
        "applied": (applied, f"{applied}.00"),
        "held": (kinds["unknown"], f"{kinds['unknown']}.00"),
        "taken_back": (kinds["reversal"], f"{kinds['reversal']}.00"),
        "reversals": (kinds["reversal"], f"-{kinds['reversal']}.00"),
        "not_ours": (kinds["fee"], f"-{kinds['fee'] / 4:.2f}"),
    }
    assert (proof["difference"], proof["unaccounted"], proof["complete"]) == ("0.00", "0.00", True)
    assert desk.seen_allocation(allocation)["funded"] == f"{applied}.00"
    house.check()
