"""The tables against what was published: versions without a gap, the newest as it stands, postings and payments."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from drawdown.check.published import Content, Identity, Published, Story, minor, read_identity
from drawdown.check.snapshot import Snapshot
from drawdown.check.verdicts import Finding, Offender, finding

# topic → every entity with its version, and what the newest event must say of it (in the order of MEMBERS)
LEDGER: Final[Mapping[str, str]] = {
    "fund.changed": """
        select id, version, array[name, currency, time_zone] as says from allocations.fund""",
    "deal.changed": """
        select id, version, array[name, stage] as says from allocations.deal""",
    "call.terms_changed": """
        select c.id, c.terms_version as version,
               array[c.stage, c.allocation_id::text, c.due_date::text, c.amount_minor::text, a.currency] as says
          from allocations.call c join allocations.allocation a on a.id = c.allocation_id""",
    "call.status_changed": """
        select id, version, array[status, allocation_id::text, due_on::text, postings::text,
                                  (original_minor - released_minor)::text, paid_minor::text, currency] as says
          from payments.call""",
    "allocation.status_changed": """
        select id, version, array[status, fund_id::text, deal_id::text, committed_minor::text, planned_minor::text,
                                  called_minor::text, funded_minor::text, currency] as says
          from allocations.allocation""",
    "payment.held": """
        select h.id, h.version, array[h.reason, h.state, h.resolution, h.amount_minor::text,
                                      coalesce(p.currency, c.currency)] as says
          from payments.hold h
          left join payments.payment p on p.id = h.payment_id
          left join payments.conflict c on c.id = h.conflict_id""",
    "reserve.reallocated": """
        select f.id, max(r.allocation_version) as version,
               array[f.currency, sum(r.planned_reserves_minor)::text, count(*)::text] as says
          from allocations.reserve r join allocations.fund f on f.id = r.fund_id
         group by f.id""",
}

# The event's members in the same order; amounts are compared in minor units of the event's currency.
MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "fund.changed": ("name", "currency", "time_zone"),
    "deal.changed": ("name", "stage"),
    "call.terms_changed": ("stage", "allocation_id", "due_date", "amount", "currency"),
    "call.status_changed": ("status", "allocation_id", "due_date", "postings", "amount", "paid", "currency"),
    "allocation.status_changed": (
        "status", "fund_id", "deal_id", "committed", "planned", "called", "funded", "currency",
    ),
    "payment.held": ("reason", "state", "resolution", "amount", "currency"),
    "reserve.reallocated": ("currency", "total_after", "companies"),
}  # fmt: skip
_AMOUNTS: Final = frozenset({"amount", "paid", "committed", "planned", "called", "funded", "total_after"})

POSTINGS: Final = """
select id, call_id, kind, amount_minor, currency from payments.posting
"""

BOOKED: Final = """
select s.name as source, p.external_id, p.kind, p.amount_minor, p.currency, p.value_date
  from payments.payment p
  join payments.source s on s.id = p.source_id
"""

CONFLICTS: Final = """
select s.name as source, c.external_id, c.kind, c.amount_minor, c.currency, c.value_date
  from payments.conflict c
  join payments.source s on s.id = c.source_id
"""

FROM_STATEMENTS: Final = """
select s.name as source, e.payment_id
  from payments.statement_entry e
  join payments.statement_source s on s.id = e.source_id
 where e.published
"""

DEAD_PAYLOADS: Final = """
select topic, partition, record_offset, payload from payments.dead_letter where topic = 'payment.received'
"""

DEAD_LETTERS: Final = """
select d.partition, d.record_offset
  from payments.dead_letter d
  join payments.position p on p.topic = d.topic and p.partition = d.partition and p.incarnation = d.incarnation
 where d.topic = 'payment.received'
