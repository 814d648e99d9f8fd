"""Promises about our own topics, should anybody else write there."""

from collections.abc import Iterator

import pytest

from tests.corpus import books, foreign
from tests.corpus.foreign import Ran
from tests.corpus.topics import CASES, Foreign
from tests.support import house as house_
from tests.support import ledger as ledger_
from tests.support.desk import Desk
from tests.support.house import House
from tests.support.servers import Servers

pytestmark = pytest.mark.timeout(600)  # the first test waits for its whole table


@pytest.fixture(scope="module")
def house(servers: Servers, ledger_template: str) -> Iterator[House]:
    """A house of its own: after this table it has seen strangers, and the other categories could not be checked."""
    with ledger_.copy(servers, ledger_template) as fresh, house_.furnished(servers, fresh) as furnished:
        yield furnished


@pytest.fixture(scope="module")
def ran(house: House) -> Ran:
    """The whole table, sent twice."""
    return foreign.run(house, CASES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_foreign_event(case: Foreign, ran: Ran) -> None:
    """Every reader sets it aside with a reason that names what is wrong, and reads on."""
    assert foreign.complaints(case, ran) == []


def test_nothing_of_it_is_kept(ran: Ran) -> None:
    """No service keeps anything of an entity that only bad events spoke of."""
    assert foreign.strays(ran) == []


def test_our_own_events_still_get_through(house: House, ran: Ran) -> None:
    """Commit, call, pay, on every partition: all four services hear of it as ever."""
    desk = Desk(house)
    for _ in range(4):
        allocation = desk.allocation("100.00")
        call = desk.call(allocation, "40.00")
        desk.pay(call, "40.00", "p")
        desk.until(f"/api/allocations/{allocation['id']}", {"funded": "40.00", "status": "partially_funded"})
        desk.until(f"/api/funds/{allocation['fund_id']}/capital", {"total_funded": "40.00"})


def test_the_check_names_the_strangers(house: House, ran: Ran) -> None:
    """Records on our topics that are not ours are an alarm; the money is right all the same."""
    house.settle()
    broken = {each["invariant"]: each for each in books.broken(books.check(house))}
    assert set(broken) == {"I8", "I9"}, broken
    (ours,) = [each for each in broken["I9"]["questions"] if each["what"] == "events are ours"]
    assert ours["violations"] == 4 * len(CASES), "each case is two records, sent twice"
