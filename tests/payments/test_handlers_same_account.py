"""Promises about one bank account under several names, on the real database: a live feed and the bank's own files."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from functools import partial
from typing import Any, Final

import pytest

from services.payments import feeds, handlers
from services.payments.consumer import Consumer
from services.payments.domain import Action, Entry
from services.payments.handlers import Registered
from shared import topics
from shared.currency import text
from shared.ids import FundId, PaymentId
from shared.kafka.records import Arrival
from shared.outbox import Origin
from shared.postgres import Connection
from shared.reference import reference_of
from shared.refusal import Refused
from tests.payments.asking import Api
from tests.payments.counter import Counter
from tests.payments.feeds.documents import detail, document, entry, statement
from tests.payments.making import NOW, TODAY, credit, reversal, terms
from tests.payments.proving import broken
from tests.payments.test_handlers_races import deadlocks, retried
from tests.support.ledger import Ledger

LIVE: Final = "bank/acme-live"
FILE: Final = "bank/acme-files"


async def register(at: Counter, alias: str, same_account_as: str | None = None, fund: int = 1) -> Registered | Refused:
    async with at.db.transaction():
        return await handlers.register_account(
            at.db, FundId(fund), alias=alias, currency="USD", same_account_as=same_account_as, now=NOW
        )


@pytest.fixture
async def one_account(counter: Counter) -> Counter:
    """Call 17 is issued, and a live feed and files show one account."""
    await counter.issue(17)
    assert isinstance(await register(counter, LIVE), Registered)
    assert isinstance(await register(counter, FILE, LIVE), Registered)
    return counter


@pytest.fixture
async def other(database: Ledger, counter: Counter) -> AsyncIterator[Counter]:
    """A second copy of the service on the same database, with ids of its own."""
    async with database.connect("payments") as connected:
        yield Counter(connected)


def live(name: str, amount: int = 100_00, **given: Any) -> Entry:
    return credit(name, amount, source=LIVE, **given)


def file(name: str, amount: int = 100_00, **given: Any) -> Entry:
    return credit(name, amount, source=FILE, **given)


async def pairs(at: Counter) -> dict[str, str]:
    """The bank's id of each possible duplicate, with that of the payment that it resembles."""
    rows = await at.rows(
        """
        select p.external_id, o.external_id as original
          from payments.hold h
          join payments.payment p on p.id = h.payment_id
          join payments.payment o on o.id = h.resembles_id
         where h.reason = 'possible_duplicate'
        """
    )
    return {row["external_id"]: row["original"] for row in rows}


async def resolve(at: Counter, name: str, action: Action, *parts: tuple[Any, str]) -> None:
    row = await at.payment(name)
    async with at.db.transaction():
        done = await handlers.resolve(
            at.db,
            at.numbers,
            PaymentId(row["id"]),
            action=action,
            parts=parts,
            reason="looked at",
            now=NOW,
            origin=Origin(),
        )
    assert not isinstance(done, Refused), done


def from_file(data: bytes) -> list[dict[str, Any]]:
    """What a bank's file publishes: its posted entries, as events under the source of the files."""
    content = feeds.read(data)
    assert isinstance(content, feeds.BankFile), content
    return [
        {
            "source": FILE,
            "payment_id": one.payment_id,
            "kind": str(one.kind),
            "amount": text(one.amount, one.currency),
            "currency": one.currency,
            "value_date": str(one.value_date),
            "reference": one.reference,
            "remittance": one.remittance,
        }
        for one in content.statements[0].entries
        if one.posted
    ]


async def consume(at: Counter, *said: dict[str, Any]) -> None:
    records = [
        Arrival(topics.PAYMENT_RECEIVED, 0, 1, n, b"k", json.dumps(one).encode(), (), 0) for n, one in enumerate(said)
    ]
    async with at.db.transaction():
        await Consumer(at.numbers, b"secret").apply(at.db, records, NOW)


