"""The allocation's lifecycle as a table: data that docs are drawn from and tests compare with the function.

Nothing is decided here: `status_of` decides, and the tests walk it through every sequence of a small commitment and
demand exactly these pairs.
"""

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from services.allocations.domain.allocation import Cause, Status

Transitions: TypeAlias = Mapping[tuple[Status | None, Cause], frozenset[Status]]

WHEN: Final[Mapping[Status, str]] = {
    Status.COMMITTED: "C = 0",
    Status.FUNDED: "F = K",
    Status.PARTIALLY_FUNDED: "F > 0, money came last",
    Status.CALLED: "C = K",
    Status.PARTIALLY_CALLED: "otherwise",
}

# Where the playbook's three events lead, each payment a real one; None is "no allocation yet".
PLAYBOOK: Final[Transitions] = {
    (None, Cause.ALLOCATE): frozenset({Status.COMMITTED}),
    (Status.COMMITTED, Cause.CREATE_CALL): frozenset({Status.PARTIALLY_CALLED, Status.CALLED}),
    (Status.PARTIALLY_CALLED, Cause.CREATE_CALL): frozenset({Status.PARTIALLY_CALLED, Status.CALLED}),
    (Status.PARTIALLY_CALLED, Cause.PAYMENT_RECEIVED): frozenset({Status.PARTIALLY_FUNDED}),
    (Status.CALLED, Cause.PAYMENT_RECEIVED): frozenset({Status.PARTIALLY_FUNDED, Status.FUNDED}),
    (Status.PARTIALLY_FUNDED, Cause.CREATE_CALL): frozenset({Status.PARTIALLY_CALLED, Status.CALLED}),
    (Status.PARTIALLY_FUNDED, Cause.PAYMENT_RECEIVED): frozenset({Status.PARTIALLY_FUNDED, Status.FUNDED}),
}

# Where every event may lead, in any batch of facts. A pair that is not here cannot happen.
TRANSITIONS: Final[Transitions] = {
    (None, Cause.ALLOCATE): frozenset({Status.COMMITTED}),
    (Status.COMMITTED, Cause.CREATE_CALL): frozenset({Status.PARTIALLY_CALLED, Status.CALLED}),
    (Status.COMMITTED, Cause.CALL_PLANNED): frozenset({Status.COMMITTED}),
    (Status.COMMITTED, Cause.CALL_WITHDRAWN): frozenset({Status.COMMITTED}),
    (Status.PARTIALLY_CALLED, Cause.CREATE_CALL): frozenset({Status.PARTIALLY_CALLED, Status.CALLED}),
    (Status.PARTIALLY_CALLED, Cause.CALL_PLANNED): frozenset({Status.PARTIALLY_CALLED}),
    (Status.PARTIALLY_CALLED, Cause.CALL_WITHDRAWN): frozenset({Status.PARTIALLY_CALLED}),
    (Status.PARTIALLY_CALLED, Cause.PAYMENT_RECEIVED): frozenset({Status.PARTIALLY_FUNDED, Status.PARTIALLY_CALLED}),
    (Status.PARTIALLY_CALLED, Cause.PAYMENT_REVERSED): frozenset(
        {Status.PARTIALLY_FUNDED, Status.PARTIALLY_CALLED, Status.COMMITTED}
    ),
    (Status.PARTIALLY_CALLED, Cause.CALL_CANCELLED): frozenset(
        {Status.PARTIALLY_FUNDED, Status.PARTIALLY_CALLED, Status.COMMITTED}
    ),
    (Status.CALLED, Cause.PAYMENT_RECEIVED): frozenset({Status.FUNDED, Status.PARTIALLY_FUNDED, Status.CALLED}),
    (Status.CALLED, Cause.PAYMENT_REVERSED): frozenset(
        {Status.PARTIALLY_FUNDED, Status.CALLED, Status.PARTIALLY_CALLED, Status.COMMITTED}
    ),
    (Status.CALLED, Cause.CALL_CANCELLED): frozenset(
        {Status.PARTIALLY_FUNDED, Status.PARTIALLY_CALLED, Status.COMMITTED}
    ),
    (Status.PARTIALLY_FUNDED, Cause.CREATE_CALL): frozenset({Status.PARTIALLY_CALLED, Status.CALLED}),
    (Status.PARTIALLY_FUNDED, Cause.CALL_PLANNED): frozenset({Status.PARTIALLY_FUNDED}),
    (Status.PARTIALLY_FUNDED, Cause.CALL_WITHDRAWN): frozenset({Status.PARTIALLY_FUNDED}),
    (Status.PARTIALLY_FUNDED, Cause.PAYMENT_RECEIVED): frozenset({Status.FUNDED, Status.PARTIALLY_FUNDED}),
    (Status.PARTIALLY_FUNDED, Cause.PAYMENT_REVERSED): frozenset(
        {Status.PARTIALLY_FUNDED, Status.CALLED, Status.PARTIALLY_CALLED, Status.COMMITTED}
    ),
    (Status.PARTIALLY_FUNDED, Cause.CALL_CANCELLED): frozenset({Status.PARTIALLY_FUNDED}),
    (Status.FUNDED, Cause.PAYMENT_REVERSED): frozenset(
        {Status.PARTIALLY_FUNDED, Status.CALLED, Status.PARTIALLY_CALLED, Status.COMMITTED}
    ),
}

