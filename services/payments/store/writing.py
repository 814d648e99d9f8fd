"""How rows are written: whole batches, and all of them."""

from collections.abc import Sequence
from typing import Any

from shared.postgres import Connection, Retry, is_taken


async def copy(db: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    if not rows:
        return
    try:
        await db.copy_records_to_table(table, schema_name="payments", columns=columns, records=rows)
    except Exception as error:
        # What was looked up is no longer so: not a fault of the record, and gone when done again.
        if is_taken(error):
            raise Retry(f"another transaction was first in {table}") from error
        raise


def expect(rows: int, done: str) -> None:
    if done != f"UPDATE {rows}":
        raise RuntimeError(f"expected {rows} rows to change, got {done}")
