"""Promises of the tables: they refuse what the rules refuse, whoever writes the SQL."""

import asyncpg
import pytest

from services.allocations.domain import Stage
from shared.postgres import Connection
from tests.allocations import ledger

# What a hand may try on the one allocation, as its next version, and the guard that stops it.
ON_THE_ALLOCATION = {
    "planned_minor = committed_minor + 1": "amounts_in_order",
    "called_minor = planned_minor + 1": "amounts_in_order",
    "funded_minor = called_minor + 1": "amounts_in_order",
    "funded_minor = -1": "amounts_in_order",
    "planned_minor = planned_minor + 1": "are not the sums over its calls",
    "called_minor = called_minor + 1": "are not the sums over its calls",
    "status = 'funded'": "status_follows_from_amounts",
    "funded_minor = 1, fresh = false": "status_follows_from_amounts",
    "status = 'lost'": "status_follows_from_amounts",
    "previous_status = null": "first_version_has_no_past",
    "cause = 'BECAUSE'": "known_cause",
    "committed_minor = committed_minor + 1": "never changes",
    "fund_id = fund_id + 1": "never changes",
    "deal_id = deal_id + 1": "never changes",
    "currency = 'EUR'": "never changes",
    "version = version": "multiple assignments",
}

# Allocations that a hand may try to add beside it: fund, deal, currency, committed, funded.
BESIDE_IT = {
    "fund_id, deal_id, currency, committed_minor, 0": "one_allocation_per_fund_and_deal",
    "fund_id, deal_id + 1, 'EUR', committed_minor, 0": "foreign key",
    "fund_id, deal_id + 2, currency, committed_minor, 0": "foreign key",
    "fund_id, deal_id + 1, currency, 1000000000000001, 0": "committed_within_bounds",
    "fund_id, deal_id + 1, currency, 0, 0": "committed_within_bounds",
    "fund_id, deal_id + 1, currency, -1, 0": "amounts_in_order",
    "fund_id, deal_id + 1, currency, committed_minor, 1": "amounts_in_order",
}

# What a hand may try on a call in some stage.
ON_A_CALL = {
    ("issued", "amount_minor = amount_minor + 1"): "frozen",
    ("issued", "amount_minor = 0"): "frozen",
    ("issued", "due_date = due_date + 1"): "frozen",
    ("issued", "grace_days = 5"): "frozen",
    ("issued", "issued_on = issued_on + 1"): "frozen",
    ("issued", "stage = 'withdrawn', terms_version = 2, issued_on = null"): "this stage to that one",
    ("scheduled", "amount_minor = -1"): "amount_above_zero",
    ("scheduled", "amount_minor = 0"): "amount_above_zero",
    ("scheduled", "amount_minor = amount_minor + 1"): "are not the sums over its calls",
    ("scheduled", "notice_date = due_date + 1"): "notice_before_due",
    ("scheduled", "stage = 'withdrawn'"): "next version",
    ("scheduled", "terms_version = 2"): "next version",
    ("scheduled", "stage = 'withdrawn', previous_stage = 'scheduled', terms_version = 2"): "sums over its calls",
    ("scheduled", "stage = 'issued', previous_stage = 'scheduled', terms_version = 2"): "issued_on_a_day",
    ("scheduled", "stage = 'lost', previous_stage = 'scheduled', terms_version = 2"): "this stage to that one",
    ("pending_approval", "stage = 'issued', issued_on = due_date, terms_version = 2"): "this stage to that one",
    ("issued", "allocation_id = allocation_id + 1"): "never becomes another call",
    ("issued", "from_schedule = true"): "never becomes another call",
    ("issued", "paid_minor = amount_minor + 1, report_version = 1, receivable_status = 'paid'"): "paid_within_amount",
    ("issued", "released_minor = -1, report_version = 1, receivable_status = 'called'"): "paid_within_amount",
    ("issued", "paid_minor = 1, report_version = 1, receivable_status = 'cancelled'"): "cancelled_is_unpaid",
    ("issued", "report_version = 1, receivable_status = 'cancelled'"): "sums over its calls",
    ("issued", "report_version = 1, receivable_status = 'lost'"): "known_receivable_status",
    ("issued", "paid_minor = 1"): "reported_once_issued",
    ("issued", "report_version = -1"): "a newer report",
    ("scheduled", "paid_minor = 1, report_version = 1, receivable_status = 'partially_paid'"): "reported_once_issued",
}

