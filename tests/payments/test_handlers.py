"""Promises of a batch of entries on the real database: exactly once, in any order, whatever comes with it."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from services.payments.domain import Entry, Stage
from shared.contracts import CallStatusChanged, decode
from shared.ids import FundId
from shared.money import Minor
from shared.reference import reference_of
from tests.payments.counter import Counter
from tests.payments.making import BANK, TODAY, credit, reversal, terms


async def test_a_payment_is_booked_and_told(counter: Counter) -> None:
    """The walk of one payment: payment, posting, call and event say the same."""
    await counter.issue(17)
    await counter.receive(credit(amount=100_00))
    payment, call = await counter.payment(), await counter.call()
    assert (payment["status"], payment["applied_minor"]) == ("applied", 100_00)
    assert (call["paid_minor"], call["status"], call["version"], call["postings"]) == (100_00, "partially_paid", 2, 1)
    first, second = await counter.told()
    assert (first["status"], first["previous_status"], first["version"], first["applied"]) == ("called", None, 1, [])
    assert second["applied"] == [
        {
            "posting_id": second["applied"][0]["posting_id"],
            "kind": "applied",
            "undoes": None,
            "source": BANK,
            "payment_id": "E1",
            "amount": "100.00",
            "value_date": "2026-03-02",
            "recorded_at": "2026-03-02T12:00:00Z",
        }
    ]
    assert {k: second[k] for k in ("amount", "paid", "outstanding", "status", "previous_status", "last_paid_on")} == {
        "amount": "400000.00",
        "paid": "100.00",
        "outstanding": "399900.00",
        "status": "partially_paid",
        "previous_status": "called",
        "last_paid_on": "2026-03-02",
    }
    await counter.check()


async def test_ten_times_in_ten_batches_is_applied_once(counter: Counter) -> None:
    """LerianStudio/midaz#2485: a retry applied money twice; here the same event delivered n times counts once."""
    await counter.issue(17)
    became = [await counter.receive(credit(amount=100)) for _ in range(10)]
    assert [(r.booked, r.duplicates) for r in became] == [(1, 0), *[(0, 1)] * 9]
    assert (await counter.call())["paid_minor"] == 100
    assert len(await counter.told()) == 2
    await counter.check()


async def test_ten_times_within_one_batch_is_applied_once(counter: Counter) -> None:
    """formancehq/stack#1633: the same key twice in a batch crashed it."""
    await counter.issue(17)
    became = await counter.receive(*[credit(amount=100)] * 10)
    assert (became.booked, became.duplicates) == (1, 9)
    assert (await counter.call())["paid_minor"] == 100


async def test_two_equal_wires_with_two_identities_are_two_payments(counter: Counter) -> None:
    """LerianStudio/midaz#1436: an honest repeat was refused because its body was its key."""
    await counter.issue(17)
    await counter.receive(credit("E1", 100), credit("E2", 100))
    await counter.receive(credit("E3", 100))
    assert (await counter.call())["paid_minor"] == 300
    await counter.check()


async def test_a_payment_before_its_terms_is_applied_by_the_sweep(counter: Counter) -> None:
    """It waits on hold, and counts as soon as its call is issued."""
    await counter.receive(credit(call_id=None, reference=reference_of(17)))
    assert await counter.holds() == [("unknown_call", "open", None, 1)]
    await counter.sweep()
    assert await counter.holds() == [("unknown_call", "open", None, 1)]
    await counter.issue(17)
    await counter.sweep()
    assert await counter.holds() == [("unknown_call", "resolved", "applied", 2)]
    assert (await counter.call())["status"] == "paid"
    opened, resolved = await counter.told("payment.held")
    assert (opened["state"], opened["version"], resolved["state"], resolved["resolution"], resolved["version"]) == (
        *("open", 1, "resolved", "applied", 2),
    )
    await counter.check()


@pytest.mark.parametrize("stage", [Stage.REJECTED, Stage.WITHDRAWN])
async def test_a_payment_of_a_call_that_will_never_be_issued_becomes_closed(counter: Counter, stage: Stage) -> None:
    """Whether the word comes before the money or after it, the hold says `call_closed`."""
    await counter.receive(credit("E1"))
    await counter.hear(terms(stage=Stage.SCHEDULED, terms_version=1))
    await counter.sweep()
    assert await counter.holds() == [("unknown_call", "open", None, 1)]
    await counter.hear(terms(stage=stage, terms_version=2))
    await counter.sweep()
    await counter.receive(credit("E2"))
    assert await counter.holds() == [("call_closed", "open", None, 2), ("call_closed", "open", None, 1)]


