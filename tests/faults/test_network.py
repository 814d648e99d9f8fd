"""Promises under a network that fails: before PostgreSQL and before the broker, under load, each fault many times.

With DRAWDOWN_FAULTS=full every kind of fault has its turn, else the worst of them.
"""

import os
from collections.abc import Iterator

import pytest

from drawdown.localstack.waiting import finish, until
from shared.postgres import connect
from tests.faults.network import Rule
from tests.faults.network.house import ProxiedHouse, proxied, recover
from tests.faults.network.load import Load, load_on
from tests.support.desk import Desk

SEED = 4
SERVICES = "drawdown-"  # as they call themselves before PostgreSQL

Case = tuple[Rule, str, int]  # the fault, what is counted of it, and how often it must be seen

TO_THE_DATABASE: list[Case] = [
    (Rule("cut_after", size_bytes=60_000), "cut", 10),
    (Rule("delay", milliseconds=30), "delay up", 200),
    (Rule("slice", size_bytes=400), "slice down", 200),
    (Rule("stall", direction="up"), "stall up", 5),
    (Rule("stall", direction="down"), "stall down", 5),
    (Rule("swallow", "DELETE"), "swallow DELETE", 3),
]
TO_THE_BROKER: list[Case] = [
    (Rule("swallow", "produce", chance=0.5), "swallow produce", 10),
    (Rule("lose", "produce", chance=0.5), "lose produce", 10),
    (Rule("swallow", "fetch", chance=0.2), "swallow fetch", 10),
    (Rule("swallow", "heartbeat"), "swallow heartbeat", 5),
    (Rule("swallow", "offset_commit"), "swallow offset_commit", 3),
    (Rule("delay", milliseconds=30), "delay up", 200),
    (Rule("cut_after", size_bytes=60_000), "cut", 10),
]
FULL = os.environ.get("DRAWDOWN_FAULTS") == "full"


def turns(cases: list[Case]) -> list[Case]:
    return cases if FULL else cases[:1]


def name_of(value: object) -> str:
    return f"{value.kind} {value.message or value.direction or ''}".strip() if isinstance(value, Rule) else ""


LEFT_OPEN = """
select application_name, query
  from pg_stat_activity
 where state like 'idle in transaction%' and state_change < now() - interval '2 seconds'
"""


@pytest.fixture(scope="module")
def house() -> Iterator[ProxiedHouse]:
    """One house behind proxies, for all of this module."""
    with proxied(seed=SEED) as furnished:
        yield furnished


def suffer(house: ProxiedHouse, load: Load, proxy: str, rule: Rule, *, seen: str, times: int) -> None:
    """The load runs under the rule, until that has struck so often; then all must come right by itself."""
    before = house.network.counts(proxy).get(seen, 0)
    with load, house.network.suffering(proxy, rule):
        struck = until(lambda: house.network.counts(proxy).get(seen, 0) - before >= times, seconds=60)
    assert struck, house.network.counts(proxy)
    assert_well(house, load)


def assert_well(house: ProxiedHouse, load: Load) -> None:
    """Nothing is lost, doubled or left open, and the next writes go through at once."""
    recover(house)
    house.settle(timeout=90)
    load.assert_right()
    house.check()
    assert finish(left_open(house)) == []
    desk = Desk(house)
    for _ in range(12):  # more than a pool has connections: a poisoned one would be met
        desk.allocation("100.00")


async def left_open(house: ProxiedHouse) -> list[tuple[str, str]]:
    """Sessions that sit in a transaction and do nothing."""
    db = await connect(house.addresses.admin_url, application="tests")
    try:
        return [tuple(row) for row in await db.fetch(LEFT_OPEN)]
    finally:
        await db.close()


def test_a_commit_whose_answer_is_lost_is_found_out(house: ProxiedHouse) -> None:
    """What was committed and not answered is not done again: batches are fenced off, writes answered as before."""
    load = load_on(house, payments=1_500, writes=40, seed=1)
    suffer(house, load, "postgres", Rule("swallow", "COMMIT", SERVICES, chance=0.3), seen="swallow COMMIT", times=20)
    assert any(one.sent > 1 for one in load.answered), "no write met the fault"


def test_a_commit_that_never_came_is_done_again(house: ProxiedHouse) -> None:
    """What was neither committed nor answered is done again, by the batch reader and by people with their key."""
    load = load_on(house, payments=1_500, writes=40, seed=2)
    suffer(house, load, "postgres", Rule("lose", "COMMIT", SERVICES, chance=0.3), seen="lose COMMIT", times=20)
    assert any(one.sent > 1 for one in load.answered), "no write met the fault"


@pytest.mark.parametrize(("rule", "seen", "times"), turns(TO_THE_DATABASE), ids=name_of)
def test_a_bad_way_to_the_database(house: ProxiedHouse, rule: Rule, seen: str, times: int) -> None:
    """Slow, sliced, cut and one-way connections, and a relay that never learns what it deleted, cost time alone."""
    load = load_on(house, payments=800, writes=20, seed=times)
    suffer(house, load, "postgres", rule, seen=seen, times=times)


@pytest.mark.parametrize(("rule", "seen", "times"), turns(TO_THE_BROKER), ids=name_of)
def test_a_bad_way_to_the_broker(house: ProxiedHouse, rule: Rule, seen: str, times: int) -> None:
    """Acknowledgements, fetches and heartbeats whose answers are lost leave no event lost and none counted twice."""
    load = load_on(house, payments=800, writes=20, seed=times)
    suffer(house, load, "kafka", rule, seen=seen, times=times)


def test_everything_cut_at_once_again_and_again(house: ProxiedHouse) -> None:
    """All connections of all services reset together, twenty times."""
    load = load_on(house, payments=1_500, writes=40, seed=7)
    with load:
        for n in range(20):
            house.network.cut("postgres" if n % 2 else "kafka")
            until(lambda: not load.running, seconds=0.15)
    assert_well(house, load)
