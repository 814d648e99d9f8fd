"""Promises of the checker: it is silent on a right ledger, and each invariant is reported when one row breaks it."""

import asyncio
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import pytest

from drawdown.check.published import Published
from drawdown.check.quiet import wait_until_quiet
from drawdown.check.run import Asked, Target, check, examine, read
from drawdown.check.snapshot import snapshot_of
from drawdown.check.topics import Log, Place, open_topics
from drawdown.check.verdicts import Verdict, verdicts
from shared.postgres import connect
from tests.drawdown.check.story import SOURCE, tell
from tests.support.house import House


@dataclass(frozen=True, slots=True)
class Rest:
    """A house at rest, and everything that it published."""

    target: Target
    published: Published
    bounds: dict[Place, Log]


@pytest.fixture(scope="module")
def rest(house: House) -> Rest:
    tell(house)
    where = house.addresses
    target = Target(where.admin_url, where.kafka, where.topic_prefix)

    async def published() -> tuple[Published, dict[Place, Log]]:
        db = await connect(target.postgres_url, application="tests")
        try:
            async with open_topics(target.kafka, target.topic_prefix) as topics:
                bounds = await wait_until_quiet(db, topics, wait_seconds=30)
                return await read(topics, bounds), dict(bounds)
        finally:
            await db.close()

    return Rest(target, *asyncio.run(published()))


async def broken(rest: Rest, *statements: str, published: Published | None = None) -> dict[str, list[Verdict]]:
    """Which invariants are reported once these statements have run, by hand and past every guard; nothing stays."""
    db = await connect(rest.target.postgres_url, application="tests")
    try:
        transaction = db.transaction()
        await transaction.start()
        await db.execute("set local session_replication_role = replica")
        for statement in statements:
            assert not (await db.execute(statement)).endswith(" 0"), f"touches no row: {statement}"
        found = verdicts(await examine(db, published or rest.published, rest.bounds))
        await transaction.rollback()
    finally:
        await db.close()
    return {verdict.invariant: [verdict] for verdict in found if verdict.found}


async def test_a_right_ledger_holds(rest: Rest) -> None:
    """On a history with every kind of row all invariants hold, and every question looked at rows."""
    said: list[str] = []
    found = await check(rest.target, Asked(wait_seconds=30), said.append)
    wrong = [(v.invariant, f.what, f.offenders) for v in found for f in v.findings if f.found or f.not_checked]
    assert wrong == [], "\n".join(map(str, wrong))
    assert [verdict.invariant for verdict in found] == [f"I{n}" for n in range(1, 11)]
    unasked = [finding.what for verdict in found for finding in verdict.findings if not finding.rows]
    assert [what for what in unasked if not what.endswith(".dlt")] == []


async def test_at_any_moment_less_is_asked_and_holds(rest: Rest) -> None:
    """Without waiting only what holds in every committed snapshot is asked."""
    found = await check(rest.target, Asked(wait_seconds=0), print)
    assert not any(verdict.found for verdict in found)
    assert {"I3", "I8", "I10"}.isdisjoint(verdict.invariant for verdict in found)


TWIN = """
insert into payments.payment ({columns})
select {values} from payments.payment where external_id = 'to reverse'
"""
COLUMNS = (
    *("id", "source_id", "external_id", "kind", "amount_minor", "currency", "value_date", "recorded_at", "content"),
    *("applied_minor", "held_minor", "returned_minor", "dismissed_minor", "reversed_minor"),
)


def twin(**other: str) -> str:
    """A second row like that of the payment that was reversed, whose money is nowhere else."""
    values = [other.get(column, column) for column in COLUMNS]
    return TWIN.format(columns=", ".join(COLUMNS), values=", ".join(values))


def without(table: str, *constraints: str) -> list[str]:
    return [f"alter table {table} drop constraint {constraint}" for constraint in constraints]


