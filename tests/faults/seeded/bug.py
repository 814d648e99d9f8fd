"""One mistake that is put into a copy of the product."""

from dataclasses import dataclass

from tests.faults.seeded.source import Edit


@dataclass(frozen=True, slots=True)
class Bug:
    """One mistake. Any of `shown_by` proves that it was found."""

    name: str
    says: str
    scenario: str
    shown_by: frozenset[str]
    edits: tuple[Edit, ...]
    sql: str = ""
