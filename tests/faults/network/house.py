"""A house whose services reach PostgreSQL and the broker through proxies, while those who look at it do not.

The broker has a second listener for that, whose advertised address is the proxy's: a client goes where the broker tells
it to, so before any other address a proxy would be gone round.
"""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from drawdown.addresses import SERVICES, Addresses
from drawdown.localstack import kafka, ports, postgres
from drawdown.localstack.directory import Directory
from drawdown.localstack.processes import Program
from drawdown.localstack.waiting import finish, until
from drawdown.programs import Programs
from tests.faults.network.control import Network
from tests.support import house as house_
from tests.support import servers as servers_
from tests.support import topics
from tests.support.house import House
from tests.support.ledger import migrate_all

PROXIES: Final = "proxies"
SERVERS: Final = ("kafka", "postgres", PROXIES)
_ROOT: Final = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Wiring:
    """Programs to run (two servers, and the proxies before them), and every address: direct ones to look at, proxied
    ones for the services."""

    servers: tuple[Program, ...]
    proxies: Program
    network: Network
    admin_url: str
    kafka: str
    proxied_postgres_port: int
    proxied_kafka: str

    def through(self, addresses: Addresses) -> Addresses:
        """The same stack as its services shall reach it."""
        urls = {name: _at_port(url, self.proxied_postgres_port) for name, url in addresses.database_urls.items()}
        return replace(addresses, kafka=self.proxied_kafka, database_urls=urls)


class ProxiedHouse(House):
    """A house behind proxies: `network` makes it suffer. `extra` is environment for its services."""

    def __init__(
        self, directory: Directory, addresses: Addresses, wiring: Wiring, *, extra: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(directory, addresses, [*wiring.servers, wiring.proxies])
        clock = {"DRAWDOWN_CLOCK_OFFSET_FILE": str(directory.path / house_._CLOCK)}
        self._programs = Programs(directory, wiring.through(addresses), {**clock, **(extra or {})})
        self.network = wiring.network

    def _is_ready(self, name: str) -> bool:
        return self.network.is_ready() if name == PROXIES else super()._is_ready(name)

    def start_servers(self) -> None:
        """They have more time than a service: a busy machine may start two servers at once slowly."""
        self.start(*SERVERS, wait=False)
        for name in SERVERS:
            self.wait_until_ready(name, timeout=180)

    @contextlib.contextmanager
    def lived_in(self) -> Iterator[None]:
        """Servers, proxies and services run during the block, on a ledger that is empty when it begins."""
        try:
            self.start_servers()
            finish(migrate_all(self.addresses.admin_url))
            finish(topics.make(self.addresses.kafka, "", ()))
            with house_._lived_in(self):
                yield
        finally:
            self.stop(*SERVERS)


def wire(directory: Directory, *, seed: int) -> Wiring:
    """Servers of this directory with proxies before them; nothing runs yet."""
    broker, database = kafka.prepare(directory), postgres.prepare(directory)
    port = {
        name: ports.remembered(directory, name)
        for name in ("proxied-kafka", "proxied-postgres", "kafka-behind", "control")
    }
    _advertise(directory, behind=port["kafka-behind"], proxied=port["proxied-kafka"])
    places = (
        f"postgres:{port['proxied-postgres']}:{database.port}",
        f"kafka:{port['proxied-kafka']}:{port['kafka-behind']}",
    )
    proxies = Program(
        name=PROXIES,
        argv=[
            *(sys.executable, "-m", "tests.faults.network"),
            *("--control", str(port["control"]), "--seed", str(seed), *places),
        ],
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        log=directory.log(PROXIES),
    )
    return Wiring(
        servers=(broker.program, database.program),
        proxies=proxies,
        network=Network(port["control"]),
        admin_url=database.url("postgres"),
        kafka=broker.bootstrap,
        proxied_postgres_port=port["proxied-postgres"],
        proxied_kafka=f"{ports.LOOPBACK}:{port['proxied-kafka']}",
    )


def _advertise(directory: Directory, *, behind: int, proxied: int) -> None:
    """A second listener for those who come through the proxy: told of the proxy's address, they stay with it."""
    file = directory.path / "kafka" / "server.properties"
    settings = dict(line.partition("=")[::2] for line in file.read_text().splitlines())
    settings["listeners"] += f",PROXIED://{ports.LOOPBACK}:{behind}"
    settings["advertised.listeners"] += f",PROXIED://{ports.LOOPBACK}:{proxied}"
    settings["listener.security.protocol.map"] += ",PROXIED:PLAINTEXT"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


@contextlib.contextmanager
def unstarted(*, seed: int, extra: Mapping[str, str] | None = None) -> Iterator[ProxiedHouse]:
    """A house with servers of its own and proxies before them, of which nothing runs yet; gone afterwards."""
    with servers_.directory() as directory:
        wiring = wire(directory, seed=seed)
        addresses = house_._addresses(directory, wiring.admin_url, wiring.kafka, "")
        yield ProxiedHouse(directory, addresses, wiring, extra=extra)


@contextlib.contextmanager
def proxied(*, seed: int, extra: Mapping[str, str] | None = None) -> Iterator[ProxiedHouse]:
    """A house with servers of its own and proxies before them, ready, and gone afterwards with all of them."""
    with unstarted(seed=seed, extra=extra) as house, house.lived_in():
        yield house


def recover(house: ProxiedHouse, *, seconds: float = 60) -> None:
    """The network is well again; returns when every service is ready, without anybody's help."""
    house.network.lift()
    assert until(lambda: all(house._is_ready(name) for name in SERVICES), seconds=seconds), "no recovery by itself"


def _at_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}"))
