"""One answer of the judge."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ruling:
    """One question: of `rows` looked at, `broken` are wrong, each in words."""

    invariant: str
    what: str
    rows: int
    broken: tuple[str, ...] = ()


def ruling(invariant: str, what: str, rows: Iterable[object], broken: Iterable[str]) -> Ruling:
    """The answer to a question, with everything that is wrong found."""
    return Ruling(invariant, what, sum(1 for _ in rows), tuple(broken))
