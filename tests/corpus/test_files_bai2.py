"""Promises of the table of BAI2 files: each comes to exactly its verdict."""

import pytest

from services.payments.feeds import BankFile, InMemory, Limits, NotTaken, bai2
from services.payments.feeds.model import Kind
from shared import currency
from tests.corpus.files_bai2 import CASES, GOOD, GOOD_POSTED, Case


def posted(file: BankFile) -> tuple[str, ...]:
    """What a file posts, in the words of the tables: kind, identity, amount, and what a reversal takes back."""
    return tuple(
        f"{entry.kind} {_identity(entry.payment_id)} {currency.text(entry.amount, entry.currency)} {entry.currency}"
        + (f" of {entry.reverses}" if entry.kind is Kind.REVERSAL else "")
        for statement in file.statements
        for entry in statement.entries
        if entry.posted
    )


def _identity(payment_id: str) -> str:
    """A fingerprint cannot be written by hand; that it is one, and which of equal entries it numbers, can."""
    return f"fp-{payment_id.rpartition('-')[2]}" if payment_id.startswith("fp-") else payment_id


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_file_comes_to_its_verdict(case: Case) -> None:
    """Refused with its line and reason, or taken with exactly this posted and this told."""
    assert bai2.claims(case.data)
    found = bai2.read(InMemory(case.data), Limits())
    if case.refused:
        assert isinstance(found, NotTaken), found
        told = "\n".join(f"{problem.where}: {problem.what}" for problem in found.problems)
        for words in case.refused:
            assert words in told
        return
    assert isinstance(found, BankFile), found
    assert posted(found) == case.posted
    told = "\n".join(problem.what for statement in found.statements for problem in statement.problems)
    for words in case.says:
        assert words in told
    assert bool(told) == bool(case.says), told


def test_the_good_file_is_good() -> None:
    """What the table spoils is taken as it stands, proven and without a word."""
    found = bai2.read(InMemory(GOOD), Limits())
    assert isinstance(found, BankFile)
    assert posted(found) == GOOD_POSTED
    assert [(one.proven, one.problems) for one in found.statements] == [(True, ())]


def test_the_table_is_large_enough() -> None:
    """Thirty cases at the least, each under a name of its own."""
    assert len({case.name for case in CASES}) == len(CASES) >= 30
