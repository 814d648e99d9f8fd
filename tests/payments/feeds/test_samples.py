"""The promise of the samples: each file of `samples/bank-files` is read as the page beside it says, to the last member.

The pages are written by hand, from what a bank means by such a file; a member that a page does not name is not there.
"""

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from services.payments.feeds import BankFile, Entry, NotTaken, Statement, read
from services.payments.feeds.csv_profile import Profile
from services.payments.feeds.csv_profile_json import from_json
from shared import currency

FOLDER = Path(__file__).parents[3] / "samples" / "bank-files"
PAGES = sorted(FOLDER.rglob("*.expected.json"))
_UNTOLD: tuple[object, ...] = (None, False, "", [])


def told(members: dict[str, Any]) -> dict[str, Any]:
    """The members that say something, as JSON has them."""
    shown = {name: str(one) if isinstance(one, StrEnum) else one for name, one in members.items()}
    return {name: one for name, one in shown.items() if one not in _UNTOLD}


def entry_told(entry: Entry) -> dict[str, Any]:
    members = asdict(entry) | {
        "amount": currency.text(entry.amount, entry.currency),
        "booking_date": entry.booking_date and entry.booking_date.isoformat(),
        "value_date": entry.value_date and entry.value_date.isoformat(),
        # A fingerprint cannot be written by hand; that it is one, and which of equal entries it numbers, can.
        "payment_id": "fp-" + entry.payment_id.rpartition("-")[2]
        if entry.payment_id.startswith("fp-")
        else entry.payment_id,
    }
    del members["line"]
    return told(members)


def statement_told(statement: Statement) -> dict[str, Any]:
    code = statement.currency
    return told(
        {
            "id": statement.id,
            "account": statement.account,
            "currency": code,
            "opening": None if statement.opening is None else currency.text(statement.opening, code),
            "closing": None if statement.closing is None else currency.text(statement.closing, code),
            "entries": [entry_told(entry) for entry in statement.entries],
            "problems": [problem.what for problem in statement.problems],
        }
    ) | {"proven": statement.proven}


def profile_of(page: dict[str, Any]) -> Profile:
    """The profile by which a page's file is read."""
    saved = page["profile"]
    profile = from_json(saved["name"], saved["version"], saved["definition"])
    assert isinstance(profile, Profile), profile
    return profile


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(FOLDER).as_posix())
def test_a_sample_is_read_as_its_page_says(page: Path) -> None:
    """Entries, amounts, days, texts, identities, balances and the proof: all as written beside the file."""
    expected = json.loads(page.read_text())
    data = page.with_name(page.name.removesuffix(".expected.json")).read_bytes()
    found = read(data, profile=profile_of(expected) if "profile" in expected else None)
    if isinstance(found, NotTaken):
        shown: dict[str, Any] = {"format": found.format, "refused": [[p.where, p.what] for p in found.problems]}
    else:
        assert isinstance(found, BankFile)
        shown = {"format": found.format, "statements": [statement_told(one) for one in found.statements]}
    assert shown == {name: expected[name] for name in expected if name not in {"made_by", "imitates", "profile"}}


def test_there_is_a_page_for_every_sample() -> None:
    """No file is there that nothing is said of, and each page says by whom it was made and whose habits it has."""
    files = {path for path in FOLDER.rglob("*") if path.is_file() and path.suffix != ".md"}
    pages = {path for path in files if path.name.endswith(".expected.json")}
    assert {page.with_name(page.name.removesuffix(".expected.json")) for page in pages} == files - pages
    for page in pages:
        said = json.loads(page.read_text())
        assert said["made_by"] == "Drawdown", page
        assert len(said["imitates"]) > 20, page
