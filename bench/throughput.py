"""End-to-end throughput: from the first record produced to every fund total right, everything read, nothing waiting."""

import asyncio
import contextlib
import hashlib
import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench import book as books
from bench import feed, gates, loading, meter
from bench.book import Book
from bench.contender import Workload
from bench.gates import Gate
from bench.meter import Cost
from bench.model import Expected
from bench.stack import Stack, Watch, copy, new_home, running, watching
from drawdown.localstack.cache import one_at_a_time

TOPIC: Final = "payment.received"
_RELEASE_AT: Final = 0.45  # of the feed is read: then the calls that were not known yet become known
_SWEEP_SECONDS: Final = 15.0  # at rest, what is held for want of a call or an original is looked at again


@dataclass(frozen=True, slots=True)
class Run:
    """One run with what it cost. `emitted` are records per payment, by topic; `seconds` infinite where it is wrong."""

    workload: str
    events: int
    seconds: float
    feed_seconds: float
    feed_cpu_seconds: float
    cost: Cost
    others_share: float  # of the machine, that went to processes which are none of ours
    emitted: dict[str, float]
    early: int  # payments that came before their call
    gates: list[Gate] = field(default_factory=list)

    @property
    def right(self) -> bool:
        return not any(gate.wrong for gate in self.gates)

    @property
    def rate(self) -> float:
        """Events per second; not a number where a gate failed."""
        return self.events / self.seconds if self.right else math.nan

    def each(self, total: float) -> float:
        """A cost per event."""
        return total / self.events


@contextlib.contextmanager
def furnished(
    workload: Workload, work: Path, *, keep: bool = False, environment: Mapping[str, str] | None = None
) -> Iterator[Stack]:
    """A stack that is ready and knows the workload's book, at rest.

    The book is loaded once per state of our sources; later runs begin as copies of that directory.
    """
    work.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(work, "books"):  # another run may use this directory
        path = new_home(work)
        copy(_template(workload, work), path / "data")
    with running(path, keep=keep, environment=environment) as stack:
        stack.book = workload.folder
        stack.start_services()
        asyncio.run(_rest(stack))
        yield stack


def _template(workload: Workload, work: Path) -> Path:
    """The data directory of a stack that knows the book and was stopped; those of other sources are removed."""
    sources, book = _digest(_sources()), _digest([workload.folder / "calls.csv"])
    home = work / "books"
    template = home / f"{sources}-{book}"
    if template.exists():
        return template
    home.mkdir(exist_ok=True)
    home.chmod(0o711)
    for old in home.iterdir():
        if not old.name.startswith(sources):
            shutil.rmtree(old)
    path = new_home(work)
    try:
        with running(path, keep=True) as stack:
            stack.start_services()
            asyncio.run(_load(stack, workload))
        (path / "data").rename(template)
    finally:
        shutil.rmtree(path)
    return template


@contextlib.contextmanager
def loaded(workload: Workload, home: Path) -> Iterator[Stack]:
    """The same for one run alone, in `home`: nothing is kept for others, and nothing is started twice."""
    with running(home) as stack:
        stack.book = workload.folder
        stack.start_services()
        asyncio.run(_load(stack, workload))
        yield stack


def _sources() -> list[Path]:
    """Of everything that loads a book: services, servers, the import."""
    root = Path(__file__).parents[1]
    files = [file for room in ("services", "shared", "drawdown") for file in sorted((root / room).rglob("*"))]
    return [*(file for file in files if file.suffix in {".py", ".sql"}), Path(str(loading.__file__))]


def _digest(files: list[Path]) -> str:
    told = hashlib.sha256()
    for file in files:
        told.update(file.read_bytes())
    return told.hexdigest()[:12]


async def _load(stack: Stack, workload: Workload) -> None:
    """Loads the book as an import does, and waits until every service knows it."""
    await loading.load(stack.addresses.database_urls["allocations"], books.read(workload.folder), late=False)
    async with watching(stack.addresses) as watch:
        await watch.settle()
        await watch.db.execute("vacuum analyze")


async def _rest(stack: Stack) -> None:
    async with watching(stack.addresses) as watch:
        await watch.settle()
        await watch.db.execute("checkpoint")


async def measure(
    stack: Stack, workload: Workload, *, strict: bool = True, release: bool = True, already: Expected | None = None
) -> Run:
    """Feeds the workload to a furnished stack. With `strict`, raises `Refused` where a gate fails.

    `release` makes the late calls known on the way; `already` is what was fed before.
    """
    expected = workload.expected + already if already else workload.expected
    async with watching(stack.addresses) as watch:
        read_before, had = await watch.payments_read(), await watch.records()
        book = books.read(stack.book)
        early = 0
        source = feed.start(stack.addresses.kafka, TOPIC, workload.events, workload.count)
        try:
            before, own = await meter.read(watch.db, stack.pids), meter.own_seconds()
            first = source.go()
            if release:
                await watch.until_read(read_before + int(workload.count * _RELEASE_AT))
                early = await watch.waiting_for_calls()
                await release_late(stack, book)
            last = await asyncio.to_thread(source.wait)
        finally:
            source.stop()
        await watch.until_read(read_before + workload.count, pause_seconds=0.25)
        done = await until_right(watch, expected)
        after = await meter.read(watch.db, stack.pids)
        own = meter.own_seconds() - own
        records = await watch.records()
        found = await gates.of_run(watch.db, expected, records, stack.addresses, stack.directory.path)
        if strict:
            gates.insist(found)
        cost = meter.between(before, after, stack.pids)
        return Run(
            workload=workload.name,
            events=workload.count,
            seconds=done - first,
            feed_seconds=last - first,
            feed_cpu_seconds=source.cpu_seconds,
            cost=cost,
            others_share=cost.others_share(source.cpu_seconds + own),
            emitted={
                topic: (n - had.get(topic, 0)) / workload.count
                for topic, n in records.items()
                if topic != TOPIC and n > had.get(topic, 0)
            },
            early=early,
            gates=found,
        )


async def release_late(stack: Stack, book: Book | None = None) -> None:
    """Makes the late part of the book known."""
    await loading.load(stack.addresses.database_urls["allocations"], book or books.read(stack.book), late=True)


async def until_right(watch: Watch, expected: Expected) -> float:
    """When everything was read, nothing waited, and metrics showed the model's fund totals; where it comes to rest
    with others the gates say how."""
    wanted = {fund: total for fund, total in expected.fund_minor.items() if total}
    deadline: float | None = None
    while True:
        settled = await watch.settle(pause_seconds=0.05)
        deadline = deadline or settled + _SWEEP_SECONDS
        if {fund: total for fund, total in (await watch.fund_totals()).items() if total} == wanted:
            return settled
        if settled > deadline:
            return settled
        await asyncio.sleep(0.05)


def logs(stack: Stack) -> Path:
    """Where every process's log is."""
    return stack.directory.path / "logs"
