"""Promises of what is looked up for held money: calls that fit, whose money came before, and what waits beside it."""

from datetime import timedelta
from typing import Any

import pytest

from services.payments import handlers, store
from services.payments.domain import Action, Entry
from services.payments.store import Account, Decision
from shared.ids import AllocationId, CallId, FundId, PaymentId
from shared.outbox import Origin
from tests.payments.counter import Counter
from tests.payments.making import DUE, NOW, TODAY, credit, terms

ACCOUNT = b"a" * 32
OTHER_ACCOUNT = b"b" * 32


async def proposed(counter: Counter, external_id: str = "H") -> list[tuple[str, list[int]]]:
    """Rule and calls of each candidate of a held payment, the best first."""
    payment_id = (await counter.payment(external_id))["id"]
    shown = await store.show_payments(counter.db, [payment_id])
    found = await handlers.candidates_of(counter.db, list(shown.values()))
    return [(str(c.rule), [part.call_id for part in c.parts]) for c in found.get(payment_id, ())]


def held(amount: int = 500, **given: Any) -> Entry:
    return credit("H", amount, None, **given)


async def tolerate(counter: Counter, amount: int, fund_id: int = 1) -> None:
    await counter.db.execute(
        """
        insert into payments.fund_policy (fund_id, over_payment, short_tolerance_minor, version, changed_by,
                                          changed_at)
        values ($1, 'hold', $2, 1, 'test', $3)
        """,
        fund_id,
        amount,
        NOW,
    )


async def unapply(counter: Counter, external_id: str) -> None:
    payment_id = PaymentId((await counter.payment(external_id))["id"])
    async with counter.db.transaction():
        await handlers.unapply(counter.db, counter.numbers, payment_id, reason="wrong", now=NOW, origin=Origin())


async def test_unpaid_calls_of_the_amount_are_found_anywhere(counter: Counter) -> None:
    """Of any fund, in the same currency; not what is paid in part, released or cancelled."""
    await counter.hear(
        terms(1, 500), terms(2, 500, fund_id=FundId(2)), terms(3, 500, fund_id=FundId(3), currency="EUR")
    )
    await counter.hear(terms(4, 501), terms(5, 500))
    await counter.receive(credit("E", 1, 5), held())
    assert await proposed(counter) == [("exact_amount", [1]), ("exact_amount", [2])]


async def test_a_call_paid_in_part_is_found_where_the_fund_is_known(counter: Counter) -> None:
    """By the call that is named, or by what its remitter paid before."""
    await counter.hear(terms(1, 900), terms(2, 300))
    await counter.receive(credit("E", 400, 1, account_hash=ACCOUNT), held(), credit("H2", 500, 2))
    await counter.receive(credit("H3", 500, None, account_hash=ACCOUNT))
    assert await proposed(counter) == []
    assert await proposed(counter, "H2") == [("exact_amount", [1])]
    assert await proposed(counter, "H3") == [("exact_amount", [1])]


@pytest.mark.parametrize(("tolerance", "found"), [(0, []), (24, []), (25, [("within_tolerance", [1])])])
async def test_a_funds_tolerance_counts(counter: Counter, tolerance: int, found: list[Any]) -> None:
    """A whole call that is a little more than what came, if its own fund takes that; a fund without a word does not."""
    await counter.hear(terms(1, 525), terms(2, 525, fund_id=FundId(2)))
    await tolerate(counter, tolerance)
    await counter.receive(held())
    assert await proposed(counter) == found


async def test_a_remitter_is_known_by_account_and_else_by_name(counter: Counter) -> None:
    """The name counts without case, spaces and punctuation, and only where no account is known."""
    five, six = AllocationId(5), AllocationId(6)
    await counter.hear(terms(1, 100, allocation_id=five), terms(2, 900, allocation_id=five))
    await counter.hear(terms(3, 100, allocation_id=six), terms(4, 900, allocation_id=six))
    await counter.receive(
        credit("E1", 100, 1, account_hash=ACCOUNT, remitter="Northern Pension"),
        credit("E3", 100, 3, remitter="Acme, L.P."),
        credit("A", 500, None, account_hash=ACCOUNT, remitter="Acme, L.P."),
        credit("B", 500, None, remitter="ACME LP"),
        credit("C", 500, None, account_hash=OTHER_ACCOUNT, remitter="Acme, L.P."),
        credit("D", 500, None, remitter="Northern Pension"),
    )
    assert {name: await proposed(counter, name) for name in "ABCD"} == {
        "A": [("known_account", [2])],
        "B": [("known_name", [4])],
        "C": [],
        "D": [],
    }


