"""Promises of the tables of bank statements: what is kept is never changed, and contradicts itself nowhere."""

from datetime import UTC, datetime

import asyncpg
import pytest

from services.payments.statements import store
from shared.postgres import Connection
from tests.support.ledger import Ledger

NOW = datetime(2026, 3, 3, tzinfo=UTC)
COLUMNS = {"statement_source": "name", "bank_file": "format", "statement": "line", "statement_entry": "line"}


async def a_statement(db: Connection) -> tuple[int, int]:
    """Ids of a source and of a statement of it."""
    source = await store.add_source(db, "bank/acme-usd-1", ("4000123456", "USD"), NOW)
    file_id = await store.add_file(db, b"digest", "camt.053.001.08", 11, "tester", NOW)
    statement_id: int = await db.fetchval(
        """
        insert into payments.statement (file_id, position, source_id, bank_id, page, line, problems)
        values ($1, 0, $2, 'S-1', 1, 1, '[]') returning id
        """,
        file_id,
        source.id,
    )
    return source.id, statement_id


@pytest.mark.parametrize("table", COLUMNS)
async def test_the_service_changes_and_deletes_nothing(ledger: Ledger, table: str) -> None:
    """The service's role adds and reads; evidence is not its to edit."""
    async with ledger.connect("payments") as db:
        for statement in (f"delete from payments.{table}", f"truncate payments.{table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await db.execute(statement)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute(f"update payments.{table} set {COLUMNS[table]} = null")


async def test_a_file_is_kept_once(ledger: Ledger) -> None:
    """The same digest again is no new file."""
    async with ledger.connect("payments") as db:
        first = await store.add_file(db, b"digest", "camt.053.001.08", 11, "tester", NOW)
        assert first is not None
        assert await store.add_file(db, b"digest", "camt.053.001.08", 11, "tester", NOW) is None
        assert await store.get_file(db, b"other", entries=1) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "null"),
        ("amount_minor", "0"),
        ("amount_minor", "-1"),
        ("value_date", "null"),
        ("reverses", "'B-0'"),
        ("mark", "'neither'"),
        ("why_not", "'pending'"),
    ],
)
async def test_what_is_sent_on_is_complete(ledger: Ledger, column: str, value: str) -> None:
    """The database itself refuses an entry that is posted and lacks what a payment needs."""
    good = {
        "mark": "'credit'",
        "kind": "'credit'",
        "amount_minor": "100",
        "value_date": "'2026-03-02'",
        "reverses": "null",
        "why_not": "null",
        "published": "true",
    }
    insert = """
        insert into payments.statement_entry
               (statement_id, position, source_id, payment_id, currency, original_found, line, {columns})
        values ($1, $2, $3, 'B-1', 'USD', false, 1, {values})
    """
    async with ledger.connect("payments") as db:
        source_id, statement_id = await a_statement(db)
        for position, row in enumerate((good, {**good, column: value})):
            text = insert.format(columns=", ".join(row), values=", ".join(row.values()))
            if row == good:
                await db.execute(text, statement_id, position, source_id)
            else:
                with pytest.raises(asyncpg.CheckViolationError):
                    await db.execute(text, statement_id, position, source_id)


async def test_a_name_of_ours_is_no_source(ledger: Ledger) -> None:
    """The database refuses it too."""
    async with ledger.connect("payments") as db:
        with pytest.raises(asyncpg.CheckViolationError):
            await store.add_source(db, "manual/17", ("1", "USD"), NOW)


async def test_looking_up_uses_indexes(ledger: Ledger) -> None:
    """What every upload asks is answered from indexes, however long the history is."""
    async with ledger.connect("payments") as db:
        for text, arguments in (
            (store.PUBLISHED, ([1], ["B-1"])),
            (store.ORIGINALS, (1, ["B-1"], ["E-1"], ["U-1"])),
            (store.ENTRIES, (1, 0, 1)),
            (store.PLACES, (1,)),
        ):
            rows = await db.fetch("explain " + _with_values(text, arguments))
            plan = "\n".join(row[0] for row in rows)
            assert "Seq Scan on statement_entry" not in plan


def _with_values(text: str, arguments: tuple[object, ...]) -> str:
    for number, value in enumerate(arguments, 1):
        quoted = f"array[{', '.join(map(repr, value))}]" if isinstance(value, list) else str(value)
        text = text.replace(f"${number}", quoted)
    return text
