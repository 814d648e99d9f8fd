"""The audit record against the topics: exactly one entry for each event, and none for what was never said."""

from collections.abc import Mapping
from typing import Final

from drawdown.check.published import Published
from drawdown.check.snapshot import Snapshot
from drawdown.check.topics import Log, Place
from drawdown.check.verdicts import Finding, Offender, finding

# These carry ids that others gave, so audit knows their events by their place in Kafka.
_BY_PLACE: Final = "payment.received"

INCARNATIONS: Final = """
select topic, max(incarnation) as incarnation from audit.position group by topic
"""

ENTRIES_BY_ID: Final = """
select e.identity, e.incarnation = p.incarnation as of_this_life
  from audit.entry e
  join audit.topic t on t.id = e.topic_id
  join audit.position p on p.topic = t.name and p.partition = e.partition
 where t.name = $1
"""

ENTRIES_BY_PLACE: Final = """
select t.name as topic, e.partition, count(*) as entries, count(distinct e.record_offset) as offsets,
       min(e.record_offset) as first, max(e.record_offset) as last
  from audit.entry e
  join audit.topic t on t.id = e.topic_id
  join audit.position p on p.topic = t.name and p.partition = e.partition and p.incarnation = e.incarnation
  join unnest($2::int[], $3::bigint[]) as log (partition, begins)
    on log.partition = e.partition and log.begins <= e.record_offset
 where t.name = $1
 group by t.name, e.partition
"""


async def incarnations(db: Snapshot) -> dict[str, int]:
    """Which life of each topic audit reads; above 1 means that the topic was made anew, and its earlier log is gone."""
    return {row["topic"]: row["incarnation"] for row in await db.fetch(INCARNATIONS)}


async def entries_by_id(db: Snapshot, topic: str, published: Published, *, whole: bool) -> Finding:
    """One entry for each event id on a topic of ours; others only from an earlier life of the topic, or from the part
    of its log that is gone (then it is not `whole`)."""
    left, rows, offenders = set(published.event_ids.get(topic, ())), 0, []
    async for row in db.cursor(ENTRIES_BY_ID, topic, prefetch=5_000):
        rows += 1
        if row["identity"] in left:
            left.discard(row["identity"])
        elif whole and row["of_this_life"]:
            offenders.append(Offender(f"{topic} {row['identity']}", "is in the record, and was never said"))
    offenders += [Offender(f"{topic} {event}", "was said, and is not in the record") for event in sorted(left)]
    return finding("I9", f"entries for {topic}", rows, offenders)


async def entries_by_place(
    db: Snapshot, topic: str, bounds: Mapping[Place, Log], records: Mapping[Place, int]
) -> Finding:
    """One entry for each record that a topic still has, where its events have no id of ours.

    Offsets are not counted: those of transactions' markers, and of what was taken back, belong to no record.
    """
    begins = {partition: log.begins for (name, partition), log in bounds.items() if name == topic}
    answer = await db.fetch(ENTRIES_BY_PLACE, topic, list(begins), list(begins.values()))
    found = {(row["topic"], row["partition"]): row for row in answer}
    rows, offenders = 0, []
    for place, log in bounds.items():
        if place[0] != topic:
            continue
        row = found.get(place)
        entries, offsets = (row["entries"], row["offsets"]) if row else (0, 0)
        rows += entries
        said = records.get(place, 0)
        in_bounds = row is None or (row["first"] >= log.begins and row["last"] < log.ends)
        if (entries, offsets) != (said, said) or not in_bounds:
            offenders.append(Offender(f"{topic}/{place[1]}", f"{said} records, {entries} entries of {offsets} offsets"))
    return finding("I9", f"entries for {topic}", rows, offenders)


async def entries(db: Snapshot, published: Published, bounds: Mapping[Place, Log]) -> list[Finding]:
    """I9 for every topic, dead letters included."""
    cut = {topic for (topic, _), log in bounds.items() if log.begins}
    by_id = [
        await entries_by_id(db, topic, published, whole=topic not in cut)
        for topic in sorted({topic for topic, _ in bounds})
        if topic != _BY_PLACE and not topic.endswith(".dlt")
    ]
    by_place = [
        await entries_by_place(db, topic, bounds, published.places)
        for topic in sorted({topic for topic, _ in bounds})
        if topic == _BY_PLACE or topic.endswith(".dlt")
    ]
    strangers = [Offender(place, says) for place, says in published.strangers]
    return [*by_id, *by_place, finding("I9", "events are ours", sum(published.records.values()), strangers)]
