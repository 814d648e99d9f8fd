"""What people are shown: each entity's `id` and the other members of its event, and for a call its one status word."""

from datetime import date, datetime

from pydantic import BaseModel, Field

from services.allocations.domain import Call, Deal, Fund, shown_status
from services.allocations.handlers import AllocationView, CallView
from services.allocations.handlers.views import allocation_snapshot, call_snapshot, deal_snapshot, fund_snapshot
from shared import currency
from shared.contracts.allocations import AllocationStatus, Cause, DealStage, FundingStatus, Stage


class FundOut(BaseModel):
    """A fund as it now is."""

    id: int
    name: str
    currency: str
    time_zone: str
    size: str
    version: int


class DealOut(BaseModel):
    """A deal as it now is."""

    id: int
    name: str
    stage: DealStage
    version: int


class CallOut(BaseModel):
    """The terms of a call, and what payments last said of it."""

    id: int
    allocation_id: int
    fund_id: int
    deal_id: int
    seq_no: int
    reference: str
    currency: str
    amount: str = Field(description="as it was planned; what was released later is still in it")
    due_date: date
    notice_date: date
    issued_on: date | None
    priority: str
    time_zone: str
    grace_days: int
    cure_days: int
    stage: Stage
    previous_stage: Stage | None
    terms_version: int
    occurred_at: datetime
    status: str = Field(description="the receivable's if one was seen, else the stage; issued shows as called")
    released: str
    paid: str
    outstanding: str
    last_paid_on: date | None


class AllocationOut(BaseModel):
    """An allocation as it now is, with its calls."""

    id: int
    fund_id: int
    deal_id: int
    currency: str
    committed: str
    planned: str
    called: str
    funded: str
    uncalled: str
    outstanding: str
    status: AllocationStatus
    previous_status: AllocationStatus | None
    funding_status: FundingStatus
    cause: Cause
    version: int
    occurred_at: datetime
    calls: list[CallOut]


def show_fund(fund: Fund) -> FundOut:
    """A fund."""
    return FundOut(**fund_snapshot(fund).model_dump())


def show_deal(deal: Deal) -> DealOut:
    """A deal."""
    return DealOut(**deal_snapshot(deal).model_dump())


def show_call(view: CallView) -> CallOut:
    """A call, whatever became of it."""
    return _call(view.call, view)


def show_allocation(view: AllocationView) -> AllocationOut:
    """An allocation and every call of it, in their order."""
    members = allocation_snapshot(view.allocation).model_dump(exclude={"allocation_id"})
    return AllocationOut(id=view.allocation.id, calls=[_call(call, view) for call in view.calls], **members)


def _call(call: Call, view: CallView | AllocationView) -> CallOut:
    code = view.allocation.currency
    return CallOut(
        id=call.id,
        status=shown_status(call),
        released=currency.text(call.receivable.released, code),
        paid=currency.text(call.receivable.paid, code),
        outstanding=currency.text(call.outstanding, code),
        last_paid_on=call.receivable.last_paid_on,
        **call_snapshot(call, view.allocation, view.fund).model_dump(exclude={"call_id"}),
    )
