"""Promises to whoever sends a CSV: it is taken whole by its profile, or refused whole with the line and the reason."""

import pytest

from services.payments.feeds import BankFile, InMemory, Kind, Limits, NotTaken, csv_file
from services.payments.feeds.csv_profile import Profile
from services.payments.feeds.csv_profile_json import from_json
from shared import currency
from tests.corpus.files_csv import CASES, GOOD, Case, Refused


def outcome(case: Case) -> BankFile | NotTaken:
    profile = from_json("corpus", 1, case.definition)
    assert isinstance(profile, Profile), profile
    return csv_file.read(InMemory(case.data), Limits(), profile)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_file_comes_to_its_verdict(case: Case) -> None:
    """What is refused names its line; what is taken posts just what the table says."""
    found = outcome(case)
    if isinstance(case.verdict, Refused):
        assert isinstance(found, NotTaken), found
        first = found.problems[0]
        assert first.where == case.verdict.where
        assert case.verdict.what in first.what
        assert len(found.problems) == case.verdict.problems
        return
    assert isinstance(found, BankFile), found
    (statement,) = found.statements
    posted = tuple(
        ("-" if entry.kind is Kind.REVERSAL else "") + currency.text(entry.amount, entry.currency)
        for entry in statement.entries
        if entry.posted
    )
    assert (posted, statement.proven) == case.verdict


def test_names_are_names() -> None:
    """Each case can be named without a doubt, and there are as many as were promised."""
    assert len({case.name for case in CASES}) == len(CASES) >= 40


@pytest.mark.parametrize("place", range(len(GOOD)))
def test_a_damaged_byte_never_raises(place: int) -> None:
    """Whatever one byte of a good file becomes, the file is taken or refused in words."""
    spoilt = Case("spoilt", GOOD[:place] + b"\x00" + GOOD[place + 1 :], Refused("", ""))
    assert isinstance(outcome(spoilt), NotTaken)
    for byte in (b'"', b";", b"\n", b"7"):
        found = outcome(Case("spoilt", GOOD[:place] + byte + GOOD[place + 1 :], Refused("", "")))
        assert isinstance(found, BankFile) or found.problems
