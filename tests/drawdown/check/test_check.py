"""Promises of the checker: it is silent on a right ledger, and each invariant is reported when one row breaks it."""

import asyncio
import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from drawdown import exits
from drawdown.__main__ import build
from drawdown.check.published import Published
from drawdown.check.quiet import wait_until_quiet
from drawdown.check.run import Asked, Target, check, examine, read, unless_gone
from drawdown.check.snapshot import snapshot_of
from drawdown.check.topics import Log, Place, open_topics
from drawdown.check.verdicts import Finding, Offender
from shared.postgres import connect
from tests.drawdown.check.corruptions import BY_HAND
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
    """The history, told; then every service is stopped, so that no tick changes what the tests look at."""
    tell(house)
    house.stop()
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


async def broken(rest: Rest, *statements: str, published: Published | None = None) -> set[str]:
    """Which questions find something once these statements have run, past every guard; nothing of them stays."""
    db = await connect(rest.target.postgres_url, application="tests")
    try:
        transaction = db.transaction()
        await transaction.start()
        await db.execute("set local session_replication_role = replica")
        for statement in statements:
            assert not (await db.execute(statement)).endswith(" 0"), f"touches no row: {statement}"
        found = await examine(db, published or rest.published, rest.bounds)
        await transaction.rollback()
    finally:
        await db.close()
    return {one.what for one in found if one.found}


async def test_a_right_ledger_holds(rest: Rest) -> None:
    """On a history with every kind of row all invariants hold, and every question looked at rows."""
    said: list[str] = []
    found = await check(rest.target, Asked(wait_seconds=30), said.append)
    wrong = [(v.invariant, f.what, f.offenders) for v in found for f in v.findings if f.found or f.not_checked]
    assert wrong == [], "\n".join(map(str, wrong))
    assert [verdict.invariant for verdict in found] == [*(f"I{n}" for n in range(1, 11)), "I13"]
    unasked = [finding.what for verdict in found for finding in verdict.findings if not finding.rows]
    assert [what for what in unasked if not what.endswith(".dlt")] == []


async def test_at_any_moment_less_is_asked_and_holds(rest: Rest) -> None:
    """Without waiting only what holds in every committed snapshot is asked."""
    found = await check(rest.target, Asked(wait_seconds=0), print)
    assert not any(verdict.found for verdict in found)
    assert {"I3", "I8", "I10"}.isdisjoint(verdict.invariant for verdict in found)


@pytest.mark.parametrize("name", BY_HAND)
async def test_each_invariant_can_fail(rest: Rest, name: str) -> None:
    """Whatever is changed by hand is found by the questions that it concerns, and by no other."""
    statements, expected = BY_HAND[name]
    assert await broken(rest, *statements) == expected


def never_said(published: Published) -> None:
    story = published.stories["call.status_changed"]
    story.versions[next(iter(story.versions))].pop(1)


def said_of_nobody(published: Published) -> None:
    published.stories["fund.changed"].versions[77] = {}


def another_past(published: Published) -> None:
    versions = published.stories["allocation.status_changed"].versions
    entity = next(entity for entity, said in versions.items() if len(said) > 1)
    versions[entity][2] = versions[entity][2]._replace(before="funded")


def not_ours(published: Published) -> None:
    published.strangers.append(("fund.changed/0@9", "carries no event id"))


def posted_nowhere(published: Published) -> None:
    published.postings[999] = (1, "applied", "1.00")


def planned_in_another_way(published: Published) -> None:
    key = next(iter(published.reserves))
    published.reserves[key] = published.reserves[key]._replace(changes=0)


def planned_and_not_told(published: Published) -> None:
    published.reserves.popitem()


def planned_by_nobody(published: Published) -> None:
    published.reserves[77, 1] = next(iter(published.reserves.values()))


def made_from_another(published: Published) -> None:
    versions = published.stories["reserve.reallocated"].versions[1]
    versions[3] = versions[3]._replace(before=1)


def sent_and_lost(published: Published) -> None:
    published.payments.append(next(p for p in published.payments if p.identity == (SOURCE, "exact")))
    published.payments[-1].content = published.payments[-1].content._replace(amount_minor=7)


def unread(published: Published) -> None:
    published.unreadable.append((0, 10_000))


def recorded_nowhere(published: Published) -> None:
    published.event_ids["fund.changed"].add("never recorded")


ON_TOPICS: dict[Callable[[Published], None], str] = {
    never_said: "versions on call.status_changed",
    said_of_nobody: "versions on fund.changed",
    another_past: "steps on allocation.status_changed",
    posted_nowhere: "postings on call.status_changed",
    planned_in_another_way: "figures on reserve.reallocated",
    planned_and_not_told: "figures on reserve.reallocated",
    planned_by_nobody: "figures on reserve.reallocated",
    made_from_another: "steps on reserve.reallocated",
    sent_and_lost: "every record is booked, a conflict or a dead letter",
    unread: "every record is booked, a conflict or a dead letter",
    recorded_nowhere: "entries for fund.changed",
    not_ours: "events are ours",
}


