"""Promises of the use cases: each is one transaction that decides, saves and tells the same thing."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from services.allocations import handlers, store
from services.allocations.domain import Cadence, Command, Custom, Regular, Single, Stage, Tranche
from services.allocations.handlers import CallView
from shared import topics
from shared.contracts import BY_TOPIC, decode
from shared.ids import AllocationId, CallId, DealId
from shared.money import Minor, NotAnAmount
from shared.postgres import Connection
from shared.refusal import Refused
from tests.allocations import ledger
from tests.allocations.facts import DUE, NOW, K
from tests.allocations.ledger import hear, said, told, words
from tests.support.ledger import Ledger

NOTICE_DAY = datetime(2026, 2, 27, 15, tzinfo=UTC)  # the notice date of DUE, in New York too


async def issue_due(db: Connection, now: datetime = NOTICE_DAY, limit: int = 100) -> int:
    async with db.transaction():
        return await handlers.issue_due(db, limit=limit, now=now, origin=ledger.ORIGIN)


# ---- promises


async def test_everything_new_is_told(db: Connection) -> None:
    """A fund, a deal and an allocation each make one event, keyed by their id, and the deal is committed to."""
    made = await ledger.promise(db)
    events = await told(db)
    assert [(e.topic, e.key) for e in events] == [
        (topics.FUND_CHANGED, str(made.fund.id)),
        (topics.DEAL_CHANGED, str(made.allocation.deal_id)),
        (topics.ALLOCATION_STATUS_CHANGED, str(made.allocation.id)),
        (topics.DEAL_CHANGED, str(made.allocation.deal_id)),
    ]
    assert [e.data["stage"] for e in events if e.topic == topics.DEAL_CHANGED] == ["prospect", "committed"]
    assert events[2].data["committed"] == "1000000.00"
    assert words(events[2:3]) == ["1 ALLOCATE committed"]
    assert {e.actor for e in events} == {"tests"}


async def test_a_promise_is_made_once(db: Connection) -> None:
    """The same fund and deal again is refused, names the allocation that is there, and writes nothing."""
    made = await ledger.promise(db)
    before = await told(db)
    again = await handlers.create_allocation(
        db, made.fund, made.allocation.deal_id, committed=Minor(1), schedule=Single(DUE), now=NOW, origin=ledger.ORIGIN
    )
    assert isinstance(again, Refused)
    assert (again.code, again.facts["allocation_id"]) == ("allocation_exists", made.allocation.id)
    assert await told(db) == before


async def test_two_at_once_make_one_promise(db: Connection, database: Ledger) -> None:
    """Two people who commit the same fund to the same deal at the same moment: one does, the other learns so."""
    of, to = await ledger.fund(db), await ledger.deal(db)

    async def make() -> object:
        async with database.connect("allocations") as other, other.transaction():
            return await handlers.create_allocation(
                other, of, to.id, committed=K, schedule=None, now=NOW, origin=ledger.ORIGIN
            )

    answers = await asyncio.gather(*(make() for _ in range(4)))
    assert sorted(getattr(answer, "code", "made") for answer in answers) == ["allocation_exists"] * 3 + ["made"]


@pytest.mark.parametrize(
    ("deal_offset", "committed", "code"),
    [(1, K, "deal_not_found"), (0, 0, "invalid_committed"), (0, 10**15 + 1, "invalid_committed")],
)
async def test_a_promise_that_cannot_be_made(db: Connection, deal_offset: int, committed: int, code: str) -> None:
    """An unknown deal and an amount out of bounds are refused."""
    of, to = await ledger.fund(db), await ledger.deal(db)
    answer = await handlers.create_allocation(
        db,
        of,
        DealId(to.id + deal_offset),
        committed=Minor(committed),
        schedule=None,
        now=NOW,
        origin=ledger.ORIGIN,
    )
    assert isinstance(answer, Refused)
    assert answer.code == code


async def test_a_schedule_makes_its_calls_with_the_promise(db: Connection) -> None:
    """All calls of a schedule are planned in the same transaction, and each is told once, in its first version."""
    made = await ledger.promise(db, schedule=Regular(Cadence.MONTHLY, date(2026, 5, 31), 3))
    assert [(c.seq_no, c.amount, c.due_date, c.stage) for c in made.calls] == [
        (1, 333_333_34, date(2026, 5, 31), Stage.SCHEDULED),
        (2, 333_333_33, date(2026, 6, 30), Stage.SCHEDULED),
        (3, 333_333_33, date(2026, 7, 31), Stage.SCHEDULED),
    ]
    assert (made.allocation.planned, made.allocation.called, made.allocation.version) == (K, 0, 1)
    terms = await told(db, topics.CALL_TERMS_CHANGED)
    assert [(e.key, e.data["seq_no"], e.data["terms_version"], e.data["stage"]) for e in terms] == [
        (str(made.allocation.id), seq_no, 1, "scheduled") for seq_no in (1, 2, 3)
    ]


async def test_a_schedule_that_cannot_be_planned_makes_nothing(db: Connection) -> None:
    """More than the commitment is refused as a whole: no allocation without its calls."""
    of, to = await ledger.fund(db), await ledger.deal(db)
    too_much = Custom([Tranche(DUE, amount=Minor(K + 1))])
    answer = await handlers.create_allocation(
        db, of, to.id, committed=K, schedule=too_much, now=NOW, origin=ledger.ORIGIN
    )
    assert isinstance(answer, Refused)
    assert answer.code == "over_commitment"
    assert await store.find_allocation(db, of.id, to.id) is None


async def test_which_refusal_wins(db: Connection) -> None:
    """What is not there, then wrong values, then what exists already, then the amount."""
    made = await ledger.promise(db)
    too_much, mixed = Custom([Tranche(DUE, amount=Minor(K + 1))]), Custom([Tranche(DUE)])
    asked = [
        (DealId(made.allocation.deal_id + 100), Minor(0), mixed),
        (made.allocation.deal_id, Minor(0), mixed),
        (made.allocation.deal_id, K, mixed),
        (made.allocation.deal_id, K, too_much),
        ((await ledger.deal(db)).id, K, too_much),
    ]
    answers = [
        await handlers.create_allocation(
            db, made.fund, deal_id, committed=committed, schedule=schedule, now=NOW, origin=ledger.ORIGIN
        )
        for deal_id, committed, schedule in asked
    ]
    assert [answer.code for answer in answers if isinstance(answer, Refused)] == [
        "deal_not_found",
        "invalid_committed",
        "invalid_schedule",
        "allocation_exists",
        "over_commitment",
    ]


async def test_every_event_is_readable(db: Connection) -> None:
    """What is put into the outbox is what the contract of its topic reads, amounts in the fund's decimals."""
    yen = await ledger.promise(db, "1000", of=await ledger.fund(db, "JPY", "Asia/Tokyo"))
    call = await ledger.issue(db, yen, "400")
    await hear(db, said(call, 1, paid="400", postings=1))
    for row in await db.fetch("select topic, payload from outbox_event"):
        decode(BY_TOPIC[row["topic"]], row["payload"])
    last = (await told(db, topics.ALLOCATION_STATUS_CHANGED))[-1]
    assert (last.data["funded"], last.data["uncalled"], last.data["outstanding"]) == ("400", "600", "0")


