"""What `drawdown check` finds in the tables of payments alone."""

from drawdown.check import cash
from shared.postgres import Connection


async def broken(owner: Connection) -> list[tuple[str, int, str]]:
    """Each row that breaks an invariant: which one, the row's id, and what is wrong with it."""
    questions = (*cash.QUESTIONS, *(one for one in cash.WHEN_QUIET if "allocations." not in one.sql))
    return [
        (question.what, row["id"], row["says"])
        for question in questions
        for row in await owner.fetch(question.sql)
        if row["says"] is not None
    ]