@pytest.mark.parametrize("change", ON_TOPICS)
async def test_what_was_published_is_compared(rest: Rest, change: Callable[[Published], None]) -> None:
    """An event that was never said, or that no table knows, is found by one question and by no other."""
    published = deepcopy(rest.published)
    change(published)
    assert await broken(rest, published=published) == {ON_TOPICS[change]}


async def test_every_question_can_be_answered_badly(rest: Rest) -> None:
    """There is no question that none of the changes above breaks (steps and entries are one question per topic)."""
    db = await connect(rest.target.postgres_url, application="tests")
    try:
        async with db.transaction():
            asked = {one.what for one in await examine(db, rest.published, rest.bounds)}
    finally:
        await db.close()
    breakable = {what for _, questions in BY_HAND.values() for what in questions} | set(ON_TOPICS.values())
    assert {
        what for what in asked - breakable if not what.startswith("steps on") and not what.endswith(".dlt")
    } == set()


async def test_a_check_changes_nothing(rest: Rest) -> None:
    """The snapshot is read-only: whatever a question says, no row can change."""
    async with snapshot_of(rest.target.postgres_url) as db:
        with pytest.raises(Exception, match="read-only"):
            await db.execute("delete from payments.hold")


def command(house: House, *arguments: str) -> Result:
    return CliRunner().invoke(build(["check"]), ["check", "--data", str(house.directory.path), *arguments])


def test_the_command_says_that_all_holds(rest: Rest, house: House) -> None:
    """Exit code 0, a line per invariant for people, one flag for programs; --full proves the replay too."""
    shown = command(house)
    assert shown.exit_code == exits.OK, shown.output
    assert "every invariant holds" in shown.stdout
    document = json.loads(command(house, "--json", "--full").stdout)
    assert document["holds"] is True
    assert [one["verdict"] for one in document["invariants"]] == ["holds"] * 12
    assert rest.published.records["payment.received"] == document["invariants"][0]["questions"][-1]["rows"]


async def corrupt(rest: Rest, *statements: str) -> None:
    db = await connect(rest.target.postgres_url, application="tests")
    try:
        for statement in statements:
            await db.execute(statement)
    finally:
        await db.close()


def test_the_command_names_what_is_broken(rest: Rest, house: House) -> None:
    """Exit code 1, and the row with its id and what is wrong with it."""
    asyncio.run(corrupt(rest, "update metrics.fund set name = name || '?' where id = 1"))
    try:
        shown = command(house)
    finally:
        asyncio.run(corrupt(rest, "update metrics.fund set name = rtrim(name, '?') where id = 1"))
    assert shown.exit_code == exits.FAILED
    assert "I8 funds: 1 of 2" in shown.stdout
    assert "Balerion?" in shown.stdout


def test_the_senders_history_is_compared(rest: Rest, house: House) -> None:
    """What was acknowledged must be booked or dead, and what is booked must be in the history."""
    payments = {payment.identity for payment in rest.published.payments}
    lines = [{"source": source, "payment_id": payment_id, "acked": True} for source, payment_id in payments]
    file = house.directory.path / "history.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    assert command(house, "--history", str(file)).exit_code == exits.OK

    lines[0]["payment_id"] = "another"
    file.write_text("\n".join(map(json.dumps, lines)))
    document = json.loads(command(house, "--history", str(file), "--json").stdout)
    broken = {one["invariant"]: one["violations"] for one in document["invariants"] if one["violations"]}
    assert broken == {"I1": 1, "I3": 1}


def test_a_topic_that_lost_its_beginning_is_not_compared(rest: Rest) -> None:
    """Where records are gone, what they said cannot be known: the finding says so instead of accusing the tables."""
    found = Finding("I7", "versions on fund.changed", 9, 3, (Offender("1", "is lost"),))
    excused = unless_gone(found, {"fund.changed"})
    assert (excused.found, bool(excused.not_checked)) == (0, True)
    assert unless_gone(found, {"deal.changed"}) == found
    told = replace(found, what="figures on reserve.reallocated")
    assert unless_gone(told, {"reserve.reallocated"}).not_checked
    assert unless_gone(replace(found, invariant="I3"), {"payment.received"}).not_checked


def test_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no stack runs, the command says so and how to start one."""
    monkeypatch.delenv("DRAWDOWN_POSTGRES_URL", raising=False)
    done = CliRunner().invoke(build(["check"]), ["check", "--data", str(tmp_path)])
    assert done.exit_code == exits.NOT_RUNNING
    assert "drawdown up" in done.stderr


def test_a_stack_that_does_not_rest_is_no_verdict(rest: Rest, house: House) -> None:
    """While records wait for services that are down, nothing is called right or wrong; --no-wait still asks."""
    assert rest.bounds
    house.publish("payment.received", SOURCE, b"one more that nobody can read")
    shown = command(house, "--wait-seconds", "1")
    assert shown.exit_code == exits.FAILED
    assert "payments has 1 unread on payment.received" in shown.stderr
    assert command(house, "--no-wait").exit_code == exits.OK