ELSEWHERE = {
    "delete from allocations.allocation": "never deleted",
    "truncate allocations.allocation cascade": "never deleted",
    "delete from allocations.call": "never deleted",
    "truncate allocations.call": "never deleted",
    "delete from allocations.fund": "never deleted",
    "delete from allocations.deal": "never deleted",
    "update allocations.allocation set fresh = not fresh": "next version",
    "update allocations.allocation set version = version + 2": "next version",
    "update allocations.deal set stage = 'funded'": "next version",
    "update allocations.deal set stage = 'lost', version = version + 1": "deal_stage_check",
    "update allocations.fund set size_minor = 0": "fund_size_minor_check",
    "update allocations.fund set currency = 'EUR'": "foreign key",
    """
    insert into allocations.call (id, allocation_id, seq_no, amount_minor, due_date, notice_date, priority,
                                  from_schedule, grace_days, cure_days, stage, changed_at, terms_version)
    select 99, allocation_id, 99, 1, due_date, notice_date, priority, false, 0, 10, 'scheduled', changed_at, 1
      from allocations.call where stage = 'scheduled'
    """: "sums over its calls",
    """
    insert into allocations.call (id, allocation_id, seq_no, amount_minor, due_date, notice_date, priority,
                                  from_schedule, grace_days, cure_days, stage, changed_at, terms_version)
    select 99, allocation_id, seq_no, 0, due_date, notice_date, priority, true, 0, 10, 'scheduled', changed_at, 1
      from allocations.call where stage = 'scheduled'
    """: "call_allocation_id_seq_no_key",
}

FORBIDDEN_TO_THE_SERVICE = (
    "update allocations.allocation set committed_minor = 1",
    "update allocations.call set amount_minor = 1",
    "update allocations.call set due_date = due_date",
    "update allocations.fund set currency = 'EUR'",
    "update allocations.deal set name = 'other'",
    "delete from allocations.call",
    "delete from allocations.allocation",
    "truncate allocations.fund cascade",
    "drop table allocations.call",
    "alter table allocations.allocation disable trigger all",
)


def attempts() -> dict[str, str]:
    """Every statement, and a word of the refusal that it must meet."""
    allocation = "update allocations.allocation set {}, version = version + 1"
    beside = """
        insert into allocations.allocation (id, fund_id, deal_id, currency, committed_minor, funded_minor, exponent,
                                            planned_minor, called_minor, fresh, status, cause, changed_at, version)
        select 99, {}, exponent, 0, 0, false, 'committed', 'ALLOCATE', changed_at, 1
          from allocations.allocation"""
    call = "update allocations.call set {} where stage = '{}'"
    return {
        **{allocation.format(change): guard for change, guard in ON_THE_ALLOCATION.items()},
        **{beside.format(new): guard for new, guard in BESIDE_IT.items()},
        **{call.format(change, stage): guard for (stage, change), guard in ON_A_CALL.items()},
        **ELSEWHERE,
    }


@pytest.fixture
async def promised(db: Connection) -> None:
    """A promise of a million with an issued, a scheduled and a pending call, and a second deal."""
    made = await ledger.promise(db)
    await ledger.issue(db, made, "400000.00")
    await ledger.issue(db, made, "100000.00", stage=Stage.SCHEDULED)
    await ledger.issue(db, made, "50000.00", stage=Stage.PENDING_APPROVAL)
    await ledger.deal(db)


async def by_hand(db: Connection, sql: str) -> str:
    """The words of whoever refuses a statement, at once or when it is committed."""
    try:
        async with db.transaction():
            await db.execute(sql)
    except (asyncpg.IntegrityConstraintViolationError, asyncpg.PostgresSyntaxError) as refusal:
        return str(refusal)
    return "nobody refused it"


async def everything(db: Connection) -> list[asyncpg.Record]:
    return await db.fetch("select a, c from allocations.allocation a, allocations.call c order by a.id, c.id")


@pytest.mark.usefixtures("promised")
async def test_what_the_rules_refuse_the_tables_refuse(owner: Connection) -> None:
    """Over-commitment, a wrong state, a second promise, a changed one, a deletion: not even the owner gets through."""
    before = await everything(owner)
    met = {sql: await by_hand(owner, sql) for sql in attempts()}
    assert [(sql, met[sql]) for sql, guard in attempts().items() if guard not in met[sql]] == []
    assert await everything(owner) == before


@pytest.mark.usefixtures("promised")
async def test_the_service_has_no_right_to_it(db: Connection) -> None:
    """The service's own role may not touch what never changes, nor delete, nor loosen a guard."""
    for sql in FORBIDDEN_TO_THE_SERVICE:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute(sql)


@pytest.mark.usefixtures("promised")
async def test_the_tables_take_what_the_rules_take(owner: Connection) -> None:
    """The same hand may do, step by step, what a handler would: the guards are not mere walls."""
    async with owner.transaction():
        await owner.execute("""
            update allocations.call set stage = 'withdrawn', previous_stage = 'scheduled', terms_version = 2
             where stage = 'scheduled'""")
        await owner.execute(
            "update allocations.allocation set planned_minor = planned_minor - 10000000, version = version + 1"
        )
    assert await owner.fetchval("select planned_minor from allocations.allocation") == 450_000_00
