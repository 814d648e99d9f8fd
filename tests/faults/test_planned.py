"""Promises of the judge of reserves: right versions pass, and each way to be wrong is found."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.faults import journal, planned
from tests.faults.books import SCHEDULE_RUN, Books, Schedule, Version
from tests.faults.journal import Journal
from tests.faults.judge import Memory

Json = dict[str, Any]


def part(fund: int, version: int, reason: str, **to: int) -> Json:
    """One fund's part of a reallocation; a company is named like c11."""
    named = [{"company_id": int(name[1:]), "planned_reserves_cents": minor} for name, minor in to.items()]
    return {"fund_id": fund, "current_version": version, "proposed_allocations": named, "reason": reason}


def history(path: Path) -> journal.History:
    """Reserves of two funds: set up, moved as previewed, moved together, late, together with a late one, scheduled in
    time, too late and for too long, and one of which nobody was told what became of it."""
    with closing(Journal(path)) as writer:
        first = [{"company_id": 11, "planned_reserves_cents": 100, "allocation_cap_cents": 500}]
        for n, (fund, more) in enumerate(((3, [{"company_id": 12, "planned_reserves_cents": 50}]), (4, [])), start=1):
            body = {"reserves": [*first, *more], "reason": f"set up {fund}"}
            writer.ask(f"clerk-p-{n}", "reallocation.set_up", "/reserves", body, {"fund": fund})
            writer.answer(f"clerk-p-{n}", 200, {"version": 1})
        moved = part(3, 1, "moved", c11=70)
        moved["proposed_allocations"][0]["allocation_cap_cents"] = 80
        shown = {"3": [{"company_id": 11, "from_cents": 100, "to_cents": 70}]}
        done: Json = {"audit_id": "b", "new_version": 2}
        late: Json = {"commits": [part(4, 0, "late too", c11=9), part(3, 3, "late too", c11=9)]}
        both: Json = {"commits": [part(4, 1, "both", c11=8), part(3, 2, "both", c12=60)]}
        told: Json = {"commits": [{"audit_id": "c", "new_version": 2}, {"audit_id": "d", "new_version": 3}]}
        for key, what, asked, facts, status, answer in (
            ("3", "commit", moved, {"fund": 3, "shown": shown}, 200, done),
            ("4", "commit", both, {}, 200, told),
            ("5", "commit", part(3, 1, "late", c11=1), {"fund": 3}, 409, {}),
            ("6", "commit", late, {}, 409, {}),
            ("7", "schedule", {"commits": [part(3, 3, "in time", c12=61)]}, {}, 201, {"id": 1}),
            ("8", "schedule", {"commits": [part(3, 3, "too late", c12=62)]}, {}, 201, {"id": 2}),
            ("9", "schedule", {"commits": [part(4, 2, "too long", c11=1)]}, {}, 201, {"id": 3}),
            ("10", "cancel_scheduled", {}, {}, 200, {}),
        ):
            at = "/api/reallocation/scheduled/3/cancel" if what == "cancel_scheduled" else "/any"
            writer.ask(f"clerk-p-{key}", f"reallocation.{what}", at, asked, facts)
            writer.answer(f"clerk-p-{key}", status, answer)
        writer.ask("clerk-p-11", "reallocation.commit", "/any", part(4, 2, "perhaps", c11=5), {"fund": 4})
    return journal.read(path)


def version(id_: str, fund: int, number: int, reason: str, *changes: tuple[int, int, int], **more: Any) -> Version:
    """A version of a fund's reserves; a change is company, from and to."""
    shown = [{"company_id": company, "from_cents": before, "to_cents": after} for company, before, after in changes]
    return Version(id_, fund, "reallocation", "clerk-p", None, number - 1, number, shown, reason, **more)


def _set_up(id_: str, fund: int, *companies: tuple[int, int, int | None]) -> Version:
    changes = [
        {"company_id": company, "from_cents": 0, "to_cents": planned, "allocation_cap_cents": cap}
        for company, planned, cap in companies
    ]
    return Version(id_, fund, "set_up", "clerk-p", None, 0, 1, changes, f"set up {fund}")


