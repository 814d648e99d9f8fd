"""Runs tables of bad events: real calls, real records, real services; twice, with a good event behind each case.

All tables go out together, each on funds of its own: what takes time is to wait until a house has come to rest.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaProducer

from drawdown.localstack.waiting import finish
from shared.clock import SystemClock
from tests.corpus import judging
from tests.corpus.cases import OF_THE_CURRENCY, Case, Given, Say, Spot, Unwritten, dumped
from tests.corpus.seen import Json, Place, Seen, look
from tests.support.desk import DUE
from tests.support.house import House
from tests.support.topics import PARTITIONS

GOOD_AMOUNT: Final = "1.00"
PATIENCE_SECONDS: Final = 20
Tables = Mapping[str, Sequence[Case]]


@dataclass(slots=True)
class Ran:
    """What came of a table: where each case played, where its records stood, and what was seen after each round."""

    cases: Sequence[Case]
    source: str
    spots: dict[str, Spot] = field(default_factory=dict)
    sent: dict[str, list[bytes | None]] = field(default_factory=dict)
    places: list[dict[str, list[Place]]] = field(default_factory=list)  # by round and case, the good event's last
    rounds: list[Seen] = field(default_factory=list)
    funds: dict[str, int] = field(default_factory=dict)
    good_call_id: int = 0

    def complaints(self, case: Case) -> list[str]:
        """Everything that is not as the table says; none is silence."""
        return judging.complaints(case, self)


def run(house: House, tables: Tables) -> dict[str, Ran]:
    """Sends every table's records twice, and looks after each round."""
    return finish(_run(house, tables))


async def _run(house: House, tables: Tables) -> dict[str, Ran]:
    runs = {name: Ran(cases, f"bank/{name}-") for name, cases in tables.items()}
    async with clients(house) as http, producing(house) as producer:
        await asyncio.gather(*(_furnish(http, ran) for ran in runs.values()))
        await asyncio.to_thread(house.settle)
        for _ in range(2):
            for ran in runs.values():
                ran.places.append(await _send(producer, house.addresses.topic_prefix, ran))
            await asyncio.to_thread(house.settle)
            await _look_until_right(http, list(runs.values()))
    return runs