@pytest.mark.parametrize("first", ["the live feed", "the file", "both at once"])
async def test_a_live_feed_and_the_file_of_the_same_day_pay_a_call_once(
    one_account: Counter, owner: Connection, first: str
) -> None:
    """A bank pushes two wires as they arrive, and sends the day's statement in the evening, which shows these two under
    other references and a third one that the feed missed. Whichever is read first, three wires are applied, two are
    held beside their likeness, and the books prove."""
    wire = {"source": LIVE, "kind": "credit", "amount": "100.00", "currency": "USD", "value_date": str(TODAY)}
    pushed = [{**wire, "payment_id": f"PUSH-{n}", "call_id": 17} for n in (1, 2)]
    day = f"<BookgDt><Dt>{TODAY}</Dt></BookgDt><ValDt><Dt>{TODAY + timedelta(days=1)}</Dt></ValDt>"
    shown = [
        entry(
            "100.00",
            bank_reference=f"B-{n}",
            days=day,
            details=detail(remittance=f"<Ustrd>for {reference_of(17)}</Ustrd>"),
        )
        for n in (1, 2, 3)
    ]
    evening = from_file(document(statement(*shown)))
    assert len(evening) == 3
    orders = {"the live feed": [pushed, evening], "the file": [evening, pushed], "both at once": [pushed + evening]}
    for batch in orders[first] * 2:  # and all of it once more, as Kafka may
        await consume(one_account, *batch)
    assert (await one_account.call())["paid_minor"] == 300_00
    assert [h[:2] for h in await one_account.holds()] == [("possible_duplicate", "open")] * 2
    assert len(set((await pairs(one_account)).values())) == 2
    await one_account.check()
    assert await broken(owner) == []


async def test_a_likeness_is_found_in_later_batches(one_account: Counter) -> None:
    """A feed and a file are days apart; each payment has one likeness, and what has none is applied."""
    for entries in (
        (live("L1"), live("L2")),
        (file("F1", value_date=TODAY + timedelta(days=2)),),
        (file("F2"),),
        (file("F3"),),
    ):
        await one_account.receive(*entries)
    assert await pairs(one_account) == {"F1": "L1", "F2": "L2"}
    assert (await one_account.call())["paid_minor"] == 300_00
    await one_account.check()


async def test_what_came_before_the_names_were_joined_is_compared_too(counter: Counter, owner: Connection) -> None:
    """Whoever registers the second name a week late loses nothing; a third name joins them, and two groups join too."""
    await counter.issue(17)
    await register(counter, LIVE)
    await counter.receive(live("L1"), credit("P1", 100_00, source="bank/portal"), live("L0", 5))
    await register(counter, FILE, LIVE)
    await register(counter, "bank/portal")
    await register(counter, "bank/paper", "bank/portal")
    await register(counter, "bank/portal", FILE)
    joined = await register(counter, FILE, LIVE)
    assert isinstance(joined, Registered)
    assert joined.same_account_as == (LIVE, "bank/paper", "bank/portal")
    await counter.receive(file("F1"), credit("Q1", 100_00, source="bank/paper"))
    found = await pairs(counter)
    assert set(found) == {"F1", "Q1"}
    assert set(found.values()) <= {"L1", "P1"}
    assert await broken(owner) == []


async def test_a_likeness_that_a_person_applies_was_none(one_account: Counter) -> None:
    """Then each of the two may still be told by the other name, and each is held again, once."""
    await one_account.receive(live("L1"))
    await one_account.receive(file("F1"))
    await resolve(one_account, "F1", Action.APPLY, (17, "100.00"))
    await one_account.receive(live("L2"), file("F2"), live("L3"))
    assert await pairs(one_account) == {"F1": "L1", "L2": "F1", "F2": "L1"}
    assert (await one_account.call())["paid_minor"] == 300_00
    await one_account.check()


async def test_a_likeness_that_a_person_dismisses_stays_one(one_account: Counter, owner: Connection) -> None:
    """Its money never was; the payment that it resembled has had its likeness, and the next report of it is real."""
    await one_account.receive(live("L1"), file("F1"))
    await resolve(one_account, "F1", Action.DISMISS)
    await one_account.receive(file("F2"))
    assert await pairs(one_account) == {"F1": "L1"}
    assert (await one_account.payment("F2"))["status"] == "applied"
    assert await broken(owner) == []


async def test_each_name_takes_its_own_report_back(one_account: Counter, owner: Connection) -> None:
    """The bank's reversal comes by both names too: one undoes the application, the other closes the hold."""
    await one_account.receive(live("L1"), file("F1"), reversal(file("F1"), "F1R"), reversal(live("L1"), "L1R"))
    assert (await one_account.call())["paid_minor"] == 0
    assert [(await one_account.payment(name))["status"] for name in ("L1", "F1")] == ["reversed", "reversed"]
    assert await broken(owner) == []