MOVED = Version(
    *("b", 3, "reallocation", "clerk-p", None, 1, 2),
    [{"company_id": 11, "from_cents": 100, "to_cents": 70, "allocation_cap_cents": 80}],
    "moved",
    digest="m",
)
VERSIONS = (
    *(_set_up("a", 3, (11, 100, 500), (12, 50, None)), MOVED, version("d", 3, 3, "both", (12, 50, 60))),
    *(version("e", 3, 4, "in time", (12, 60, 61)), _set_up("f", 4, (11, 100, 500))),
    version("c", 4, 2, "both", (11, 100, 8)),
)
PERHAPS = version("g", 4, 3, "perhaps", (11, 8, 5))


def right() -> Books:
    """The reserves that this history must come to."""
    return Books(
        acts={("clerk-p", SCHEDULE_RUN): 1},
        reserves={(3, 11): (70, 500, 4), (3, 12): (61, None, 4), (4, 11): (8, 500, 2)},
        versions=list(VERSIONS),
        schedules=[
            Schedule(1, "in time", "clerk-p", "done", ["e"]),
            Schedule(2, "too late", "clerk-p", "parked"),
            Schedule(3, "too long", "clerk-p", "cancelled"),
        ],
    )


def rulings(path: Path, books: Books) -> dict[str, str]:
    """What the judge finds broken, by invariant."""
    found = planned.judge(history(path), books, Memory(versions={"b": "m"}))
    return {one.invariant: "; ".join(one.broken) for one in found if one.broken}


def test_right_versions_pass(tmp_path: Path) -> None:
    """No complaint where nothing is wrong, and the next check remembers what this one saw."""
    memory = Memory(versions={"b": "m"})
    found = planned.judge(history(tmp_path / "journal"), right(), memory)
    assert [one for one in found if one.broken] == []
    assert all(one.rows for one in found)
    assert memory.versions.keys() == {version.id for version in VERSIONS}


def test_sightings_are_counted(tmp_path: Path) -> None:
    """What makes a load worth its time is counted by what was answered, and by how schedules ended."""
    assert planned.sightings(history(tmp_path / "journal"), right()) == {
        "reallocation refused as late": 2,
        "reallocation of several funds refused whole": 1,
        "scheduled reallocation done": 1,
        "scheduled reallocation parked": 1,
    }


def test_what_nobody_was_told_of_may_be_there_or_not(tmp_path: Path) -> None:
    """A request that was never answered was done or not: both are right."""
    books = right()
    books.versions.append(PERHAPS)
    books.reserves[4, 11] = (5, 500, 3)
    assert rulings(tmp_path / "journal", books) == {}


def lose_a_version(books: Books) -> None:
    """Whole: the version before it is the newest again."""
    del books.versions[5]
    books.reserves[4, 11] = (100, 500, 1)


def lose_all_of_two(books: Books) -> None:
    """Both funds' part of one commit, and what came after it."""
    books.versions = [MOVED, VERSIONS[0], VERSIONS[4]]
    books.reserves = {(3, 11): (70, 500, 2), (3, 12): (50, None, 2), (4, 11): (100, 500, 1)}
    books.schedules[0] = Schedule(1, "in time", "clerk-p", "parked")


def tell_another_id(books: Books) -> None:
    books.versions[5] = replace(books.versions[5], id="x")


def do_twice(books: Books) -> None:
    books.versions.append(version("x", 4, 3, "both", (11, 8, 8)))
    books.reserves[4, 11] = (8, 500, 3)


def do_what_was_refused(books: Books) -> None:
    books.versions.append(version("x", 3, 5, "late", (11, 70, 1)))
    books.reserves.update({(3, 11): (1, 500, 5), (3, 12): (61, None, 5)})


