"""Promises of the report: warm-up and wrong rounds do not count, gaps are told, and a busy machine gives no score."""

import json
from dataclasses import asdict, replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench import everything, goals, machine, picture, report
from bench.everything import Plan, Results
from bench.machine import Busy, Machine
from bench.reallocation import Operation, Reallocated
from bench.rounds import DRAWDOWN, Sample, rates, ratios
from bench.stack import Patience, Stalled

QUIET = Machine(2, "a processor", 24.0, "Linux", "3.11", "17", {"kafka": "4.1.0"}, 0.2, (0.1, 0.1, 0.1), 0.01)


def sample(number: int, contender: str, rate: float, *, right: bool = True) -> Sample:
    return Sample(number, contender, 1_000, 1_000 / rate, right)


def told(*samples: Sample, busy: bool = False) -> dict[str, Any]:
    """A report's JSON, as it is read again."""
    results = Results("2026-03-02T12:00:00+00:00", Plan(), QUIET, busy, contest=list(samples))
    found: dict[str, Any] = json.loads(json.dumps(results.to_json()))
    return found


def test_the_first_round_only_warms_up() -> None:
    """It is left out of rates and ratios, unless there is no other."""
    samples = [sample(1, DRAWDOWN, 1), sample(2, DRAWDOWN, 100), sample(3, DRAWDOWN, 300)]
    found = rates(samples, DRAWDOWN)
    assert found is not None
    assert (found.median, found.least, found.most, found.rounds) == (200, 100, 300, 2)
    alone = rates(samples[:1], DRAWDOWN)
    assert alone is not None
    assert alone.median == 1


def test_ratios_are_taken_round_by_round() -> None:
    """A machine that was slower in one round was so for both; and a round in which one was wrong compares nothing."""
    samples = [
        *(sample(1, DRAWDOWN, 9), sample(1, "peer", 1)),
        *(sample(2, DRAWDOWN, 10), sample(2, "peer", 5)),
        *(sample(3, DRAWDOWN, 100), sample(3, "peer", 50)),
        *(sample(4, DRAWDOWN, 1000), sample(4, "peer", 1, right=False)),
    ]
    found = ratios(samples, DRAWDOWN, "peer")
    assert found is not None
    assert (found.median, found.rounds) == (2, 2)


def test_a_wrong_run_has_no_rate() -> None:
    """However quick: it is told as a round without score."""
    samples = [sample(1, DRAWDOWN, 1), sample(2, DRAWDOWN, 1e9, right=False)]
    assert rates(samples, DRAWDOWN) is None
    page = report.page(told(*samples), picture="p.svg")
    assert "no score" in page
    assert "1 rounds without score" in page


@pytest.mark.parametrize(
    ("value", "goal", "more", "words"),
    [
        (50_000, 40_000, True, "reached, 1.2× better"),
        (40_000, 40_000, True, "reached"),
        (30_000, 40_000, True, "missed by 25%"),
        (4_000, 40_000, True, "missed, 10× away"),
        (100, 50, False, "missed, 2× away"),
        (20, 50, False, "reached, 2.5× better"),
    ],
)
def test_gaps_are_told_in_words(value: float, goal: float, more: bool, words: str) -> None:
    """Which side of the goal, and how far."""
    assert goals.gap(value, goal, more_is_better=more) == words


def test_what_was_not_measured_is_said() -> None:
    """Every goal has its line, measured or not, and nothing is filled in."""
    lines = {line.figure: line for line in goals.lines(told())}
    assert lines["end-to-end throughput"].result == goals.NOT_MEASURED
    assert "not by the benchmark" in lines["memory over an hour"].result
    assert lines["history import of 50,000 rows, until every total is right"].result == goals.NOT_MEASURED
    assert lines["reallocation, preview / commit of 50 companies, p99"].result == goals.NOT_MEASURED
    assert len(lines) >= 18


def test_reallocation_stands_beside_its_goals_and_its_sql() -> None:
    """At rest and beside the rate that was really reached, each operation by its own goal, as a ratio too; and a report
    of a run before there was such a step can still be written anew."""

    def one(operation: Operation, companies: int, rate: int, p99: float, *, held: bool = True) -> Reallocated:
        return Reallocated(operation, companies, rate, rate * 0.7, held, 40, p99 / 2, p99, p99, 4, 8, 8)

    measured = [
        *(one("preview", 50, 0, 12), one("commit", 50, 0, 80)),
        *(one("preview", 50, 1_000, 60, held=False), one("commit", 50, 1_000, 60, held=False)),
        *(one("preview", 5_000, 0, 400), one("commit", 5_000, 0, 900)),
    ]
    run = told(sample(1, DRAWDOWN, 100))
    run["reallocation"] = json.loads(json.dumps([asdict(each) for each in measured]))
    lines = {line.figure: line for line in goals.lines(run)}
    at_rest = lines["reallocation, preview / commit of 50 companies, p99, at rest"]
    assert at_rest.result == "12.0 / 80.0 ms (1.5 / 10.0 × the bare SQL, p50)"
    assert at_rest.gap == "reached, 2.5× better / missed by 25%"
    beside = "reallocation, preview / commit of 50 companies, p99, beside 1,000 payments/s, 700/s reached"
    assert lines[beside].gap == "missed, 2× away / reached"
    assert lines["reallocation, preview / commit of 5,000 companies, p99, at rest"].gap == "—"
    page = report.page(run, picture="p.svg")
    assert "| commit | 50 | 1,000/s, not held (700 done) | 40 | 30.0 | 60.0 | 60.0 | 4.0 | 8.0 | 8.0 | 7.50 |" in page
    del run["reallocation"]
    assert "## Reallocation" not in report.page(run, picture="p.svg")


def test_a_busy_machine_is_refused_and_marked() -> None:
    """No figure is made on it without saying so on the page and in the picture."""
    with pytest.raises(Busy, match="nothing is scored"):
        machine.insist_on_quiet(replace(QUIET, others_share=0.5))
    machine.insist_on_quiet(QUIET)
    busy = told(sample(1, DRAWDOWN, 100), busy=True)
    assert "machine was busy" in report.page(busy, picture="p.svg")
    assert "machine was busy" in picture.draw(busy)
    assert "machine was busy" not in picture.draw(told(sample(1, DRAWDOWN, 100)))


def test_the_picture_is_a_picture() -> None:
    """Well-formed, with a bar for each contender that has a score."""
    drawn = picture.draw(
        told(sample(1, DRAWDOWN, 30_000), sample(1, "a <peer>", 300), sample(1, "wrong", 9, right=False))
    )
    root = ET.fromstring(drawn)  # noqa: S314 (our own text)
    words = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {DRAWDOWN, "a <peer>", "30,000", "300"} <= set(words)
    assert "wrong" not in words


def test_a_wait_without_progress_ends() -> None:
    """It says where everything stands; a wait with progress goes on."""
    patience = Patience(seconds=0)
    patience.look("1 of 3")
    patience.look("2 of 3")
    with pytest.raises(Stalled, match="2 of 3"):
        patience.look("2 of 3")


def test_plans_grow() -> None:
    """The small plan is less of everything, the full one more; options reach both."""
    small, whole, full = (everything.planned(small=s, full=f, rounds=0, peers=True) for s, f in PLANS)
    assert small.payments < whole.payments < full.payments == 1_000_000
    assert max(small.stored) < max(whole.stored) < max(full.stored) == 10_000_000
    assert whole.rounds >= 6  # five that count
    assert everything.planned(small=False, full=False, rounds=3, peers=False).variant_rounds == 3


PLANS = ((True, False), (False, False), (False, True))
