"""The corpus of bad MT940 and MT942 files: each is refused whole, with line and reason, or posts what it must."""

import pytest

from services.payments.feeds import BankFile, NotTaken, read
from shared import currency
from tests.corpus.files_mt940 import CASES, ENVELOPED, GOOD, PLAIN, Taken, Verdict


def judged(data: bytes) -> Verdict:
    """What became of a file, in the words of the table."""
    result = read(data)
    if isinstance(result, NotTaken):
        assert result.format == "mt940", result
        (only,) = result.problems
        return f"{only.where}: {only.what}"
    assert isinstance(result, BankFile)
    entries = [entry for statement in result.statements for entry in statement.entries]
    return Taken(
        tuple(f"{e.payment_id} {e.kind} {currency.text(e.amount, e.currency)}" for e in entries if e.posted),
        tuple(problem.what for statement in result.statements for problem in statement.problems),
    )


@pytest.mark.parametrize(("data", "verdict"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_verdict_is_the_one_of_the_table(data: bytes, verdict: Verdict) -> None:
    """Refused for exactly one reason, at its line; or taken, and exactly that posted and said."""
    found = judged(data)
    if isinstance(verdict, Taken):
        assert found == verdict
    else:
        assert isinstance(found, str), found
        assert found.startswith(verdict)


def test_what_is_spoilt_was_good() -> None:
    """Every refusal of the table is the fault of the one thing that its case changes."""
    assert judged(GOOD) == PLAIN
    assert judged(ENVELOPED) == PLAIN


def test_every_case_has_a_name_of_its_own() -> None:
    """So that a failure names one line of the table."""
    names = [case[0] for case in CASES]
    assert len(set(names)) == len(names) >= 35


@pytest.mark.parametrize("length", range(0, len(ENVELOPED) - 4, 7))
def test_no_part_of_a_file_is_taken_for_the_whole(length: int) -> None:
    """A download that broke off anywhere is refused, and never raises."""
    result = read(ENVELOPED[:length])
    assert isinstance(result, NotTaken)
    assert result.problems