"""


async def versions(db: Snapshot, topic: str, story: Story) -> Finding:
    """Each entity's versions 1…n were published, n is the table's, and the newest says what the table says."""
    offenders, rows = [Offender(str(entity), says) for entity, says in story.contradictions], 0
    left = set(story.versions)
    async for row in db.cursor(LEDGER[topic], prefetch=5_000):
        left.discard(row["id"])
        said = story.versions.get(row["id"], {})
        rows += max(row["version"], len(said))
        if len(said) != row["version"] or max(said, default=0) != row["version"]:
            offenders.append(Offender(str(row["id"]), _gap(row["version"], set(said))))
        elif told := _differs(topic, row["says"], story.newest[row["id"]][1]):
            offenders.append(Offender(str(row["id"]), told))
    offenders += [Offender(str(entity), "was published, and is in no table") for entity in sorted(left)]
    return finding("I7", f"versions on {topic}", rows, offenders)


def steps(topic: str, story: Story) -> Finding:
    """Each version names as its past the state that the version before it was in."""
    offenders = []
    for entity, said in story.versions.items():
        for version, one in said.items():
            past = said.get(version - 1)
            if version > 1 and past is not None and one.before != past.state:
                says = f"version {version} was {one.before} before, version {version - 1} is {past.state}"
                offenders.append(Offender(str(entity), says))
    return finding("I7", f"steps on {topic}", sum(map(len, story.versions.values())), offenders)


async def postings(db: Snapshot, published: Published) -> Finding:
    """Every posting was published once, with its call and amount, and no other was."""
    left, rows, offenders = dict(published.postings), 0, []
    async for row in db.cursor(POSTINGS, prefetch=5_000):
        rows += 1
        told = left.pop(row["id"], None)
        if told is None:
            offenders.append(Offender(str(row["id"]), "was never published"))
        elif (told[0], told[1], minor(told[2], row["currency"])) != (row["call_id"], row["kind"], row["amount_minor"]):
            offenders.append(Offender(str(row["id"]), f"was published as {told}"))
    offenders += [Offender(str(posting), "was published, and is not in the table") for posting in left]
    return finding("I7", "postings on call.status_changed", rows, offenders)


async def payments(db: Snapshot, published: Published) -> list[Finding]:
    """I1: every record is booked as it says, a known conflict, or a dead letter. I3: every booking was sent."""
    booked = await _contents(db, BOOKED)
    conflicts: set[tuple[Identity, Content]] = {(identity, content) async for identity, content in _rows(db, CONFLICTS)}
    dead = {tuple(row) for row in await db.fetch(DEAD_LETTERS)}
    offenders = [
        Offender(f"payment.received/{partition}@{offset}", "cannot be read, and is no dead letter")
        for partition, offset in published.unreadable
        if (partition, offset) not in dead
    ]
    for payment in published.payments:
        known = booked.get(payment.identity)
        if (payment.partition, payment.offset) in dead or known == payment.content:
            continue
        if known is None or (payment.identity, payment.content) not in conflicts:
            says = "is neither booked nor a dead letter" if known is None else f"is booked as {tuple(known)}"
            offenders.append(Offender("/".join(payment.identity), says))
    received = published.records.get("payment.received", 0)
    sent = {payment.identity for payment in published.payments}
    unsent = [one for one in booked if one not in sent and not _by_hand(one)]
    shown = [(row["source"], row["payment_id"]) for row in await db.fetch(FROM_STATEMENTS)]
    unshown = [one for one in shown if one not in sent]
    return [
        finding("I1", "every entry taken from a statement was sent", len(shown), _all(unshown, "was never sent")),
        finding("I1", "every record is booked, a conflict or a dead letter", received, offenders),
        finding("I3", "every booking was sent", len(booked), _all(unsent, "was never sent")),
    ]


async def history(db: Snapshot, lines: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """The same against the sender's own history: what was acknowledged is there, and nothing else is."""
    booked = await _contents(db, BOOKED)
    sent: dict[Identity, bool] = {}
    for line in lines:
        identity = (line["source"], line["payment_id"])
        sent[identity] = sent.get(identity, False) or bool(line.get("acked"))
    dead = {identity async for identity in _dead_identities(db)}
    lost = [one for one, acked in sent.items() if acked and one not in booked and one not in dead]
    unsent = [one for one in booked if one not in sent and not _by_hand(one)]
    return [
        finding(
            "I1", "every acknowledged event of the history is booked or dead", sum(sent.values()), _all(lost, "is lost")
        ),
        finding("I3", "every booking is in the history", len(booked), _all(unsent, "was never sent")),
    ]


async def _contents(db: Snapshot, sql: str) -> dict[Identity, Content]:
    return {identity: content async for identity, content in _rows(db, sql)}


async def _rows(db: Snapshot, sql: str) -> AsyncIterator[tuple[Identity, Content]]:
    async for row in db.cursor(sql, prefetch=5_000):
        source, external_id, kind, amount_minor, currency, value_date = row
        # Written out here: the database calls the calendar's first and last day infinite.
        yield (source, external_id), Content(kind, amount_minor, currency, value_date.isoformat())


async def _dead_identities(db: Snapshot) -> AsyncIterator[Identity]:
    """Identities in dead letters, as far as these can be read; a conflict needs none, its identity is booked."""
    async for row in db.cursor(DEAD_PAYLOADS, prefetch=1_000):
        if identity := read_identity(row["payload"]):
            yield identity


def _all(identities: Iterable[Identity], says: str) -> list[Offender]:
    return [Offender("/".join(identity), says) for identity in identities]


def _by_hand(identity: Identity) -> bool:
    """Recorded by a person over HTTP, so never on the topic."""
    return identity[0].startswith("manual/")


def _gap(version: int, said: set[int]) -> str:
    missing = sorted(set(range(1, version + 1)) - said)
    beyond = sorted(number for number in said if number > version)
    if missing:
        return f"is at version {version}; {_list(missing)} was never published"
    return f"is at version {version}; {_list(beyond)} was published"


def _list(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + ("…" if len(numbers) > 5 else "")


def _differs(topic: str, expected: list[str | None], event: Mapping[str, Any]) -> str:
    """Where the newest event and the row disagree, or an empty text."""
    for member, wanted in zip(MEMBERS[topic], expected, strict=True):
        told = event.get(member)
        if member in _AMOUNTS and told is not None:
            told = minor(told, event["currency"])
        if (None if told is None else str(told)) != wanted:
            return f"the newest event says {member} {told}, the table {wanted}"
    return ""
