"""The promises of every history once more, kept by the handlers, the SQL and the constraints of a real PostgreSQL."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final, TypeVar

from hypothesis.stateful import run_state_machine_as_test

from services.payments import handlers, store
from services.payments.domain import Action, Conflict, Hold
from shared.currency import text
from shared.ids import CallId, PaymentId
from shared.outbox import Origin
from shared.postgres import Connection
from tests.payments.conftest import EMPTY
from tests.payments.counter import Counter
from tests.payments.machine import Ledger
from tests.payments.model import Model, Name, View, Wire, Word
from tests.payments.subjects import (
    ACCOUNTS,
    APPLYING,
    MANUAL,
    SAME,
    START,
    ZONES,
    code_of,
    dates_on,
    entry_of,
    now_on,
    terms_of,
    view_of,
)
from tests.payments.subjects import model as fresh
from tests.support.effort import effort
from tests.support.ledger import Ledger as Database

T = TypeVar("T")
NOBODY = Origin()
WHY = "because"


@dataclass(slots=True)
class InPostgres:
    """The service's handlers on one connection; each method is one committed transaction."""

    runner: asyncio.Runner
    db: Connection
    numbers: store.Numbers = field(default_factory=store.Numbers)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        async def commit() -> T:
            async with self.db.transaction():
                return await work

        return self.runner.run(commit())

    def hear(self, words: Sequence[Word], day: int) -> None:
        told = [terms_of(word) for word in words]
        self._run(handlers.apply_terms(self.db, told, now=now_on(day), origin=NOBODY))

    def receive(self, wires: Sequence[Wire], day: int) -> None:
        entries = [entry_of(wire) for wire in wires]
        done = self._run(handlers.receive_payments(self.db, self.numbers, entries, now=now_on(day), origin=NOBODY))
        assert done.booked + done.duplicates + done.conflicts == len(wires)

    def sweep(self, day: int) -> None:
        after: PaymentId | None = PaymentId(0)
        while after is not None:
            after = self._run(handlers.sweep(self.db, self.numbers, after=after, now=now_on(day)))

    def tick(self, day: int) -> None:
        self._run(handlers.tick_business_date(self.db, now=now_on(day)))

    def resolve(self, name: Name, action: Action, parts: Sequence[tuple[int, int]], day: int) -> str | None:
        payment_id, currency = self._find(name)
        return code_of(
            self._run(
                handlers.resolve(
                    self.db,
                    self.numbers,
                    payment_id,
                    action=action,
                    parts=[(CallId(call), text(amount, currency)) for call, amount in parts],
                    reason=WHY,
                    now=now_on(day),
                    origin=NOBODY,
                )
            )
        )

    def unapply(self, name: Name, day: int) -> str | None:
        payment_id, _ = self._find(name)
        work = handlers.unapply(self.db, self.numbers, payment_id, reason=WHY, now=now_on(day), origin=NOBODY)
        return code_of(self._run(work))

    def reverse(self, name: Name, tx: str, day: int) -> str | None:
        payment_id, _ = self._find(name)
        work = handlers.reverse(
            self.db, self.numbers, payment_id, tx_ref=tx, reason=WHY, now=now_on(day), origin=NOBODY
        )
        return code_of(self._run(work))

    def dismiss_conflict(self, number: int, day: int) -> str | None:
        conflict_id = self._rows("select id from payments.conflict order by id")[number]["id"]
        work = handlers.resolve(
            self.db,
            self.numbers,
            conflict_id,
            action=Action.DISMISS,
            parts=(),
            reason=WHY,
            now=now_on(day),
            origin=NOBODY,
        )
        return code_of(self._run(work))

    def change(self, call: int, command: str, day: int) -> str | None:
        changes = {"release": handlers.release_remainder, "cancel": handlers.cancel}
        change = changes.get(command, handlers.declare_default)
        return code_of(self._run(change(self.db, CallId(call), now=now_on(day), origin=NOBODY)))

    def view(self) -> View:
        """What the service itself loads, and that the columns that others read say the same."""
        return self._run(self._view())

    async def _view(self) -> View:
        payments = await self._all("select id, status from payments.payment order by id")
        calls = await self._all("select id, status from payments.call order by id")
        loaded = await store.lock_payments_by_id(self.db, [row["id"] for row in payments])
        owed = await store.lock_calls(self.db, [row["id"] for row in calls])
        assert {p.id: str(p.status) for p in loaded} == {row["id"]: row["status"] for row in payments}
        assert {c.id: str(c.status) for c in owed.values()} == {row["id"]: row["status"] for row in calls}
        holds = await self._holds()
        return view_of(owed.values(), loaded, holds, await self._conflicts())

    async def _holds(self) -> list[Hold]:
        return [
            store.holds.hold_of(row) for row in await self.db.fetch(f"select {store.holds.HOLD} from payments.hold")
        ]

    async def _conflicts(self) -> list[Conflict]:
        found = [
            await store.lock_conflict(self.db, row["id"])
            for row in await self._all("select id from payments.conflict order by id")
        ]
        return [each[0] for each in found if each is not None]

    def check(self) -> None:
        self.runner.run(Counter(self.db).check())

    def _find(self, name: Name) -> tuple[PaymentId, str]:
        source = name[0]
        if source.startswith(MANUAL):
            above, _, below = source.removeprefix(MANUAL).rpartition("/")
            source = f"{MANUAL}{self._find((above, below))[0]}"
        query = """
            select p.id, p.currency from payments.payment p join payments.source s on s.id = p.source_id
             where s.name = $1 and p.external_id = $2
        """
        (row,) = self._rows(query, source, name[1])
        return row["id"], row["currency"]

    def _rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        return self.runner.run(self._all(query, *values))

    async def _all(self, query: str, *values: object) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.db.fetch(query, *values)]


