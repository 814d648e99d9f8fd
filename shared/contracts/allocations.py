"""What the allocations service says: funds, deals, the terms of calls, and the state of allocations."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.base import (
    AmountText,
    Contract,
    Count,
    CurrencyCode,
    Day,
    Id,
    Moment,
    Name,
    Part,
    Reference,
    Text,
    Version,
)

Stage = Literal["pending_approval", "rejected", "scheduled", "withdrawn", "issued"]
DealStage = Literal["prospect", "committed", "funded"]
AllocationStatus = Literal["committed", "partially_called", "called", "partially_funded", "funded"]
FundingStatus = Literal["committed", "partially_paid", "funded"]
Cause = Literal[
    "ALLOCATE",
    "CREATE_CALL",
    "CALL_PLANNED",
    "CALL_WITHDRAWN",
    "CALL_CANCELLED",
    "PAYMENT_RECEIVED",
    "PAYMENT_REVERSED",
]


class FundChanged(Contract):
    """A fund as it now is."""

    topic: ClassVar[str] = "fund.changed"
    keyed_by: ClassVar[str] = "fund id"

    id: Id
    name: Name
    currency: CurrencyCode
    time_zone: Name = Field(description="IANA name; the fund's business dates are dates there.", examples=["UTC"])
    size: AmountText
    version: Version


class DealChanged(Contract):
    """A deal, the company or asset that receives money, as it now is."""

    topic: ClassVar[str] = "deal.changed"
    keyed_by: ClassVar[str] = "deal id"

    id: Id
    name: Name
    stage: DealStage
    version: Version


class CallTermsChanged(Contract):
    """The terms of a call and the stage it has reached on its way to being issued."""

    topic: ClassVar[str] = "call.terms_changed"
    keyed_by: ClassVar[str] = "allocation id"

    call_id: Id
    allocation_id: Id
    fund_id: Id
    deal_id: Id
    seq_no: Version = Field(description="The call's place among its allocation's calls, from 1.")
    reference: Reference = Field(description="ISO 11649 creditor reference, printed on notices.")
    currency: CurrencyCode
    amount: AmountText
    due_date: Day
    notice_date: Day | None = Field(description="The day on which a scheduled call is issued by itself.")
    issued_on: Day | None = Field(description="The business date of issue; null before it.")
    priority: Text
    time_zone: Name
    grace_days: Count = Field(description="Calendar days after the due date before the call is overdue.")
    cure_days: Count = Field(description="Calendar days after grace before the call is in default.")
    stage: Stage
    previous_stage: Stage | None
    terms_version: Version
    occurred_at: Moment


class AllocationStatusChanged(Contract):
    """An allocation as it now is: what was promised, called and paid, and the state that follows from it."""

    topic: ClassVar[str] = "allocation.status_changed"
    keyed_by: ClassVar[str] = "allocation id"

    allocation_id: Id
    fund_id: Id
    deal_id: Id
    currency: CurrencyCode
    committed: AmountText
    planned: AmountText
    called: AmountText
    funded: AmountText
    uncalled: AmountText
    outstanding: AmountText
    status: AllocationStatus
    previous_status: AllocationStatus | None
    funding_status: FundingStatus
    cause: Cause = Field(description="The command or fact that led to this version.")
    version: Version
    occurred_at: Moment


class ReserveChange(Part):
    """What is planned for one company, before and after."""

    company_id: Id
    before: AmountText
    after: AmountText


class ReserveReallocated(Contract):
    """A new version of a fund's reserves: who was named, and what all of them come to."""

    topic: ClassVar[str] = "reserve.reallocated"
    keyed_by: ClassVar[str] = "fund id"
    limit_bytes: ClassVar[int] = 2 * 1024 * 1024  # ten thousand companies

    fund_id: Id
    kind: Literal["set_up", "reallocation"] = Field(description="A set-up adds companies and sets caps.")
    audit_id: Name = Field(description="Of the entry in the history of reallocations.")
    currency: CurrencyCode
    baseline_version: Count = Field(description="The version before; 0 where there was none.")
    version: Version
    total_before: AmountText = Field(description="Of all companies of the fund, named here or not.")
    total_after: AmountText
    companies: Count = Field(description="How many the fund now has reserves for.")
    changes: list[ReserveChange] = Field(description="Every company that was named, moved or not.")
    reason: Text | None
    user_id: Id | None = Field(description="Who is said to have decided it.")
    occurred_at: Moment