async def test_a_reversal_before_its_original_is_done_by_the_sweep(counter: Counter) -> None:
    """It waits for its original, and then takes it back; nothing is paid in the end."""
    await counter.issue(17)
    entry = credit(amount=100)
    await counter.receive(reversal(entry))
    assert await counter.holds() == [("original_not_found", "open", None, 1)]
    await counter.receive(entry)
    assert (await counter.call())["paid_minor"] == 100
    await counter.sweep()
    call = await counter.call()
    assert (call["paid_minor"], call["postings"], call["status"], call["last_paid_on"]) == (0, 2, "called", None)
    assert [(await counter.payment(e))["status"] for e in ("E1", "R1")] == ["reversed", "reversed"]
    assert (await counter.payment("R1"))["original_id"] == (await counter.payment("E1"))["id"]
    await counter.check()


async def test_a_batch_with_both_ends_with_nothing_paid(counter: Counter) -> None:
    """In either order within the batch, and without the sweep where the original stands first."""
    await counter.issue(17, 18)
    one, two = credit("E1", 100, 17), credit("E2", 100, 18)
    await counter.receive(one, reversal(one, "R1"), reversal(two, "R2"), two)
    assert (await counter.call(17))["paid_minor"] == 0
    await counter.sweep()
    assert (await counter.call(18))["paid_minor"] == 0
    await counter.check()


async def test_a_reversal_undoes_an_application_of_an_earlier_batch(counter: Counter) -> None:
    """The latest value date that still counts comes back with it."""
    await counter.issue(17)
    first, second = credit("E1", 100), credit("E2", 200, value_date=TODAY + timedelta(days=4))
    await counter.receive(first, second)
    await counter.receive(reversal(second))
    call = await counter.call()
    assert (call["paid_minor"], call["last_paid_on"], call["status"]) == (100, TODAY, "partially_paid")
    undone = (await counter.told())[-1]["applied"]
    assert [(p["kind"], p["payment_id"]) for p in undone] == [("undone", "E2")]
    await counter.check()


async def test_a_second_reversal_is_held(counter: Counter) -> None:
    """JiRaska/open-bank-oss#528: two reversals of one payment were both booked; here the second is held."""
    await counter.issue(17)
    entry = credit(amount=100)
    await counter.receive(entry)
    await counter.receive(reversal(entry, "R1"))
    await counter.receive(reversal(entry, "R2"))
    assert await counter.holds() == [("already_reversed", "open", None, 1)]
    assert (await counter.call())["paid_minor"] == 0
    await counter.check()


HOLDS = [
    pytest.param([credit(call_id=99)], "unknown_call", id="unknown_call"),
    pytest.param([credit(call_id=None)], "no_match", id="no_match"),
    pytest.param([credit(reference=reference_of(18))], "ambiguous_match", id="ambiguous_match"),
    pytest.param([credit(amount=400_000_01)], "over_payment", id="over_payment"),
    pytest.param([credit(currency="EUR")], "currency_mismatch", id="currency_mismatch"),
    pytest.param([credit(call_id=20)], "call_closed", id="call_closed"),
    pytest.param([credit(source="bank/fund-2")], "wrong_account", id="wrong_account"),
    pytest.param([credit(amount=1), credit(amount=2)], "identity_conflict", id="identity_conflict"),
    pytest.param([reversal(credit("E9"))], "original_not_found", id="original_not_found"),
    pytest.param(
        [credit(amount=5), replace(reversal(credit(amount=5)), amount=Minor(6))],
        "reversal_mismatch",
        id="reversal_mismatch",
    ),
    pytest.param(
        [credit(amount=5), reversal(credit(amount=5)), reversal(credit(amount=5), "R2")],
        "already_reversed",
        id="already_reversed",
    ),
]


@pytest.mark.parametrize(("entries", "reason"), HOLDS)
async def test_every_reason_to_hold(counter: Counter, entries: list[Entry], reason: str) -> None:
    """Each is one hold, one event and one row that a person finds; the money is conserved."""
    await counter.issue(17, 18)
    await counter.hear(terms(20, stage=Stage.WITHDRAWN))
    await counter.hear(terms(21, fund_id=FundId(2)))
    await counter.db.execute("insert into payments.account values ('bank/fund-2', 2, 'USD', now())")
    for entry in entries:
        await counter.receive(entry)
    assert await counter.holds() == [(reason, "open", None, 1)]
    (event,) = await counter.told("payment.held")
    assert (event["reason"], event["state"], event["version"]) == (reason, "open", 1)
    await counter.check()


