"""Every SQL statement is known to the migrated schema, and to the role that will run it."""

import pytest
from asyncpg import PostgresError

from shared.postgres import Connection
from tests.support.ledger import Ledger
from tests.tidy import tree
from tests.tidy.sql import Statement, loose, statements


def of_service(service: str) -> list[Statement]:
    """A service's own statements, and the mechanism's, which run in every schema."""
    rooms = [path for path in tree.python(f"services/{service}") if "store" in {*path.parts, path.stem}]
    return statements([*rooms, *tree.python("shared")])


async def refusals(db: Connection, asked: list[Statement]) -> list[str]:
    """Statements that the server will not prepare, each with its words."""
    refused = []
    for statement in asked:
        try:
            await db.prepare(statement.text)
        except PostgresError as error:
            refused.append(f"{statement.id}: {error}")
    return refused


@pytest.mark.parametrize("service", tree.SERVICES)
async def test_every_statement_can_be_prepared(ledger: Ledger, service: str) -> None:
    """A typo in a table's or a column's name never waits for run time to be found."""
    asked = of_service(service)
    assert len(asked) > 10
    async with ledger.connect(service) as db:
        assert await refusals(db, asked) == []


async def test_the_tools_statements_can_be_prepared(ledger: Ledger) -> None:
    """What the command line asks of the tables, as an administrator who may read all of them, is right too."""
    asked = [one for one in statements(tree.python("drawdown")) if "{" not in one.text]
    assert len(asked) > 30
    async with ledger.connect_admin() as db:
        assert await refusals(db, asked) == []


async def test_a_wrong_statement_is_found(ledger: Ledger) -> None:
    """A statement with a wrong column, or on another service's table, is refused and named."""
    wrong = [
        Statement("m", "TYPO", "select no_such_column from outbox"),
        Statement("m", "RIGHT", "select id from outbox where id = $1"),
    ]
    async with ledger.connect("payments") as db:
        assert [line.split(":")[0] for line in await refusals(db, wrong)] == ["m.TYPO"]


def test_statements_stand_at_the_top_of_their_modules() -> None:
    """In stores all SQL is a module-level constant, so that the test above sees it."""
    stores = [path for path in tree.python("services") if "store" in {*path.parts, path.stem}]
    assert stores
    assert [f"{tree.name(path)}:{line}" for path in stores for line in loose(path.read_text())] == []


def test_a_statement_inside_a_function_is_found() -> None:
    """The rule sees SQL in a call's argument, and leaves a docstring alone."""
    assert loose('async def f(db):\n    """select what fits"""\n    await db.fetch("select 1 from audit.entry")')
    assert not loose('async def f(db):\n    """select what fits"""\n    await db.fetch(ENTRIES)')
