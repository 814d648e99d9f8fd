"""Promises of the benchmark's contenders: each comes to the model's totals on real servers, and says so when not."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench import book, frames, model, rounds
from bench.contender import Servers as Ground
from bench.contender import Workload
from bench.model import BookedCall
from bench.peers import ground, handlers8, jars, naive, sql_limit
from tests.support.servers import Servers

CALLS = [
    BookedCall(id=1, allocation_id=1, fund_id=1, deal_id=1, seq_no=1, amount_minor=100_00, late=False),
    BookedCall(id=2, allocation_id=1, fund_id=1, deal_id=1, seq_no=2, amount_minor=50_00, late=False),
    BookedCall(id=3, allocation_id=2, fund_id=2, deal_id=1, seq_no=1, amount_minor=70_00, late=True),
]


def entry(call: int, payment_id: str, amount: str, **more: str) -> tuple[bytes, bytes]:
    told = {
        "source": "bank/northern-1",
        "payment_id": payment_id,
        "kind": "credit",
        "amount": amount,
        "currency": "USD",
        "value_date": "2025-03-01",
        "call_id": call,
        **more,
    }
    return str(call).encode(), json.dumps(told).encode()


def reversal(call: int, payment_id: str, amount: str, reverses: str) -> tuple[bytes, bytes]:
    return entry(call, payment_id, amount, kind="reversal", reverses=reverses)


EVENTS = [
    entry(1, "a", "60.00"),
    entry(1, "a", "60.00"),  # again
    entry(1, "a", "61.00"),  # a contradiction: the first stays
    entry(1, "b", "100.01"),  # more than the whole call
    (b"1", b"\xff\xfe{"),  # nobody can read these
    (b"1", entry(1, "c", "1.00")[1][:-20]),
    entry(1, "d", "-1.00"),
    (b"2", b"[]"),
    reversal(2, "f", "20.00", reverses="e"),  # before its original
    entry(2, "e", "20.00"),
    entry(2, "g", "30.00"),
    entry(3, "h", "70.00"),  # to the cent
    entry(1, "i", "40.00"),
    reversal(1, "j", "40.00", reverses="i"),
    reversal(1, "j", "40.00", reverses="i"),  # again
]
FUNDS = {1: 60_00 + 30_00, 2: 70_00}


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    """A few events of every kind, as a file."""
    book.write(book.Book(2, [], CALLS), tmp_path)
    frames.write(tmp_path / "events.bin", EVENTS)
    return Workload(tmp_path, len(EVENTS), model.run(EVENTS, CALLS))


@pytest.fixture
def shared(servers: Servers) -> Ground:
    return Ground(servers.kafka, servers.postgres_url, java="", kafka_jars=())


def test_the_model_is_what_a_person_finds(workload: Workload) -> None:
    """What the contenders are held against can be checked by hand."""
    assert workload.expected.fund_minor == FUNDS
    assert workload.expected.paid_minor == {1: 60_00, 2: 30_00, 3: 70_00}


async def test_naive_is_right(workload: Workload, shared: Ground, tmp_path: Path) -> None:
    """The naive services come to the model's totals, one message at a time, and leave nothing behind."""
    result = await naive.run(workload, shared, tmp_path / "work")
    assert (result.events, result.right) == (len(EVENTS), True), result.note
    assert list((tmp_path / "work").iterdir()) == []


async def test_eight_handlers_are_right(workload: Workload, shared: Ground, tmp_path: Path) -> None:
    """Eight handlers at a time, which keep no order, come to the same totals."""
    result = await handlers8.run(workload, shared, tmp_path / "work")
    assert (result.events, result.right) == (len(EVENTS), True), result.note


async def test_the_sql_limit_is_right(workload: Workload, shared: Ground, tmp_path: Path) -> None:
    """One statement comes to the model's totals."""
    result = await sql_limit.run(workload, shared, tmp_path)
    assert (result.events, result.right) == (len(EVENTS), True), result.note


async def test_the_sql_limit_holds_what_does_not_fit(shared: Ground, tmp_path: Path) -> None:
    """Credits that fit one by one and not together are taken in their order, as long as they fit whole."""
    events = [entry(1, name, f"{amount}.00") for name, amount in (("a", 60), ("b", 50), ("c", 40), ("d", 1))]
    book.write(book.Book(2, [], CALLS), tmp_path)
    frames.write(tmp_path / "events.bin", events)
    expected = model.Expected(paid_minor={1: 100_00}, fund_minor={1: 100_00})
    assert (await sql_limit.run(Workload(tmp_path, len(events), expected), shared, tmp_path)).right


async def test_a_wrong_total_is_no_score(workload: Workload, shared: Ground, tmp_path: Path) -> None:
    """A contender whose totals differ from the model's by one cent says that it is not right."""
    other = replace(workload.expected, paid_minor={**workload.expected.paid_minor, 3: 70_01})
    result = await sql_limit.run(replace(workload, expected=other), shared, tmp_path)
    assert not result.right


async def test_nothing_is_left_on_the_servers(workload: Workload, shared: Ground, tmp_path: Path) -> None:
    """A contender that fails half way takes its topics with it."""
    name = ground.new_name("test")
    with pytest.raises(ZeroDivisionError):
        async with ground.topics(shared.kafka, name, {f"{name}.payments": 1}):
            raise ZeroDivisionError
    async with ground.topics(shared.kafka, name, {f"{name}.payments": 1}):  # the name is free again
        pass


def contenders() -> Iterator[str]:
    return (peer.__name__.rpartition(".")[2] for peer in rounds.all_peers())


def test_the_contenders_are_these_five() -> None:
    """The benchmark finds every contender by itself, and nothing else among their modules."""
    assert sorted(contenders()) == ["handlers8", "kafka_streams", "naive", "quixstreams", "sql_limit"]


def test_every_contender_says_what_it_does_not_give() -> None:
    """A rate without what it leaves out is no comparison; the README says it of each, too."""
    readme = (Path(jars.__file__).parent / "README.md").read_text()
    for peer in rounds.all_peers():
        assert peer.GIVES_NOT
        assert "\n" not in peer.GIVES_NOT
        assert f"`{peer.__name__.rpartition('.')[2]}`" in readme


def test_a_jar_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    """A file of another content, one more and one less than on the committed list are all complained of."""
    wrong = tmp_path / "kafka-streams-4.1.0.jar"
    wrong.write_bytes(b"not a jar")
    more = tmp_path / "more.jar"
    more.write_bytes(b"")
    complaints = jars._wrong([wrong, more])
    assert {"kafka-streams-4.1.0.jar", "more.jar", "rocksdbjni-9.7.3.jar"} <= set(complaints)
