"""Promises of the sample statements: the committed files are what the writer writes, and read as their README says."""

from datetime import date
from pathlib import Path

from drawdown.samples import MADE_BY_US, MeridianCalls, meridian_statements
from services.payments.feeds import BankFile, Statement, read
from shared.reference import find, reference_of

SAMPLES = Path(__file__).parents[2] / "samples" / "statements"
CALLS = MeridianCalls(*(reference_of(number) for number in (1, 2, 4, 5, 6, 7)))


def sample(name: str) -> Statement:
    result = read((SAMPLES / name).read_bytes())
    assert isinstance(result, BankFile), result
    (only,) = result.statements
    return only


def test_the_files_are_what_the_writer_writes() -> None:
    """Nobody edits a sample by hand, and each says who made it."""
    written = meridian_statements(CALLS, date(2026, 3, 2))
    assert {path.name: path.read_bytes() for path in SAMPLES.glob("*.xml")} == written
    assert all(MADE_BY_US.encode() in content for content in written.values())


def test_the_samples_sum_as_their_readme_says() -> None:
    """What each call is paid, what is held and what is only shown, to the cent; both statements are proven."""
    first, second = sample("meridian-1.xml"), sample("meridian-2.xml")
    assert (first.proven, second.proven) == (True, True)
    assert [e.payment_id for e in second.entries[:9]] == [e.payment_id for e in first.entries[:9]]
    paid: dict[tuple[int, ...], int] = {}
    for entry in second.entries:
        if entry.posted:
            calls = tuple(find(entry.reference, entry.remittance))
            paid[calls] = paid.get(calls, 0) + entry.signed
    assert paid == {
        (1,): 400_000_00,
        (4,): 1_250_000_00,
        (6,): 250_000_00,
        (5,): 1_250_000_00,
        (7,): 300_000_00,
        (): 50_000_00 - 1_250_000_00,
    }
    assert second.entries[-1].reverses == "MGF-0006"
    assert [str(e.why_not) for e in second.entries if not e.posted] == ["not_ours", "pending"]
