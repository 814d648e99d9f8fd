"""Which few of some amounts make up another one exactly. Bounded by what it is asked, so it needs no clock."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice
from typing import Final

MOST_AMOUNTS: Final = 20  # of these, up to five are tried together: 1,540 look-ups at most
MOST_PARTS: Final = 5

Places = tuple[int, ...]


def exact_sums(
    amounts: Sequence[int], total: int, *, fewest: int = 2, most: int = MOST_PARTS, found: int = 4
) -> list[Places]:
    """Places of `fewest` to `most` amounts that sum to `total`: the fewest parts first, then those that stand first.

    At most `found` of them; only the first 20 amounts are looked at, and each must be more than 0.
    """
    looked_at = tuple(amounts[:MOST_AMOUNTS])
    assert all(amount > 0 for amount in looked_at), looked_at
    pairs: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for first, second in combinations(range(len(looked_at)), 2):
        pairs[looked_at[first] + looked_at[second]].append((first, second))
    sizes = range(fewest, min(most, MOST_PARTS, len(looked_at)) + 1)
    return list(islice((places for size in sizes for places in _of(size, looked_at, pairs, total)), found))


def _of(
    size: int, amounts: Sequence[int], pairs: Mapping[int, Sequence[tuple[int, int]]], total: int
) -> Iterator[Places]:
    """All choices of `size` places that sum to `total`, in order; the last two are looked up, not tried."""
    if size == 1:
        yield from ((place,) for place, amount in enumerate(amounts) if amount == total)
        return
    chosen = combinations(range(len(amounts)), size - 2)
    for places, taken in zip(chosen, combinations(amounts, size - 2), strict=True):
        last_two = pairs.get(total - sum(taken))
        if last_two:
            begin = bisect_left(last_two, (places[-1] + 1, 0)) if places else 0
            yield from ((*places, *two) for two in islice(last_two, begin, None))


def totals(first: int, others: Sequence[int], *, most: int = 3) -> list[int]:
    """What `first` makes together with one or more of the `others`, up to `most` of all; rising, each once."""
    sums = {first + sum(chosen) for size in range(1, most) for chosen in combinations(others[:MOST_AMOUNTS], size)}
    return sorted(sums)
