"""One run of the checker: wait until nothing moves, take a snapshot, ask everything, read the topics, compare."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from drawdown.check import cash, chains, compare, mirrors, promises, record, reserves
from drawdown.check.published import ENTITIES, Published
from drawdown.check.quiet import NotQuiet, traffic, wait_until_quiet
from drawdown.check.snapshot import APPLICATION, Question, Snapshot, ask, snapshot_of
from drawdown.check.topics import Log, Place, Topics, open_topics
from drawdown.check.verdicts import Finding, Verdict, verdicts
from shared.postgres import connect

ALWAYS: Final[tuple[Question, ...]] = (*cash.QUESTIONS, *promises.QUESTIONS, *reserves.QUESTIONS)
WHEN_QUIET: Final[tuple[Question, ...]] = (*cash.WHEN_QUIET, *mirrors.WHEN_QUIET, *reserves.WHEN_QUIET)

_SWEEP_SECONDS: Final = 10  # how long a hold may outlive its cause, or a schedule its time once services are back
_MOMENTS: Final = 5  # so often a snapshot is taken again that turns out to be of a moment with traffic


@dataclass(frozen=True, slots=True)
class Target:
    """The stack to look at; `postgres_url` is of a role that may read every schema."""

    postgres_url: str
    kafka: str
    topic_prefix: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to check: with `wait_seconds` 0 nothing is waited for, and only what holds at every moment is asked."""

    wait_seconds: int = 60
    history: Path | None = None


async def check(target: Target, asked: Asked, say: Callable[[str], None]) -> list[Verdict]:
    """All verdicts; raises `NotQuiet` where traffic does not stop, and the servers' own errors where they are away."""
    if not asked.wait_seconds:
        async with snapshot_of(target.postgres_url) as db:
            return verdicts([*await ask(db, ALWAYS), await chains.walk(db)])
    async with open_topics(target.kafka, target.topic_prefix) as topics:
        for _ in range(_MOMENTS):
            say("waiting until nothing moves")
            bounds = await _quiet(target, asked, topics)
            async with snapshot_of(target.postgres_url) as db:
                if not (await traffic(db, bounds)).is_quiet:
                    continue  # the clock, or a person, did something just before the snapshot
                say(f"reading {sum(log.ends - log.begins for log in bounds.values()):,} records")
                published = await read(topics, bounds)
                say("asking the tables")
                found = await examine(db, published, bounds)
                return verdicts([*found, *await _against_history(db, asked.history)])
    raise NotQuiet("something was done each time that everything seemed to be read")


async def _against_history(db: Snapshot, file: Path | None) -> list[Finding]:
    if file is None:
        return []
    with file.open(encoding="utf-8") as lines:
        return await compare.history(db, map(json.loads, lines))


async def examine(db: Snapshot, published: Published, bounds: Mapping[Place, Log]) -> list[Finding]:
    """Everything that can be asked of a ledger at rest and of what it published."""
    found = [*await ask(db, [*ALWAYS, *WHEN_QUIET]), await chains.walk(db)]
    return [*found, *await _compare(db, published, bounds)]


async def read(topics: Topics, bounds: Mapping[Place, Log]) -> Published:
    """What was published inside the bounds."""
    published = Published()
    async for batch in topics.records(bounds):
        published.hear(batch)
    return published


async def _quiet(target: Target, asked: Asked, topics: Topics) -> Mapping[Place, Log]:
    """The topics' bounds once nothing moves, and the sweep has had its time."""
    db = await connect(target.postgres_url, application=APPLICATION)
    try:
        bounds = await wait_until_quiet(db, topics, wait_seconds=asked.wait_seconds)
        swept = time.monotonic() + _SWEEP_SECONDS
        waiting = [question for question in WHEN_QUIET if question.invariant in {"I10", "I13"}]
        while any(one.found for one in await ask(db, waiting)) and time.monotonic() < swept:
            bounds = await wait_until_quiet(db, topics, wait_seconds=asked.wait_seconds)
        return bounds
    finally:
        await db.close(timeout=10)


async def _compare(db: Snapshot, published: Published, bounds: Mapping[Place, Log]) -> list[Finding]:
    """What the topics say against the tables; a topic whose beginning is gone cannot be compared, and is said so."""
    lives = await record.incarnations(db)
    gone = {topic for topic, life in lives.items() if life > 1} | {p[0] for p, log in bounds.items() if log.begins}
    found: list[Finding] = []
    for topic in ENTITIES:
        found.append(await compare.versions(db, topic, published.stories[topic]))
        found.append(compare.steps(topic, published.stories[topic]))
    found.append(await compare.postings(db, published))
    found.append(await reserves.figures(db, published))
    found += await compare.payments(db, published)
    found = [unless_gone(one, gone) for one in found]
    return [*found, *await record.entries(db, published, bounds)]


def unless_gone(found: Finding, gone: set[str]) -> Finding:
    """The same finding, or that it cannot be known, where it compares with a topic that lost its beginning."""
    on_payments = found.invariant in {"I1", "I3"} and "payment.received" in gone
    if on_payments or any(found.what.endswith(f" on {topic}") for topic in gone):
        return replace(
            found, found=0, offenders=(), not_checked="the topic was made anew or cut; its beginning is gone"
        )
    return found
