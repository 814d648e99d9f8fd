"""Promises of the proof: sums that add up, days that are the statement's, and a chain that shows every gap."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.payments.feeds import BankFile, InMemory, read
from services.payments.statements.proving import Follows, Joint, Link, Place, Sums, accounted, chain, days_of, sums_of
from shared.money import Minor
from tests.payments.feeds.documents import document, entry, statement

MONDAY = date(2026, 3, 2)
PENDING = "<Sts><Cd>PDNG</Cd></Sts>"


def link(id: int, day: int, opening: int | None, closing: int | None, days: int = 1) -> Link:
    first = MONDAY + timedelta(days=day)
    made = [None if minor is None else Minor(minor) for minor in (opening, closing)]
    return Link(id, made[0], made[1], first, first + timedelta(days=days - 1))


def told(joints: list[Joint]) -> list[tuple[int, str, int | None, int]]:
    return [(j.link.id, str(j.follows), j.previous.id if j.previous else None, j.missing_minor) for j in joints]


def test_closing_is_the_next_opening() -> None:
    """Days that meet continue each other, over a weekend too; the first has nothing before it."""
    links = [link(1, 0, 0, 100), link(2, 1, 100, 250), link(3, 4, 250, 200)]
    assert told(chain(links)) == [(1, "first", None, 0), (2, "continues", 1, 0), (3, "continues", 2, 0)]


def test_a_missing_day_is_a_gap_to_the_cent() -> None:
    """What happened between two statements is said in the account's money, with its sign."""
    links = [link(1, 0, 0, 100), link(2, 2, 175, 250), link(3, 3, 200, 200)]
    assert told(chain(links)) == [(1, "first", None, 0), (2, "gap", 1, 75), (3, "gap", 2, -50)]


def test_the_order_in_which_files_came_does_not_matter() -> None:
    """Statements form a chain by their days, not by when somebody uploaded them; a late one closes its gap."""
    links = [link(3, 0, 0, 100), link(1, 2, 175, 250), link(2, 1, 100, 175)]
    assert told(chain(links)) == [(3, "first", None, 0), (2, "continues", 3, 0), (1, "continues", 2, 0)]


def test_two_statements_of_one_day_follow_each_other() -> None:
    """As intraday statements do: by their number where the day is the same."""
    links = [link(1, 0, 0, 100), link(2, 1, 100, 150), link(3, 1, 150, 170), link(4, 2, 170, 170)]
    assert [joint.follows for joint in chain(links)] == [Follows.FIRST] + [Follows.CONTINUES] * 3


def test_the_same_statement_twice_is_no_gap() -> None:
    """A statement that was sent again, in another file, is neither its own predecessor nor anybody's trouble."""
    links = [link(1, 0, 0, 100), link(2, 1, 100, 150), link(3, 1, 100, 150), link(4, 2, 150, 160)]
    assert Follows.GAP not in {joint.follows for joint in chain(links)}


def test_a_month_over_its_days_is_no_gap() -> None:
    """A statement of a longer time begins where the time before it ended, whatever lies within it."""
    before = link(1, -1, 0, 100)
    days = [link(2, 0, 100, 150), link(3, 1, 150, 90), link(4, 2, 90, 90)]
    month = link(5, 0, 100, 90, days=3)
    after = link(6, 3, 90, 95)
    assert Follows.GAP not in {joint.follows for joint in chain([before, *days, month, after])}


def test_without_balances_nothing_is_claimed() -> None:
    """A report that states no balances stands in the list, and neither makes nor hides a gap."""
    links = [link(1, 0, 0, 100), link(2, 1, None, None), link(3, 1, 100, 130)]
    assert {joint.link.id: joint.follows for joint in chain(links)} == {
        1: Follows.FIRST,
        2: Follows.UNKNOWN,
        3: Follows.CONTINUES,
    }


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=12), st.data())
def test_exactly_what_was_left_out_is_missing(moves: list[int], data: st.DataObject) -> None:
    """Of a run of days any may be missing: the gaps that are found sum to the movements of the days left out."""
    balances = [0]
    for move in moves:
        balances.append(balances[-1] + move)
    every = [link(n, n, balances[n], balances[n + 1]) for n in range(len(moves))]
    kept = data.draw(st.permutations([one for one in every if data.draw(st.booleans())] or every[:1]))
    joints = chain(kept)
    inner = [n for n in range(min(k.id for k in kept), max(k.id for k in kept)) if n not in {k.id for k in kept}]
    assert sum(joint.missing_minor for joint in joints) == sum(moves[n] for n in inner)
    assert [joint.link.id for joint in joints] == sorted(k.id for k in kept)


def test_days_are_those_of_bookings_and_balances() -> None:
    """A pending entry and a forward balance speak of another time."""
    found = read(InMemory(document(statement(entry(), entry(status=PENDING)))))
    assert isinstance(found, BankFile)
    first, last = days_of(found.statements[0])
    booked = [e.booking_date for e in found.statements[0].entries if e.booked and e.booking_date]
    assert first is not None
    assert last is not None
    assert first <= min(booked) <= max(booked) <= last


def test_sums_are_those_of_the_statement() -> None:
    """Counted entry by entry, they are what the statement itself computes."""
    found = read(
        InMemory(document(statement(entry("5.00"), entry("7.00", mark="DBIT"), entry("9.00", status=PENDING))))
    )
    assert isinstance(found, BankFile)
    sums = sums_of(found.statements[0])
    assert sums == Sums(entries=3, posted=1, pending=1, foreign=0, credits_minor=500, debits_minor=700)
    assert sums.booked_minor == found.statements[0].booked == -200
    assert sums.difference(1000, 800) == 0
    assert sums.difference(1000, 801) == 1
    assert sums.difference(None, 800) is None


def test_every_place_is_on_the_page() -> None:
    """Also those where nothing is, so that two proofs can be laid side by side."""
    found = accounted({"applied": (2, 700), "not_ours": (1, -35)})
    assert [line.place for line in found.lines] == list(Place)
    assert found.sum_minor == 665
    assert found.at_rest
    assert not accounted({"on_the_way": (1, 5)}).at_rest
