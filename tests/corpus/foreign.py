"""Runs the table of foreign events: every record twice, a good snapshot of another entity right behind each."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from drawdown.localstack.waiting import finish
from shared.postgres import connect
from tests.corpus import judging
from tests.corpus.cases import Dead, Raw
from tests.corpus.events import clients, producing
from tests.corpus.seen import Json, Place, everything
from tests.corpus.topics import STRANGER, Foreign
from tests.support.house import House
from tests.support.topics import PARTITIONS

# Where a service would keep what nobody made, if it took it.
KEPT: Final[Mapping[str, str]] = {
    "metrics.fund": "select id from metrics.fund where id >= $1",
    "metrics.deal": "select id from metrics.deal where id >= $1",
    "metrics.call": "select id from metrics.call where id >= $1",
    "metrics.allocation": "select id from metrics.allocation where id >= $1",
    "metrics.hold": "select id from metrics.hold where id >= $1",
    "metrics.fund_reserves": "select id from metrics.fund_reserves where id >= $1",
    "payments.fund": "select id from payments.fund where id >= $1",
    "payments.plan": "select call_id as id from payments.plan where call_id >= $1",
    "payments.call": "select id from payments.call where id >= $1",
    "allocations.call": "select id from allocations.call where id >= $1",
}


@dataclass(slots=True)
class Ran:
    """Where the records of each case stood in each round, what was dead, and what was kept in the end."""

    values: dict[str, bytes] = field(default_factory=dict)
    places: list[dict[str, tuple[Place, Place]]] = field(default_factory=list)
    letters: dict[str, dict[Place, Json]] = field(default_factory=dict)  # by reader
    kept: dict[str, set[int]] = field(default_factory=dict)
    good_ids: dict[str, int] = field(default_factory=dict)


def run(house: House, cases: Sequence[Foreign]) -> Ran:
    return finish(_run(house, cases))


async def _run(house: House, cases: Sequence[Foreign]) -> Ran:
    ran = Ran()
    async with producing(house) as producer, clients(house) as http:
        for _ in range(2):
            ran.places.append(await _send(producer, house.addresses.topic_prefix, ran, cases))
        await asyncio.to_thread(house.settle)
        for reader in ("allocations", "payments", "metrics"):
            letters = await everything(http, f"/api/{reader}/dead-letters")
            ran.letters[reader] = {(each["topic"], each["partition"], each["offset"]): each for each in letters}
    db = await connect(house.addresses.admin_url, application="tests")
    try:
        for table, query in KEPT.items():
            ran.kept[table] = {row["id"] for row in await db.fetch(query, STRANGER)}
    finally:
        await db.close()
    return ran


async def _send(
    producer: AIOKafkaProducer, prefix: str, ran: Ran, cases: Sequence[Foreign]
) -> dict[str, tuple[Place, Place]]:
    waiting: dict[str, list[Any]] = {}
    for number, case in enumerate(cases):
        bad, good = STRANGER + 2 * number + 2, STRANGER + 2 * number + 3
        ran.good_ids[str(case)] = good
        ran.values[str(case)] = _bad(case, bad)
        records = (ran.values[str(case)], json.dumps({**case.of.good, case.of.names: good}).encode())
        waiting[str(case)] = [
            await producer.send(prefix + case.of.topic, value, key=b"stranger", partition=number % PARTITIONS)
            for value in records
        ]
    written = {case: [await future for future in futures] for case, futures in waiting.items()}
    places = {
        case: [(each.topic.removeprefix(prefix), each.partition, each.offset) for each in records]
        for case, records in written.items()
    }
    return {case: (bad, good) for case, (bad, good) in places.items()}


def _bad(case: Foreign, entity: int) -> bytes:
    if case.raw is not None:
        return case.raw
    members = {**case.of.good, case.of.names: entity, **case.changes}
    members = {name: value for name, value in members.items() if name != case.without}
    return (
        "{"
        + ", ".join(f"{json.dumps(n)}: {v.json if isinstance(v, Raw) else json.dumps(v)}" for n, v in members.items())
        + "}"
    ).encode()


def complaints(case: Foreign, ran: Ran) -> list[str]:
    """Everything that is not as the table says; none is silence."""
    found: list[str] = []
    value = ran.values[str(case)]
    for bad, good in (places[str(case)] for places in ran.places):
        for reader in case.of.readers:
            letter = ran.letters[reader].get(bad)
            if letter is None:
                found.append(f"{reader}: {bad} is no dead letter")
            else:
                found += [f"{reader}: {each}" for each in judging.of_letter(case.verdict_of(reader), value, letter)]
            found += [f"{reader}: {each}" for each in _of_good(case, ran, reader, ran.letters[reader].get(good))]
    if ran.good_ids[str(case)] not in ran.kept[f"metrics.{case.of.table}"]:
        found.append("metrics has not heard the good event behind it")
    return found


def _of_good(case: Foreign, ran: Ran, reader: str, letter: Json | None) -> list[str]:
    """Metrics and payments take it; allocations has made no such call, and says so: either shows that it came by."""
    if reader == "allocations":
        body = json.dumps({**case.of.good, case.of.names: ran.good_ids[str(case)]}).encode()
        verdict = Dead("unknown_call", ("was never made here",))
        return list(judging.of_letter(verdict, body, letter)) if letter else ["the good event was passed over"]
    return [f"the good event is a dead letter: {letter['detail']}"] if letter else []


def strays(ran: Ran) -> list[str]:
    """What is kept anywhere of an entity that only bad events spoke of."""
    good = set(ran.good_ids.values())
    return [f"{table} has {sorted(ids - good)}" for table, ids in ran.kept.items() if ids - good]