async def test_a_sweep_never_applies_a_likeness(counter: Counter) -> None:
    """Both came before their call: when it is issued, one is applied, and the other waits for a person."""
    await counter.issue(18)
    await register(counter, LIVE)
    await register(counter, FILE, LIVE)
    await counter.receive(live("L1"))
    await counter.receive(file("F1"))
    await counter.issue(17)
    await counter.sweep()
    assert (await counter.call())["paid_minor"] == 100_00
    assert await pairs(counter) == {"F1": "L1"}
    await counter.check()


async def test_two_copies_that_race_with_both_reports_apply_each_wire_once(
    one_account: Counter, other: Counter, owner: Connection
) -> None:
    """The feed is in one copy's partition and the file in another's: whoever is second finds what the first booked."""
    before = await deadlocks(one_account.db)
    for n in range(15):
        wires = [live(f"L{n}-{i}", 1_000 + n) for i in range(4)]
        shown = [file(f"F{n}-{i}", 1_000 + n) for i in range(3)]
        await asyncio.gather(
            retried(partial(one_account.receive, *wires)), retried(partial(other.receive, *reversed(shown)))
        )
    assert await deadlocks(one_account.db) == before
    assert (await one_account.call())["paid_minor"] == sum(4 * (1_000 + n) for n in range(15))
    assert len(await pairs(one_account)) == 45
    assert len(set((await pairs(one_account)).values())) == 45
    await one_account.check()
    assert await broken(owner) == []


async def test_no_batch_misses_that_names_are_joined_meanwhile(
    database: Ledger, counter: Counter, other: Counter
) -> None:
    """Joining waits for the batches that did not know of it, and takes in what they booked; later ones know."""
    await counter.issue(17)
    await register(counter, LIVE)
    await register(counter, FILE)
    batch = counter.db.transaction()
    await batch.start()
    await handlers.receive_payments(counter.db, counter.numbers, [live("L1")], now=NOW, origin=Origin())
    joining = asyncio.create_task(register(other, FILE, LIVE))
    await asyncio.sleep(0.2)
    assert not joining.done()
    async with database.connect("payments") as third:
        later = asyncio.create_task(Counter(third).receive(file("F1")))
        await asyncio.sleep(0.2)
        await batch.commit()
        assert isinstance(await joining, Registered)
        await later
    assert await pairs(counter) == {"F1": "L1"}
    await counter.check()


async def test_calendars_end_is_no_obstacle(one_account: Counter) -> None:
    """The first and last day that a bank can write have no days beside them."""
    for n, day in enumerate((date.max, date.min)):
        await one_account.receive(live(f"L{n}", 7, value_date=day))
        await one_account.receive(file(f"F{n}", 7, value_date=day))
    assert await pairs(one_account) == {"F0": "L0", "F1": "L1"}


# ---- over HTTP


async def test_people_say_that_two_sources_are_one_account(api: Api) -> None:
    """Either way round and again and again; the answer names all other sources of the account."""
    await api.counter.hear(terms(17), terms(18, fund_id=FundId(2)))
    post = partial(api.post, "/api/funds/1/accounts")
    assert (await post({"alias": LIVE, "currency": "USD"}, 201))["same_account_as"] == []
    both = {"alias": FILE, "currency": "USD", "same_account_as": LIVE}
    for _ in range(2):
        assert (await post(both, 201))["same_account_as"] == [LIVE]
    assert (await post({"alias": LIVE, "currency": "USD", "same_account_as": FILE}, 201))["same_account_as"] == [FILE]
    await api.counter.receive(live("L1"), file("F1"))
    assert (await api.payment("F1"))["reason"] == "possible_duplicate"


@pytest.mark.parametrize("other_source", [FILE, "bank/nobody", "bank/fund-2"])
async def test_a_source_is_the_same_account_only_as_one_of_its_fund(api: Api, other_source: str) -> None:
    """Not as itself, as one that nobody registered, or as another fund's; then nothing is registered at all."""
    await api.counter.hear(terms(17), terms(18, fund_id=FundId(2)))
    await api.post("/api/funds/2/accounts", {"alias": "bank/fund-2", "currency": "USD"}, 201)
    body = {"alias": FILE, "currency": "USD", "same_account_as": other_source}
    assert (await api.post("/api/funds/1/accounts", body, 422))["code"] == "invalid_same_account"
    assert await api.counter.rows("select alias from payments.account where fund_id = 1") == []
