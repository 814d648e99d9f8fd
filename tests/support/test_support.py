"""What the other tests stand on keeps its own promises."""

from typing import Any

import pytest

from drawdown.addresses import SERVICES, look_up
from shared import topics
from shared.postgres import is_data_error
from tests.conftest import MakeTopics
from tests.support.house import House
from tests.support.ledger import Ledger
from tests.support.servers import Servers
from tests.support.topics import ends

FUND = {"name": "Balerion I", "currency": "USD", "time_zone": "America/New_York", "size": "1000000.00"}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_ledger_is_fresh_and_each_role_sees_its_own(ledger: Ledger, service: str) -> None:
    """Every test finds empty tables, under the role that the service really has."""
    async with ledger.connect(service) as db:
        assert await db.fetchval("select current_schema()") == service
        assert await db.fetchval("select count(*) from outbox") == 0
        await db.execute("insert into position (topic, partition) values ('t', 0)")
        other = next(name for name in SERVICES if name != service)
        assert not await db.fetchval("select has_schema_privilege($1, 'usage')", other)
        with pytest.raises(Exception, match="check constraint") as refused:
            await db.execute("insert into position (topic, partition) values ('t', -1)")
        assert is_data_error(refused.value)


async def test_topics_belong_to_one_test(servers: Servers, make_topics: MakeTopics) -> None:
    """A prefix of its own keeps a test's records apart, with as many partitions as it asked for."""
    prefix = await make_topics(topics.PAYMENT_RECEIVED, partitions=3)
    found = await ends(servers.kafka, prefix)
    assert found == {(topics.PAYMENT_RECEIVED, partition): 0 for partition in range(3)}


def test_a_house_settles_and_is_found(house: House) -> None:
    """An action over HTTP has gone all the way once the house is settled; commands find the house by its directory."""
    made = house.http.post("/api/funds", json=FUND).raise_for_status().json()
    house.settle()
    capital: dict[str, Any] = house.http.get(f"/api/funds/{made['id']}/capital").raise_for_status().json()
    assert capital["total_committed"] == "0.00"
    assert look_up(house.directory.path).front == house.addresses.front


def test_a_house_stands_kills(house: House) -> None:
    """What was killed stays down until the test starts it again; records wait meanwhile."""
    house.kill("metrics")
    house.http.post("/api/funds", json=FUND).raise_for_status()
    with pytest.raises(TimeoutError, match="metrics stands at"):
        house.settle(timeout=2)
    house.start("metrics")
    house.settle()


def test_records_of_any_kind_can_be_published(house: House) -> None:
    """Also what nobody can read, which settles as a dead letter."""
    house.publish(topics.PAYMENT_RECEIVED, "k", b"never readable")
    house.settle()
    assert len(house.http.get("/api/payments/dead-letters").raise_for_status().json()["items"]) == 1


def test_the_clock_moves_for_everybody(house: House) -> None:
    """A test walks through days without waiting for them."""
    house.move_clock(days=2)
    house.move_clock(seconds=5)
    assert (house.directory.path / "clock-offset").read_text() == str(2 * 24 * 3600 + 5)