# ---- calls


async def test_a_call_is_issued_at_once(db: Connection) -> None:
    """Its terms and its allocation are told in one transaction, with the fund's business date and the call's RF."""
    made = await ledger.promise(db)
    view = await ledger.issue(db, made, "400000.00")
    [terms] = await told(db, topics.CALL_TERMS_CHANGED)
    assert terms.data["stage"] == "issued"
    assert (terms.data["issued_on"], terms.data["notice_date"]) == ("2026-02-02", "2026-02-27")
    assert terms.data["reference"].endswith(f"D{view.call.id:010d}")
    assert (terms.data["time_zone"], terms.data["grace_days"], terms.data["cure_days"]) == ("America/New_York", 0, 10)
    assert words(await told(db, topics.ALLOCATION_STATUS_CHANGED)) == [
        "1 ALLOCATE committed",
        "2 CREATE_CALL partially_called",
    ]


async def test_nothing_is_called_beyond_the_commitment(db: Connection) -> None:
    """The refusal names what is free, and nothing is written."""
    made = await ledger.promise(db)
    await ledger.issue(db, made, "999999.99", stage=Stage.SCHEDULED)
    before = await told(db)
    answer = await handlers.create_call(
        db,
        made.allocation.id,
        amount="0.02",
        due_date=DUE,
        stage=Stage.ISSUED,
        now=NOW,
        origin=ledger.ORIGIN,
    )
    assert isinstance(answer, Refused)
    assert (answer.code, answer.facts["free"]) == ("over_commitment", "0.01")
    assert await told(db) == before