async def test_what_was_taken_back_teaches_nothing(counter: Counter) -> None:
    """Neither a wrong match, nor the payment's own past."""
    await counter.hear(terms(1, 100), terms(2, 900))
    await counter.receive(credit("E1", 100, 1, account_hash=ACCOUNT), held(account_hash=ACCOUNT))
    assert await proposed(counter) == [("known_account", [2])]
    await unapply(counter, "E1")
    assert await proposed(counter) == []
    assert await proposed(counter, "E1") == [("reference", [1])]


async def test_what_a_person_decided_teaches_too(counter: Counter) -> None:
    """Money that was on hold first counts like money that was applied at once."""
    await counter.hear(terms(1, 100), terms(2, 900))
    await counter.receive(credit("E1", 100, None, account_hash=ACCOUNT), held(account_hash=ACCOUNT))
    async with counter.db.transaction():
        await handlers.resolve(
            counter.db,
            counter.numbers,
            PaymentId((await counter.payment("E1"))["id"]),
            action=Action.APPLY,
            parts=[(CallId(1), "1.00")],
            reason="as agreed",
            now=NOW,
            origin=Origin(),
        )
    assert await proposed(counter) == [("known_account", [2])]


async def test_texts_point_to_calls(counter: Counter) -> None:
    """A reference with a typing error, and its digits alone, find calls that take more than what came."""
    await counter.hear(terms(17, 900), terms(18, 900))
    await counter.receive(
        credit("H1", 500, None, remittance="for RF97D0000000071"), credit("H2", 500, None, reference="0000000018")
    )
    assert await proposed(counter, "H1") == [("near_reference", [17])]
    assert await proposed(counter, "H2") == [("reference_digits", [18])]


async def test_one_payment_for_several_calls_of_the_accounts_fund(counter: Counter) -> None:
    """The open calls of the one fund that the account pays for, whatever they demand."""
    await counter.hear(terms(1, 300), terms(2, 200, due_on=DUE + timedelta(90)), terms(3, 200, fund_id=FundId(2)))
    await store.add_account(counter.db, Account("bank/acme-usd-1", FundId(1), "USD"), NOW)
    await counter.receive(held())
    assert await proposed(counter) == [("sum_of_calls", [1, 2])]


async def test_several_payments_of_one_remitter_for_one_call(counter: Counter) -> None:
    """Of the same source, currency and month; the call is found by what they sum to, even if nothing else is known."""
    await counter.hear(terms(1, 1_000), terms(2, 600, fund_id=FundId(2)))
    far = TODAY + timedelta(40)
    await counter.receive(
        held(remitter="Acme LP"),
        credit("H2", 300, None, remitter="ACME L.P."),
        credit("H3", 200, None, remitter="Acme LP", value_date=TODAY + timedelta(30)),
        credit("X1", 100, None, remitter="Other LP"),
        credit("X2", 100, None, remitter="Acme LP", value_date=far),
        credit("X3", 100, None, remitter="Acme LP", source="bank/other"),
        credit("X4", 100, None, remitter="Acme LP", currency="EUR"),
        credit("X5", 100, 99, remitter="Acme LP", source="bank/other"),
    )
    payment_id = (await counter.payment("H"))["id"]
    shown = await store.show_payments(counter.db, [payment_id])
    (only,) = (await handlers.candidates_of(counter.db, list(shown.values())))[payment_id]
    beside = {(await counter.payment(name))["id"] for name in ("H2", "H3")}
    assert (str(only.rule), only.parts[0].call_id, set(only.with_payments)) == ("sum_of_payments", 1, beside)


async def test_an_account_pays_its_fund_alone(counter: Counter) -> None:
    """A call of another fund is no candidate, however well it fits."""
    await counter.hear(terms(1, 500, fund_id=FundId(2)), terms(2, 500))
    await store.add_account(counter.db, Account("bank/acme-usd-1", FundId(1), "USD"), NOW)
    await counter.receive(credit("H", 500, 1))
    assert await counter.holds() == [("wrong_account", "open", None, 1)]
    assert await proposed(counter) == [("exact_amount", [2])]


async def test_a_decision_keeps_its_explanation(counter: Counter) -> None:
    """What was written is read again; one without an explanation has none."""
    await counter.receive(held())
    payment_id = PaymentId((await counter.payment("H"))["id"])
    told = {"rule": "person", "score": 0, "inputs": [], "with_payments": [], "rivals": []}
    for explanation in (told, None):
        decision = Decision(payment_id, None, None, "apply", "because", "ann", explanation)
        await store.add_resolution(counter.db, decision, NOW)
    found = (await store.decisions_of(counter.db, [payment_id]))[payment_id]
    assert [(one.action, one.reason, one.actor, one.explanation) for one in found] == [
        ("apply", "because", "ann", told),
        ("apply", "because", "ann", None),
    ]
