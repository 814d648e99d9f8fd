"""Planning, issuing and taking back capital calls, by people and by the clock."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from services.allocations import store
from services.allocations.domain import (
    Allocation,
    Call,
    Command,
    Fund,
    Policy,
    Stage,
    advance,
    decide,
    moved,
    new_call,
    over_commitment,
)
from services.allocations.handlers.views import CallView, allocation_status_changed, call_terms_changed
from shared import currency, outbox
from shared.clock import business_date
from shared.crashpoint import crashpoint
from shared.ids import AllocationId, CallId, FundId
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

_POLICY: Final = Policy()


async def create_call(
    db: Connection,
    allocation_id: AllocationId,
    *,
    amount: str,
    due_date: date,
    stage: Stage,
    now: datetime,
    origin: Origin,
) -> CallView | Refused:
    """A new call in its first `stage`; refused beyond what is free. `amount` is in major units.

    Raises `NotAnAmount` where it has more decimals than the fund's currency.
    """
    before = (await store.lock_allocations(db, [allocation_id])).get(allocation_id)
    if before is None:
        return no_such_allocation(allocation_id)
    demanded = currency.parse(amount, before.currency)
    if refused := over_commitment(before, demanded):
        return refused
    fund = (await store.get_funds(db, [before.fund_id]))[before.fund_id]
    (call_id,) = await store.new_ids(db, "call_id")
    call = new_call(
        CallId(call_id),
        allocation_id,
        seq_no=await store.next_seq_no(db, allocation_id),
        amount=demanded,
        due_date=due_date,
        stage=stage,
        policy=_POLICY,
        today=business_date(now, fund.time_zone),
        now=now,
    )
    after = advance(before, moved(before, planned_by=call.planned, called_by=call.called), now=now)
    await store.add_calls(db, [call])
    await store.save_allocations(db, [after])
    await outbox.add(db, [call_terms_changed(call, after, fund), allocation_status_changed(after)], origin)
    return CallView(call, after, fund)


async def move_call(
    db: Connection, allocation_id: AllocationId, call_id: CallId, command: Command, *, now: datetime, origin: Origin
) -> CallView | Refused:
    """Issue, approve, reject or withdraw a planned call; issuing an issued one changes nothing."""
    allocations = await store.lock_allocations(db, [allocation_id])
    allocation = allocations.get(allocation_id)
    before = (await store.lock_calls(db, [call_id])).get(call_id)
    if allocation is None or before is None or before.allocation_id != allocation_id:
        return Refused(
            "call_not_found", f"Allocation {allocation_id} has no call {call_id}.", "See the list of its calls."
        )
    funds = await store.get_funds(db, [allocation.fund_id])
    fund = funds[allocation.fund_id]
    after = decide(before, command, policy=_POLICY, today=business_date(now, fund.time_zone), now=now)
    if isinstance(after, Refused):
        return after
    if after is not before:
        allocations = await _keep(db, [(before, after)], allocations, funds, now=now, origin=origin)
    return CallView(after, allocations[allocation_id], fund)


def no_such_allocation(allocation_id: AllocationId) -> Refused:
    """The refusal of an allocation that nobody made."""
    return Refused("allocation_not_found", f"There is no allocation {allocation_id}.", "Create the allocation first.")


async def issue_due(db: Connection, *, limit: int, now: datetime, origin: Origin) -> int:
    """Issues up to `limit` scheduled calls whose notice date has come by their fund's business date; says how many.

    A person may be first: what is locked is looked at again, and only what still waits is issued.
    """
    today = {zone: business_date(now, zone) for zone in await store.time_zones(db)}
    due = await store.due_calls(db, today, limit=limit)
    allocations = await store.lock_allocations(db, set(due.values()))
    calls = await store.lock_calls(db, due)
    waiting = [call for call in calls.values() if call.stage is Stage.SCHEDULED]
    if not waiting:
        return 0
    funds = await store.get_funds(db, {allocation.fund_id for allocation in allocations.values()})
    moves = []
    for call in waiting:
        fund = funds[allocations[call.allocation_id].fund_id]
        issued = decide(call, Command.ISSUE, policy=_POLICY, today=today[fund.time_zone], now=now)
        assert isinstance(issued, Call), issued
        moves.append((call, issued))
    await _keep(db, moves, allocations, funds, now=now, origin=origin)
    crashpoint("allocations.due_calls_issued")
    return len(moves)


async def _keep(
    db: Connection,
    moves: Sequence[tuple[Call, Call]],
    allocations: Mapping[AllocationId, Allocation],
    funds: Mapping[FundId, Fund],
    *,
    now: datetime,
    origin: Origin,
) -> dict[AllocationId, Allocation]:
    """Saves and tells what the new stages of locked calls come to: one version per call, at most one per allocation."""
    sums = dict(allocations)
    for before, after in moves:
        sums[after.allocation_id] = moved(
            sums[after.allocation_id],
            planned_by=after.planned - before.planned,
            called_by=after.called - before.called,
        )
    advanced = {key: advance(allocations[key], summed, now=now) for key, summed in sums.items()}
    changed = [after for key, after in advanced.items() if after is not allocations[key]]
    calls = [after for _, after in moves]
    await store.save_terms(db, calls)
    await store.save_allocations(db, changed)
    terms = []
    for call in calls:
        allocation = advanced[call.allocation_id]
        terms.append(call_terms_changed(call, allocation, funds[allocation.fund_id]))
    await outbox.add(db, [*terms, *map(allocation_status_changed, changed)], origin)
    return advanced
