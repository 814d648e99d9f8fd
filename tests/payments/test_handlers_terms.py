"""Promises about what allocations and the calendar say: a call is issued once, its status follows the fund's date."""

from datetime import UTC, date, datetime, timedelta

from services.payments import handlers
from services.payments.domain import Stage
from services.payments.store import Fund
from shared.ids import FundId
from shared.money import Minor
from tests.payments.counter import Counter
from tests.payments.making import DUE, NOW, credit, reversal, terms

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)


async def tick(counter: Counter, now: datetime, *, limit: int = 1_000) -> int:
    async with counter.db.transaction():
        return await handlers.tick_business_date(counter.db, now=now, limit=limit)


async def test_terms_that_come_again_change_nothing(counter: Counter) -> None:
    """A replay makes no second version, whatever batch it comes in."""
    for _ in range(3):
        await counter.hear(terms(), terms(), terms(18))
    assert [(e["call_id"], e["version"]) for e in await counter.told()] == [(17, 1), (18, 1)]


async def test_only_issued_calls_are_receivables(counter: Counter) -> None:
    """Plans are remembered by their newest version, in any order."""
    await counter.hear(terms(stage=Stage.WITHDRAWN, terms_version=3), terms(18, stage=Stage.SCHEDULED))
    await counter.hear(terms(stage=Stage.SCHEDULED, terms_version=1))
    assert await counter.rows("select call_id, stage from payments.plan order by call_id") == [
        {"call_id": 17, "stage": "withdrawn"},
        {"call_id": 18, "stage": "scheduled"},
    ]
    assert await counter.rows("select id from payments.call") == []


async def test_older_terms_after_the_issue_change_nothing(counter: Counter) -> None:
    """`scheduled` that arrives late does not take an issued call back."""
    await counter.issue(17)
    await counter.hear(terms(stage=Stage.SCHEDULED, terms_version=1))
    await counter.receive(credit(amount=1))
    assert (await counter.call())["paid_minor"] == 1


async def test_the_newest_word_on_a_fund_wins(counter: Counter) -> None:
    """What terms say of a fund counts until the fund itself is heard of; older versions change nothing."""
    await counter.issue(17)
    heard = [
        Fund(FundId(1), "USD", "Asia/Tokyo", 2),
        Fund(FundId(1), "USD", "UTC", 1),
        Fund(FundId(2), "EUR", "Europe/Paris", 1),
    ]
    async with counter.db.transaction():
        await handlers.apply_funds(counter.db, heard)
    async with counter.db.transaction():
        await handlers.apply_funds(counter.db, heard[1:2])
    assert await counter.rows("select id, time_zone, version from payments.fund order by id") == [
        {"id": 1, "time_zone": "Asia/Tokyo", "version": 2},
        {"id": 2, "time_zone": "Europe/Paris", "version": 1},
    ]


async def test_a_call_is_overdue_on_its_funds_date(counter: Counter) -> None:
    """killbill/killbill#1074: a due date one day off outside UTC; here each fund's own midnight decides."""
    await counter.issue(17, fund_id=FundId(1), time_zone="Asia/Tokyo")
    await counter.issue(18, fund_id=FundId(2), time_zone="America/Los_Angeles")
    tokyo_midnight = datetime(2026, 3, 15, 15, tzinfo=UTC)
    await tick(counter, tokyo_midnight - timedelta(seconds=1))
    assert [(await counter.call(n))["status"] for n in (17, 18)] == ["called", "called"]
    await tick(counter, tokyo_midnight)
    assert [(await counter.call(n))["status"] for n in (17, 18)] == ["overdue", "called"]
    await tick(counter, datetime(2026, 3, 16, 7, tzinfo=UTC))
    assert [(await counter.call(n))["status"] for n in (17, 18)] == ["overdue", "overdue"]
    assert (await counter.call())["business_date"] == date(2026, 3, 16)
    await counter.check()


async def test_a_tick_tells_each_change_once(counter: Counter) -> None:
    """Overdue, then defaulted; a tick that finds nothing to change writes nothing."""
    await counter.issue(17, time_zone="UTC")
    for days in range(14):
        for _ in range(2):
            await tick(counter, NOON + timedelta(days=days))
    events = await counter.told()
    assert [(e["status"], e["previous_status"], e["version"]) for e in events] == [
        ("called", None, 1),
        ("overdue", "called", 2),
        ("defaulted", "overdue", 3),
    ]
    assert (await counter.call())["business_date"] == DUE + timedelta(days=11)


async def test_a_tick_goes_on_slice_by_slice(counter: Counter) -> None:
    """However many calls fall due on one day, each is looked at, in transactions of bounded size."""
    await counter.issue(*range(1, 26), time_zone="UTC")
    late = NOON + timedelta(days=1)
    assert [await tick(counter, late, limit=10) for _ in range(4)] == [10, 10, 5, 0]
    assert await counter.rows("select distinct status from payments.call") == [{"status": "overdue"}]


async def test_a_paid_call_is_seen_by_the_clock_again_after_a_reversal(counter: Counter) -> None:
    """Money that left long after the due date leaves a call in default at the next tick."""
    await counter.issue(17, time_zone="UTC")
    entry = credit()
    await counter.receive(entry)
    late = NOON + timedelta(days=30)
    await tick(counter, late)
    assert (await counter.call())["watch_on"] is None
    await counter.receive(reversal(entry), now=late)
    assert (await counter.call())["status"] == "overdue"
    await tick(counter, late)
    assert (await counter.call())["status"] == "defaulted"
    await counter.receive(credit("E2"), now=late)
    assert (await counter.call())["status"] == "paid"
    await counter.check()


async def test_a_call_due_long_ago_is_overdue_when_it_is_issued(counter: Counter) -> None:
    """Past due dates are valid; the first version tells the truth."""
    await counter.hear(terms(due_on=date(2025, 1, 5), amount=Minor(100)))
    (event,) = await counter.told()
    assert (event["status"], event["due_date"]) == ("overdue", "2025-01-05")
    await tick(counter, NOW)
    assert (await counter.call())["status"] == "defaulted"
