"""Promises of what comes in from Kafka."""

from typing import Any

import pytest

from services.metrics import consumer, store
from services.metrics.consumer import apply, read
from services.metrics.domain import Allocation, Deal, Fund, Hold, Receivable, Reserves, Terms
from shared import topics
from shared.contracts import BY_TOPIC, FundChanged, ReserveChange, ReserveReallocated, encode
from shared.money import Minor
from shared.postgres import Connection
from tests.metrics import events
from tests.metrics.events import NOW, arrival, arrivals


def test_every_topic_is_read_by_its_contract() -> None:
    """Metrics reads exactly its topics, each by the model that its writer publishes, or by a part of it."""
    assert set(consumer.READS) == {
        topics.FUND_CHANGED,
        topics.DEAL_CHANGED,
        topics.CALL_TERMS_CHANGED,
        topics.CALL_STATUS_CHANGED,
        topics.ALLOCATION_STATUS_CHANGED,
        topics.PAYMENT_HELD,
        topics.RESERVE_REALLOCATED,
    }
    assert all(issubclass(BY_TOPIC[topic], contract) for topic, contract in consumer.READS.items())


def test_every_kind_of_event_is_taken() -> None:
    """Each event becomes a snapshot, its amounts integers of minor units."""
    said = (events.fund(), events.deal(), events.terms(), events.receivable(), events.allocation(), events.held())
    snapshots, unreadable = read(arrivals(*said, events.reserves(3)))
    assert unreadable == []
    found: dict[type[object], Any] = {type(snapshot): snapshot for snapshot in snapshots}
    assert list(found) == [Fund, Deal, Terms, Receivable, Allocation, Hold, Reserves]
    assert (found[Fund].size, found[Deal].name) == (50_000_000_00, "Balerion")
    assert (found[Terms].planned, found[Terms].version) == (400_000_00, 1)
    assert (found[Receivable].amount, found[Allocation].committed) == (400_000_00, 1_000_000_00)
    assert (found[Hold].amount, found[Hold].reason) == (12_50, "no_match")
    assert found[Reserves] == Reserves(1, "USD", Minor(9_000_000_00), 2, NOW, 3)


async def test_the_required_example(db: Connection) -> None:
    """Commit, call, pay: what is kept is what the last events said."""
    await apply(db, arrivals(*events.the_required_example()), NOW)
    totals = await store.sum_allocations(db, 1)
    assert (totals.called, totals.funded, totals.unfunded) == (400_000_00, 400_000_00, 600_000_00)
    [call] = await store.calls_of_allocation(db, 1)
    assert (call.status, call.paid, call.outstanding) == ("paid", 400_000_00, 0)


async def test_garbage_between_two_good_events(db: Connection) -> None:
    """What nobody can read becomes a dead letter with its reason; the events around it are taken."""
    wrong_decimals = events.fund(3).model_copy(update={"currency": "JPY"})
    async with db.transaction():
        await apply(
            db,
            [
                arrival(topics.FUND_CHANGED, events.fund(1)),
                arrival(topics.FUND_CHANGED, b"{"),
                arrival(topics.FUND_CHANGED, wrong_decimals),
                arrival(topics.FUND_CHANGED, encode(events.fund(4)).replace(b'"USD"', b'"XQQ"')),
                arrival(topics.FUND_CHANGED, events.fund(5).model_copy(update={"time_zone": "Mars/Olympus"})),
                arrival(topics.FUND_CHANGED, events.fund(2)),
            ],
            NOW,
        )
    assert [await store.find_fund(db, n) is not None for n in (1, 2, 3, 4)] == [True, True, False, False]
    reasons = await db.fetch("select reason from dead_letter order by record_offset")
    assert [row[0] for row in reasons] == ["bad_json", "bad_amount", "bad_currency", "bad_time_zone"]


@pytest.mark.parametrize(("paid", "kept"), [("4", [4_00]), ("4.0", [4_00]), ("4.00", [4_00]), ("4.000", [])])
def test_amounts_with_other_decimals(paid: str, kept: list[int]) -> None:
    """Fewer decimals than the currency's are filled up, more of them are no amount, whoever wrote the event."""
    snapshots, unreadable = read(arrivals(events.receivable().model_copy(update={"paid": paid})))
    assert [snapshot.paid for snapshot in snapshots if isinstance(snapshot, Receivable)] == kept
    assert [letter.reason for letter in unreadable] == ([] if kept else ["bad_amount"])


def test_currencies_have_their_own_decimals() -> None:
    """Yen have no decimals, and none are invented."""
    [fund], _ = read([arrival(FundChanged.topic, events.fund(1, currency="JPY"))])
    assert isinstance(fund, Fund)
    assert fund.size == Minor(50_000_000)


CHANGE = ReserveChange(company_id=1, before="0.00", after="0.00")


@pytest.mark.parametrize(
    "wrong",
    [
        {"total_after": "1.001"},
        {"total_before": "1.001"},
        {"changes": [CHANGE, CHANGE.model_copy(update={"before": "1.001"})]},
        {"changes": [CHANGE, CHANGE.model_copy(update={"after": "1.001"})]},
        {"currency": "JPY"},
    ],
)
def test_reserves_with_an_amount_that_is_none(wrong: dict[str, object]) -> None:
    """One amount of another currency's decimals, kept or not, and nothing of the event is taken."""
    snapshots, unreadable = read(arrivals(events.reserves().model_copy(update=wrong)))
    assert snapshots == []
    assert [letter.reason for letter in unreadable] == ["bad_amount"]


@pytest.mark.parametrize("reason", ["follow-on", "NaN is no number"])
def test_reserves_of_ten_thousand_companies(reason: str) -> None:
    """The largest fund there may be is one event within its limit, read as any other, whatever its reason says."""
    event = encode(events.reserves(2, companies=10_000, reason=reason))
    assert 500_000 < len(event) < ReserveReallocated.limit_bytes
    [reserves], unreadable = read([arrival(topics.RESERVE_REALLOCATED, event)])
    assert unreadable == []
    assert isinstance(reserves, Reserves)
    assert (reserves.companies, reserves.version) == (10_000, 2)