async def test_many_at_once_never_call_too_much(db: Connection, database: Ledger) -> None:
    """Eight people who each call 30 % at the same moment: three succeed, five learn what is free."""
    made = await ledger.promise(db)

    async def call() -> object:
        async with database.connect("allocations") as other, other.transaction():
            return await handlers.create_call(
                other,
                made.allocation.id,
                amount="300000.00",
                due_date=DUE,
                stage=Stage.ISSUED,
                now=NOW,
                origin=ledger.ORIGIN,
            )

    answers = await asyncio.gather(*(call() for _ in range(8)))
    assert sum(isinstance(answer, CallView) for answer in answers) == 3
    assert {answer.facts["free"] for answer in answers if isinstance(answer, Refused)} == {"100000.00"}
    calls = (await store.calls_of(db, [made.allocation.id]))[made.allocation.id]
    assert [call.seq_no for call in calls] == [1, 2, 3]


async def test_too_many_decimals_are_no_amount(db: Connection) -> None:
    """An amount that does not fit the fund's currency never becomes a number."""
    made = await ledger.promise(db)
    with pytest.raises(NotAnAmount):
        await ledger.issue(db, made, "1.001")


async def test_unknown_things_are_not_found(db: Connection) -> None:
    """No allocation, no call, and another allocation's call: each is refused as not there."""
    one, other = await ledger.promise(db), await ledger.promise(db)
    call = await ledger.issue(db, one, "1.00", stage=Stage.SCHEDULED)
    nowhere = await handlers.create_call(
        db, AllocationId(10**6), amount="1", due_date=DUE, stage=Stage.ISSUED, now=NOW, origin=ledger.ORIGIN
    )
    strange = await ledger.move(db, CallView(call.call, other.allocation, other.fund), Command.ISSUE)
    missing = await handlers.move_call(
        db, one.allocation.id, CallId(call.call.id + 1), Command.ISSUE, now=NOW, origin=ledger.ORIGIN
    )
    codes = [answer.code for answer in (nowhere, strange, missing) if isinstance(answer, Refused)]
    assert codes == ["allocation_not_found", "call_not_found", "call_not_found"]


async def test_the_way_of_a_plan(db: Connection) -> None:
    """Approval, issue: each stage is the next version of the terms, and only issuing moves C."""
    call = await ledger.issue(db, await ledger.promise(db), "100.00", stage=Stage.PENDING_APPROVAL)
    early = await ledger.move(db, call, Command.ISSUE)
    assert isinstance(early, Refused)
    assert early.code == "invalid_transition"
    for command in (Command.APPROVE, Command.ISSUE):
        assert isinstance(await ledger.move(db, call, command), CallView)
    terms = await told(db, topics.CALL_TERMS_CHANGED)
    assert [(e.data["terms_version"], e.data["previous_stage"], e.data["stage"]) for e in terms] == [
        (1, None, "pending_approval"),
        (2, "pending_approval", "scheduled"),
        (3, "scheduled", "issued"),
    ]
    assert words(await told(db, topics.ALLOCATION_STATUS_CHANGED)) == [
        "1 ALLOCATE committed",
        "2 CALL_PLANNED committed",
        "3 CREATE_CALL partially_called",
    ]


