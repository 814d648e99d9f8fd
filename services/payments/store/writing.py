"""How batches pass to the database: rows by COPY, columns of what is looked up or changed as one text each."""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
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


def column(values: Iterable[object]) -> str:
    """The values of a column as one text, which a statement takes apart by `string_to_array`; None stands as nothing.

    The driver looks at each element of an array parameter several times, at five times the price. No value may be empty
    or hold the separator, a control character, which no contract and no form lets in.
    """
    return "\x1f".join(["" if value is None else str(value) for value in values])


@lru_cache(maxsize=1_000)
def day(value: date | None) -> str | None:
    """A date for a `column`; the calendar's first and last day stand as infinite, as the driver writes them."""
    if value is None:
        return None
    return {date.max: "infinity", date.min: "-infinity"}.get(value) or value.isoformat()


def expect(rows: int, done: str) -> None:
    """Locked rows cannot vanish: another number of changed rows is a fault of ours, and nothing may be committed."""
    if done != f"UPDATE {rows}":
        raise RuntimeError(f"expected {rows} rows to change, got {done}")
