"""What becomes of a chunk of rows: pure decisions over what was loaded, by the rules that decide for people too."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from hashlib import blake2b
from typing import ClassVar, Final, TypeAlias

from services.allocations.domain import (
    Allocation,
    Call,
    Deal,
    Fund,
    Policy,
    Stage,
    advance,
    moved,
    notice_date,
    over_commitment,
    restage,
    stage_of,
    unfit_commitment,
)
from shared import currency
from shared.ids import AllocationId, CallId, DealId, FundId
from shared.money import Minor, NotAnAmount
from shared.refusal import Refused
from shared.value import value


class Kind(StrEnum):
    """What a row tells of, in the order in which they refer to each other."""

    FUND = "fund"
    DEAL = "deal"
    ALLOCATION = "allocation"
    CALL = "call"


class Result(StrEnum):
    """What became of a row."""

    CREATED = "created"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"


@value
class RowResult:
    """What became of the row with this number: the id of what it tells of, or why it was refused."""

    row: int
    outcome: Result
    id: int | None = None
    code: str | None = None
    detail: str | None = None


def refused(row: int, code: str, detail: str) -> RowResult:
    """The refusal of a row."""
    shown = detail.encode("utf-8", "replace").decode()  # it may quote what no answer can carry
    return RowResult(row, Result.REFUSED, code=code, detail=shown)


def _digest(*parts: object) -> bytes:
    return blake2b("\x1f".join("" if part is None else str(part) for part in parts).encode(), digest_size=16).digest()


def _plain(amount: str) -> str:
    """One way to write an amount: 100, 100.0 and 0100.00 say the same."""
    whole, _, decimals = amount.partition(".")
    return f"{int(whole)}.{decimals.rstrip('0')}"


@value
class FundRow:
    """A fund as a row tells of it."""

    kind: ClassVar[Kind] = Kind.FUND
    row: int
    key: str
    name: str
    currency: str
    time_zone: str
    size: Minor
    dated_on: ClassVar[date | None] = None

    @property
    def content(self) -> bytes:
        return _digest(self.name, self.currency, self.time_zone, self.size)


@value
class DealRow:
    """A deal as a row tells of it."""

    kind: ClassVar[Kind] = Kind.DEAL
    row: int
    key: str
    name: str
    dated_on: ClassVar[date | None] = None

    @property
    def content(self) -> bytes:
        return _digest(self.name)


@value
class AllocationRow:
    """A commitment; `committed` in major units of the fund's currency."""

    kind: ClassVar[Kind] = Kind.ALLOCATION
    row: int
    key: str
    fund_key: str
    deal_key: str
    committed: str
    dated_on: date | None = None

    @property
    def content(self) -> bytes:
        return _digest(self.fund_key, self.deal_key, _plain(self.committed), self.dated_on)


@value
class CallRow:
    """A call, issued on a day of the past unless it is `scheduled`; `amount` in major units of the fund's currency.

    What is not told follows from the policy: the notice date from the due date, and issue on the notice date.
    """

    kind: ClassVar[Kind] = Kind.CALL
    row: int
    key: str
    allocation_key: str
    amount: str
    due_date: date
    notice_date: date | None = None
    issued_on: date | None = None
    scheduled: bool = False
    grace_days: int | None = None
    cure_days: int | None = None

    @property
    def dated_on(self) -> date | None:
        return self.issued_on

    @property
    def content(self) -> bytes:
        return _digest(
            self.allocation_key,
            _plain(self.amount),
            self.due_date,
            self.notice_date,
            self.issued_on,
            self.scheduled,
            self.grace_days,
            self.cure_days,
        )


Row: TypeAlias = FundRow | DealRow | AllocationRow | CallRow
Name: TypeAlias = tuple[Kind, str]  # a key means something among its own kind

POLICY: Final = Policy()


@value
class Known:
    """What a key stands for, and what the row said that it came with."""

    id: int
    content: bytes


