"""The book that the events pay: funds, deals, allocations and calls, always the same ones, as two CSV files.

An allocation is unique per fund and deal, so a fund with 2,000 allocations needs as many deals.
"""

import csv
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.model import BookedCall

FUNDS: Final = 200
ALLOCATIONS: Final = 20_000
CALLS_EACH: Final = 3
LATE_PERCENT: Final = 1  # of the allocations: they become known while the events are flowing
ZIPF: Final = 0.8  # of the allocations over the funds, and of the payments over the allocations
PROBE_FUNDS: Final = 1  # with one call each, which only probes of freshness pay
_PROBE_MINOR: Final = 100_000_000_000_00

_CALLS: Final = ("call_id", "allocation_id", "fund_id", "deal_id", "seq_no", "amount_minor", "late")
_ALLOCATIONS: Final = ("allocation_id", "fund_id", "deal_id", "committed_minor", "late")


@dataclass(frozen=True, slots=True)
class BookedAllocation:
    id: int
    fund_id: int
    deal_id: int
    committed_minor: int
    late: bool


@dataclass(frozen=True, slots=True)
class Book:
    """Ids count from 1; late ones are the highest, as they come last. `probes` are calls of funds of their own."""

    funds: int  # with the probes' funds, which are the last
    allocations: Sequence[BookedAllocation]
    calls: Sequence[BookedCall]

    @property
    def deals(self) -> int:
        return max(allocation.deal_id for allocation in self.allocations)

    @property
    def probes(self) -> list[BookedCall]:
        return [call for call in self.calls if call.fund_id > self.funds - PROBE_FUNDS]

    @property
    def paid(self) -> list[BookedCall]:
        """What a workload pays: every call but the probes'."""
        return [call for call in self.calls if call.fund_id <= self.funds - PROBE_FUNDS]


def zipf(count: int, exponent: float = ZIPF) -> list[float]:
    """Weights that fall with the rank."""
    return [rank**-exponent for rank in range(1, count + 1)]


def make(*, scale: float) -> Book:
    """The book of that scale; 1 has 200 funds, 20,000 allocations and 60,000 calls."""
    chance = random.Random(f"book {scale}")
    funds = max(round(FUNDS * min(scale * 10, 1)), 4)
    owners = _owners(chance, funds, max(round(ALLOCATIONS * scale), 4 * funds))
    late_from = len(owners) - max(len(owners) * LATE_PERCENT // 100, 1)
    allocations: list[BookedAllocation] = []
    calls: list[BookedCall] = []
    deals: dict[int, int] = {}
    for n, fund_id in enumerate(owners):
        if n == late_from:
            _add_probes(funds, allocations, calls)
        deals[fund_id] = deals.get(fund_id, 0) + 1
        amounts = [chance.randrange(50_000_00, 5_000_000_00) for _ in range(CALLS_EACH)]
        committed = sum(amounts) + chance.choice([0, chance.randrange(10_000_00, 1_000_000_00)])
        _add(allocations, calls, fund_id, deals[fund_id], committed, amounts, late=n >= late_from)
    return Book(funds + PROBE_FUNDS, allocations, calls)


def _owners(chance: random.Random, funds: int, count: int) -> list[int]:
    """The fund of each allocation: each has at least one, the others fall to them by Zipf."""
    owners = [*range(1, funds + 1), *chance.choices(range(1, funds + 1), zipf(funds), k=count - funds)]
    chance.shuffle(owners)
    return owners


def _add_probes(funds: int, allocations: list[BookedAllocation], calls: list[BookedCall]) -> None:
    for n in range(PROBE_FUNDS):
        _add(allocations, calls, funds + 1 + n, 1, _PROBE_MINOR, [_PROBE_MINOR], late=False)


def _add(
    allocations: list[BookedAllocation],
    calls: list[BookedCall],
    fund_id: int,
    deal_id: int,
    committed: int,
    amounts: Sequence[int],
    *,
    late: bool,
) -> None:
    allocation = BookedAllocation(len(allocations) + 1, fund_id, deal_id, committed, late)
    allocations.append(allocation)
    for seq_no, amount in enumerate(amounts, start=1):
        calls.append(BookedCall(len(calls) + 1, allocation.id, fund_id, deal_id, seq_no, amount, late))


def write(book: Book, folder: Path) -> None:
    """`calls.csv` and `allocations.csv`."""
    with (folder / "allocations.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_ALLOCATIONS)
        rows.writerows((a.id, a.fund_id, a.deal_id, a.committed_minor, int(a.late)) for a in book.allocations)
    with (folder / "calls.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(_CALLS)
        for c in book.calls:
            rows.writerow((c.id, c.allocation_id, c.fund_id, c.deal_id, c.seq_no, c.amount_minor, int(c.late)))


def read(folder: Path) -> Book:
    """The book that `write` wrote."""
    with (folder / "allocations.csv").open(newline="") as file:
        allocations = [
            BookedAllocation(
                int(row["allocation_id"]),
                int(row["fund_id"]),
                int(row["deal_id"]),
                int(row["committed_minor"]),
                row["late"] == "1",
            )
            for row in csv.DictReader(file)
        ]
    return Book(max(a.fund_id for a in allocations), allocations, read_calls(folder / "calls.csv"))


def read_calls(path: Path) -> list[BookedCall]:
    """The calls of a book."""
    with path.open(newline="") as file:
        return [
            BookedCall(
                id=int(row["call_id"]),
                allocation_id=int(row["allocation_id"]),
                fund_id=int(row["fund_id"]),
                deal_id=int(row["deal_id"]),
                seq_no=int(row["seq_no"]),
                amount_minor=int(row["amount_minor"]),
                late=row["late"] == "1",
            )
            for row in csv.DictReader(file)
        ]
