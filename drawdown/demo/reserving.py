"""The demo's last act: the fund moves what it plans for its deals, and gets just what the preview showed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drawdown.demo.acts import Made
from drawdown.demo.client import Client, DemoFailed
from drawdown.demo.story import Reserve, Story, total


@dataclass(frozen=True, slots=True)
class Moved:
    """What the preview warned of, in its words, and the version that the commit made."""

    warnings: Sequence[str]
    version: int


def reallocate(client: Client, story: Story, made: Made) -> Moved:
    """Sets reserves up, previews new ones, commits with the preview's digest, and reads them back; fails with every
    difference from the story."""
    path = f"/api/funds/{made.fund_id}/reallocation"
    ids = {each.deal: made.calls[each.deal, 1]["deal_id"] for each in story.reserves}
    planned = [_planned(ids[each.deal], each.before) for each in story.reserves]
    version = client.put(f"/api/funds/{made.fund_id}/reserves", {"reserves": planned, "reason": "a new fund"})[
        "version"
    ]
    proposed = [_planned(ids[each.deal], each.after) for each in story.reserves]
    proposal = {"current_version": version, "proposed_allocations": proposed}
    preview = client.post(f"{path}/preview", proposal)
    _must_be(_expected(story.reserves, ids), _previewed(preview))
    commit = {**proposal, "digest": preview["digest"], "reason": "Vhagar needs less"}
    done = client.post(f"{path}/commit", commit)
    now = client.get(path)
    after = {
        "version": version + 1,
        "total": total(story.after()),
        "reserves": sorted((ids[each.deal], each.after) for each in story.reserves),
    }
    kept = [(one["company_id"], one["planned_reserves_cents"]) for one in now["companies"]]
    _must_be(after, {"version": done["new_version"], "total": now["total_cents"], "reserves": kept})
    return Moved([warning["message"] for warning in preview["warnings"]], now["version"])


def _planned(company_id: int, amount: int) -> dict[str, int]:
    return {"company_id": company_id, "planned_reserves_cents": amount}


def _expected(reserves: Sequence[Reserve], ids: Mapping[str, int]) -> dict[str, Any]:
    """What the story says that the preview must show."""
    return {
        "deltas": sorted(
            (ids[each.deal], each.before, each.after, each.after - each.before, each.change_pct) for each in reserves
        ),
        "totals": (total(each.before for each in reserves), total(each.after for each in reserves)),
        "warnings": sorted((ids[each.deal], kind) for each in reserves for kind in each.warnings),
    }


def _previewed(preview: Mapping[str, Any]) -> dict[str, Any]:
    members = ("company_id", "from_cents", "to_cents", "delta_cents")
    totals = preview["totals"]
    return {
        "deltas": [(*(one[name] for name in members), str(one["delta_pct"])) for one in preview["deltas"]],
        "totals": (totals["total_allocated_before"], totals["total_allocated_after"]),
        "warnings": sorted((one["company_id"], one["type"]) for one in preview["warnings"]),
    }


def _must_be(expected: Mapping[str, Any], says: Mapping[str, Any]) -> None:
    wrong = [
        f"{name} of the reserves should be {should}, but the ledger says {says[name]}"
        for name, should in expected.items()
        if should != says[name]
    ]
    if wrong:
        raise DemoFailed("\n".join(wrong))