@dataclass(slots=True)
class Book:
    """What was loaded and locked for a chunk; it holds everything as it has become once the chunk is decided."""

    keys: dict[Name, Known]
    funds: dict[FundId, Fund]
    deals: dict[DealId, Deal]
    allocations: dict[AllocationId, Allocation]
    promises: dict[tuple[FundId, DealId], AllocationId]
    places: dict[AllocationId, int]  # the last place among an allocation's calls
    today: Mapping[str, date]  # the business date in each time zone


@value
class NewKey:
    """A key that stands for something new."""

    row: Row
    id: int


@dataclass(slots=True)
class Decided:
    """What is new, in the order of the chunk, what became of each row, and every version of what has changed."""

    results: list[RowResult] = field(default_factory=list)
    keys: list[NewKey] = field(default_factory=list)
    funds: list[Fund] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)  # each in its first version
    calls: list[Call] = field(default_factory=list)
    committed_deals: list[Deal] = field(default_factory=list)  # that were prospects until now
    called_on: list[Allocation] = field(default_factory=list)  # in the version that their new calls make


def decide(book: Book, rows: Sequence[Row], ids: Mapping[Kind, Sequence[int]], *, now: datetime) -> Decided:
    """Decides the rows, funds first, each kind in its order.

    `ids` are new ids, at least one for each row of its kind whose key is new.
    """
    sheet = _Sheet(book, {kind: iter(some) for kind, some in ids.items()}, now)
    for row in sorted(rows, key=lambda row: _ORDER[row.kind]):
        sheet.take(row)
    sheet.close()
    return sheet.decided


_ORDER: Final = {kind: place for place, kind in enumerate(Kind)}


