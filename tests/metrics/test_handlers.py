"""The promise of the read model: it depends on what was said, never on order, repetition or batches."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.metrics import store
from services.metrics.domain import Allocation, Deal, Fund, Hold, Receivable, Reserves, Terms
from services.metrics.handlers import keep
from shared.postgres import Connection
from tests.metrics.facts import allocation, deal, fund, hold, receivable, reserves, terms

Said = Fund | Deal | Allocation | Terms | Receivable | Hold | Reserves

ids = st.integers(1, 3)
versions = st.integers(1, 6)

# What a version says is a function of its number, as for any writer: a version is said once and never differs.
snapshots: st.SearchStrategy[Said] = st.one_of(
    st.builds(fund, ids, versions),
    st.builds(deal, ids, versions),
    st.builds(lambda i, v: allocation(i, v, called=v * 10, funded=v), ids, versions),
    st.builds(lambda i, v: terms(i, v, stage="issued" if v > 2 else "scheduled"), ids, versions),
    st.builds(lambda i, v: receivable(i, v, paid=v, status="partially_paid"), ids, versions),
    st.builds(lambda i, v: hold(i, v, state="open" if v < 3 else "resolved"), ids, versions),
    st.builds(reserves, ids, versions),
)


async def dump(db: Connection) -> list[str]:
    async with db.transaction():
        return [row async for row in _rows(db)]


async def _rows(db: Connection):  # type: ignore[no-untyped-def]  # noqa: ANN202  (an async generator of lines)
    for table in store.TABLES:
        async for row in store.dump(db, table):
            yield f"{table} {row}"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(snapshots, min_size=1, max_size=30), seed=st.integers())
async def test_any_order_repetition_and_batching(db: Connection, said: list[Said], seed: int) -> None:
    """The same events in any order, with any duplicates, cut into any batches, give the same bytes."""
    await keep(db, [*said])
    in_order = await dump(db)
    await _empty(db)

    chance = random.Random(seed)
    again = said + chance.choices(said, k=len(said))
    chance.shuffle(again)
    while again:
        cut = chance.randint(1, len(again))
        await keep(db, [*again[:cut]])
        again = again[cut:]
    assert await dump(db) == in_order
    await _empty(db)


async def _empty(db: Connection) -> None:
    await db.execute(store.EMPTY_TABLES)


async def test_an_empty_batch(db: Connection) -> None:
    """A batch that says nothing changes nothing."""
    await keep(db, [])
    assert await dump(db) == []
