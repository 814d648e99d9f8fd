"""Promises of the campaign's bookkeeping: drawn from the seed, counted honestly, and never passed by accident."""

import json
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from shared.crashpoint import POINTS
from tests.faults.campaign import Asked, Outcome
from tests.faults.plan import WEIGHTS, hosts, steps
from tests.faults.report import SOMETIMES, bound, write
from tests.faults.tally import Tally


def passed() -> Outcome:
    """A campaign that may pass."""
    tally = Tally(kills=Counter(payments=1_000), points=Counter(dict.fromkeys(POINTS, 20)))
    tally.seen.update(dict.fromkeys(SOMETIMES, 1))
    return Outcome(Asked(seed="s"), tally, chapters=[1])


def test_the_seed_draws_every_step() -> None:
    """The same seed gives the same faults, another one others, and in the long run every kind of them."""
    drawn = [list(islice(steps(seed, copies=2), 2_000)) for seed in ("a", "a", "b")]
    assert drawn[0] == drawn[1] != drawn[2]
    assert {step.kind for step in drawn[0]} == set(WEIGHTS)
    assert all(len(set(step.order)) == 8 for step in drawn[0])


def test_every_point_has_a_host() -> None:
    """No point waits in a service that never passes it."""
    assert {service for point in POINTS for service in hosts(point)} == {"allocations", "payments", "metrics", "audit"}


def test_the_bound_is_three_over_n() -> None:
    """A thousand kills without a violation leave 0.3 % possible."""
    assert (bound(1_000), bound(1_600), bound(0)) == ("0.30 %", "0.19 %", "unknown")


def test_a_campaign_passes_only_with_everything(tmp_path: Path) -> None:
    """Violations, too few kills, a point met too seldom and a sighting never made each fail it."""
    text, right = write(passed(), tmp_path / "faults.md")
    assert right
    assert f"0 violations in {1_000 + 20 * len(POINTS):,} kills" in text
    assert json.loads((tmp_path / "faults.json").read_text())["right"] is True


@pytest.mark.parametrize("missing", ["rest", "kills", "point", "hit", "sighting"])
def test_whatever_is_missing_fails_it(missing: str) -> None:
    """Each demand alone is enough to fail."""
    outcome = passed()
    match missing:
        case "rest":
            outcome.tally.violations.append("I1 something: 1 of 2: lost")
        case "kills":
            outcome.tally.kills["payments"] = 999
        case "point":
            del outcome.tally.points["relay.sent"]
        case "hit":
            outcome.tally.points["relay.sent"] = 19
        case _:
            outcome.tally.seen["zombie batch fenced"] = 0
    text, right = write(outcome, None)
    assert not right
    assert "Not passed" in text


def test_sightings_come_from_the_logs() -> None:
    """What services say of fences, races and rebalances is counted; half a line is nothing."""
    tally = Tally()
    tally.read_log(
        [
            '{"event": "fenced: another copy has moved on", "partitions": 1}',
            '{"event": "batch waits", "error": "LockNotAvailableError(\'canceling statement due to lock timeout\')"}',
            '{"event": "batch waits", "error": "ConnectionDoesNotExistError()"}',
            '{"event": "partitions taken away", "in_batch": true}',
            '{"event": "partitions taken away", "in_batch": false}',
            '{"event": "another log: reading from its beginning", "why": "gone"}',
            '{"event": "partitions taken aw',
            "Traceback (most recent call last):",
        ]
    )
    assert tally.seen == {
        "zombie batch fenced": 1,
        "batch tried again": 2,
        "lost race or lock timeout retried": 1,
        "rebalance": 2,
        "rebalance during a batch": 1,
    }
    assert tally.unusual == {"another log: gone": 1}