def do_a_part_of_what_was_refused(books: Books) -> None:
    books.versions.append(version("x", 3, 5, "late too", (11, 70, 9)))
    books.reserves.update({(3, 11): (9, 500, 5), (3, 12): (61, None, 5)})


def reallocate_unasked(books: Books) -> None:
    books.versions.append(version("x", 4, 3, "nobody", (11, 8, 5)))
    books.reserves[4, 11] = (5, 500, 3)


def do_for_another_version(books: Books) -> None:
    """As if the version of a request were not looked at."""
    books.versions.append(replace(PERHAPS, baseline=3, number=4))


def move_otherwise(books: Books) -> None:
    books.versions[5] = version("c", 4, 2, "both", (11, 100, 9))
    books.reserves[4, 11] = (9, 500, 2)


def move_one_more(books: Books) -> None:
    books.versions[2] = version("d", 3, 3, "both", (11, 70, 70), (12, 50, 60))


def move_from_elsewhere(books: Books) -> None:
    """Other than its preview showed."""
    books.versions[1] = replace(MOVED, changes=[{**MOVED.changes[0], "from_cents": 99}])


def forget_the_cap_of_a_request(books: Books) -> None:
    books.versions[1] = version("b", 3, 2, "moved", (11, 100, 70))


def say_another_did_it(books: Books) -> None:
    books.versions[1] = replace(MOVED, user_id=7)


def reserve_wrong(books: Books) -> None:
    books.reserves[3, 12] = (60, None, 4)


def keep_the_cap_of_a_request(books: Books) -> None:
    books.reserves[3, 11] = (70, 80, 4)


def stay_behind(books: Books) -> None:
    books.reserves[3, 11] = (70, 500, 3)


def lose_a_schedule(books: Books) -> None:
    del books.schedules[1]


def schedule_twice(books: Books) -> None:
    books.schedules.append(Schedule(4, "too late", "clerk-p", "parked"))


def schedule_unasked(books: Books) -> None:
    books.schedules.append(Schedule(4, "nobody", "clerk-p", "parked"))


def wait_for_ever(books: Books) -> None:
    books.schedules[1] = replace(books.schedules[1], status="waiting")


def park_what_was_done(books: Books) -> None:
    books.schedules[0] = Schedule(1, "in time", "clerk-p", "parked")


def end_what_was_cancelled(books: Books) -> None:
    books.schedules[2] = replace(books.schedules[2], status="parked")


def audit_no_schedule(books: Books) -> None:
    del books.acts["clerk-p", "reallocation.run_scheduled"]


def rewrite_a_version(books: Books) -> None:
    books.versions[1] = replace(MOVED, digest="n")


@pytest.mark.parametrize(
    ("spoil", "invariant"),
    [
        (lose_a_version, "I1"),
        (lose_all_of_two, "I1"),
        (tell_another_id, "I1"),
        (do_twice, "I1"),
        (do_what_was_refused, "I1"),
        (do_a_part_of_what_was_refused, "I1"),
        (lose_a_schedule, "I1"),
        (schedule_twice, "I1"),
        (schedule_unasked, "I1"),
        (wait_for_ever, "I1"),
        (park_what_was_done, "I1"),
        (end_what_was_cancelled, "I1"),
        (reallocate_unasked, "I3"),
        (do_for_another_version, "I3"),
        (move_otherwise, "I3"),
        (move_one_more, "I3"),
        (move_from_elsewhere, "I3"),
        (forget_the_cap_of_a_request, "I3"),
        (say_another_did_it, "I3"),
        (rewrite_a_version, "I7"),
        (audit_no_schedule, "I9"),
        (reserve_wrong, "I13"),
        (keep_the_cap_of_a_request, "I13"),
        (stay_behind, "I13"),
    ],
)
def test_every_way_to_be_wrong_is_found(tmp_path: Path, spoil: Callable[[Books], None], invariant: str) -> None:
    """One thing is spoilt, and the invariant that forbids it is named."""
    books = right()
    spoil(books)
    assert invariant in rulings(tmp_path / "journal", books)