async def emptied(database: Database) -> None:
    """No rows but the funds and their accounts."""
    async with database.connect_admin() as owner:
        await owner.execute(EMPTY)
        for fund, zone in ZONES.items():
            await owner.execute("insert into payments.fund values ($1, 'USD', $2, 1)", fund, zone)
        for alias, fund in ACCOUNTS.items():
            await owner.execute("insert into payments.account values ($1, $2, 'USD', now())", alias, fund)
        for alias in SAME:
            await owner.execute("insert into payments.same_account values ($1, 'tokyo')", alias)
        for fund in APPLYING:
            policy = "insert into payments.fund_policy values ($1, 'apply_and_hold_excess', 0, 1, 'me', now())"
            await owner.execute(policy, fund)


@contextmanager
def connected(runner: asyncio.Runner, database: Database) -> Iterator[Connection]:
    """A connection as the service's own role, used by synchronous code."""
    context = database.connect("payments")
    db = runner.run(context.__aenter__())
    try:
        yield db
    finally:
        runner.run(context.__aexit__(None, None, None))


def test_the_service_does_what_the_model_says(database: Database) -> None:
    """Whatever comes, the tables hold what the model says after every transaction, their constraints never object, and
    the outbox tells of every version, with exactly the postings that made it."""
    with asyncio.Runner() as runner, connected(runner, database) as db:

        class LedgerInPostgres(Ledger):
            def open(self) -> InPostgres:
                runner.run(emptied(database))
                return InPostgres(runner, db)

        run_state_machine_as_test(LedgerInPostgres, settings=effort(8, steps=40, times_more=20))


