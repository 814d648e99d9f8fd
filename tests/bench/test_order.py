"""Brute force: the payments service itself, on a real database, comes to the model's figures in whatever order."""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import pytest

from bench import book, gates, model, workload
from bench.frames import Frame
from bench.loading import terms_of
from bench.model import BookedCall
from bench.workload import Recipe
from services.payments import handlers
from services.payments.consumer import Consumer
from services.payments.store import Numbers
from shared import topics
from shared.contracts.base import encode
from shared.ids import PaymentId
from shared.kafka.records import Arrival
from shared.postgres import Connection
from tests.support.ledger import Ledger

NOW: Final = datetime(2026, 3, 2, 12, tzinfo=UTC)
RECIPE: Final = Recipe(1_500, scale=0.002)


def shuffled(frames: Sequence[Frame], seed: int) -> list[Frame]:
    """Another order: anything may change places, but what one identity says keeps its own."""
    order = list(range(len(frames)))
    random.Random(seed).shuffle(order)
    places: dict[object, list[int]] = defaultdict(list)
    for place, n in enumerate(order):
        entry = model.readable(frames[n][1])
        places[(entry["source"], entry["payment_id"]) if entry else n].append(place)
    for same in places.values():
        for place, n in zip(same, sorted(order[place] for place in same), strict=True):
            order[place] = n
    return [frames[n] for n in order]


class Service:
    """The consumer of payments, a batch a transaction."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._numbers = Numbers()
        self._offset = 0

    async def hear(self, topic: str, values: Sequence[bytes], batch: int) -> None:
        consumer = Consumer(self._numbers, b"secret")
        for start in range(0, len(values), batch):
            arrivals = [
                Arrival(topic, 0, 1, self._offset + n, b"k", value, (), 0)
                for n, value in enumerate(values[start : start + batch])
            ]
            self._offset += len(arrivals)
            async with self._db.transaction():
                await consumer.apply(self._db, arrivals, NOW)

    async def sweep(self) -> None:
        after: PaymentId | None = PaymentId(0)
        while after is not None:
            async with self._db.transaction():
                after = await handlers.sweep(self._db, self._numbers, after=after, now=NOW)


def terms(calls: Sequence[BookedCall], *, late: bool) -> list[bytes]:
    return [encode(terms_of(call, NOW.date(), NOW)) for call in calls if call.late == late]


@pytest.mark.parametrize(("seed", "batch"), [(None, 400), (1, 400), (2, 37)])
async def test_the_outcome_does_not_depend_on_order(ledger: Ledger, seed: int | None, batch: int) -> None:
    """Sent as written or shuffled, in large batches or small ones: paid, booked, held and dead are the model's."""
    made = book.make(scale=RECIPE.scale)
    sent = list(workload.events(RECIPE, made))
    expected = model.run(sent, made.calls)
    ordered = sent if seed is None else shuffled(sent, seed)
    half = len(ordered) // 2
    async with ledger.connect("payments") as db:
        service = Service(db)
        await service.hear(topics.CALL_TERMS_CHANGED, terms(made.calls, late=False), 500)
        await service.hear(topics.PAYMENT_RECEIVED, [value for _, value in ordered[:half]], batch)
        await service.sweep()
        await service.hear(topics.CALL_TERMS_CHANGED, terms(made.calls, late=True), 500)
        await service.hear(topics.PAYMENT_RECEIVED, [value for _, value in ordered[half:]], batch)
        await service.sweep()
        await service.sweep()
        gates.insist(await gates.of_ledger(db, expected))
    assert min(expected.reversed, expected.conflicts, expected.over_payments, expected.dead_letters) > 0
