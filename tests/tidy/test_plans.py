"""Every statement finds its rows by an index, however large the tables grow.

The plans are asked for on empty tables, where the planner errs most (a look-up planned there kept a sequential scan
while the table grew to millions), as each service's own role, with the planner settings that are pinned on it.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from shared.postgres import Connection
from tests.support.ledger import Ledger
from tests.tidy import tree
from tests.tidy.sql import Statement
from tests.tidy.test_sql import of_service

# Statements that read a whole table because that is their job, each with why it may.
READ_ALL: Final = {
    "shared.outbox.OUTBOX_BACKLOG": "counts what waits, which is little; a long queue is just what it must tell",
    "services.allocations.store.funds.TIME_ZONES": "every fund's: a tick asks what day it is for each",
    "services.payments.store.calls.GET_FUNDS": "every fund, for the same reason",
    "services.payments.statements.store.showing._STATEMENT": "no statement, but what three of them begin with",
    "services.payments.statements.store.showing.LIST_STATEMENTS": "the sources of statements, a row per bank account",
    "services.audit.store.HEADS": "the topics, a row each",
    "services.metrics.store.EMPTY_TABLES": "a rebuild puts every row anew",
    "services.metrics.store.READ_TO": "the positions, a row per partition",
    "services.metrics.store.LOCK_POSITIONS": "the same, while a rebuild is changed over",
    **{f"services.metrics.store.COPIES[{n}]": "a rebuild copies the whole read model" for n in range(6)},
    **{f"services.metrics.store.DUMPS[{n}]": "a rebuild compares the whole read model" for n in range(6)},
}


async def scans(db: Connection, statement: Statement) -> list[str]:
    """The tables that a statement would read from end to end."""
    arguments = ", ".join("null" for _ in (await db.prepare(statement.text)).get_parameters())
    await db.execute("set plan_cache_mode = force_generic_plan")
    await db.execute(f"prepare asked as {statement.text}")
    plan = await db.fetchval(f"explain (format json) execute asked {f'({arguments})' if arguments else ''}")
    await db.execute("deallocate asked")
    return sorted({node["Relation Name"] for node in nodes(json.loads(plan)[0]["Plan"]) if is_scan(node)})


def is_scan(node: dict[str, Any]) -> bool:
    """A table read from end to end, by itself or through an index of which nothing is asked."""
    by_index = node["Node Type"] in {"Index Scan", "Index Only Scan"} and "Index Cond" not in node
    return "Relation Name" in node and (by_index or node["Node Type"] == "Seq Scan")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node but the first rows of an index in its order, which a limit right above it ends."""
    yield plan
    for part in plan.get("Plans", ()):
        if not (plan["Node Type"] == "Limit" and part["Node Type"].startswith("Index")):
            yield from nodes(part)


def explainable(statement: Statement) -> bool:
    """EXPLAIN plans queries and changes; a lock, a truncation or a setting has no plan."""
    return statement.text.split(maxsplit=1)[0].lower() in {"select", "insert", "update", "delete", "with"}


@pytest.mark.parametrize("service", tree.SERVICES)
async def test_no_statement_reads_a_whole_table(ledger: Ledger, service: str) -> None:
    """Only what is meant to read everything does."""
    found: dict[str, list[str]] = {}
    async with ledger.connect(service) as db:
        for statement in filter(explainable, of_service(service)):
            if statement.id not in READ_ALL and (tables := await scans(db, statement)):
                found[statement.id] = tables
    assert found == {}


async def test_a_scan_is_found(ledger: Ledger) -> None:
    """A look-up by a column without an index is named, and so is one that goes through all of another one's."""
    slow = Statement("m", "SLOW", "select id from payments.payment where remittance = $1")
    quick = Statement("m", "QUICK", "select id from payments.payment where id = $1")
    join = "select h.id from payments.hold h join payments.payment p on p.remittance = h.reason"
    async with ledger.connect("payments") as db:
        assert await scans(db, slow) == ["payment"]
        assert "payment" in await scans(db, Statement("m", "WHOLE", join))
        assert await scans(db, quick) == []
