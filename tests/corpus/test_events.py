"""Promises about everything that a bank may put on `payment.received`, one table per kind of mistake."""

from typing import Final

import pytest

from tests.corpus import books, currency, dates, envelope, framing, identity, judging, lifecycle, money, text
from tests.corpus.cases import Case
from tests.corpus.events import Ran, Tables, run
from tests.support.house import House

pytestmark = pytest.mark.timeout(600)  # the first test waits for its whole table

TABLES: Final[Tables] = {
    "envelope": envelope.CASES,
    "money": money.CASES,
    "currency": currency.CASES,
    "identity": identity.CASES,
    "dates": dates.CASES,
    "lifecycle": lifecycle.CASES,
    "text": text.CASES,
    "framing": framing.CASES,
}
EACH: Final = [pytest.param(name, case, id=f"{name}-{case}") for name, cases in TABLES.items() for case in cases]


@pytest.fixture(scope="module")
def runs(house: House) -> dict[str, Ran]:
    """Every table, sent twice."""
    return run(house, TABLES)


@pytest.mark.parametrize(("table", "case"), EACH)
def test_each_event(table: str, case: Case, runs: dict[str, Ran]) -> None:
    """The verdict is clear and the one that is promised, the money is where it belongs, the good event behind it is
    applied, and the same again changes nothing."""
    assert runs[table].complaints(case) == []


@pytest.mark.parametrize("table", TABLES)
def test_nothing_else_happened(table: str, runs: dict[str, Ran]) -> None:
    """No other payment is booked, each fund has what its cases sum to, and the second round changed nothing."""
    ran = runs[table]
    assert [*judging.strays(ran), *judging.totals(ran), *judging.changes(ran)] == []


def test_every_invariant_holds(house: House, runs: dict[str, Ran]) -> None:
    """After all of it the books are right."""
    assert books.broken(books.check(house)) == []
