"""The judge of reserves: holds every version of a fund's reserves against what planners asked for, and the reverse.

A request's part for a fund is known by the fund and a reason that stands nowhere else. It shares no code with the
services.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from tests.faults.books import SCHEDULE_RUN, Books, Schedule, Version
from tests.faults.journal import Asked, History
from tests.faults.judge import Memory
from tests.faults.ruling import Ruling, ruling

_SET_UP: Final = "reallocation.set_up"
_COMMIT: Final = "reallocation.commit"
_SCHEDULE: Final = "reallocation.schedule"
_CANCEL: Final = "reallocation.cancel_scheduled"

Mark = tuple[int, str]  # fund, reason
Deltas = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Wish:
    """One fund's part of a request."""

    fund_id: int
    reason: str
    kind: str
    actor: str
    user_id: int | None
    made_for: int  # the version
    companies: Mapping[int, Mapping[str, Any]]  # as asked for
    shown: Deltas | None  # by the preview whose digest was sent along


@dataclass(frozen=True, slots=True)
class Request:
    """A request that would change reserves, now or at its time."""

    key: str
    asked: Asked
    wishes: Sequence[Wish]


def judge(history: History, books: Books, memory: Memory) -> list[Ruling]:
    """Every question about reserves; `memory` is of the check before, and is brought up to date."""
    requests = list(_requests(history))
    made: dict[Mark, list[Version]] = defaultdict(list)
    for version in books.versions:
        made[version.fund_id, version.reason or ""].append(version)
    rulings = [
        ruling("I1", "each reallocation that was acknowledged is one version, whole", requests,
               _undone(requests, made, books)),
        ruling("I1", "each schedule has ended as it says", books.schedules, _loose(history, requests, made, books)),
        ruling("I3", "each version of reserves was asked for, with just these amounts", books.versions,
               _unasked(requests, books)),
        ruling("I13", "each fund's versions fold, one by one, to its reserves", books.reserves, _unfolded(books)),
        ruling("I9", "each schedule that was done has one audit entry", books.schedules, _unaudited(books)),
        ruling("I7", "versions of reserves stand as they stood", memory.versions, _rewritten(memory, books)),
    ]  # fmt: skip
    memory.versions = {version.id: version.digest for version in books.versions}
    return rulings


def sightings(history: History, books: Books) -> Mapping[str, int]:
    """How often on this ledger happened what must happen sometimes, or the load proves little of reserves."""
    ended = Counter(schedule.status for schedule in books.schedules)
    late = [asked for asked in history.of(_COMMIT) if asked.status == HTTPStatus.CONFLICT]
    return {
        "reallocation refused as late": len(late),
        "reallocation of several funds refused whole": sum("commits" in asked.body for asked in late),
        "scheduled reallocation done": ended["done"],
        "scheduled reallocation parked": ended["parked"],
    }


# ---- what was asked for


def _requests(history: History) -> Iterator[Request]:
    for key, asked in history.asked.items():
        actor = key.rpartition("-")[0]
        if asked.what == _SET_UP:
            yield Request(key, asked, [_wish(asked.facts["fund"], asked.body, actor, "set_up", None)])
        elif asked.what in {_COMMIT, _SCHEDULE}:
            parts = asked.body.get("commits") or [{"fund_id": asked.facts["fund"], **asked.body}]
            shown = asked.facts.get("shown") or {}
            wishes = [
                _wish(part["fund_id"], part, actor, "reallocation", shown.get(str(part["fund_id"]))) for part in parts
            ]
            yield Request(key, asked, wishes)


def _wish(fund: int, part: Mapping[str, Any], actor: str, kind: str, shown: Deltas | None) -> Wish:
    named = part["reserves"] if kind == "set_up" else part["proposed_allocations"]
    companies = {one["company_id"]: one for one in named}
    return Wish(
        fund, part["reason"], kind, actor, part.get("user_id"), part.get("current_version") or 0, companies, shown
    )


# ---- the questions


def _undone(requests: Sequence[Request], made: Mapping[Mark, Sequence[Version]], books: Books) -> Iterator[str]:
    schedules = _by_reason(books)
    for request in requests:
        key, status = request.key, request.asked.status
        found = [made.get((wish.fund_id, wish.reason), ()) for wish in request.wishes]
        if any(len(versions) > 1 for versions in found):
            yield f"{key} has made {[len(versions) for versions in found]} versions"
        there = sum(map(bool, found))
        if there not in {0, len(found)}:
            yield f"{key} was done to {there} of its {len(found)} funds"
        if request.asked.what == _SCHEDULE:
            continue
        if status is not None and status >= 300 and there:
            yield f"{key} was refused with {status}, and has made {[one for versions in found for one in versions]}"
        if status is not None and status < 300:
            told = _told(request)
            if len(told) != len(found):
                yield f"{key} was told of {len(told)} versions for {len(found)} funds"
            for (id_, number), versions in zip(told, found, strict=False):
                if [number] != [one.number for one in versions] or id_ not in {None, *(one.id for one in versions)}:
                    yield f"{key} was told of version {number} as {id_}, and has made {[*versions]}"
    for reason, rows in schedules.items():
        if len(rows) > 1:
            yield f"{reason} is scheduled {len(rows)} times"


def _told(request: Request) -> list[tuple[str | None, int]]:
    """Audit id (a set-up is told none) and version of each fund's part, in the order asked."""
    answer = request.asked.answer
    if request.asked.what == _SET_UP:
        return [(None, answer["version"])]
    return [(one["audit_id"], one["new_version"]) for one in answer.get("commits") or [answer]]


