"""Promises of the table of OFX files: each comes to exactly its verdict."""

import pytest

from services.payments.feeds import BankFile, InMemory, Limits, NotTaken, ofx
from tests.corpus.files_bai2 import Case
from tests.corpus.files_ofx import CASES, GOOD, GOOD_POSTED, GOOD_XML
from tests.corpus.test_files_bai2 import posted


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_file_comes_to_its_verdict(case: Case) -> None:
    """Refused with its line and reason, or taken with exactly this posted and this told."""
    assert ofx.claims(case.data)
    found = ofx.read(InMemory(case.data), Limits())
    if case.refused:
        assert isinstance(found, NotTaken), found
        assert all(problem.where.startswith("line ") for problem in found.problems)
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


@pytest.mark.parametrize("good", [GOOD, GOOD_XML], ids=["sgml", "xml"])
def test_the_good_file_is_good(good: bytes) -> None:
    """What the table spoils is taken as it stands, without a word; and OFX proves nothing."""
    found = ofx.read(InMemory(good), Limits())
    assert isinstance(found, BankFile)
    assert posted(found) == GOOD_POSTED
    assert [(one.proven, one.problems) for one in found.statements] == [(None, ())]


def test_the_table_is_large_enough() -> None:
    """Twenty-five cases at the least, each under a name of its own."""
    assert len({case.name for case in CASES}) == len(CASES) >= 25
