"""A total spread over companies in proportion to weights, none of them above its ceiling."""

from collections.abc import Sequence

from shared.money import Minor, split


def fill(total: Minor, weights: Sequence[int], ceilings: Sequence[Minor | None]) -> list[Minor] | None:
    """Parts of `total` in proportion to `weights`, by largest remainder, each at most its ceiling (None: no limit).

    Who would get more than the ceiling gets just that, and the rest goes to the others in proportion to their weights,
    until everybody fits. Where only companies of no weight are left, they share alike. None where the total cannot be
    spread: the ceilings together are lower.
    """
    parts = [Minor(0)] * len(weights)
    left, open_ = int(total), list(range(len(weights)))
    while open_:
        own = [weights[i] for i in open_]
        tried = split(Minor(left), own if any(own) else [1] * len(own))
        over = [i for i, part in zip(open_, tried, strict=True) if _above(part, ceilings[i])]
        if not over:
            for i, part in zip(open_, tried, strict=True):
                parts[i] = part
            return parts
        for i in over:
            ceiling = ceilings[i]
            assert ceiling is not None
            parts[i] = ceiling
            left -= ceiling
        full = set(over)
        open_ = [i for i in open_ if i not in full]
    return parts if left == 0 else None


def _above(part: Minor, ceiling: Minor | None) -> bool:
    return ceiling is not None and part > ceiling
