"""Promises of the workload: the shares it speaks of, one file per seed, and the order in what must have an order."""

import itertools
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

import pytest

from bench import book, frames, model, workload
from bench.contender import Workload
from bench.frames import Frame
from bench.workload import Recipe

COUNT: Final = 20_000
RECIPE: Final = Recipe(COUNT, scale=0.05)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    return workload.prepare(RECIPE, tmp_path_factory.mktemp("workloads"))


@pytest.fixture(scope="module")
def entries(made: Workload) -> list[dict[str, Any]]:
    """What can be read, in sending order."""
    return [entry for _, value in made.frames() if (entry := model.readable(value)) is not None]


def events(recipe: Recipe) -> list[Frame]:
    return list(workload.events(recipe, book.make(scale=recipe.scale)))


def test_the_shares_are_those_that_are_told(made: Workload) -> None:
    """4.5 % come again, 0.5 % contradict, 2 % over-pay, 0.5 % are reversals, 0.01 % cannot be read, to the record."""
    expected = made.expected
    assert len(list(made.frames())) == made.count == COUNT
    assert expected.duplicates == COUNT * 45 // 1000
    assert expected.conflicts == COUNT * 5 // 1000
    assert expected.over_payments == COUNT * 2 // 100
    assert expected.reversed == COUNT * 5 // 1000
    assert expected.waiting_reversals == 0
    assert expected.dead_letters == COUNT // 10_000
    assert expected.booked + expected.duplicates + expected.conflicts + expected.dead_letters == COUNT


def test_records_have_the_size_that_is_told(made: Workload) -> None:
    """A record has about 280 bytes."""
    sizes = [len(value) for _, value in made.frames()]
    assert 270 <= sum(sizes) / len(sizes) <= 300


def test_a_seed_gives_the_same_bytes() -> None:
    """Two files of one recipe are equal, two seeds differ."""
    recipe = Recipe(2_000, scale=0.01)
    assert events(recipe) == events(recipe)
    assert events(recipe) != events(Recipe(2_000, seed=2, scale=0.01))


def test_ids_rise_on_each_account(entries: list[dict[str, Any]]) -> None:
    """Sorted by the bank's id, the entries of an account are those that were not delayed in their order: nearly all."""
    by_account: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        by_account[entry["source"]].append(entry["payment_id"])
    steps = [(a, b) for ids in by_account.values() for a, b in itertools.pairwise(ids)]
    rising = sum(a < b for a, b in steps) / len(steps)
    assert 0.8 < rising < 0.95  # the others are duplicates, and what comes out of order


def test_random_ids_are_as_long_and_do_not_rise() -> None:
    """The second mode differs in the ids alone: same length, no order."""
    rising, chance = (events(Recipe(4_000, scale=0.02, ids=ids)) for ids in ("rising", "random"))
    assert abs(sum(len(v) for _, v in rising) - sum(len(v) for _, v in chance)) < 4_000
    ids = [json.loads(value)["payment_id"] for _, value in chance if model.readable(value)]
    assert 0.4 < sum(a < b for a, b in itertools.pairwise(ids)) / len(ids) < 0.6


def test_a_contradiction_comes_after_what_it_contradicts(made: Workload) -> None:
    """Whatever names an identity first is what the bank meant, and its contradictions have the same key behind it."""
    first: dict[tuple[str, str], tuple[bytes, str]] = {}
    contradicted = 0
    for key, value in made.frames():
        entry = model.readable(value)
        if entry is None:
            continue
        identity = (entry["source"], entry["payment_id"])
        known_key, amount = first.setdefault(identity, (key, entry["amount"]))
        assert known_key == key
        contradicted += entry["amount"] != amount
    assert contradicted == made.expected.conflicts


def test_late_calls_are_paid_before_they_are_known(made: Workload) -> None:
    """One record in a hundred pays a late call, and its first copy comes in the first part of the file."""
    late = {call.id for call in made.calls() if call.late}
    seen: set[bytes] = set()
    places = []
    for place, (_, value) in enumerate(made.frames()):
        entry = model.readable(value)
        if entry and entry["kind"] == "credit" and entry["call_id"] in late and value not in seen:
            places.append(place)
            seen.add(value)
    fresh = [place for place in places if place < COUNT * (workload.LATE_UNTIL + 0.02)]
    assert COUNT * workload.LATE <= len(places) <= COUNT * workload.LATE * 1.05  # and a few contradictions
    assert len(fresh) >= len(places) * 0.97  # a contradiction may stand behind it


@pytest.mark.parametrize(("spread", "hot", "one_fund"), [("uniform", 0.02, 0.15), ("skew", 0.3, 0.5)])
def test_skew_is_what_is_told(spread: workload.Spread, hot: float, one_fund: float) -> None:
    """Skewed, 30 % of the payments fall on 1 % of the calls and half of all on one fund; evenly, neither does."""
    recipe = Recipe(COUNT, scale=0.05, spread=spread)
    made = book.make(scale=recipe.scale)
    funds = {str(call.id).encode(): call.fund_id for call in made.calls}
    paid = Counter(key for key, _ in workload.events(recipe, made))
    hottest = sum(n for _, n in paid.most_common(len(made.paid) // 100)) / COUNT
    first = sum(n for key, n in paid.items() if funds[key] == 1) / COUNT
    assert hot * 0.9 <= hottest <= hot + 0.06
    assert first <= one_fund + 0.02
    assert spread == "uniform" or first >= one_fund - 0.03


def test_the_book_is_as_large_as_is_told() -> None:
    """At scale 1: 200 funds that are paid, 20,000 allocations, 60,000 calls; one allocation per fund and company."""
    whole = book.make(scale=1)
    assert whole.funds == 200 + book.PROBE_FUNDS
    assert len({call.allocation_id for call in whole.paid}) == 20_000
    assert len(whole.paid) == 60_000
    assert len({(a.fund_id, a.deal_id) for a in whole.allocations}) == len(whole.allocations)
    assert all(a.committed_minor > 0 for a in whole.allocations)
    assert len(whole.probes) == book.PROBE_FUNDS


def test_a_book_survives_its_files(tmp_path: Path) -> None:
    """What is read is what was written."""
    made = book.make(scale=0.002)
    book.write(made, tmp_path)
    assert book.read(tmp_path) == made


def test_frames_survive_their_file(tmp_path: Path) -> None:
    """Any bytes come back as they were, and a part of them is their beginning."""
    told = [(b"", b""), (b"k", b"\0\xff" * 1000), (b"\n", b"{}")]
    assert frames.write(tmp_path / "f", told) == 3
    assert list(frames.read(tmp_path / "f")) == told
    assert list(frames.read(tmp_path / "f", 2)) == told[:2]


def test_parts_of_one_book_do_not_meet() -> None:
    """Several workloads of one book share no identity, and their sums stay within every call."""
    parts = [Recipe(3_000, scale=0.02, part=n, of=3) for n in (1, 2, 3)]
    calls = book.make(scale=0.02).calls
    together = model.run([frame for part in parts for frame in events(part)], calls)
    alone = [model.run(events(part), calls) for part in parts]
    assert alone[0] + alone[1] + alone[2] == together
