"""The promise of a preview: its commit is it, to the last minor unit, or is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from tests.allocations.reallocation.planner import Planned, Planner, Row, proposed
from tests.support.effort import effort

COMPANIES = 4
amounts = st.integers(0, 10**6) | st.integers(0, 2 * 10**14)
caps = st.dictionaries(st.integers(0, COMPANIES - 1), amounts, max_size=2)
Between = Literal["nothing", "a commit", "a cap"]


@dataclass(frozen=True, slots=True)
class Move:
    """A proposal by places, and what somebody else does between its preview and its commit."""

    figures: Mapping[int, int | tuple[int, int]]
    between: Between


moves = st.builds(
    Move,
    st.dictionaries(st.integers(0, COMPANIES - 1), amounts | st.tuples(amounts, amounts), min_size=1),
    st.sampled_from(["nothing", "nothing", "a commit", "a cap"]),
)


def body_of(fund: Planned, move: Move, version: int) -> Row:
    rows = [proposed(fund.companies[place], figures) for place, figures in move.figures.items()]
    return {"current_version": version, "proposed_allocations": rows}


async def interfere(planner: Planner, fund: Planned, between: Between, book: Row) -> None:
    """Another version, in which no reserve has moved."""
    first = book["companies"][0]
    if between == "a commit":
        # A cap of its own, since what is there already may be above the one that is stored.
        row = proposed(first["company_id"], (first["planned_reserves_cents"], 10**15 - 1))
        await planner.commit(fund, {"current_version": book["version"], "proposed_allocations": [row]})
        return
    cap = 1 if first["allocation_cap_cents"] is None else None
    row = {"company_id": first["company_id"], "allocation_cap_cents": cap}
    await planner.put(fund.reserves, {"reserves": [row], "current_version": book["version"]})


async def make(planner: Planner, fund: Planned, move: Move, book: Row) -> None:
    """One move, with all that it promises."""
    body = body_of(fund, move, book["version"])
    preview = await planner.preview(fund, body)
    sealed = {**body, "digest": preview["digest"]}
    if not preview["validation"]["is_valid"]:
        state = await planner.state()
        problem = await planner.commit(fund, sealed, 400)
        assert [detail["msg"] for detail in problem["details"]] == preview["validation"]["errors"]
        assert await planner.state() == state
        return
    if move.between != "nothing":
        await interfere(planner, fund, move.between, book)
        state = await planner.state()
        assert (await planner.commit(fund, sealed, 409))["code"] == "version_conflict"
        guessed = {**sealed, "current_version": book["version"] + 1}
        assert (await planner.commit(fund, guessed, 409))["code"] == "digest_mismatch"
        assert await planner.state() == state
        return
    done = await planner.commit(fund, sealed)
    after = await planner.get(fund.path)
    assert after["version"] == done["new_version"] == book["version"] + 1
    moved = {delta["company_id"]: delta["to_cents"] for delta in preview["deltas"]}
    stayed = {one["company_id"]: one["planned_reserves_cents"] for one in book["companies"]}
    assert {one["company_id"]: one["planned_reserves_cents"] for one in after["companies"]} == {**stayed, **moved}
    assert after["total_cents"] == preview["totals"]["total_allocated_after"]
    assert done["updated_count"] == len(preview["deltas"]) == len(move.figures)


def folded(entries: Sequence[Row]) -> dict[int, tuple[int, int | None]]:
    """Reserve and cap of each company as the history gives them, from the first version to the last."""
    book: dict[int, tuple[int, int | None]] = {}
    for number, entry in enumerate(entries, 1):
        assert (entry["baseline_version"], entry["new_version"]) == (number - 1, number)
        for change in entry["changes"]:
            before, cap = book.get(change["company_id"], (0, None))
            assert change["from_cents"] == before
            if entry["kind"] == "set_up":
                cap = change["allocation_cap_cents"]
            book[change["company_id"]] = (change["to_cents"], cap)
    return book


@effort(12, times_more=10)
@given(
    reserves=st.lists(amounts, min_size=COMPANIES, max_size=COMPANIES),
    stored=caps,
    said=st.lists(moves, min_size=1, max_size=4),
)
async def test_commit_is_what_its_preview_showed(
    planner: Planner, reserves: list[int], stored: dict[int, int], said: list[Move]
) -> None:
    """Whatever is proposed: done just as it was seen, or refused and nothing changed; and the history gives it."""
    fund = await planner.fund(*reserves, caps=stored)
    for move in said:
        await make(planner, fund, move, await planner.get(fund.path))
    entries: list[Any] = (await planner.get(f"{fund.path}/audit"))["items"]
    book = await planner.get(fund.path)
    now = {one["company_id"]: (one["planned_reserves_cents"], one["allocation_cap_cents"]) for one in book["companies"]}
    assert folded(entries[::-1]) == now
