"""Where a scenario is played: a fresh database and fresh topics, and services that run from a given copy of the source.

Whoever looks on (the desk, the feed, the checker) runs from the checkout, and goes round the proxies.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx

from drawdown.addresses import Addresses
from drawdown.localstack import ports, processes
from drawdown.localstack.directory import Directory
from drawdown.localstack.waiting import finish
from drawdown.programs import Programs
from drawdown.stack import is_ready
from shared.postgres import connect
from tests.faults.network.control import Network
from tests.faults.network.house import SERVERS, ProxiedHouse, Wiring, wire
from tests.faults.seeded.source import environment
from tests.support import house as house_
from tests.support import ledger as ledger_
from tests.support import servers as servers_
from tests.support import topics
from tests.support.house import House
from tests.support.servers import Servers

QUIET_SECONDS: Final = 60  # I12: after the last fault, all is still within this time
TWIN: Final = "-twin"


@dataclass(frozen=True, slots=True)
class Found:
    """Something that the checker says is not as it must be."""

    invariant: str
    says: str


@dataclass(frozen=True, slots=True)
class Ground:
    """Servers that many scenarios share, and the template of their databases."""

    servers: Servers
    template: str
    wiring: Wiring | None = None  # the proxies, for scenarios that need them

    @contextlib.contextmanager
    def stage(self, source: Path, *, sql: str = "", session_seconds: int = 15) -> Iterator["Stage"]:
        """Ready services that run from `source`; gone afterwards."""
        prefix = topics.new_prefix()
        with ledger_.copy(self.servers, self.template) as ledger, servers_.directory() as directory:
            if sql:
                finish(_execute(ledger.admin_url, sql))
            finish(topics.make(self.servers.kafka, prefix, ()))
            addresses = house_._addresses(directory, ledger.admin_url, self.servers.kafka, prefix)
            addresses.save(directory)
            session = {"DRAWDOWN_SESSION_TIMEOUT_MS": str(1000 * session_seconds)}
            stage = Stage(directory, addresses, self.wiring, {**environment(source), **session})
            try:
                yield stage
            finally:
                for name in list(stage._children):
                    stage.kill(name)
                stage.http.close()
                finish(topics.remove(self.servers.kafka, prefix))


class Stage(House):
    """A house of suspects; nothing runs until it is started. Any service may have a twin: ``payments-twin``."""

    def __init__(
        self, directory: Directory, addresses: Addresses, wiring: Wiring | None, extra: Mapping[str, str]
    ) -> None:
        super().__init__(directory, addresses)
        clock = {"DRAWDOWN_CLOCK_OFFSET_FILE": str(directory.path / house_._CLOCK)}
        reached = wiring.through(addresses) if wiring else addresses
        self._programs = Programs(directory, reached, {**clock, **extra})
        self._wiring = wiring

    @property
    def network(self) -> Network:
        assert self._wiring is not None, "this ground has no proxies"
        return self._wiring.network

    def _program(self, name: str) -> processes.Program:
        service, is_twin, _ = name.partition(TWIN)
        program = super()._program(service)
        if not is_twin:
            return program
        port = ports.remembered(self.directory, name)
        env = {**program.env, "DRAWDOWN_HTTP_PORT": str(port), "DRAWDOWN_GROUP_INSTANCE_ID": f"{service}-2"}
        return replace(program, name=name, env=env, log=self.directory.log(name))

    def _is_ready(self, name: str) -> bool:
        if not name.endswith(TWIN):
            return super()._is_ready(name)
        port = self.directory.read("ports.json")[name]
        with httpx.Client(timeout=5, trust_env=False) as http:
            return is_ready(http, f"http://{ports.LOOPBACK}:{port}")

    def judge(self, history: Sequence[Mapping[str, Any]]) -> list[Found]:
        """What `drawdown check` finds broken, given what was sent; I12 where all is not still in time."""
        file = self.directory.path / "history.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in history))
        command = [
            *(sys.executable, "-m", "drawdown", "check", "--json", "--data", str(self.directory.path)),
            *("--wait-seconds", str(QUIET_SECONDS), "--history", str(file)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not done.stdout.strip():
            return [Found("I12", done.stderr.strip().splitlines()[-1])]
        return [
            Found(each["invariant"], f"{asked['what']}: {asked['first'][0]['id']} {asked['first'][0]['says']}")
            for each in json.loads(done.stdout)["invariants"]
            for asked in each["questions"]
            if asked["violations"]
        ]

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows, as the administrator sees them."""
        return finish(_execute(self.addresses.admin_url, sql))


async def _execute(url: str, sql: str) -> list[tuple[Any, ...]]:
    db = await connect(url, application="tests")
    try:
        return [tuple(row) for row in await db.fetch(sql)]
    finally:
        await db.close()


@contextlib.contextmanager
def own_ground(*, seed: int) -> Iterator[Ground]:
    """A ground with servers of its own and proxies before them."""
    with servers_.directory() as directory:
        wiring = wire(directory, seed=seed)
        servers = Servers(wiring.admin_url, wiring.kafka)
        addresses = house_._addresses(directory, wiring.admin_url, wiring.kafka, "")
        house = ProxiedHouse(directory, addresses, wiring)
        try:
            house.start_servers()
            with ledger_.template(servers) as template:
                yield Ground(servers, template, wiring)
        finally:
            house.stop(*SERVERS)
            house.http.close()
