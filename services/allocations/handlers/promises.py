"""Making funds, deals, and the promises between them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from services.allocations import store
from services.allocations.domain import (
    Allocation,
    Call,
    Deal,
    Fund,
    Policy,
    Schedule,
    Stage,
    moved,
    new_call,
    over_commitment,
    restage,
    spread,
    stage_of,
    unfit_commitment,
)
from services.allocations.handlers.views import (
    AllocationView,
    allocation_status_changed,
    call_terms_changed,
    deal_changed,
    fund_changed,
)
from shared import currency, outbox
from shared.clock import business_date
from shared.ids import AllocationId, CallId, DealId, FundId
from shared.money import Minor
from shared.outbox import Origin
from shared.postgres import Connection
from shared.refusal import Refused

_POLICY: Final = Policy()


async def create_fund(
    db: Connection, *, name: str, code: str, time_zone: str, size: Minor, now: datetime, origin: Origin
) -> Fund:
    """A new fund in the currency `code`, which counts its days in `time_zone`."""
    (fund_id,) = await store.new_ids(db, "fund_id")
    fund = Fund(FundId(fund_id), name, code, time_zone, size, changed_at=now)
    await store.add_fund(db, fund, exponent=currency.exponent(code))
    await outbox.add(db, [fund_changed(fund)], origin)
    return fund


async def create_deal(db: Connection, *, name: str, now: datetime, origin: Origin) -> Deal:
    """A new deal, a prospect until somebody commits to it."""
    (deal_id,) = await store.new_ids(db, "deal_id")
    deal = Deal(DealId(deal_id), name, changed_at=now)
    await store.add_deal(db, deal)
    await outbox.add(db, [deal_changed(deal)], origin)
    return deal


async def create_allocation(
    db: Connection,
    fund: Fund,
    deal_id: DealId,
    *,
    committed: Minor,
    schedule: Schedule | None,
    now: datetime,
    origin: Origin,
) -> AllocationView | Refused:
    """What `fund` promises to a deal, with the calls of its schedule, all scheduled; one promise per fund and deal."""
    deal = (await store.lock_deals(db, [deal_id])).get(deal_id)
    if deal is None:
        return no_such_deal(deal_id)
    if refused := unfit_commitment(committed, fund.currency):
        return refused
    pieces = [] if schedule is None else spread(schedule, committed)
    if isinstance(pieces, Refused):
        return pieces
    there = await store.find_allocation(db, fund.id, deal_id)  # nobody else adds one while we hold the deal
    if there is not None:
        return _exists_already(there)
    (allocation_id,) = await store.new_ids(db, "allocation_id")
    empty = Allocation(AllocationId(allocation_id), fund.id, deal_id, fund.currency, committed, changed_at=now)
    planned = sum(amount for amount, _ in pieces)
    if refused := over_commitment(empty, planned):
        return refused
    allocation = moved(empty, planned_by=planned, called_by=0)
    call_ids = await store.new_ids(db, "call_id", len(pieces))
    calls = _scheduled(allocation, call_ids, pieces, fund, now)
    await store.add_allocation(db, allocation, exponent=currency.exponent(fund.currency))
    await store.add_calls(db, calls)
    await _tell(db, allocation, calls, fund, deal, now=now, origin=origin)
    return AllocationView(allocation, calls, fund)


def _scheduled(
    allocation: Allocation, ids: Sequence[int], pieces: Sequence[tuple[Minor, date]], fund: Fund, now: datetime
) -> list[Call]:
    """The calls of a schedule, in its order."""
    today = business_date(now, fund.time_zone)
    return [
        new_call(
            CallId(call_id),
            allocation.id,
            seq_no=seq_no,
            amount=amount,
            due_date=due_date,
            stage=Stage.SCHEDULED,
            policy=_POLICY,
            today=today,
            now=now,
            from_schedule=True,
        )
        for seq_no, (call_id, (amount, due_date)) in enumerate(zip(ids, pieces, strict=True), start=1)
    ]


async def _tell(
    db: Connection, allocation: Allocation, calls: list[Call], fund: Fund, deal: Deal, *, now: datetime, origin: Origin
) -> None:
    """The new allocation is not funded, so its deal is committed now, whatever it was."""
    committed = restage(deal, stage_of(allocated=True, unfunded=True), now=now)
    events = [allocation_status_changed(allocation), *(call_terms_changed(call, allocation, fund) for call in calls)]
    if committed is not deal:
        await store.save_deals(db, [committed])
        events.append(deal_changed(committed))
    await outbox.add(db, events, origin)


def no_such_deal(deal_id: DealId) -> Refused:
    """The refusal of a deal that nobody made."""
    return Refused("deal_not_found", f"There is no deal {deal_id}.", "Create the deal first.")


def _exists_already(there: Allocation) -> Refused:
    return Refused(
        "allocation_exists",
        f"Fund {there.fund_id} has committed to deal {there.deal_id} already, with allocation {there.id}.",
        f"Call from allocation {there.id}; what is committed never changes.",
        {"allocation_id": there.id},
    )
