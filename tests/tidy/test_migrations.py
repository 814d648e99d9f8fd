"""Migrations go up, down and up again, to the schema that is committed; roles may do what they must, and no more."""

import re

import asyncpg
import pytest

from shared.migrate import migrate, role_of, roll_back
from shared.postgres import Connection
from tests.support.ledger import Ledger
from tests.tidy import schema, tree

# Rows that were posted: a fact, once written, stays as it is. (Where a row's state moves on, its columns are granted
# one by one: see docs/schema/grants.txt.)
POSTED = {
    "allocations": (),
    "payments": (
        *("later_posting", "conflict", "source", "resolution", "account_credit", "charge"),
        *("bank_file", "bank_file_piece", "statement", "statement_entry", "statement_source", "feed_profile"),
    ),
    "metrics": (),
    "audit": ("entry", "erasure", "topic"),
}


@pytest.mark.parametrize("service", tree.SERVICES)
def test_a_schema_is_what_is_committed(ledger: Ledger, service: str) -> None:
    """All migrations together make exactly the schema that reviewers see in docs/schema."""
    schema.compare(f"{service}.sql", schema.dump(ledger.admin_url, service))


@pytest.mark.parametrize("service", tree.SERVICES)
def test_migrations_go_down_and_up_again(ledger: Ledger, service: str) -> None:
    """Each migration takes back all that it made, and can be made again after that."""
    before = schema.dump(ledger.admin_url, service)
    folder = tree.ROOT / "services" / service / "migrations"
    for _ in schema.migrations(service):
        roll_back(ledger.admin_url, service, folder)
    assert statements(schema.dump(ledger.admin_url, service)) == [f"CREATE SCHEMA {service};"]
    migrate(ledger.admin_url, service, folder)
    assert schema.dump(ledger.admin_url, service) == before


@pytest.mark.parametrize("service", tree.SERVICES)
def test_migrations_are_named_and_numbered(service: str) -> None:
    """Files are NNNN_verb_noun.sql with an up and a down, the mechanism's below 0100 and a service's above."""
    for path in schema.migrations(service):
        text = path.read_text()
        own = path.parent.parent.name == service
        assert re.fullmatch(r"\d{4}_[a-z]+(?:_[a-z]+)+\.sql", path.name), path.name
        assert (int(path.name[:4]) > 100) == own, path.name
        assert text.startswith("-- migrate:up"), path.name
        assert text.count("-- migrate:down") == 1, path.name


@pytest.mark.parametrize("service", tree.SERVICES)
def test_migrations_are_safe_beside_running_code(service: str) -> None:
    """No migration rewrites, locks or narrows a table in a way that stops the code of before or after."""
    found = {path.name: schema.unsafe(path.read_text()) for path in schema.migrations(service)}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_an_unsafe_migration_is_found() -> None:
    """A column that old code does not fill, and a table that it still reads, are seen; the way down is not asked."""
    assert schema.unsafe("-- migrate:up\nalter table a.b add column c int not null;")
    assert schema.unsafe("-- migrate:up\ndrop table a.b;")
    assert schema.unsafe("-- migrate:up\ncreate index x on a.b (c);")
    assert not schema.unsafe("-- migrate:up transaction:false\ncreate index concurrently if not exists x on a.b (c);")
    assert not schema.unsafe("-- migrate:up\ncreate table a.b (id bigint);\n-- migrate:down\ndrop table a.b;")


async def test_rights_are_what_is_committed(ledger: Ledger) -> None:
    """Every right of every role, as the catalogs tell it, is in docs/schema/grants.txt; nobody has powers besides."""
    async with ledger.connect_admin() as db:
        schema.compare("grants.txt", await schema.rights(db))
        powers = await db.fetch(schema.POWERS)
    assert [row["role"] for row in powers] == sorted(role_of(service) for service in tree.SERVICES)
    assert not any(row["powerful"] or row["memberships"] for row in powers)


@pytest.mark.parametrize(("service", "table"), [(service, table) for service in POSTED for table in POSTED[service]])
async def test_posted_rows_are_never_changed(ledger: Ledger, service: str, table: str) -> None:
    """The role that writes a posted row may neither update nor delete nor truncate it."""
    async with ledger.connect(service) as db:
        column = await db.fetchval(
            "select max(attname) from pg_attribute where attrelid = $1::regclass and attnum > 0 and attidentity = ''",
            f"{service}.{table}",
        )
        for statement in (
            f"update {service}.{table} set {column} = {column}",
            f"delete from {service}.{table}",
            f"truncate {service}.{table}",
        ):
            assert await refusal(db, statement) == "42501", statement


@pytest.mark.parametrize("service", tree.SERVICES)
async def test_nobody_reads_another_schema(ledger: Ledger, service: str) -> None:
    """A service's role is refused every table of every other service, and may make nothing anywhere."""
    async with ledger.connect_admin() as db:
        tables = await db.fetch(
            "select schemaname, tablename from pg_tables where schemaname = any($1::text[]) and schemaname <> $2",
            list(tree.SERVICES),
            service,
        )
    assert len(tables) > 15
    async with ledger.connect(service) as db:
        for schemaname, tablename in tables:
            assert await refusal(db, f"select * from {schemaname}.{tablename}") == "42501", (schemaname, tablename)
        for place in (f"{service}.", "public.", ""):
            assert await refusal(db, f"create table {place}mine (id int)") == "42501", place


async def test_a_permitted_statement_is_not_refused(ledger: Ledger) -> None:
    """The probe above tells a refusal from a statement that works."""
    async with ledger.connect("audit") as db:
        assert await refusal(db, "select * from audit.entry") is None
        assert await refusal(db, "select * from no_such_table") == "42P01"


def test_a_dump_is_normalised() -> None:
    """Two dumps of one schema are equal, whatever comments, tokens and settings they carry."""
    one = "--\n-- Dumped by 18.1\n--\n\n\\restrict abc\nSET x = 1;\n\n\nCREATE SCHEMA a;\n\n\\unrestrict abc\n"
    two = "-- Dumped by 18.2\n\\restrict def\nCREATE SCHEMA a;\n"
    assert schema.normalised(one) == schema.normalised(two) == "CREATE SCHEMA a;\n"


async def refusal(db: Connection, statement: str) -> str | None:
    """The SQLSTATE that a statement is refused with, or None where it works; nothing of it stays."""
    attempt = db.transaction()
    await attempt.start()
    try:
        await db.execute(statement)
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    finally:
        await attempt.rollback()
    return None


def statements(dump: str) -> list[str]:
    """The statements that a dump holds."""
    return [line for line in dump.splitlines() if line]
