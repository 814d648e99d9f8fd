"""Promises of the demo against a running house: the real path, asserted to the cent."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from drawdown.demo import acts, client
from drawdown.demo.client import Client, DemoFailed
from drawdown.demo.figures import figures_of
from drawdown.demo.story import TIME_ZONE, tell
from shared.clock import SystemClock, business_date
from shared.money import Minor
from tests.support.house import House


def test_it_settles_to_the_story_and_to_nothing_else(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the ledger says in the end is the story; a figure that is a cent off is refused, and named."""
    story = tell(business_date(SystemClock().now(), TIME_ZONE))
    figures = figures_of(story)
    person = Client(house.addresses.front)
    made = acts.promise(person, story)
    acts.report(person, story, made)
    settled = acts.settle(person, story, made, figures)
    assert settled.totals["total_funded"] == "1590000.00"
    assert settled.stats["called_pct"] == pytest.approx(37.4)

    monkeypatch.setattr(client, "_PATIENCE_SECONDS", 0)
    wrong = [replace(figures[0], amount=Minor(figures[0].amount + 1)), *figures[1:]]
    with pytest.raises(DemoFailed, match=r"committed should be 4,250,000.01 .* but the ledger says 4250000.00"):
        acts.settle(person, story, made, wrong)
    person.close()


def test_what_the_ledger_refuses_is_said(house: House) -> None:
    """An answer that is no success ends the demo with the request and the answer."""
    person = Client(house.addresses.front)
    with pytest.raises(DemoFailed, match="POST /api/funds was answered 4"):
        person.post("/api/funds", {"name": ""})
    person.close()


def test_the_story_is_of_today() -> None:
    """The fund's business date is New York's, not the machine's."""
    night = datetime(2026, 3, 2, 3, tzinfo=UTC)
    assert tell(business_date(night, TIME_ZONE)).today.isoformat() == "2026-03-01"
