"""Promises of the read model's fold: what was said decides, not how often, in which order, or in which batches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from services.metrics.domain import (
    Allocation,
    CallGroup,
    Hold,
    Receivable,
    Reserves,
    Terms,
    Totals,
    count_by_status,
    newest,
)
from shared.money import Minor
from tests.metrics.facts import allocation, hold, receivable, reserves, terms
from tests.support.effort import effort

Said = Allocation | Terms | Receivable | Hold | Reserves
KINDS: tuple[type[Said], ...] = (Allocation, Terms, Receivable, Hold, Reserves)
STATUSES = ("called", "partially_paid", "paid", "overdue", "defaulted", "cancelled")

ids, versions = st.integers(1, 4), st.integers(1, 7)
# A version says one thing only, as with any writer.
said = st.one_of(
    st.builds(lambda i, v: allocation(i, v, fund_id=i % 2, called=v * 10, funded=v * i), ids, versions),
    st.builds(lambda i, v: terms(i, v, fund_id=i % 2, stage="issued" if v > 2 else "scheduled"), ids, versions),
    st.builds(lambda i, v: receivable(i, v, paid=v, status=STATUSES[v % 6]), ids, versions),
    st.builds(lambda i, v: hold(i, v, state="open" if v < 3 else "resolved"), ids, versions),
    st.builds(reserves, ids, versions),
)


@dataclass(slots=True)
class Rows:
    """Tables as dicts, where a row gives way to a newer one alone."""

    rows: dict[tuple[type[Said], int], Said] = field(default_factory=dict)

    def keep(self, batch: Sequence[Said]) -> None:
        for kind in KINDS:
            chosen = newest([each for each in batch if type(each) is kind])
            assert [each.id for each in chosen] == sorted({each.id for each in batch if type(each) is kind})
            for each in chosen:
                known = self.rows.get((kind, each.id))
                if known is None or known.version < each.version:
                    self.rows[kind, each.id] = each


def batches(draw: st.DrawFn, everything: list[Said]) -> Iterable[list[Said]]:
    """Everything in any order, some of it again, cut anywhere."""
    again = draw(st.lists(st.sampled_from(everything), max_size=10))
    shuffled = draw(st.permutations(everything + again))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=5)))
    return [list(shuffled[a:b]) for a, b in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Said], Iterable[list[Said]]]:
    everything = draw(st.lists(said, min_size=1, max_size=25))
    return everything, batches(draw, everything)


@effort(40)
@given(history=histories())
def test_the_newest_of_each_is_kept(history: tuple[list[Said], Iterable[list[Said]]]) -> None:
    """Any order, repetition and batching leaves the greatest version that was ever said of each, and nothing else; and
    every figure follows from these rows alone."""
    everything, shuffled = history
    rows = Rows()
    for batch in shuffled:
        rows.keep(batch)
    greatest: dict[tuple[type[Said], int], Said] = {}
    for each in sorted(everything, key=lambda each: each.version):
        greatest[type(each), each.id] = each
    assert rows.rows == greatest
    assert totals(rows.rows.values()) == totals(greatest.values())
    assert newest(newest(everything_of(Receivable, everything)) * 2) == newest(everything_of(Receivable, everything))


def everything_of(kind: type[Said], everything: Iterable[Said]) -> list[Said]:
    return [each for each in everything if type(each) is kind]


def totals(rows: Iterable[Said]) -> tuple[Totals, dict[str, int]]:
    """What people see of fund 1: sums over allocations, and how many calls have each status."""
    mine = [row for row in rows if isinstance(row, Allocation) and row.fund_id == 1]
    groups = [
        CallGroup("issued", row.status, 1, Minor(row.amount - row.paid)) for row in rows if isinstance(row, Receivable)
    ]
    sums = (sum(getattr(row, what) for row in mine) for what in ("committed", "planned", "called", "funded"))
    counts = dict(count_by_status(groups))
    assert sum(counts.values()) == len(groups)
    return Totals(*map(Minor, sums)), counts
