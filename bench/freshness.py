"""Freshness: from the moment a payment should be published to the moment its fund's total shows it, over HTTP.

Arrivals are open-loop and a late probe counts from when it should have been sent, so a pause of anything, of the probe
too, is in the figures. Probes pay the call of a fund of their own, one cent each; what it shows says which have come.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import chain
from typing import Final

from aiokafka import AIOKafkaProducer

from bench import book as books
from bench import feed, frames, gates, model
from bench.contender import Workload
from bench.frames import Frame
from bench.model import BookedCall
from bench.stack import Stack, watching
from bench.throughput import TOPIC, release_late, until_right
from bench.wire import Wire

PROBE_SECONDS: Final = 0.04
# Between two looks, when they are quick: looking is work for the same two cores, and this is no more than it adds.
_LOOK_SECONDS: Final = 0.01
WARM_UP_SHARE: Final = 1 / 3  # of a rate's time: plans, compilers and caches are made within it
_LINGER_SECONDS: Final = 30.0  # how long the last probes may take


@dataclass(frozen=True, slots=True)
class Fresh:
    """Milliseconds at one offered rate. `held` is false where payments fell behind by more than a second of traffic."""

    offered_per_second: int
    probes: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    held: bool
    lost: int = 0  # probes that were never seen in time: with any, the percentiles are too good


@dataclass(slots=True)
class _Fund:
    """One probe's fund: what was sent to it and not seen yet, and the cents that show everything up to then."""

    call: BookedCall
    waiting: deque[tuple[float, int]] = field(default_factory=deque)  # intended time, cents that show it
    cents: int = 0


@dataclass(slots=True)
class Prober:
    """Sends probes and watches for them; keeps what it sent, for the model."""

    funds: list[_Fund]
    sent: list[Frame] = field(default_factory=list)
    seen: list[tuple[float, float]] = field(default_factory=list)  # intended time, delay in seconds

    async def send(self, producer: AIOKafkaProducer, begun: float, seconds: float) -> None:
        """A probe each 40 ms from `begun` on, to one fund after the other."""
        for n in range(int(seconds / PROBE_SECONDS)):
            intended = begun + n * PROBE_SECONDS
            await asyncio.sleep(max(intended - time.monotonic(), 0))
            fund = self.funds[n % len(self.funds)]
            fund.cents += 1
            fund.waiting.append((intended, fund.cents))
            record = _probe(fund.call, len(self.sent))
            self.sent.append(record)
            await producer.send(TOPIC, key=record[0], value=record[1])

    async def look(self, metrics_url: str, stop: asyncio.Event) -> None:
        """Looks at every fund that has a probe under way, again and again."""
        async with aclosing(_Pages(metrics_url)) as pages:
            while not stop.is_set():
                begun = time.monotonic()
                waiting = [fund for fund in self.funds if fund.waiting]
                await asyncio.gather(*(self._look_at(pages, fund) for fund in waiting))
                await asyncio.sleep(max(begun + _LOOK_SECONDS - time.monotonic(), 0.001))

    async def _look_at(self, pages: "_Pages", fund: _Fund) -> None:
        shown = await pages.funded_cents(fund.call.fund_id)
        now = time.monotonic()
        while fund.waiting and fund.waiting[0][1] <= shown:
            intended, _ = fund.waiting.popleft()
            self.seen.append((intended, now - intended))


async def measure(
    stack: Stack, workload: Workload, *, rates: Sequence[int], seconds: float, say: Callable[[str], None]
) -> list[Fresh]:
    """On a furnished stack, one rate after the other, each part of the workload once; raises `Refused` where a gate
    fails afterwards."""
    await release_late(stack)
    prober = Prober([_Fund(call) for call in books.read(workload.folder).probes])
    found: list[Fresh] = []
    skip = 0
    async with watching(stack.addresses) as watch, _producer(stack.addresses.kafka) as producer:
        await watch.settle()
        for rate in rates:
            count = int(rate * seconds)
            one = await _at(stack, workload, prober, producer, rate, seconds, skip)
            found.append(one)
            say(f"{rate:,}/s: p50 {one.p50_ms:.0f} ms, p99 {one.p99_ms:.0f} ms{'' if one.held else ', NOT held'}")
            skip += count
            await watch.until_read(skip + len(prober.sent))
            await watch.settle()
        fed = chain(frames.read(workload.events, skip), prober.sent)
        expected = model.run(fed, workload.calls())
        await until_right(watch, expected)
        records = await watch.records()
        gates.insist(await gates.of_run(watch.db, expected, records, stack.addresses, stack.directory.path))
    return found


async def _at(
    stack: Stack,
    workload: Workload,
    prober: Prober,
    producer: AIOKafkaProducer,
    rate: int,
    seconds: float,
    skip: int,
) -> Fresh:
    """One offered rate."""
    source = await asyncio.to_thread(
        feed.start, stack.addresses.kafka, TOPIC, workload.events, int(rate * seconds), rate=rate, skip=skip
    )
    stop = asyncio.Event()
    looking = asyncio.create_task(prober.look(stack.addresses.services["metrics"], stop))
    prober.seen.clear()
    try:
        begun = source.go()
        await prober.send(producer, begun, seconds)
        async with watching(stack.addresses) as watch:
            behind = max(n for (_, topic), n in (await watch.behind()).items() if topic == TOPIC)
        await asyncio.to_thread(source.wait)
        deadline = time.monotonic() + _LINGER_SECONDS
        while any(fund.waiting for fund in prober.funds) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
    finally:
        stop.set()
        source.stop()
        await looking
    lost = sum(len(fund.waiting) for fund in prober.funds)
    for fund in prober.funds:
        fund.waiting.clear()
    delays = sorted(delay * 1000 for intended, delay in prober.seen if intended - begun >= seconds * WARM_UP_SHARE)
    return Fresh(
        offered_per_second=rate,
        probes=len(delays),
        p50_ms=percentile(delays, 0.50),
        p95_ms=percentile(delays, 0.95),
        p99_ms=percentile(delays, 0.99),
        max_ms=percentile(delays, 1.0),
        held=behind <= rate,  # a second of traffic
        lost=lost,
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that so large a share does not exceed."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("nan")


@asynccontextmanager
async def _producer(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


def _probe(call: BookedCall, number: int) -> Frame:
    entry = {
        "source": "bank/probes",
        "payment_id": f"{number:016d}",
        "kind": "credit",
        "amount": "0.01",
        "currency": "USD",
        "value_date": "2025-06-02",
        "call_id": call.id,
    }
    return str(call.id).encode(), json.dumps(entry).encode()


class _Pages:
    """The fund pages, over one connection per fund that stays open."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: dict[int, Wire] = {}

    async def funded_cents(self, fund_id: int) -> int:
        """What the fund's page says is funded."""
        status, page = await self._open.setdefault(fund_id, Wire(self._url)).ask(f"/api/funds/{fund_id}/capital")
        return int(json.loads(page)["total_funded"].replace(".", "")) if status == HTTPStatus.OK else 0

    async def aclose(self) -> None:
        for wire in self._open.values():
            await wire.aclose()
