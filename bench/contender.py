"""What a contender gets and gives: the same bytes on the same servers, and totals that are compared with the model.

A peer is a module of `bench.peers` with `NAME`, `GIVES_NOT` (one line: what it does not give) and `run`:

    async def run(workload: Workload, servers: Servers, work: Path) -> PeerResult

`seconds` counts from the first record produced to the last total right and durable; getting ready (topics, tables, a
warm JVM) is not counted. Topics and databases are the peer's own, named by it, and removed by it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from bench import book, frames, model
from bench.frames import Frame
from bench.model import BookedCall, Expected


@dataclass(frozen=True, slots=True)
class Workload:
    """One run's events, and what they must come to.

    `folder` holds `events.bin` (see `bench.frames`), `calls.csv` (call_id, allocation_id, fund_id, deal_id, seq_no,
    amount_minor, late) and `allocations.csv`. Late calls become known while the events are flowing; a peer that knows
    them from the start says so in `GIVES_NOT`.
    """

    folder: Path
    count: int  # records to produce: duplicates, conflicts and poison among them
    expected: Expected = field(repr=False)
    name: str = ""

    @property
    def events(self) -> Path:
        return self.folder / "events.bin"

    def frames(self) -> Iterator[Frame]:
        """(key, value) of every record, in sending order; the key is the call's id."""
        return frames.read(self.events, self.count)

    def calls(self) -> list[BookedCall]:
        """Every call of the book, late ones too."""
        return book.read_calls(self.folder / "calls.csv")

    def head(self, count: int) -> "Workload":
        """The first `count` records alone, with a model of their own: for contenders that are slow."""
        if count >= self.count:
            return self
        return replace(self, count=count, expected=model.run(frames.read(self.events, count), self.calls()))


@dataclass(frozen=True, slots=True)
class Servers:
    """One broker and one database server, durable, shared by all contenders in turn.

    `postgres_admin_url` is a superuser's, on the server's own database `postgres`: make a database of your own there.
    `kafka_jars` are Kafka's own; a peer fetches what it needs besides into `work`.
    """

    kafka: str
    postgres_admin_url: str
    java: str
    kafka_jars: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class PeerResult:
    """`events` is what went through (`workload.count`); `right` is whether every total equals the model's, to the cent.
    `note` says what a reader must know of this run, such as a smaller N."""

    events: int
    seconds: float
    right: bool
    note: str = ""

    @property
    def rate(self) -> float:
        return self.events / self.seconds


class Peer(Protocol):
    """The shape of a module of `bench.peers`. `LIMIT_EVENTS`, where a peer has it, is the most it is given."""

    NAME: str
    GIVES_NOT: str

    async def run(self, workload: Workload, servers: Servers, work: Path) -> PeerResult: ...
