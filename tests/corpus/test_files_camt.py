"""The corpus of camt files: each is refused whole, with line and reason, or posts what it must."""

import random

import pytest

from services.payments.feeds import BankFile, Kind, NotTaken, read
from shared import currency
from tests.corpus.files_camt import ALL, CASES, GOOD, Taken, Verdict


def judged(data: bytes) -> Verdict:
    """What became of a file, in the words of the table."""
    result = read(data)
    if isinstance(result, NotTaken):
        (only,) = result.problems
        return f"{only.where}: {only.what}"
    assert isinstance(result, BankFile)
    return Taken(
        tuple(
            f"{identity(entry.payment_id)} {entry.kind} {currency.text(entry.amount, entry.currency)} {entry.currency}"
            + (f" of {entry.reverses}" if entry.kind is Kind.REVERSAL else "")
            for statement in result.statements
            for entry in statement.entries
            if entry.posted
        ),
        tuple(problem.what for statement in result.statements for problem in statement.problems),
    )


def identity(payment_id: str) -> str:
    """A fingerprint cannot be written by hand; that it is one, and which of equal entries it numbers, can."""
    return f"fp-{payment_id.rpartition('-')[2]}" if payment_id.startswith("fp-") else payment_id


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
    """Every refusal of the table is the fault of the one thing that its case changes; and the good file is proven."""
    assert judged(GOOD) == ALL
    result = read(GOOD)
    assert isinstance(result, BankFile)
    assert [one.proven for one in result.statements] == [True]


def test_every_case_has_a_name_of_its_own() -> None:
    """So that a failure names one line of the table."""
    names = [case[0] for case in CASES]
    assert len(set(names)) == len(names) >= 100


@pytest.mark.parametrize("length", range(0, len(GOOD) - 1, 29))
def test_no_part_of_a_file_is_taken_for_the_whole(length: int) -> None:
    """A download that broke off anywhere is refused, and never raises."""
    result = read(GOOD[:length])
    assert isinstance(result, NotTaken)
    assert result.problems


def test_damage_never_raises() -> None:
    """Whatever bytes of a file become, it is taken or refused in words."""
    chance = random.Random(20260302)
    for _ in range(500):
        spoilt = bytearray(GOOD)
        for _ in range(chance.randint(1, 4)):
            spoilt[chance.randrange(len(spoilt))] = chance.choice(b"<>&/\"'=0919.-AZ\x00\xff ")
        found = read(bytes(spoilt))
        assert isinstance(found, BankFile) or found.problems