TODAY: Final = START.date()
E1, E2, E3, E4, E5 = (Wire("bank/acme", f"E{n}", 100 * n, TODAY, call=n) for n in range(1, 6))
LATE: Final = Wire("bank/acme", "L", 70, TODAY + timedelta(days=3), call=1)
OTHER: Final = replace(E1, amount=999)
NAMELESS: Final = Wire("bank/acme", "N", 200, TODAY)
EARLY: Final = Wire("bank/tokyo", "T0", 900, TODAY, call=6)  # of the account with two names, for the fund that splits
PUSHED: Final = replace(EARLY, id="T1", amount=300)
SHOWN: Final = replace(PUSHED, source="bank/tokyo/files", id="S1", call=None, day=TODAY + timedelta(days=3))


def word(call: int, stage: str, version: int = 1, due: int = 0) -> Word:
    return Word(call, version, stage, 1_000, 1, TODAY + timedelta(days=due), 0, 2)


def back(wire: Wire) -> Wire:
    """The bank takes it back."""
    return Wire(wire.source, f"R-{wire.id}", wire.amount, wire.day, reverses=wire.id)


# What chance meets seldom: money and reversals that come first, one batch with both, calls that close meanwhile, splits
# that are taken back, the clock after all.
MOMENTS: Final[tuple[tuple[Any, ...], ...]] = (
    ("hear", [word(2, "scheduled"), word(3, "pending_approval")]),
    ("receive", [E1, E2, E3, E4, back(E5)]),
    ("sweep",),
    ("hear", [word(1, "issued"), word(2, "withdrawn", 2), word(3, "rejected", 2)]),
    ("sweep",),
    ("receive", [E1, OTHER, OTHER, LATE, back(LATE)]),
    ("hear", [word(4, "issued", 1, 4), word(5, "issued")]),
    ("receive", [back(E4), E5]),
    ("sweep",),
    ("receive", [OTHER, replace(LATE, id="L2"), NAMELESS]),
    ("receive", [back(replace(LATE, id="L2"))]),
    ("apply", NAMELESS.name, [(1, 50), (4, 100), (1, 50)]),
    ("unapply", NAMELESS.name),
    ("apply", NAMELESS.name, [(1, 200)]),
    ("tick", 1),
    ("tick", 4),
    ("receive", [back(NAMELESS), back(E1)]),
    ("tick", 9),
    ("dismiss conflict", 0),
    ("receive", [EARLY]),
    ("hear", [replace(word(6, "issued"), amount=700, fund=2)]),
    ("sweep",),
    ("receive", [back(EARLY), SHOWN, replace(SHOWN, id="S2")]),
    ("receive", [PUSHED, replace(PUSHED, id="T2"), replace(PUSHED, id="T3")]),
    ("apply", SHOWN.name, [(6, 300)]),
    ("receive", [replace(PUSHED, id="T4", amount=500), replace(SHOWN, id="S4", amount=500)]),
    ("receive", [replace(PUSHED, id="T5"), back(PUSHED)]),
)


def live(model: Model, subject: InPostgres, what: str, told: Any = None, parts: Any = None) -> None:
    """One moment, for both."""
    match what:
        case "hear":
            model.hear(told, dates_on(0))
            subject.hear(told, 0)
        case "receive":
            model.receive(told)
            subject.receive(told, 0)
        case "sweep":
            model.sweep()
            subject.sweep(0)
        case "tick":
            model.tick(dates_on(told))
            subject.tick(told)
        case "apply":
            assert model.apply(told, parts) == subject.resolve(told, Action.APPLY, parts, 0) is None
        case "unapply":
            assert model.unapply(told) == subject.unapply(told, 0) is None
        case _:
            assert model.dismiss_conflict(told) == subject.dismiss_conflict(told, 0) is None


def test_the_awkward_moments_one_by_one(database: Database) -> None:
    """After each of the moments that chance meets seldom the tables hold what the model says."""
    with asyncio.Runner() as runner, connected(runner, database) as db:
        runner.run(emptied(database))
        model, subject = fresh(), InPostgres(runner, db)
        for number, moment in enumerate(MOMENTS):
            live(model, subject, *moment)
            assert subject.view() == model.view(), f"after moment {number}, {moment[0]}"
        subject.check()
