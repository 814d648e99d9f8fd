"""Planners: funds with reserves that are previewed and committed, alone and together, at once and at a time to come,
and asked now and then for what cannot be.

All of them plan for the same funds, so one is often late. Nothing here knows what a request comes to: each fund's part
of it carries a reason that stands nowhere else, by which the judge finds what became of it.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from tests.faults.load.clerk import Clerk

_COMPANIES: Final = 5  # of each fund
_LOWEST_CAP: Final = 10_000_000  # of those that are stored; what is planned stays below
_PAUSE_SECONDS: Final = (0.1, 0.5)
_AHEAD: Final = timedelta(seconds=1)
_PATIENCE_SECONDS: Final = 3.0  # with a schedule

Json = dict[str, Any]
Deltas = list[Json]


class Planner:
    """Makes a fund, and then does one thing after the other to the funds of all planners."""

    def __init__(self, chance: random.Random, clerk: Clerk, funds: list[int], name: str) -> None:
        self._chance = chance
        self._clerk = clerk
        self._funds = funds
        self._name = name
        self._asked = 0
        self._clock: tuple[datetime, float] | None = None  # the service's, and ours when it was that

    async def run(self) -> None:
        """Until it is cancelled."""
        await self.begin()
        while True:
            await self.do_each()

    async def begin(self) -> None:
        """A fund, and reserves for its companies."""
        currency = self._chance.choice(["USD", "JPY", "KWD"])
        body = {"name": f"{self._name} plans", "currency": currency, "time_zone": "Asia/Tokyo", "size": "900000"}
        fund = (await self._clerk.do("fund.create", "/api/funds", body))["id"]
        companies = []
        for n in range(_COMPANIES):
            made = await self._clerk.do("deal.create", "/api/deals", {"name": f"{self._name} company {n}"})
            companies.append({"company_id": made["id"], "planned_reserves_cents": self._amount()})
            if n % 2:
                companies[-1]["allocation_cap_cents"] = self._cap()
        await self._set_up(fund, companies[: _COMPANIES - 1], None)
        await self._set_up(fund, companies[_COMPANIES - 1 :], 1)
        self._funds.append(fund)

    async def do_each(self) -> None:
        """Everything that a planner does, once or more, in an order of chance."""
        some: Sequence[Callable[[], Awaitable[None]]] = (
            *(self._commit, self._commit, self._commit, self._commit_twice, self._commit_late, self._commit_too_much),
            *(self._commit_several, self._commit_several, self._schedule, self._schedule, self._set_up_again),
        )
        for act in self._chance.sample(some, len(some)):
            await asyncio.sleep(self._chance.uniform(*_PAUSE_SECONDS))
            await act()

    # ---- what a planner does

    async def _commit(self) -> None:
        fund = self._chance.choice(self._funds)
        part, shown = await self._part(fund)
        await self._send(fund, part, shown)

    async def _commit_twice(self) -> None:
        """Two proposals for the same version at the same moment: one of them is late, whichever."""
        fund = self._chance.choice(self._funds)
        first, shown = await self._part(fund)
        second, _ = await self._part(fund, previewed=False)
        second["current_version"] = first["current_version"]
        await asyncio.gather(self._send(fund, first, shown), self._send(fund, second, None))

    async def _commit_late(self) -> None:
        """A proposal for a version that was."""
        fund = self._chance.choice(self._funds)
        part, _ = await self._part(fund, previewed=False)
        part["current_version"] = self._chance.randrange(part["current_version"])
        await self._send(fund, part, None)

    async def _commit_too_much(self) -> None:
        """One company above the cap that the request itself brings."""
        fund = self._chance.choice(self._funds)
        part, _ = await self._part(fund, previewed=False)
        part["proposed_allocations"][-1] |= {"planned_reserves_cents": 5_001, "allocation_cap_cents": 5_000}
        await self._send(fund, part, None)

    async def _commit_several(self) -> None:
        """Two or three funds at once, now and then one of them for a version that was: then none of it may be done."""
        parts, shown = await self._parts(self._chance.randint(2, 3))
        if self._chance.random() < 0.4:
            self._chance.choice(parts)["current_version"] -= 1
        body = {"commits": parts}
        self._note_clock(await self._clerk.do("reallocation.commit", "/api/reallocation/commit", body, shown=shown))

    async def _schedule(self) -> None:
        """A commit of one fund or two a second ahead, as it is on the service's clock; often somebody is quicker."""
        while self._clock is None:
            await self._commit()
        parts, _ = await self._parts(self._chance.randint(1, 2), previewed=False)
        there, here = self._clock
        run_at = there + timedelta(seconds=time.monotonic() - here) + _AHEAD
        body = {"run_at": run_at.isoformat(), "commits": parts}
        await self._clerk.do("reallocation.schedule", "/api/reallocation/scheduled", body, then=self._until_ended)

    async def _set_up_again(self) -> None:
        """Another cap for a company, or none, and mostly another reserve; now and then for a version that was."""
        fund = self._chance.choice(self._funds)
        seen = await self._clerk.look(f"/api/funds/{fund}/reallocation")
        one: Json = {
            "company_id": self._chance.choice(seen["companies"])["company_id"],
            "allocation_cap_cents": self._chance.choice([self._cap(), None]),
        }
        if self._chance.random() < 0.7:
            one["planned_reserves_cents"] = self._amount()
        await self._set_up(fund, [one], seen["version"] - (self._chance.random() < 0.3))

    # ---- how

    async def _set_up(self, fund: int, reserves: Sequence[Json], version: int | None) -> None:
        body = {"reserves": reserves, "current_version": version, "reason": self._reason()}
        await self._clerk.do("reallocation.set_up", f"/api/funds/{fund}/reserves", body, method="PUT", fund=fund)

    async def _send(self, fund: int, part: Json, shown: Deltas | None) -> None:
        path, seen = f"/api/funds/{fund}/reallocation/commit", {} if shown is None else {str(fund): shown}
        self._note_clock(await self._clerk.do("reallocation.commit", path, part, fund=fund, shown=seen))

    async def _parts(self, count: int, *, previewed: bool = True) -> tuple[list[Json], Json]:
        """Parts for so many funds, in any order, under one reason; what the previews showed, by fund."""
        parts: list[Json] = []
        shown: Json = {}
        for fund in self._chance.sample(self._funds, min(count, len(self._funds))):
            part, seen = await self._part(fund, previewed=previewed)
            parts.append({"fund_id": fund, **part})
            if seen is not None:
                shown[str(fund)] = seen
        for part in parts:
            part["reason"] = parts[0]["reason"]
        return parts, shown

    async def _part(self, fund: int, *, previewed: bool = True) -> tuple[Json, Deltas | None]:
        """A proposal for a fund as it is now, mostly with the digest of its preview and what that showed."""
        seen = await self._clerk.look(f"/api/funds/{fund}/reallocation")
        some = self._chance.sample(seen["companies"], self._chance.randint(1, len(seen["companies"])))
        proposed = [
            {"company_id": one["company_id"], "planned_reserves_cents": self._amount(), **self._own_cap()}
            for one in some
        ]
        asked: Json = {"current_version": seen["version"], "proposed_allocations": proposed}
        part = {**asked, "reason": self._reason()}
        if self._chance.random() < 0.5:
            part["user_id"] = self._chance.randint(1, 9)
        if not previewed or self._chance.random() < 0.3:
            return part, None
        preview = await self._clerk.look(f"/api/funds/{fund}/reallocation/preview", asked)
        if preview is None:  # somebody was quicker
            return part, None
        return {**part, "digest": preview["digest"]}, preview["deltas"]

    async def _until_ended(self, answer: Any) -> None:
        """A schedule ends before the load counts as paused: where it does not run soon, because the clock was put back
        or the service is away, it is cancelled, unless it runs just then."""
        path, give_up = f"/api/reallocation/scheduled/{answer['id']}", time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < give_up:
            await asyncio.sleep(0.3)
            seen = await self._clerk.look(path, gated=False)
            if seen is not None and seen["status"] != "waiting":
                return
        await self._clerk.do("reallocation.cancel_scheduled", f"{path}/cancel", {}, gated=False)

    def _note_clock(self, answer: Any) -> None:
        if answer is not None:
            self._clock = datetime.fromisoformat(answer["timestamp"]), time.monotonic()

    def _reason(self) -> str:
        self._asked += 1
        return f"{self._name}/{self._asked}"

    def _amount(self) -> int:
        return self._chance.randrange(_LOWEST_CAP)

    def _cap(self) -> int:
        return self._chance.randrange(_LOWEST_CAP, 10 * _LOWEST_CAP)

    def _own_cap(self) -> Json:
        """A cap that counts for one request only, above what any company is to have in it."""
        return {"allocation_cap_cents": self._cap()} if self._chance.random() < 0.2 else {}