async def test_an_identity_conflict_is_recorded_once_and_books_nothing(counter: Counter) -> None:
    """A replay adds no second alarm; the booked payment stays what it was, and the event is keyed by it."""
    await counter.issue(17)
    await counter.receive(credit(amount=100))
    for _ in range(3):
        await counter.receive(credit(amount=200))
    await counter.receive(credit(amount=300), credit(amount=300))
    assert [h[0] for h in await counter.holds()] == ["identity_conflict", "identity_conflict"]
    assert ((await counter.call())["paid_minor"], (await counter.payment())["amount_minor"]) == (100, 100)
    keys = await counter.rows("select distinct key from payments.outbox_event where topic = 'payment.held'")
    assert [row["key"] for row in keys] == [str((await counter.payment())["id"]).encode()]
    await counter.check()


async def test_a_wrong_entry_between_two_good_ones_harms_neither(counter: Counter) -> None:
    """What is held does not delay what stands behind it."""
    await counter.issue(17)
    await counter.receive(credit("E1", 100), credit("E2", call_id=None), credit("E3", 200))
    assert (await counter.call())["paid_minor"] == 300


async def test_more_than_two_hundred_postings_of_a_call_are_several_events(counter: Counter) -> None:
    """Every version is published, each posting in exactly one of them."""
    await counter.issue(17)
    await counter.receive(*(credit(f"E{n}", 1) for n in range(450)))
    events = await counter.told()
    assert [(e["version"], len(e["applied"]), e["paid"]) for e in events] == [
        (1, 0, "0.00"),
        (2, 200, "2.00"),
        (3, 200, "4.00"),
        (4, 50, "4.50"),
    ]
    await counter.check()


async def test_no_version_of_a_call_outgrows_a_record(counter: Counter) -> None:
    """Identities may be long, in characters of four bytes: what we say must still be short enough for our readers."""
    await counter.issue(17)
    longest = [credit(f"{n:010}" + "\U0001f3e6" * 190, 1, source="\U0001f3e6" * 100) for n in range(400)]
    await counter.receive(*longest)
    told = await counter.rows(
        "select payload from payments.outbox_event where topic = 'call.status_changed' order by id, number"
    )
    versions = [decode(CallStatusChanged, row["payload"]) for row in told]
    assert sum(len(version.applied) for version in versions) == 400
    assert [version.version for version in versions] == [1, 2, 3, 4]
    await counter.check()


async def test_the_sweep_goes_on_slice_by_slice(counter: Counter) -> None:
    """However many wait, all of them are decided, in payment-id order, in transactions of bounded size."""
    await counter.receive(*(credit(f"E{n:02}", 100) for n in range(25)), credit("E99", call_id=99))
    await counter.issue(17, amount=1_000)
    assert await counter.sweep(limit=10) == 3
    applied = await counter.rows(
        "select p.external_id from payments.posting o join payments.payment p on p.id = o.payment_id order by o.id"
    )
    assert [row["external_id"] for row in applied] == [f"E{n:02}" for n in range(10)]
    assert sorted({h[0] for h in await counter.holds() if h[1] == "open"}) == ["over_payment", "unknown_call"]
    await counter.check()


async def test_a_zero_call_is_paid_at_its_issue(counter: Counter) -> None:
    """It is told as paid in its first version, and takes no money."""
    await counter.issue(17, amount=0)
    (event,) = await counter.told()
    assert (event["status"], event["version"], event["previous_status"]) == ("paid", 1, None)
    await counter.receive(credit(amount=1))
    assert await counter.holds() == [("over_payment", "open", None, 1)]


async def test_shuffled_history_with_repeats_ends_the_same(counter: Counter) -> None:
    """On the real tables too: one seeded history, in batches of random size, ends as it does in order."""
    seeded = random.Random(20260302)
    calls = [terms(n, 1_000) for n in range(1, 21)]
    entries = [credit(f"E{n}", 100, 1 + n % 20) for n in range(180)]
    entries += [reversal(entry, f"R{n}") for n, entry in enumerate(entries) if n % 7 == 0]
    shuffled = seeded.sample(entries * 2, len(entries) * 2)
    await counter.hear(*calls[:10])
    while shuffled:
        size = seeded.randint(1, 60)
        await counter.receive(*shuffled[:size])
        shuffled = shuffled[size:]
    await counter.hear(*calls[10:])
    await counter.sweep()
    expected = dict.fromkeys(range(1, 21), 0)
    for n in range(180):
        expected[1 + n % 20] += 0 if n % 7 == 0 else 100
    paid = await counter.rows("select id, paid_minor from payments.call order by id")
    assert {row["id"]: row["paid_minor"] for row in paid} == expected
    assert [h for h in await counter.holds() if h[1] == "open"] == []
    await counter.check()
