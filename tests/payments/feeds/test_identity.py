"""Promises of reversals: the entry that is taken back is named as well as the bank names it, and never guessed."""

from dataclasses import replace
from time import process_time

import pytest

from services.payments.feeds import BankFile, Credit, Entry, Statement, WhyNot, name_originals, read
from shared.money import Minor
from tests.payments.feeds.documents import detail, document, entry, statement

ACCOUNT = ("4000123456", "USD")


def statements(*given: str) -> tuple[Statement, ...]:
    result = read(document(*given))
    assert isinstance(result, BankFile), result
    return result.statements


def reversal(refs: str = "", amount: str = "10.00", bank_reference: str | None = "R-1") -> str:
    inside = detail(amount, refs=refs, mark="DBIT")
    return entry(amount, mark="DBIT", flag="true", bank_reference=bank_reference, details=inside)


def credit(bank_reference: str, refs: str = "", amount: str = "10.00") -> str:
    return entry(amount, bank_reference=bank_reference, details=detail(amount, refs=refs))


def last(*given: str) -> Entry:
    return statements(statement(*given))[-1].entries[-1]


E2E = "<EndToEndId>E-1</EndToEndId>"
UETR = "<UETR>8a562c67-ca16-48ba-b074-65581be6f001</UETR>"
NAMED = "<Prtry><Tp>OrgnlAcctSvcrRef</Tp><Ref>B-77</Ref></Prtry>"


@pytest.mark.parametrize(
    ("before", "refs", "reverses", "found"),
    [
        ([credit("B-1", E2E)], E2E, "B-1", True),
        ([credit("B-1", UETR), credit("B-2", E2E)], E2E + UETR, "B-1", True),
        ([credit("B-1", E2E), credit("B-2", E2E, "99.00")], E2E, "B-1", True),
        ([credit("B-1", E2E, "99.00")], E2E, "B-1", True),
        ([credit("B-1", E2E), credit("B-2", E2E)], E2E, "E-1", False),
        ([credit("B-77", ""), credit("B-1", E2E)], E2E + NAMED, "B-77", True),
        ([credit("B-1", E2E)], E2E + NAMED, "B-77", False),
        ([], E2E, "E-1", False),
    ],
    ids=["end to end", "uetr first", "by amount", "other amount", "two fit", "named", "named, not here", "best known"],
)
def test_a_reversal_names_its_original(before: list[str], refs: str, reverses: str, found: bool) -> None:
    """The bank's word; else the one credit with the same ids; else the best reference, for a person to follow up."""
    taken_back = last(*before, reversal(refs))
    assert (taken_back.posted, taken_back.reverses, taken_back.original_found) == (True, reverses, found)


def test_a_reversal_without_any_reference_is_not_posted() -> None:
    """Nothing is taken back by guessing, however well an amount fits."""
    taken_back = last(credit("B-1"), reversal())
    assert (taken_back.posted, taken_back.why_not, taken_back.booked) == (False, WhyNot.NAMES_NO_ORIGINAL, True)


def test_an_original_in_another_statement_of_the_file_is_found() -> None:
    """Before or after the reversal, as long as it is of the same account."""
    first, second = statements(statement(reversal(E2E), id="S1"), statement(credit("B-1", E2E), id="S2"))
    assert first.entries[0].reverses == "B-1"
    assert second.entries[0].reverses is None


def test_an_original_known_from_earlier_is_found() -> None:
    """What the file does not show may be known; another account's entries never are."""
    alone = statements(statement(reversal(E2E)))
    earlier = Credit("B-9", Minor(1_000), "USD", "E-1", None)
    assert name_originals(alone, {ACCOUNT: [earlier]})[0].entries[0].reverses == "B-9"
    assert name_originals(alone, {("other", "USD"): [earlier]})[0].entries[0].reverses == "E-1"
    assert name_originals(name_originals(alone, {ACCOUNT: [earlier]})) == name_originals(alone, {ACCOUNT: [earlier]})


def test_many_reversals_are_named_as_quickly_as_few() -> None:
    """Each looks its original up, instead of going through all credits: a day of returned debits is no denial of
    service."""
    (few,) = statements(statement(credit("B-0", E2E), reversal(E2E)))
    came, left = few.entries
    pairs = [
        replace(one, payment_id=f"{one.payment_id}-{number}", end_to_end_id=f"E-{number}", reverses=None)
        for number in range(10_000)
        for one in (came, replace(left, original_found=False))
    ]
    began = process_time()
    (many,) = name_originals([replace(few, entries=tuple(pairs))])
    assert process_time() - began < 5
    assert [e.reverses for e in many.entries if e.reverses] == [f"B-0-{number}" for number in range(10_000)]


def test_a_reversal_that_bears_its_originals_reference() -> None:
    """Some banks give both bookings one reference: then it names the original, and the two identities stay apart."""
    both = statements(statement(credit("B-1"), reversal(bank_reference="B-1")))[0].entries
    assert [(e.payment_id, e.reverses) for e in both] == [("B-1", None), ("B-1/r", "B-1")]
    alone = statements(statement(reversal(bank_reference="B-1")))
    assert alone[0].entries[0].why_not is WhyNot.NAMES_NO_ORIGINAL
    known = {ACCOUNT: [Credit("B-1", Minor(1_000), "USD", None, None)]}
    (later,) = name_originals(alone, known)[0].entries
    assert (later.payment_id, later.reverses, later.posted) == ("B-1/r", "B-1", True)
