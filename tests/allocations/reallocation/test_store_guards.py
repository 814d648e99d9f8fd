"""Promises of the tables of reserves: they refuse what the rules refuse, whoever writes the SQL."""

import asyncpg
import pytest

from shared.postgres import Connection
from tests.allocations.reallocation.planner import Planner

ONE_VERSION = "all reserves of a fund have one version"
NEXT_VERSION = "their next version"

# What a hand may try on a fund with two companies (the first is $1) at version 2, and the guard that stops it.
ON_A_RESERVE = {
    "set allocation_version = 3 where company_id = $1": ONE_VERSION,
    "set allocation_version = 3, planned_reserves_minor = 5 where company_id = $1": ONE_VERSION,
    "set planned_reserves_minor = 5 where company_id = $1": NEXT_VERSION,
    "set allocation_cap_minor = 5 where company_id = $1": NEXT_VERSION,
    "set allocation_version = 4 where company_id >= $1": NEXT_VERSION,
    "set allocation_version = 1 where company_id >= $1": NEXT_VERSION,
    "set allocation_version = 3, planned_reserves_minor = -1 where company_id >= $1": "planned_reserves_minor_check",
    "set allocation_version = 3, planned_reserves_minor = 1000000000000000 where company_id >= $1": "minor_check",
    "set allocation_version = 3, allocation_cap_minor = -1 where company_id >= $1": "allocation_cap_minor_check",
}

ELSEWHERE = {
    "delete from allocations.reserve": "never deleted",
    "truncate allocations.reserve": "never deleted",
    "delete from allocations.reallocation_audit": "never changes",
    "truncate allocations.reallocation_audit": "never changes",
    "update allocations.reallocation_audit set reason = 'other'": "never changes",
    "insert into allocations.reserve select fund_id, company_id + 1000, 1, null, 3, now() from allocations.reserve"
    " limit 1": "foreign key",
}

# Entries that a hand may try to add: versions, changes.
ENTRIES = {
    "2, 2, '[{}]'": "version_rises",
    "3, 2, '[{}]'": "version_rises",
    "-1, 3, '[{}]'": "baseline_version_check",
    "2, 3, '[]'": "changes_something",
    "2, 3, '{}'": "changes_something",
    "2, 3, '5'": "changes_something",
    "1, 2, '[{}]'": "one_per_version",
}


@pytest.mark.parametrize("statement", ON_A_RESERVE)
@pytest.mark.parametrize("role", ["service", "owner"])
async def test_a_hand_cannot_split_a_fund(planner: Planner, db: Connection, role: str, statement: str) -> None:
    """As the service and as the owner of the tables: one row alone never gets another version, nor another amount."""
    fund = await planner.fund(100, 200)
    await planner.commit(fund, fund.proposal(100))
    before = await planner.state()
    hand = db if role == "service" else planner.owner
    with pytest.raises(asyncpg.PostgresError, match=ON_A_RESERVE[statement]):
        await hand.execute(f"update allocations.reserve {statement}", fund.companies[0])
    assert await planner.state() == before


@pytest.mark.parametrize("version", [1, 3])
async def test_a_hand_cannot_add_a_row_of_another_version(planner: Planner, db: Connection, version: int) -> None:
    """A company comes in at the version that all others have, or get in the same moment."""
    fund = await planner.fund(100, 200)
    await planner.commit(fund, fund.proposal(100))
    add = "insert into allocations.reserve values ($1, $2, 5, null, $3, now())"
    for hand in (db, planner.owner):
        with pytest.raises(asyncpg.PostgresError, match=ONE_VERSION):
            await hand.execute(add, fund.id, await planner.company(), version)


async def test_all_rows_at_once_may_move(planner: Planner, db: Connection) -> None:
    """The guard stops what splits a fund, and nothing else; another fund's version is its own."""
    fund, _ = await planner.fund(100, 200), await planner.fund(300)
    done = await db.execute("update allocations.reserve set allocation_version = 2 where fund_id = $1", fund.id)
    assert done == "UPDATE 2"


@pytest.mark.parametrize("statement", ELSEWHERE)
async def test_what_was_done_stays(planner: Planner, statement: str) -> None:
    """Not even the owner deletes a reserve, or changes what the history tells."""
    fund = await planner.fund(100, 200)
    before = await planner.state()
    with pytest.raises(asyncpg.PostgresError, match=ELSEWHERE[statement]):
        await planner.owner.execute(statement)
    assert await planner.state() == before
    assert await planner.reserves(fund) == (1, [100, 200])


@pytest.mark.parametrize("cells", ENTRIES)
async def test_an_entry_rises_and_says_something(planner: Planner, cells: str) -> None:
    """Versions rise, each is made once, and an entry without changes is none."""
    fund = await planner.fund(100)
    await planner.commit(fund, fund.proposal(100))
    add = f"""
        insert into allocations.reallocation_audit (id, fund_id, kind, actor, created_at,
                                                    baseline_version, new_version, changes_json)
        values (gen_random_uuid(), $1, 'reallocation', 'hand', now(), {cells})
    """
    with pytest.raises(asyncpg.PostgresError, match=ENTRIES[cells]):
        await planner.owner.execute(add, fund.id)


@pytest.mark.parametrize("statement", [one for one in ELSEWHERE if not one.startswith("insert")])
async def test_the_service_may_not_even_try(planner: Planner, db: Connection, statement: str) -> None:
    """Its role has no right to delete, or to change the history."""
    await planner.fund(100)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await db.execute(statement)
