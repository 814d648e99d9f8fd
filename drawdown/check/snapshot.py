"""One moment of the database, and questions asked of it.

A question is a query of two columns: the row's `id`, and what it `says` where it breaks the invariant, else null.
So every question tells how many rows it looked at, and an empty answer is never mistaken for a good one.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

from drawdown.check.verdicts import SHOWN, Finding, Offender
from shared.postgres import Connection, connect

Snapshot: TypeAlias = Connection
APPLICATION: Final = "drawdown-check"

ASK: Final = """
with answer as materialized (
{question}
)
select count(*) as rows,
       count(says) as found,
       (select coalesce(json_agg(json_build_array(id, says)), '[]')
          from (select id, says from answer where says is not null order by id limit {shown}) as first) as offenders
  from answer
"""


@dataclass(frozen=True, slots=True)
class Question:
    """One query over one or more schemas, for one invariant."""

    invariant: str
    what: str
    sql: str


@asynccontextmanager
async def snapshot_of(url: str) -> AsyncIterator[Snapshot]:
    """A read-only transaction that sees one moment of all schemas; `url` must belong to a role that may read them."""
    db = await connect(url, application=APPLICATION, settings={"timezone": "UTC", "jit": "off"})
    try:
        async with db.transaction(isolation="repeatable_read", readonly=True):
            yield db
    finally:
        await db.close(timeout=10)


async def ask(db: Snapshot, questions: Sequence[Question]) -> list[Finding]:
    """The answers to all questions, in their order."""
    return [await _ask(db, question) for question in questions]


async def _ask(db: Snapshot, question: Question) -> Finding:
    row = await db.fetchrow(ASK.format(question=question.sql, shown=SHOWN))
    assert row is not None
    offenders = tuple(Offender(str(id), says) for id, says in json.loads(row["offenders"]))
    return Finding(question.invariant, question.what, row["rows"], row["found"], offenders)
