"""Promises of the running service: every record of every topic, exactly once, through kills."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from drawdown.audit import reading
from services.audit.app import build
from services.audit.consumer import READS
from shared.kafka.records import Arrival
from shared.settings import Settings
from tests.audit.records import arrival
from tests.conftest import MakeTopics
from tests.support.ledger import Ledger
from tests.support.servers import Servers

PATIENCE_SECONDS = 60


class Service:
    """The audit as a process of its own, on topics and a database of one test."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command("serve"), env=self.environment, stdout=log, stderr=log)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self._command(*arguments), env=self.environment, capture_output=True, text=True, check=False
        )

    @staticmethod
    def _command(*arguments: str) -> list[str]:
        return [sys.executable, "-m", "services.audit", *arguments]


@pytest.fixture
async def prefix(make_topics: MakeTopics) -> str:
    return await make_topics()


@pytest.fixture
async def service(servers: Servers, ledger: Ledger, prefix: str, tmp_path: Path) -> AsyncIterator[Service]:
    environment = {
        **os.environ,
        "DRAWDOWN_DATABASE_URL": ledger.url("audit"),
        "DRAWDOWN_KAFKA": servers.kafka,
        "DRAWDOWN_TOPIC_PREFIX": prefix,
        "DRAWDOWN_ACCOUNT_KEY": "a key for tests",
        "DRAWDOWN_GROUP_INSTANCE_ID": "audit-1",  # started again it has its partitions at once
        "DRAWDOWN_BATCH_RECORDS": "50",
    }
    running = Service(environment, tmp_path / "audit.log")
    yield running
    running.kill()


async def publish(servers: Servers, prefix: str, records: Sequence[Arrival]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=servers.kafka, enable_idempotence=True, linger_ms=5)
    await producer.start()
    try:
        sent = [
            await producer.send(prefix + r.topic, r.value, key=r.key, partition=r.partition, headers=list(r.headers))
            for r in records
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def entered(ledger: Ledger, *, read: int = 0, entries: int = 0) -> int:
    """Waits until so many records were read and so many entries made; the number of entries that there are."""
    async with ledger.connect_admin() as db, asyncio.timeout(PATIENCE_SECONDS):
        while True:
            done = await db.fetchval("select coalesce(sum(next_offset), 0)::int from audit.position")
            made: int = await db.fetchval("select count(*) from audit.entry")
            if done >= read and made >= entries:
                return made
            await asyncio.sleep(0.1)


async def flaws(ledger: Ledger) -> list[str]:
    async with reading.snapshot(ledger.url("audit")) as db:
        return [flaw.problem for chain in await reading.verify(db) for flaw in chain.flaws]


def test_it_is_composed() -> None:
    """It answers for the record and for its dead letters."""
    runtime = build(Settings(database_url=SecretStr("postgresql://nowhere"), kafka="nowhere:9"))
    assert runtime.name == "audit"
    assert {"/api/audit", "/api/audit/verify", "/api/audit/heads", "/api/audit/dead-letters"} <= set(
        runtime.app.openapi()["paths"]
    )


async def test_every_topic_is_entered(servers: Servers, ledger: Ledger, prefix: str, service: Service) -> None:
    """One record on each topic, readable or not, with broken headers too: one entry each, and the chains verify."""
    records = [arrival(topic, n, partition=n % 2) for n, topic in enumerate(READS)]
    records.append(arrival("fund.changed", 90, b"\x00 garbage", headers=(("ce_id", b"\xff\xfe"), ("x", b"\x00"))))
    await publish(servers, prefix, records)
    service.start()
    assert await entered(ledger, read=len(records)) == len(records)
    assert await flaws(ledger) == []
    verdict = service.run("verify", "--json")
    assert (verdict.returncode, json.loads(verdict.stdout)["verified"]) == (0, True)


async def test_kills_leave_one_entry_per_event(servers: Servers, ledger: Ledger, prefix: str, service: Service) -> None:
    """Killed in the middle again and again, with events published twice: each is entered once, in one whole chain."""
    events = [arrival("call.status_changed", n, partition=n % 2) for n in range(600)]
    entries = [arrival("payment.received", n, partition=n % 2, headers=()) for n in range(600)]
    await publish(servers, prefix, [*events, *entries, *events[:300]])
    made = 0
    for _ in range(3):
        service.start()
        made = await entered(ledger, entries=min(made + 100, 1_200))
        service.kill()
    service.start()
    assert await entered(ledger, read=1_500) == 1_200
    await publish(servers, prefix, [*events[300:], arrival("fund.changed", 0)])
    assert await entered(ledger, read=1_801) == 1_201
    assert await flaws(ledger) == []


async def test_the_command_says_what_is_wrong(ledger: Ledger, service: Service, tmp_path: Path) -> None:
    """`python -m services.audit verify` ends with 1 and names the place; kept heads are looked at."""
    assert service.run("verify").stdout == "audit: 0 entries in 0 chains: all as written\n"
    kept = tmp_path / "heads.json"
    kept.write_text(
        json.dumps({"heads": [{"topic": "fund.changed", "partition": 0, "sequence": 2, "hash": "ab" * 32}]})
    )
    verdict = service.run("verify", "--heads", str(kept))
    assert verdict.returncode == 1
    assert "fund.changed/0/2: cut: a kept head shows 2 entries or more\n" in verdict.stdout
