"""The short round of the fault campaign: every crash point once, some kills at random, and nothing lost or doubled."""

from typing import Final

import pytest

from shared.crashpoint import POINTS
from tests.faults.campaign import Asked, Campaign
from tests.faults.report import write

SEED: Final = "short-1"
KILLS: Final = 20
# What cannot be missing even in a round this short; `make faults` asks for more.
SEEN: Final = (
    "redelivery ignored",
    "identity conflict held",
    "unreadable record quarantined",
    "over-payment held",
    "reallocation refused as late",
    "outbox event published twice",
    "PostgreSQL recovered from a crash",
)


@pytest.mark.timeout(1_500)
async def test_nothing_is_lost_or_doubled_whatever_dies(capsys: pytest.CaptureFixture[str]) -> None:
    """After a SIGKILL at each named place and some anywhere, every invariant holds against the load's own history."""
    asked = Asked(
        seed=SEED,
        kills=KILLS,
        hits=1,
        round_kills=len(POINTS),
        chapter_rounds=4,
        chapters=1,
        patience_seconds=240,  # what a busy machine may need; how quickly it is done is for the whole campaign to say
        point_seconds=90,
        # What takes long: a broker that comes back, locks and sessions that run out. `make faults` does that too.
        without=frozenset({"kill_all", "kill_broker", "freeze_broker", "hold_lock"}),
    )
    with capsys.disabled():
        outcome = await Campaign(asked, lambda _line: None).run()
    report, _ = write(outcome, None)
    tally = outcome.tally
    assert not tally.violations, report
    assert not [point for point in POINTS if not tally.points[point]], report
    assert not [name for name in SEEN if not tally.seen[name]], report
    assert tally.kills.total() >= KILLS, report
    assert tally.checks["at rest"] >= 2, report