BY_HAND = {
    "a payment's money is counted twice": (
        [
            *without("payments.payment", "payment_conserved"),
            "update payments.payment set returned_minor = 1 where external_id = 'exact'",
        ],
        {"I1"},
    ),
    "money is on hold that no hold has": (
        [
            ("update payments.payment set held_minor = applied_minor, applied_minor = 0"
            " where external_id = 'by reference'"),
        ],
        {"I1"},
    ),
    "a dead letter is lost": (["delete from payments.dead_letter"], {"I1"}),
    "a payment is lost": (["delete from payments.payment where external_id = 'to reverse'"], {"I1"}),
    "an identity is booked twice": (
        [*without("payments.payment", "payment_identity"), twin(id="999999999")],
        {"I2"},
    ),
    "a payment that nobody sent": ([twin(id="999999999", external_id="'invented'")], {"I3"}),
    "a call's day of payment": (
        ["update allocations.call set last_paid_on = '2026-03-01' where last_paid_on is not null"],
        {"I4"},
    ),
    "an amount beyond the commitment": (
        [
            *without("allocations.allocation", "amounts_in_order"),
            "update allocations.allocation set planned_minor = committed_minor + 1 where id = 1",
        ],
        {"I4", "I5", "I7", "I8"},
    ),
    "an allocation's status": (
        [
            *without("allocations.allocation", "status_follows_from_amounts"),
            ("update allocations.allocation set fresh = not fresh"
            " where funded_minor > 0 and funded_minor < committed_minor"),
        ],
        {"I6"},
    ),
    "a call that should be overdue": (
        [
            *without("payments.call", "call_status"),
            "update payments.call set business_date = due_on + 1 where status = 'called'",
        ],
        {"I6"},
    ),
    "a posting of a version that is not there": (
        ["update payments.posting set call_version = 99 where id = (select min(id) from payments.posting)"],
        {"I7"},
    ),
    "a version that was never published": (
        ["update allocations.deal set version = version + 1 where id = 1"],
        {"I7", "I8"},
    ),
    "a total of metrics": (
        ["update metrics.allocation set funded_minor = funded_minor - 1 where funded_minor > 0"],
        {"I8"},
    ),
    "a call that metrics forgot": (["delete from metrics.call where id = (select min(id) from metrics.call)"], {"I8"}),
    "a hold that metrics forgot": (["delete from metrics.hold where id = (select min(id) from metrics.hold)"], {"I8"}),
    "an audit entry is edited": (
        ["update audit.entry set actor = 'nobody' where sequence = 1"],
        {"I9"},
    ),
    "an audit entry is removed": (
        ["delete from audit.entry where hash = (select min(hash) from audit.entry)"],
        {"I9"},
    ),
    "a hold waits for a call that is there": (
        [
            "update payments.hold set call_id = (select min(id) from payments.call) where reason = 'unknown_call'",
        ],
        {"I10"},
    ),
    "a reversal waits for an original that is there": (
        ["update payments.payment set reverses = 'exact' where external_id = 'reversal of nothing'"],
        {"I10"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
async def test_each_invariant_can_fail(rest: Rest, name: str) -> None:
    """One row changed by hand is reported under its invariant, and under no unrelated one."""
    statements, expected = BY_HAND[name]
    assert set(await broken(rest, *statements)) == expected


def never_said(published: Published) -> None:
    story = published.stories["call.status_changed"]
    story.versions[next(iter(story.versions))].pop(1)


def said_of_nobody(published: Published) -> None:
    published.stories["fund.changed"].versions[77] = {}


def posted_nowhere(published: Published) -> None:
    published.postings[999] = (1, "applied", "1.00")


def sent_and_lost(published: Published) -> None:
    published.payments.append(next(p for p in published.payments if p.identity == (SOURCE, "exact")))
    published.payments[-1].content = published.payments[-1].content._replace(amount_minor=7)


def unread(published: Published) -> None:
    published.unreadable.append((0, 10_000))


def recorded_nowhere(published: Published) -> None:
    published.event_ids["fund.changed"].add("never recorded")


ON_TOPICS: dict[Callable[[Published], None], set[str]] = {
    never_said: {"I7"},
    said_of_nobody: {"I7"},
    posted_nowhere: {"I7"},
    sent_and_lost: {"I1"},
    unread: {"I1"},
    recorded_nowhere: {"I9"},
}


@pytest.mark.parametrize("change", ON_TOPICS)
async def test_what_was_published_is_compared(rest: Rest, change: Callable[[Published], None]) -> None:
    """An event that was never said, or that no table knows, is reported under its invariant alone."""
    published = deepcopy(rest.published)
    change(published)
    assert set(await broken(rest, "select 1 as nothing", published=published)) == ON_TOPICS[change]


async def test_a_check_changes_nothing(rest: Rest) -> None:
    """The snapshot is read-only: whatever a question says, no row can change."""
    async with snapshot_of(rest.target.postgres_url) as db:
        with pytest.raises(Exception, match="read-only"):
            await db.execute("delete from payments.hold")