async def _look_until_right(http: httpx.AsyncClient, runs: Sequence[Ran]) -> None:
    """The sweep decides again each second, and metrics hears last: what is wrong now may be right in a moment."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_SECONDS / 4
    for ran in runs:
        ran.rounds.append(Seen())
    while True:
        world = await look(http, [fund for ran in runs for fund in ran.funds.values()])
        for ran in runs:
            ran.rounds[-1] = world.of(ran.source, ran.funds.values())
        wrong = any(judging.totals(ran) or any(map(ran.complaints, ran.cases)) for ran in runs)
        if not wrong or loop.time() > deadline:
            return
        await asyncio.sleep(0.5)


@contextlib.asynccontextmanager
async def clients(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=house.addresses.front, timeout=60, trust_env=False) as http:
        yield http


# ---- calls to pay


async def _furnish(http: httpx.AsyncClient, ran: Ran) -> None:
    """A fund per currency, with a call for each case, another one, and, in dollars, one for the good events."""
    for code in sorted({"USD", *(case.currency for case in ran.cases)}):
        cases = [case for case in ran.cases if case.currency == code]
        ran.funds[code], allocation = await issued(http, code, len(cases) + 2)
        good, other, *calls = allocation["calls"]
        if code == "USD":
            ran.good_call_id = good["id"]
        for case, call in zip(cases, calls, strict=True):
            own = call if case.given == "issued" else await _given(http, allocation["id"], code, case.given)
            ran.spots[case.id] = Spot(
                case=case.id,
                source=f"{ran.source}{code.lower()}",
                currency=code,
                call_id=own["id"],
                reference=own["reference"],
                other_call_id=other["id"],
                other_reference=other["reference"],
            )


async def issued(http: httpx.AsyncClient, code: str, calls: int) -> tuple[int, Json]:
    """A fund, and its allocation with so many calls, the first of them large; the clock issues them within seconds."""
    fund = {"name": f"Corpus {code}", "currency": code, "time_zone": "UTC", "size": "9000000000"}
    fund_id = (await post(http, "/api/funds", fund))["id"]
    deal_id = (await post(http, "/api/deals", {"name": f"Corpus {code}"}))["id"]
    soon = (SystemClock().now() + timedelta(days=7)).date().isoformat()  # so notice is due now, and money is not
    amounts = [OF_THE_CURRENCY[code].replace("1000", "1000000"), *[OF_THE_CURRENCY[code]] * (calls - 1)]
    tranches = [{"amount": amount, "due_date": soon} for amount in amounts]
    schedule = {"cadence": "custom", "tranches": tranches}
    body = {"fund_id": fund_id, "deal_id": deal_id, "committed": "9000000000", "schedule": schedule}
    allocation = await post(http, "/api/allocations", body)
    last = allocation["calls"][-1]["id"]
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_SECONDS
    while (await http.get(f"/api/capital-calls/{last}")).status_code != 200:
        assert loop.time() < deadline, f"call {last} was not issued"
        await asyncio.sleep(0.1)
    return fund_id, allocation


_ISSUE: Final = {
    "scheduled": "on_notice_date",
    "withdrawn": "on_notice_date",
    "pending": "after_approval",
    "rejected": "after_approval",
}


async def _given(http: httpx.AsyncClient, allocation_id: int, code: str, given: Given) -> Json:
    """A call of a case, brought to where its story begins."""
    amount = OF_THE_CURRENCY[code]
    due = "2026-01-15" if given == "overdue" else DUE
    body = {"amount": amount, "due_date": due, "issue": _ISSUE.get(given, "now")}
    call = await post(http, f"/api/allocations/{allocation_id}/calls", body)
    plan = f"/api/allocations/{allocation_id}/calls/{call['id']}"
    receivable = f"/api/capital-calls/{call['id']}"
    match given:
        case "withdrawn":
            await post(http, f"{plan}/withdraw", {})
        case "rejected":
            await post(http, f"{plan}/reject", {})
        case "cancelled":
            await post(http, f"{receivable}/cancel", {})
        case "defaulted":
            await post(http, f"{receivable}/declare-default", {})
        case "paid":
            await post(http, f"{receivable}/payments", {"amount": amount, "tx_ref": "all", "value_date": "2026-03-02"})
        case "released":
            await post(http, f"{receivable}/payments", {"amount": "400", "tx_ref": "some", "value_date": "2026-03-02"})
            await post(http, f"{receivable}/release-remainder", {})
        case _:
            pass
    return call


async def post(http: httpx.AsyncClient, path: str, body: Json) -> Json:
    response = await http.post(path, json=body)
    assert response.is_success, f"{path}: {response.status_code} {response.text}"
    answer: Json = response.json()
    return answer


# ---- records


def good_event(spot: Spot, good_call_id: int) -> bytes:
    """The event behind a case: 1.00 for a call of its own."""
    members = {
        "source": f"{spot.source}-good",
        "payment_id": spot.case,
        "kind": "credit",
        "amount": GOOD_AMOUNT,
        "currency": "USD",
        "value_date": "2026-03-02",
        "call_id": good_call_id,
    }
    return dumped(members, spot).encode()


async def _send(producer: AIOKafkaProducer, prefix: str, ran: Ran) -> dict[str, list[Place]]:
    """All records of a table, each case's in order in one partition, the good event last; where they came to stand."""
    waiting: dict[str, list[Any]] = {}
    for number, case in enumerate(ran.cases):
        spot, partition = ran.spots[case.id], number % PARTITIONS
        ran.sent[case.id] = [said.make(spot) for said in case.said]
        records = [
            (said, value)
            for said, value in zip(case.said, ran.sent[case.id], strict=True)
            if not isinstance(said.verdict, Unwritten)
        ]
        behind = Say(lambda _: None, case.said[-1].verdict, key=case.said[-1].key)
        records.append((behind, good_event(spot, ran.good_call_id)))
        waiting[case.id] = [
            await producer.send(
                prefix + case.topic,
                value,
                key=case.id.encode() if said.key == b"" else said.key,
                partition=partition,
                timestamp_ms=said.timestamp_ms,
                headers=list(said.headers),
            )
            for said, value in records
        ]
    written = {case: [await future for future in futures] for case, futures in waiting.items()}
    return {
        case: [(each.topic.removeprefix(prefix), each.partition, each.offset) for each in records]
        for case, records in written.items()
    }


@contextlib.asynccontextmanager
async def producing(house: House, **settings: Any) -> AsyncIterator[AIOKafkaProducer]:
    """A bank's producer; settings as aiokafka names them."""
    settings = {"enable_idempotence": True, "acks": "all", "linger_ms": 5, "max_request_size": 2**20, **settings}
    producer = AIOKafkaProducer(bootstrap_servers=house.addresses.kafka, **settings)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
