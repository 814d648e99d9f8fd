"""Promises of demo, lag and rebuild on a running house; one house for all of them, since it is what takes time."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from drawdown.demo import acts, client, reserving
from drawdown.demo.client import Client, DemoFailed
from drawdown.demo.figures import figures_of
from drawdown.demo.story import TIME_ZONE, tell
from shared.clock import SystemClock, business_date
from shared.money import Minor
from shared.postgres import connect
from tests.support.house import House


def drawdown(house: House, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "drawdown", *arguments, "--data", str(house.directory.path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_demo(house: House) -> None:
    """It uses the house that is there and leaves it running; every total is right, and the proofs are content."""
    done = drawdown(house, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Meridian Growth Fund I " in done.stdout
    assert "400,000.00 + 250,000.00 + 900,000.00 + 200,000.00 + 90,000.00 − 250,000.00" in done.stdout
    assert "2,000,000.00 + 3,000,000.00 + 1,000,000.00 = 6,000,000.00" in done.stdout
    assert "2,400,000.00 + 2,500,000.00 + 1,100,000.00 = 6,000,000.00" in done.stdout
    assert done.stdout.count("✓") == 12
    assert house.http.get("/readyz").is_success


def test_demo_asserts_every_figure(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the same data it makes another fund; a figure that is a cent off is refused, and named."""
    story = tell(business_date(SystemClock().now(), TIME_ZONE))
    figures = figures_of(story)
    person = Client(house.addresses.front)
    made = acts.promise(person, story)
    assert made.number > 1
    acts.report(person, story, made)
    assert acts.settle(person, story, made, figures).totals["total_funded"] == "1590000.00"

    assert reserving.reallocate(person, story, made).version == 2
    first, *others = story.reserves
    with pytest.raises(DemoFailed, match=r"deltas of the reserves should be .*20\.1.* but the ledger says .*20\.0"):
        reserving.reallocate(
            person, replace(story, reserves=(replace(first, change_pct="20.1"), *others)), acts.promise(person, story)
        )

    monkeypatch.setattr(client, "_PATIENCE_SECONDS", 0)
    wrong = [replace(figures[0], amount=Minor(figures[0].amount + 1)), *figures[1:]]
    with pytest.raises(DemoFailed, match=r"committed should be 4,250,000.01 .* but the ledger says 4250000.00"):
        acts.settle(person, story, made, wrong)
    person.close()


def test_demo_says_what_was_refused(house: House) -> None:
    """An answer that is no success ends the demo with the request and the answer."""
    person = Client(house.addresses.front)
    with pytest.raises(DemoFailed, match="POST /api/funds was answered 4"):
        person.post("/api/funds", {"name": ""})
    person.close()


def lag(house: House) -> list[dict[str, object]]:
    done = drawdown(house, "lag", "--json")
    assert done.returncode == 0, done.stderr
    partitions: list[dict[str, object]] = json.loads(done.stdout)["partitions"]
    return partitions


def test_lag(house: House) -> None:
    """Every group shows each partition it reads, with a reader; records for a service that died are its lag."""
    house.settle()
    partitions = lag(house)
    assert {p["group"] for p in partitions} == {
        f"drawdown.{s}" for s in ("allocations", "payments", "metrics", "audit")
    }
    assert all(p["owner"] for p in partitions)

    house.kill("metrics")
    house.http.post("/api/deals", json={"name": "Unread"}).raise_for_status()
    behind = [p for p in lag(house) if p["group"] == "drawdown.metrics" and p["topic"] == "deal.changed" and p["lag"]]
    house.start("metrics")
    assert [p["lag"] for p in behind] == [1]
    assert behind[0]["state"] in {"nobody reads", "standing"}  # its session may not have ended yet


async def test_rebuild(house: House) -> None:
    """Equal after traffic; after a hand edit different, with the row; equal again once rebuilt, while all run on."""
    fund = {"name": "Rebuilt", "currency": "USD", "time_zone": "UTC", "size": "1000000.00"}
    fund_id = house.http.post("/api/funds", json=fund).json()["id"]
    house.settle()
    equal = drawdown(house, "rebuild", "metrics", "--verify")
    assert (equal.returncode, "equal, byte for byte" in equal.stdout) == (0, True), equal.stdout + equal.stderr

    db = await connect(house.addresses.admin_url, application="tests")
    await db.execute("update metrics.fund set name = 'forged' where id = $1", fund_id)
    await db.close()
    different = drawdown(house, "rebuild", "metrics", "--verify")
    assert different.returncode == 1
    assert f"fund {fund_id}\n" in different.stdout
    assert "forged" in different.stdout

    done = drawdown(house, "rebuild", "metrics")
    assert done.returncode == 0, done.stdout + done.stderr
    again = drawdown(house, "rebuild", "metrics", "--verify")
    assert again.returncode == 0, again.stdout + again.stderr
