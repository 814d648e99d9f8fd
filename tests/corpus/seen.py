"""What can be seen of a house from outside: its calls, its payments, its dead letters, its totals."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

GIVEN: Final = frozenset({"all", "some"})  # what people paid before a story begins

Json = dict[str, Any]
Place = tuple[str, int, int]  # topic, partition, offset
Identity = tuple[str, str]  # source, and the bank's own reference


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at one category."""

    payments: Mapping[Identity, Json] = field(default_factory=dict)
    conflicts: Mapping[Identity, list[Json]] = field(default_factory=dict)
    calls: Mapping[int, Json] = field(default_factory=dict)
    letters: Mapping[Place, Json] = field(default_factory=dict)
    funded: Mapping[int, str] = field(default_factory=dict)  # by fund, as metrics says


@dataclass(frozen=True, slots=True)
class World:
    """One look at the whole house."""

    payments: Sequence[Json]
    calls: Sequence[Json]
    letters: Mapping[Place, Json]
    funded: Mapping[int, str]

    def of(self, source: str, funds: Collection[int]) -> Seen:
        """What belongs to the category whose sources begin with `source`, and to its funds; all dead letters."""
        calls = {call["id"]: call for call in self.calls if call["fund_id"] in funds}
        payments: dict[Identity, Json] = {}
        conflicts: dict[Identity, list[Json]] = {}
        for each in self.payments:
            if not _is_ours(each, source, calls):
                continue
            identity = each["source"], each["payment_id"]
            if each["conflicts_with"] is not None:
                conflicts.setdefault(identity, []).append(each)
                continue
            assert identity not in payments, f"{identity} is booked twice"
            payments[identity] = each
        return Seen(payments, conflicts, calls, self.letters, {fund: self.funded[fund] for fund in funds})


def _is_ours(payment: Json, source: str, calls: Collection[int]) -> bool:
    """Whether it may come from this category's records: from its sources, or in the name of a source of our own."""
    named: str = payment["source"]
    if named.startswith(source):
        return True
    by_hand = {f"manual/{call}" for call in calls}
    return named.startswith("edited/") or (named in by_hand and payment["payment_id"] not in GIVEN)


async def everything(http: httpx.AsyncClient, path: str, **query: str) -> list[Json]:
    """All items of a list, page by page."""
    found: list[Json] = []
    cursor: str | None = None
    while True:
        asked = {"limit": "200", **query, **({"cursor": cursor} if cursor else {})}
        response = await http.get(path, params=asked)
        assert response.status_code == 200, f"{path}: {response.status_code} {response.text}"
        page = response.json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            return found


async def look(http: httpx.AsyncClient, funds: Iterable[int]) -> World:
    """The house over HTTP; `funds` are those whose totals are asked for."""
    letters = await everything(http, "/api/payments/dead-letters")
    capital = {fund: (await http.get(f"/api/funds/{fund}/capital")).json() for fund in funds}
    return World(
        payments=await everything(http, "/api/payments"),
        calls=await everything(http, "/api/capital-calls"),
        letters={(letter["topic"], letter["partition"], letter["offset"]): letter for letter in letters},
        funded={fund: told["total_funded"] for fund, told in capital.items()},
    )
