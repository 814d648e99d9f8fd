"""The promise that matches are a function of what happened: another order of the same files, the same candidates."""

import contextlib
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.payments import handlers, store
from services.payments.domain import Action, Entry, Terms
from services.payments.store import Account
from shared.currency import text
from shared.ids import AllocationId, CallId, FundId, PaymentId
from shared.outbox import Origin
from tests.payments.counter import Counter
from tests.payments.making import DUE, NOW, TODAY, credit, terms
from tests.support import ledger as ledger_
from tests.support.servers import Servers

Told = dict[str, Any]


def world() -> tuple[list[Terms], list[Entry]]:
    """Calls of two funds, investors who pay some of them, and money that no rule can place."""
    chance = random.Random(6)
    calls = [
        terms(
            number,
            chance.choice([100, 200, 200, 300, 500]),
            fund_id=FundId(1 + number % 2),
            allocation_id=AllocationId(1 + number % 6),
            due_on=DUE + timedelta(chance.randrange(-20, 20)),
        )
        for number in range(1, 41)
    ]
    entries = []
    for number in range(60):
        investor = chance.randrange(6)
        who = {"account_hash": bytes([investor]) * 32} if investor % 2 else {"remitter": f"Investor {investor}, L.P."}
        entry = credit(
            f"E{number:03d}",
            chance.choice([50, 100, 200, 300, 400, 500, 700]),
            None,
            source=f"bank/fund-{number % 3}",
            value_date=TODAY + timedelta(chance.randrange(10)),
            **who,
        )
        if number % 3 == 0:  # each of these has a call of its own, so it is applied whenever it comes
            entry = replace(entry, call_id=CallId(1 + number // 3), amount=calls[number // 3].amount)
        elif number % 7 == 0:
            entry = replace(entry, remittance=f"call D{chance.randrange(21, 41):010d}")
        entries.append(entry)
    return calls, entries


async def play(counter: Counter, calls: Sequence[Terms], batches: Sequence[Sequence[Entry]]) -> Told:
    """What is proposed for each held payment, and what is explained once the best candidates were chosen."""
    await counter.hear(*calls)
    await store.add_account(counter.db, Account("bank/fund-1", FundId(1), "USD"), NOW)
    for batch in batches:
        await counter.receive(*batch)
    rows = await counter.rows("select id, external_id from payments.payment where held_minor > 0 order by external_id")
    names = {row["id"]: row["external_id"] for row in rows}
    return {
        "proposed": [await _proposed(counter, PaymentId(row["id"]), names) for row in rows],
        "explained": [await _decided(counter, PaymentId(row["id"]), names) for row in rows],
    }


async def _proposed(counter: Counter, payment_id: PaymentId, names: dict[int, str]) -> Told:
    shown = await store.show_payments(counter.db, [payment_id])
    found = (await handlers.candidates_of(counter.db, list(shown.values())))[payment_id]
    return {
        names[payment_id]: [
            (c.rule, c.score, c.parts, c.inputs, [names[other] for other in c.with_payments]) for c in found
        ]
    }


async def _decided(counter: Counter, payment_id: PaymentId, names: dict[int, str]) -> Told:
    """The best candidate is chosen, if there is one; what is kept about that, in the bank's names."""
    shown = await store.show_payments(counter.db, [payment_id])
    found = (await handlers.candidates_of(counter.db, list(shown.values())))[payment_id]
    if not found:
        return {names[payment_id]: None}
    async with counter.db.transaction():
        await handlers.resolve(
            counter.db,
            counter.numbers,
            payment_id,
            action=Action.APPLY,
            parts=[(part.call_id, text(part.amount, "USD")) for part in found[0].parts],
            reason="the best one",
            now=NOW,
            origin=Origin(actor="ann"),
        )
    (decision,) = (await store.decisions_of(counter.db, [payment_id]))[payment_id]
    assert decision.explanation is not None
    told = dict(decision.explanation)
    for one in (told, *told["rivals"]):
        one["with_payments"] = [names[other] for other in one["with_payments"]]
    return {names[payment_id]: told}


@pytest.mark.timeout(120)
async def test_the_same_files_in_another_order_give_the_same_matches(servers: Servers, ledger_template: str) -> None:
    """Two databases, the same entries: in one batch, and one by one from the end. Candidates and explanations agree."""
    calls, entries = world()
    told = []
    for batches in ([entries], [[entry] for entry in reversed(entries)]):
        with ledger_.copy(servers, ledger_template) as fresh:
            async with contextlib.AsyncExitStack() as stack:
                counter = Counter(await stack.enter_async_context(fresh.connect("payments")))
                told.append(await play(counter, calls, batches))
                await counter.check()
    first, second = told
    assert first == second
    rules = {c[0] for one in first["proposed"] for found in one.values() for c in found}
    assert len(rules) >= 5, "the world shows most of the rules"
    assert sum(1 for one in first["explained"] for why in one.values() if why) > 10