@pytest.mark.parametrize("command", [Command.REJECT, Command.WITHDRAW])
async def test_what_is_taken_back_is_free_again(db: Connection, command: Command) -> None:
    """A rejected or withdrawn call leaves P, so its amount can be called anew; it takes no further command."""
    made = await ledger.promise(db)
    call = await ledger.issue(db, made, "1000000.00", stage=Stage.PENDING_APPROVAL)
    assert isinstance(await ledger.move(db, call, command), CallView)
    assert words(await told(db, topics.ALLOCATION_STATUS_CHANGED))[-1] == "3 CALL_WITHDRAWN committed"
    refused = await ledger.move(db, call, Command.ISSUE)
    assert isinstance(refused, Refused)
    assert refused.code == "call_closed"
    again = await ledger.issue(db, made, "1000000.00")
    assert (again.call.seq_no, again.allocation.called) == (2, K)


async def test_issuing_twice_is_issuing_once(db: Connection) -> None:
    """The second answer is the call as it is; no version, no event."""
    call = await ledger.issue(db, await ledger.promise(db), "100.00", stage=Stage.SCHEDULED)
    first = await ledger.move(db, call, Command.ISSUE)
    before = await told(db)
    second = await ledger.move(db, call, Command.ISSUE, now=NOW + timedelta(days=3))
    assert first == second
    assert await told(db) == before


# ---- the clock


async def test_the_clock_issues_on_the_notice_date(db: Connection) -> None:
    """Not a day earlier, on the business date of the fund, with that date as the day of issue; then never again."""
    made = await ledger.promise(db, schedule=Single(DUE))
    assert await issue_due(db, NOTICE_DAY - timedelta(days=1)) == 0
    assert await issue_due(db, datetime(2026, 2, 27, 4, tzinfo=UTC)) == 0, "it is still the 26th in New York"
    assert await issue_due(db) == 1
    assert await issue_due(db) == 0
    [call] = (await store.calls_of(db, [made.allocation.id]))[made.allocation.id]
    assert (call.stage, call.issued_on) == (Stage.ISSUED, date(2026, 2, 27))
    assert words(await told(db, topics.ALLOCATION_STATUS_CHANGED))[-1] == "2 CREATE_CALL called"


async def test_the_clock_makes_one_version_of_many_calls(db: Connection) -> None:
    """Several calls of one allocation that are due together: one version of the allocation, one of each call."""
    made = await ledger.promise(db, schedule=Custom([Tranche(DUE, share=s) for s in (0, 500_000, 500_000)]))
    assert await issue_due(db) == 3
    assert words(await told(db, topics.ALLOCATION_STATUS_CHANGED)) == ["1 ALLOCATE committed", "2 CREATE_CALL called"]
    assert [e.data["terms_version"] for e in await told(db, topics.CALL_TERMS_CHANGED)] == [1, 1, 1, 2, 2, 2]
    allocation = await store.get_allocation(db, made.allocation.id)
    assert allocation is not None
    assert allocation.called == K


async def test_the_clock_works_in_slices(db: Connection) -> None:
    """A slice issues no more than its limit, the longest waiting first; the next one goes on."""
    await ledger.promise(db, schedule=Regular(Cadence.MONTHLY, date(2025, 1, 31), 5))
    assert [await issue_due(db, limit=2) for _ in range(4)] == [2, 2, 1, 0]


async def test_the_clock_and_a_person_issue_once(db: Connection, database: Ledger) -> None:
    """Whoever is first issues; the other finds it done. The terms have two versions, not three."""
    made = await ledger.promise(db, schedule=Regular(Cadence.MONTHLY, date(2025, 1, 31), 10))

    async def clock() -> None:
        async with database.connect("allocations") as other:
            await issue_due(other)

    async def person(number: int) -> None:
        async with database.connect("allocations") as other:
            view = CallView(made.calls[number], made.allocation, made.fund)
            assert isinstance(await ledger.move(other, view, Command.ISSUE, now=NOTICE_DAY), CallView)

    await asyncio.gather(clock(), *(person(number) for number in range(10)), clock())
    terms = await told(db, topics.CALL_TERMS_CHANGED)
    assert sorted((e.data["seq_no"], e.data["terms_version"]) for e in terms) == [
        (seq_no, version) for seq_no in range(1, 11) for version in (1, 2)
    ]
    versions = [e.data["version"] for e in await told(db, topics.ALLOCATION_STATUS_CHANGED)]
    assert versions == list(range(1, len(versions) + 1))
