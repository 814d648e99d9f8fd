"""The promise of a commit of reserves: killed between any two of its statements it is done once, or not at all."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pytest

from drawdown.localstack.waiting import finish
from shared.crashpoint import VARIABLE, Point
from shared.postgres import connect
from shared.topics import RESERVE_REALLOCATED
from tests.support import topics
from tests.support.desk import Desk, Json

pytestmark = pytest.mark.timeout(600)  # one test starts the service seven times, which takes long where much else runs

SERVICE: Final = "allocations"

# Where a commit dies, and whether it was done by then; None where nobody can know.
POINTS: Final[Mapping[Point, bool | None]] = {
    "reserves.rows_locked": False,
    "reserves.rows_saved": False,
    "reserves.audits_added": False,
    "http.effect_done": False,
    "http.committed": True,
    "http.commit_sent": None,
}
KEPT: Final = """
select (select status from allocations.scheduled_reallocation order by id desc limit 1) as status,
       (select count(*) from allocations.reallocation_audit where fund_id = $1) as entries
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """A fund with reserves in the desk's house, and what may be seen of it."""

    desk: Desk
    fund_id: int
    companies: Sequence[int]

    @property
    def path(self) -> str:
        return f"/api/funds/{self.fund_id}/reallocation"

    def proposal(self, version: int) -> Json:
        """Other figures for each version, the sum of them the same; the last company is not named."""
        figures = 1_000_00 + version, 2_000_00 - version
        pairs = zip(self.companies, figures, strict=False)
        rows = [{"company_id": company, "planned_reserves_cents": planned} for company, planned in pairs]
        return {"current_version": version, "proposed_allocations": rows}

    def expected(self, version: int) -> list[int]:
        """What each company has at a version that a commit made."""
        return [1_000_00 + version - 1, 2_000_00 - version + 1, 500_00]

    def seen(self) -> tuple[int, list[int]]:
        """The version, and what each company has."""
        book = self.desk.get(self.path)
        return book["version"], [company["planned_reserves_cents"] for company in book["companies"]]

    def history(self) -> list[tuple[int, str]]:
        """Version and id of each entry, the oldest first."""
        entries = self.desk.get(f"{self.path}/audit", {"limit": 200})["items"]
        return [(entry["new_version"], entry["audit_id"]) for entry in reversed(entries)]

    def published(self) -> int:
        """How many records of the topic Kafka has, when everything has come to rest."""
        self.desk.house.settle()
        addresses = self.desk.house.addresses
        ends = finish(topics.ends(addresses.kafka, addresses.topic_prefix))
        return sum(end for (topic, _), end in ends.items() if topic == RESERVE_REALLOCATED)


@pytest.fixture(scope="module")
def plan(desk: Desk) -> Plan:
    """A fund at version 1."""
    fund_id = desk.fund()["id"]
    companies = [desk.deal()["id"] for _ in range(3)]
    figures = zip(companies, (1_000_00, 2_000_00, 500_00), strict=True)
    rows = [{"company_id": company, "planned_reserves_cents": planned} for company, planned in figures]
    desk.put(f"/api/funds/{fund_id}/reserves", {"reserves": rows})
    return Plan(desk, fund_id, companies)


def start(desk: Desk, monkeypatch: pytest.MonkeyPatch, point: Point | None = None, nth: int = 1) -> None:
    """Starts the service; it dies when it comes to that point for the nth time."""
    with monkeypatch.context() as armed:
        if point is not None:
            armed.setenv(VARIABLE, f"{point}:{nth}")
        desk.house.start(SERVICE)


def until_dead(desk: Desk, point: Point, *, seconds: int = 30) -> None:
    """Waits until the service has died there."""
    deadline = time.monotonic() + seconds
    while f'"point": "{point}"' not in desk.house.log(SERVICE, 400):
        assert time.monotonic() < deadline, f"{point} was never reached:\n{desk.house.log(SERVICE)}"
        time.sleep(0.05)
    desk.house.kill(SERVICE)  # it is dead already: this only takes note of it


async def kept(plan: Plan) -> tuple[str, int]:
    """How the newest schedule stands, and how many entries the fund has: from the tables, while nobody answers."""
    db = await connect(plan.desk.house.addresses.admin_url, application="tests")
    try:
        row = await db.fetchrow(KEPT, plan.fund_id)
    finally:
        await db.close()
    assert row is not None
    return row["status"], row["entries"]


def test_a_commit_that_is_killed_is_done_once(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each point: before the repeat all of it is there or nothing; after it one version, one entry, one event, and
    whoever asks again gets the same answer."""
    desk = plan.desk
    assert plan.published() == 1
    desk.house.stop(SERVICE)
    points = list(POINTS)
    start(desk, monkeypatch, points[0])
    for version, (point, then) in enumerate(zip(points, [*points[1:], None], strict=True), 1):
        before, entries = (version, plan.expected(version)), plan.history()
        after = (version + 1, plan.expected(version + 1))
        assert (plan.seen(), len(entries)) == (before, version)
        body, key = plan.proposal(version), {"Idempotency-Key": f"killed-{version}"}
        died = desk.http.post(f"{plan.path}/commit", json=body, headers=key)
        assert died.status_code >= 500, died.text
        until_dead(desk, point)

        # Where nothing was done, the repeat comes by the next point too, before the commit that is to die there.
        done = POINTS[point]
        start(desk, monkeypatch, then, 1 if done else 2)
        there = plan.seen()
        assert there in ([before, after] if done is None else [after if done else before]), point
        assert len(plan.history()) == there[0]
        assert plan.published() == there[0]

        first = desk.http.post(f"{plan.path}/commit", json=body, headers=key)
        again = desk.http.post(f"{plan.path}/commit", json=body, headers=key)
        assert (first.status_code, again.status_code) == (200, 200), first.text
        assert first.text == again.text
        assert (first.headers.get("idempotent-replayed") == "true") == (there == after)
        assert first.json()["new_version"] == version + 1
        assert plan.seen() == after
        assert plan.history() == [*entries, (version + 1, first.json()["audit_id"])]
    assert plan.published() == len(points) + 1


def test_a_schedule_that_is_killed_is_done_once(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tick dies when all is done and nothing committed: nothing is there; the next tick does it, once."""
    desk = plan.desk
    (version, figures), entries = plan.seen(), plan.history()
    newest = desk.get(f"{plan.path}/audit")["items"][0]["created_at"]
    run_at = datetime.fromisoformat(newest) + timedelta(hours=1)
    commits = [{"fund_id": plan.fund_id, **plan.proposal(version)}]
    desk.house.stop(SERVICE)
    start(desk, monkeypatch, "reserves.schedule_ended")
    made = desk.post("/api/reallocation/scheduled", {"run_at": run_at.isoformat(), "commits": commits}, expect=201)
    assert made["status"] == "waiting"
    desk.house.move_clock(seconds=3700)
    until_dead(desk, "reserves.schedule_ended")
    assert finish(kept(plan)) == ("waiting", len(entries))
    start(desk, monkeypatch)

    ended = desk.until(f"/api/reallocation/scheduled/{made['id']}", {"status": "done"})
    assert figures != plan.expected(version + 1)
    assert plan.seen() == (version + 1, plan.expected(version + 1))
    assert plan.history() == [*entries, (version + 1, ended["audit_ids"][0])]
    assert plan.published() == version + 1


def test_the_books_still_balance(plan: Plan) -> None:
    """Whatever died: once the house rests, every invariant holds."""
    plan.desk.house.settle()
    plan.desk.house.check()