class _Sheet:
    """A chunk while it is decided."""

    def __init__(self, book: Book, ids: Mapping[Kind, Iterator[int]], now: datetime) -> None:
        self._book = book
        self._ids = ids
        self._now = now
        self._sums: dict[AllocationId, Allocation] = {}  # those that have new calls, without a new version yet
        self.decided = Decided()

    def take(self, row: Row) -> None:
        """Decides one row, unless its key is known."""
        known = self._book.keys.get((row.kind, row.key))
        if known is None:
            made = self._make(row)
            if isinstance(made, Refused):
                self.decided.results.append(refused(row.row, made.code, made.detail))
                return
            self._book.keys[row.kind, row.key] = Known(made, row.content)
            self.decided.keys.append(NewKey(row, made))
            self.decided.results.append(RowResult(row.row, Result.CREATED, made))
        elif known.content == row.content:
            self.decided.results.append(RowResult(row.row, Result.ALREADY_THERE, known.id))
        else:
            detail = f"the key {row.key} stands for {row.kind} {known.id} already, which a row with other cells made"
            self.decided.results.append(refused(row.row, "identity_conflict", detail))

    def close(self) -> None:
        """Makes one version of all that a chunk has called from each allocation."""
        for allocation_id, after in self._sums.items():
            advanced = advance(self._book.allocations[allocation_id], after, now=self._now)
            self._book.allocations[allocation_id] = advanced
            self.decided.called_on.append(advanced)
        self.decided.results.sort(key=lambda result: result.row)

    def _make(self, row: Row) -> int | Refused:
        match row:
            case FundRow():
                return self._fund(row)
            case DealRow():
                return self._deal(row)
            case AllocationRow():
                return self._allocation(row)
            case CallRow():
                return self._call(row)

    def _fund(self, row: FundRow) -> int:
        fund = Fund(
            FundId(next(self._ids[Kind.FUND])), row.name, row.currency, row.time_zone, row.size, changed_at=self._now
        )
        self._book.funds[fund.id] = fund
        self.decided.funds.append(fund)
        return fund.id

    def _deal(self, row: DealRow) -> int:
        deal = Deal(DealId(next(self._ids[Kind.DEAL])), row.name, changed_at=self._now)
        self._book.deals[deal.id] = deal
        self.decided.deals.append(deal)
        return deal.id

    def _allocation(self, row: AllocationRow) -> int | Refused:
        fund_id = self._known(Kind.FUND, row.fund_key)
        deal_id = self._known(Kind.DEAL, row.deal_key)
        if isinstance(fund_id, Refused):
            return fund_id
        if isinstance(deal_id, Refused):
            return deal_id
        fund, deal = self._book.funds[FundId(fund_id)], self._book.deals[DealId(deal_id)]
        committed = _minor("committed", row.committed, fund.currency)
        if isinstance(committed, Refused):
            return committed
        if refusal := unfit_commitment(committed, fund.currency):
            return refusal
        there = self._book.promises.get((fund.id, deal.id))
        if there is not None:
            detail = f"Fund {row.fund_key} has committed to deal {row.deal_key} already, with allocation {there}."
            return Refused("allocation_exists", detail)
        allocation_id = AllocationId(next(self._ids[Kind.ALLOCATION]))
        allocation = Allocation(allocation_id, fund.id, deal.id, fund.currency, committed, changed_at=self._now)
        self._book.allocations[allocation_id] = allocation
        self._book.promises[fund.id, deal.id] = allocation_id
        self.decided.allocations.append(allocation)
        self._commit(deal)
        return allocation_id

    def _commit(self, deal: Deal) -> None:
        """A deal with a commitment that is not funded is committed, whatever it was."""
        committed = restage(deal, stage_of(allocated=True, unfunded=True), now=self._now)
        if committed is not deal:
            self._book.deals[deal.id] = committed
            self.decided.committed_deals.append(committed)

    def _call(self, row: CallRow) -> int | Refused:
        found = self._known(Kind.ALLOCATION, row.allocation_key)
        if isinstance(found, Refused):
            return found
        allocation_id = AllocationId(found)
        before = self._sums.get(allocation_id) or self._book.allocations[allocation_id]
        amount = _minor("amount", row.amount, before.currency)
        if isinstance(amount, Refused):
            return amount
        dates = self._dates(row, self._book.today[self._book.funds[before.fund_id].time_zone])
        if isinstance(dates, Refused):
            return dates
        if refusal := over_commitment(before, amount):
            return refusal
        notice_on, issued_on = dates
        place = self._book.places[allocation_id] = self._book.places.get(allocation_id, 0) + 1
        call = Call(
            id=CallId(next(self._ids[Kind.CALL])),
            allocation_id=allocation_id,
            seq_no=place,
            amount=amount,
            due_date=row.due_date,
            notice_date=notice_on,
            stage=Stage.ISSUED if issued_on else Stage.SCHEDULED,
            grace_days=POLICY.grace_days if row.grace_days is None else row.grace_days,
            cure_days=POLICY.cure_days if row.cure_days is None else row.cure_days,
            changed_at=self._now,
            issued_on=issued_on,
        )
        self._sums[allocation_id] = moved(before, planned_by=call.planned, called_by=call.called)
        self.decided.calls.append(call)
        return call.id

    def _dates(self, row: CallRow, today: date) -> tuple[date, date | None] | Refused:
        """The notice date and, unless it is only scheduled, the day of issue."""
        notice_on = row.notice_date or notice_date(row.due_date, notice_days=POLICY.notice_days)
        if notice_on > row.due_date:
            return Refused("invalid_value", f"notice_date: must not be after the due date {row.due_date}")
        if row.scheduled:
            if row.issued_on is not None:
                return Refused("invalid_value", "issued_on: a scheduled call was not issued yet")
            return notice_on, None
        issued_on = row.issued_on or min(notice_on, today)
        if issued_on > today:
            return Refused("invalid_value", f"issued_on: must not be after today, {today} in the fund's time zone")
        return notice_on, issued_on

    def _known(self, kind: Kind, key: str) -> int | Refused:
        known = self._book.keys.get((kind, key))
        if known is None:
            return Refused(f"{kind}_not_found", f"There is no {kind} with the key {key}.")
        return known.id


def _minor(cell: str, amount: str, code: str) -> Minor | Refused:
    try:
        return currency.parse(amount, code)
    except NotAnAmount:
        return Refused("invalid_amount", f"{cell}: {amount} has more decimals than {code} has")
