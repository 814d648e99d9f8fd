"""How rows are written: whole batches, and all of them."""

from collections.abc import Sequence
from typing import Any, Final

from shared.postgres import Connection, Retry, is_taken

# What two transactions may both find free, and only one of them takes.
RACES: Final = frozenset(
    {
        *("payment_identity", "payment_reversed_once", "posting_undone_once", "conflict_once", "call_pkey"),
        *("hold_open", "hold_of_conflict"),
    }
)


async def copy(db: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Adds rows in one statement; raises `Retry` where another transaction took meanwhile what was looked up as free.

    That is no fault of a record, and gone when done again. Another key that is taken is a fault of ours, and no
    record's either.
    """
    if not rows:
        return
    try:
        await db.copy_records_to_table(table, schema_name="payments", columns=columns, records=rows)
    except Exception as error:
        if not is_taken(error):
            raise
        constraint = getattr(error, "constraint_name", None)
        if constraint in RACES:
            raise Retry(f"another transaction was first: {constraint}") from error
        raise RuntimeError(f"an id was given twice: {constraint}") from error


def expect(rows: int, done: str) -> None:
    """Locked rows cannot vanish: another number of changed rows is a fault of ours, and nothing may be committed."""
    if done != f"UPDATE {rows}":
        raise RuntimeError(f"expected {rows} rows to change, got {done}")
