"""Waves: each makes an allocation with nine calls, and does with every one what its role says.

Roles whose outcome does not depend on the order of events, so that the judge knows it to the cent: `plain`, `clock`
(issued by its notice date), `late` (paid before it is issued), `statement` (paid by bank files), `manual` and `desk`
(paid and corrected by people). Only `contested` calls get more money than they can take.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from drawdown.samples import Line, camt053
from shared.clock import SystemClock
from tests.faults.journal import Call, Entry, Journal
from tests.faults.load.bank import Bank, Post, amount_text, post, unreadable
from tests.faults.load.clerk import Clerk

ROLES: Final = ("plain", "plain", "contested", "late", "statement", "manual", "desk", "desk", "clock")
CREDITS: Final = 50  # of a plain call, about
_FIRST_DAY: Final = date(2025, 1, 1)
_FAR: Final = "2033-06-15"
_PAST: Final = "2026-01-05"


@dataclass(frozen=True, slots=True)
class Fund:
    id: int
    currency: str


class Waves:
    """Makes one wave after the other, until it is cancelled."""

    def __init__(self, chance: random.Random, journal: Journal, bank: Bank, clerk: Clerk, name: str) -> None:
        self._chance = chance
        self._journal = journal
        self._bank = bank
        self._clerk = clerk
        self._name = name
        self._funds: list[Fund] = []
        self._waves = 0

    async def run(self) -> None:
        for currency, zone in (("USD", "America/New_York"), ("JPY", "Asia/Tokyo")):
            body = {"name": f"{self._name} {currency}", "currency": currency, "time_zone": zone, "size": "900000000000"}
            made = await self._clerk.do("fund.create", "/api/funds", body)
            self._funds.append(Fund(made["id"], currency))
        while True:
            self._waves += 1
            await self._wave()

    async def _wave(self) -> None:
        calls = await self._make_calls()
        for call in calls:
            if call.role not in {"late", "clock"}:
                await self._issue(call)
        posts = [one for call in calls for one in self._posts(call)]
        self._chance.shuffle(posts)
        await asyncio.gather(
            self._post(posts),
            self._pay_by_hand(next(c for c in calls if c.role == "manual")),
            self._correct([c for c in calls if c.role == "desk"]),
            self._feed(next(c for c in calls if c.role == "statement")),
        )
        await self._issue(next(c for c in calls if c.role == "late"))

    async def _post(self, posts: Sequence[Post]) -> None:
        for one in posts:
            await self._bank.queue(one)

    # ---- promises

    async def _make_calls(self) -> list[Call]:
        fund = self._chance.choice(self._funds)
        deal = await self._clerk.do("deal.create", "/api/deals", {"name": f"{self._name} deal {self._waves}"})
        amounts = [self._chance.randrange(1_000_000, 90_000_000) for _ in ROLES]
        soon = (SystemClock().now() + timedelta(days=self._chance.randrange(12))).date().isoformat()
        dues = {"clock": _PAST, "plain": self._chance.choice([_PAST, soon, soon, _FAR])}
        body = {
            "fund_id": fund.id,
            "deal_id": deal["id"],
            "committed": amount_text(sum(amounts) + self._chance.choice([0, 5_000_000]), fund.currency),
            "schedule": {
                "cadence": "custom",
                "tranches": [
                    {"amount": amount_text(amount, fund.currency), "due_date": dues.get(role, _FAR)}
                    for amount, role in zip(amounts, ROLES, strict=True)
                ],
            },
        }
        made = await self._clerk.do("allocation.create", "/api/allocations", body)
        shown = sorted(made["calls"], key=lambda call: int(call["seq_no"]))
        calls = [
            Call(one["id"], made["id"], fund.id, amount, fund.currency, one["reference"], role)
            for one, amount, role in zip(shown, amounts, ROLES, strict=True)
        ]
        for call in calls:
            self._journal.call(call)
        return calls

    async def _issue(self, call: Call) -> None:
        path = f"/api/allocations/{call.allocation_id}/calls/{call.id}/issue"
        await self._clerk.do("call.issue", path, {}, call=call.id)

    # ---- banks

    def _posts(self, call: Call) -> list[Post]:
        """What banks report of a call: its credits and, beside them, everything that banks get wrong."""
        match call.role:
            case "plain" | "late" | "clock":
                most = call.amount_minor
            case "contested":
                most = 3 * call.amount_minor
            case _:
                return []
        credits = self._credits(call, most)
        entries = list(credits)
        entries += self._chance.sample(credits, max(len(credits) // 12, 1))  # the same again
        twins = self._chance.sample(credits, 2)
        entries += [replace(one, amount_minor=max(one.amount_minor // 2, 1)) for one in twins]  # same identity
        if call.role != "contested":
            undone = self._chance.sample([one for one in credits if one not in twins], 3)
            entries += [
                replace(one, payment_id=f"{one.payment_id}-r", kind="reversal", reverses=one.payment_id)
                for one in undone
            ]
            entries.append(self._credit(call, f"{call.id}-over", call.amount_minor + self._chance.randint(1, 10**6)))
        posts = [post(self._chance, entry, call.reference) for entry in entries]
        bad = self._credit(call, "", 1)
        return [*posts, *(unreadable(self._chance, f"bad-{call.id}-{n}", bad) for n in range(2))]

    def _credits(self, call: Call, most: int) -> list[Entry]:
        """Credits that sum to at most `most`, often to all of it."""
        count = self._chance.randint(CREDITS // 2, CREDITS * 3 // 2)
        whole = most if self._chance.random() < 0.5 else self._chance.randrange(most // 2, most)
        cuts = sorted(self._chance.sample(range(1, whole), count - 1))
        parts = [end - start for start, end in zip([0, *cuts], [*cuts, whole], strict=True)]
        return [self._credit(call, f"{call.id}-{n}", part) for n, part in enumerate(parts)]

    def _credit(self, call: Call, payment_id: str, amount_minor: int) -> Entry:
        day = (_FIRST_DAY + timedelta(days=self._chance.randrange(400))).isoformat()
        return Entry(f"bank/{call.currency.lower()}", payment_id, "credit", amount_minor, call.currency, day, call.id)

    async def _feed(self, call: Call) -> None:
        """Bank files that pay a call; the later ones show again what the first did. One in eight is long."""
        source = f"bank/{self._name}-{call.fund_id}"
        count = 2_300 if self._waves % 8 == 3 else self._chance.randint(10, 60)
        cuts = sorted(self._chance.sample(range(1, call.amount_minor), count - 1))
        day = date(2026, 3, 2)
        lines: list[Line] = []
        entries: list[Entry] = []
        for n, (start, end) in enumerate(zip([0, *cuts], [*cuts, call.amount_minor], strict=True)):
            name, amount = f"S{call.id}-{n}", end - start
            lines.append(Line(amount_text(amount, call.currency), day, bank_reference=name, reference=call.reference))
            entries.append(Entry(source, name, "credit", amount, call.currency, day.isoformat(), call.id))
        account = f"4000{call.fund_id:08d}"
        for shown in (count // 2, count):
            file = camt053(f"{call.id}-{shown}", account, call.currency, "1000", lines[:shown])
            await self._clerk.upload(source, file, entries=[asdict(entry) for entry in entries[:shown]])

    # ---- people

    async def _pay(self, call: Call, amount_minor: int, tx_ref: str) -> Any:
        body = {
            "amount": amount_text(amount_minor, call.currency),
            "tx_ref": tx_ref,
            "value_date": "2026-03-02",
        }
        path = f"/api/capital-calls/{call.id}/payments"
        return await self._clerk.do("call.pay", path, body, call=call.id, amount_minor=amount_minor)

    async def _pay_by_hand(self, call: Call) -> None:
        """Four payments that fit and one that does not; the second is taken back."""
        part = call.amount_minor // 5
        for n in range(4):
            paid = await self._pay(call, part, f"hand-{n}")
            if n == 1 and paid is not None:
                path = f"/api/payments/{paid['payment']['id']}/reverse"
                why = {"tx_ref": "back", "reason": "sent in error"}
                await self._clerk.do("payment.reverse", path, why, call=call.id, amount_minor=part)
        await self._pay(call, 4 * part, "hand-over")

    async def _correct(self, calls: Sequence[Call]) -> None:
        """A payment on the wrong call, which is put on hold again and then settled in one of the ways there are."""
        first, second = calls
        amount = first.amount_minor // 2
        paid = await self._pay(first, amount, "desk")
        payment = paid["payment"]["id"]
        why = {"reason": "wrong call"}
        await self._clerk.do(
            "payment.unapply", f"/api/payments/{payment}/unapply", why, call=first.id, amount_minor=amount
        )
        action = self._chance.choice(["apply", "apply", "return", "dismiss", "leave"])
        if action == "leave":
            return
        here = min(amount // 3, second.amount_minor - 1)
        parts = [(first, amount - here), (second, here)] if action == "apply" else []
        said = [{"call_id": c.id, "amount": amount_text(minor, c.currency)} for c, minor in parts]
        body = {"action": action, "reason": "settled", **({"parts": said} if parts else {})}
        await self._clerk.do(
            f"payment.{action}",
            f"/api/payments/{payment}/resolve",
            body,
            amount_minor=amount,
            parts=[[c.id, minor] for c, minor in parts],
        )