def _by_reason(books: Books) -> dict[str, list[Schedule]]:
    found: dict[str, list[Schedule]] = defaultdict(list)
    for schedule in books.schedules:
        found[schedule.reason].append(schedule)
    return found


def _loose(
    history: History, requests: Sequence[Request], made: Mapping[Mark, Sequence[Version]], books: Books
) -> Iterator[str]:
    schedules = _by_reason(books)
    known = set()
    for request in requests:
        if request.asked.what != _SCHEDULE:
            continue
        key, status, reason = request.key, request.asked.status, request.wishes[0].reason
        known.add(reason)
        rows = schedules.get(reason, [])
        if status is not None and (len(rows) == 1) != (status < 300):
            yield f"{key} was answered {status}, and is there {len(rows)} times"
        found = [made.get((wish.fund_id, wish.reason), ()) for wish in request.wishes]
        ids = [versions[0].id for versions in found if versions]
        for row in rows:
            if row.status == "waiting" and status is not None:
                yield f"{key} still waits"
            if ids != (list(row.audit_ids) if row.status == "done" else []):
                yield f"{key} is {row.status} with {list(row.audit_ids)}, and has made {ids}"
        if ids and not rows:
            yield f"{key} is not there, and has made {ids}"
    by_id = {schedule.id: schedule for schedule in books.schedules}
    for cancelled in history.of(_CANCEL):
        id_ = int(cancelled.path.split("/")[-2])
        became = by_id[id_].status if id_ in by_id else "not there"
        if cancelled.status is not None and cancelled.status < 300 and became != "cancelled":
            yield f"schedule {id_} was cancelled, and is {became}"
    for reason in schedules.keys() - known:
        yield f"{reason} is scheduled, and nobody asked for it"


def _unasked(requests: Sequence[Request], books: Books) -> Iterator[str]:
    wishes = {(wish.fund_id, wish.reason): wish for request in requests for wish in request.wishes}
    for version in books.versions:
        wish = wishes.get((version.fund_id, version.reason or ""))
        name = f"version {version.number} of fund {version.fund_id}"
        if wish is None:
            yield f"{name} was asked for by nobody: {version.reason}"
            continue
        who = version.kind, version.actor, version.user_id
        if who != (wish.kind, wish.actor, wish.user_id):
            yield f"{name} is {who}, asked for as {(wish.kind, wish.actor, wish.user_id)}"
        if version.baseline != wish.made_for:
            yield f"{name} was made from {version.baseline}, asked for from {wish.made_for}"
        if (wrong := _differs(version, wish)) is not None:
            yield f"{name} {wrong}"


def _differs(version: Version, wish: Wish) -> str | None:
    changes = {change["company_id"]: change for change in version.changes}
    if len(changes) != len(version.changes) or changes.keys() != wish.companies.keys():
        return f"names {sorted(changes)}, asked for were {sorted(wish.companies)}"
    for company, asked in wish.companies.items():
        change = changes[company]
        to = asked.get("planned_reserves_cents", change["from_cents"])
        if change["to_cents"] != to:
            return f"gives company {company} {change['to_cents']}, asked for was {to}"
        if change.get("allocation_cap_cents") != asked.get("allocation_cap_cents"):
            return f"has the cap {change.get('allocation_cap_cents')} for company {company}, not the one asked for"
    if wish.shown is not None:
        shown = [(delta["company_id"], delta["from_cents"], delta["to_cents"]) for delta in wish.shown]
        done = [(one, change["from_cents"], change["to_cents"]) for one, change in changes.items()]
        if shown != done:
            return f"moved {done}, its preview showed {shown}"
    return None


def _unfolded(books: Books) -> Iterator[str]:
    stories: dict[int, list[Version]] = defaultdict(list)
    for version in books.versions:
        stories[version.fund_id].append(version)
    rows: dict[int, dict[int, tuple[int, int | None]]] = defaultdict(dict)
    for (fund, company), (planned, cap, at) in books.reserves.items():
        rows[fund][company] = planned, cap
        if at != len(stories[fund]):
            yield f"company {company} of fund {fund} is at version {at} of {len(stories[fund])}"
    for fund, story in stories.items():
        folded: dict[int, tuple[int, int | None]] = {}
        for number, version in enumerate(sorted(story, key=lambda one: one.number), start=1):
            if (version.baseline, version.number) != (number - 1, number):
                yield f"version {version.number} of fund {fund}, made from {version.baseline}, is its {number}."
            for change in version.changes:
                planned, cap = folded.get(change["company_id"], (0, None))
                if change["from_cents"] != planned:
                    yield f"version {version.number} of fund {fund} moves {change}, from {planned} in truth"
                stored = change["allocation_cap_cents"] if version.kind == "set_up" else cap
                folded[change["company_id"]] = change["to_cents"], stored
        if folded != rows[fund]:
            yield f"fund {fund} has {rows[fund]}, its versions come to {folded}"


def _unaudited(books: Books) -> Iterator[str]:
    done = Counter(one.actor for one in books.schedules if one.status == "done")
    entered = {actor: times for (actor, action), times in books.acts.items() if action == SCHEDULE_RUN}
    for actor in done.keys() | entered.keys():
        if done[actor] != entered.get(actor, 0):
            yield f"{done[actor]} schedules of {actor} are done, the audit has {entered.get(actor, 0)}"


def _rewritten(memory: Memory, books: Books) -> Iterator[str]:
    now = {version.id: version.digest for version in books.versions}
    return (f"{id_} is not what it was" for id_, digest in memory.versions.items() if now.get(id_) != digest)