_DOCUMENT: Final = """\
# The lifecycle of an allocation

Drawn from `services/allocations/domain/lifecycle.py`; a test fails when the two differ.
To draw it again: `python -m services.allocations lifecycle > docs/lifecycle.md`.

The state is a pure function of what is committed (K), called (C) and funded (F), and of whether a call came last.
The first line that holds decides:

{rules}

## The playbook's events

{diagram}

{playbook}

A payment needs an open call, a call needs a commitment that is still free.
A pair that is not in the table is refused with 409 and changes nothing.

## Every event

{everything}

`CREATE_CALL` stands for each issue of a call above zero, by a person or on its notice date.
`CALL_PLANNED` and `CALL_WITHDRAWN` move what is planned, which no state depends on.
`PAYMENT_REVERSED` is a bank's reversal or a person's correction,
`CALL_CANCELLED` a call taken back or its remainder released.
One batch of facts makes one version, named for the first of these that is true:
F rose, F fell, C fell, a payment came and went.
So a line may lead further than one fact alone could.
"""


def document() -> str:
    """The page `docs/lifecycle.md`."""
    return _DOCUMENT.format(
        rules=_table(("when", "state"), ((when, f"`{status}`") for status, when in WHEN.items())),
        diagram=_diagram(PLAYBOOK),
        playbook=_pairs(PLAYBOOK),
        everything=_pairs(TRANSITIONS),
    )


def _pairs(transitions: Transitions) -> str:
    """One line per pair of state and event, with each state it may lead to and when."""
    return _table(
        ("from", "event", "to"),
        (
            (f"`{source}`" if source else "–", f"`{cause}`", _targets(targets))
            for (source, cause), targets in transitions.items()
        ),
    )


def _targets(targets: frozenset[Status]) -> str:
    if len(targets) == 1:
        return f"`{next(iter(targets))}`"
    return "; ".join(f"`{status}` ({when})" for status, when in WHEN.items() if status in targets)


def _diagram(transitions: Transitions) -> str:
    lines = [
        f"    {source or '[*]'} --> {target}: {cause}"
        for (source, cause), targets in transitions.items()
        for target in Status
        if target in targets
    ]
    return "\n".join(("```mermaid", "stateDiagram-v2", *lines, "```"))


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = tuple(heads)
    return "\n".join(
        f"| {' | '.join(cells)} |" for cells in (titles, ("---",) * len(titles), *(tuple(row) for row in rows))
    )
