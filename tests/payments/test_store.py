"""Promises of the store: what is written is what is read."""

from collections import deque
from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.payments import store
from services.payments.domain import Ids
from services.payments.store import Numbers
from shared.ids import CallId, FundId, PaymentId
from shared.money import Minor
from shared.postgres import Connection
from tests.payments.counter import Counter
from tests.payments.making import BANK, DUE, NOW, TODAY, call, credit, reversal


async def test_a_call_comes_back_as_it_was(counter: Counter) -> None:
    """Every member survives the way to the database and back, as issued and as changed."""
    await counter.issue(17)
    assert await store.lock_calls(counter.db, [CallId(17)]) == {17: call(17)}
    changed = replace(
        call(17),
        paid=Minor(5),
        postings=3,
        released=Minor(7),
        last_paid_on=TODAY,
        defaulted=True,
        watch_on=None,
        business_date=DUE,
        version=9,
    )
    async with counter.db.transaction():
        await store.save_calls(counter.db, [(changed, call(17).status)], NOW + timedelta(hours=1))
    read = await store.get_call(counter.db, CallId(17))
    assert read is not None
    assert (read.call, read.previous_status, read.changed_at) == (changed, "called", NOW + timedelta(hours=1))


async def test_the_calendars_last_day_is_one_day(counter: Counter) -> None:
    """A bank may say 9999-12-31: the day is the same, and compares as the same, in a payment and in its call."""
    await counter.issue(17)
    await counter.receive(credit(amount=100, value_date=date.max))
    query = "select 1 as same from payments.call c join payments.posting p on p.value_date = c.last_paid_on"
    assert await counter.rows(query) == [{"same": 1}]
    assert (await counter.call())["last_paid_on"] == date.max


async def test_a_payment_comes_back_as_it_was(counter: Counter) -> None:
    """Entry, money, applications and hold, found by identity and by number."""
    await counter.issue(17)
    told = credit(
        amount=100,
        reference="E2E",
        remittance="words",
        remitter="Acme",
        account_hash=b"h",
        account_last4="1234",
        method="wire",
        booked_at=NOW,
    )
    await counter.receive(told, credit("E2", call_id=99))
    sources = await store.find_sources(counter.db, [BANK])
    for external_id in ("E1", "E2"):
        number = PaymentId((await counter.payment(external_id))["id"])
        (by_identity,) = await store.lock_payments(counter.db, sources, [(BANK, external_id)])
        (by_number,) = await store.lock_payments_by_id(counter.db, [number])
        assert by_identity == by_number == await store.get_payment(counter.db, number)
    (first,) = await store.lock_payments(counter.db, sources, [told.identity])
    assert (first.entry, first.content, first.applied, len(first.applications)) == (told, told.content, 100, 1)
    (second,) = await store.lock_payments(counter.db, sources, [(BANK, "E2")])
    assert second.hold is not None
    assert (second.held, second.hold.call_id, second.hold.is_open) == (400_000_00, 99, True)


async def test_what_does_not_exist_is_missing(db: Connection) -> None:
    """Reading or locking what is not there is no error."""
    assert await store.lock_calls(db, [CallId(1)]) == {}
    assert await store.lock_calls(db, []) == {}
    assert await store.lock_payments_by_id(db, [PaymentId(1)]) == []
    assert await store.lock_conflict(db, PaymentId(1)) is None
    assert await store.get_plan(db, CallId(1)) is None
    assert await store.calls_to_watch(db, {FundId(1): TODAY}, limit=10) == []


async def test_a_call_that_changed_meanwhile_cannot_be_written_over(counter: Counter) -> None:
    """The number of changed rows is checked: what was not locked as it is does not become what was decided."""
    await counter.issue(17)
    with pytest.raises(RuntimeError, match="UPDATE 0"):
        await store.save_calls(counter.db, [(call(17), None)], NOW)
    with pytest.raises(RuntimeError, match="UPDATE 0"):
        await store.save_calls(counter.db, [(replace(call(18), version=2), None)], NOW)


async def test_new_numbers_rise_and_are_never_given_twice(db: Connection) -> None:
    """Across blocks and batches; what a batch leaves over the next one gets."""
    numbers, given = Numbers(), []
    for count in (1, 999, 1_500, 3, 10):
        drawn = await numbers.draw(db, payments=count, postings=1, holds=0)
        taken = [drawn.payments.popleft() for _ in range(count)]
        assert taken == sorted(taken)
        given += taken
        numbers.give_back(drawn)
    assert len(set(given)) == len(given)
    other = await Numbers().draw(db, payments=100, postings=0, holds=0)
    assert set(other.payments).isdisjoint(given)


async def test_the_sweep_sees_holds_whose_cause_has_gone_and_no_others(counter: Counter) -> None:
    """In payment-id order, from beyond the last one seen."""
    entry = credit("E1", call_id=17)
    await counter.receive(entry, credit("E2", call_id=18), credit("E3", call_id=None), reversal(credit("E9")))
    await counter.issue(17)
    (waiting,) = await store.holds_to_reconsider(counter.db, after=PaymentId(0), limit=10)
    assert waiting["external_id"] == "E1"
    assert await store.holds_to_reconsider(counter.db, after=PaymentId(waiting["id"]), limit=10) == []
    await counter.receive(credit("E9", call_id=None))
    found = await store.holds_to_reconsider(counter.db, after=PaymentId(0), limit=10)
    assert [row["external_id"] for row in found] == ["E1", "R1"]


async def test_an_id_that_was_given_twice_stops_the_batch(counter: Counter) -> None:
    """It is a fault of ours: the batch waits and nothing is dead-lettered, since no record can help it."""
    await counter.receive(credit("E1", call_id=None))
    number = (await counter.payment())["id"]
    counter.numbers.give_back(Ids(deque([number]), deque(), deque()))
    with pytest.raises(RuntimeError, match="payment_pkey"):
        await counter.receive(credit("E2", call_id=None))
