"""One row of an import, from text to what the rules can decide on; it may say what a body over HTTP may say."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from services.allocations.api.bodies import DueDate, Named, NewDeal, NewFund
from services.allocations.imports.rules import AllocationRow, CallRow, DealRow, FundRow, Row, RowResult, refused
from shared.http import Body, PositiveAmount, Problem
from shared.http.app import problem_of_validation

_LONGEST_DAYS: Final = 3_650  # of grace or cure


def _a_number(value: object) -> object:
    if isinstance(value, str) and not (value.isdecimal() and value.isascii() and len(value) <= 9):
        raise PydanticCustomError("not_an_integer", "must be a whole number such as 10")
    return value


def _without_blanks_around(value: str) -> str:
    if value != value.strip():
        raise PydanticCustomError("blank", "must not begin or end with a blank")
    return value


Key = Annotated[Named, AfterValidator(_without_blanks_around)]
Days = Annotated[int, Field(ge=0, le=_LONGEST_DAYS), BeforeValidator(_a_number)]


class _Fund(NewFund):
    fund_key: Key

    def read(self, row: int) -> FundRow:
        return FundRow(row, self.fund_key, self.name, self.currency, self.time_zone, self.read_size())


class _Deal(NewDeal):
    deal_key: Key

    def read(self, row: int) -> DealRow:
        return DealRow(row, self.deal_key, self.name)


class _Allocation(Body):
    allocation_key: Key
    fund_key: Key
    deal_key: Key
    committed: PositiveAmount
    created_on: DueDate | None = None

    def read(self, row: int) -> AllocationRow:
        return AllocationRow(row, self.allocation_key, self.fund_key, self.deal_key, self.committed, self.created_on)


class _Call(Body):
    call_key: Key
    allocation_key: Key
    amount: PositiveAmount
    due_date: DueDate
    notice_date: DueDate | None = None
    issued_on: DueDate | None = None
    stage: Literal["issued", "scheduled"] = "issued"
    grace_days: Days | None = None
    cure_days: Days | None = None

    def read(self, row: int) -> CallRow:
        return CallRow(
            row,
            self.call_key,
            self.allocation_key,
            self.amount,
            self.due_date,
            notice_date=self.notice_date,
            issued_on=self.issued_on,
            scheduled=self.stage == "scheduled",
            grace_days=self.grace_days,
            cure_days=self.cure_days,
        )


_KINDS: Final[Mapping[str, type[_Fund | _Deal | _Allocation | _Call]]] = {
    "fund": _Fund,
    "deal": _Deal,
    "allocation": _Allocation,
    "call": _Call,
}


def read(told: Mapping[str, Any]) -> Row | RowResult:
    """The row, or its refusal in the words of HTTP.

    `told` has its number as `row`, its kind as `type`, and its cells.
    """
    row, kind = told["row"], told.get("type")
    model = _KINDS.get(kind) if isinstance(kind, str) else None
    if model is None:
        return refused(row, "invalid_value", f"type: must be one of {', '.join(_KINDS)}")
    cells = {name: value for name, value in told.items() if name not in {"row", "type"}}
    try:
        return model.model_validate(cells).read(row)
    except ValidationError as wrong:
        problem = problem_of_validation([{**error, "loc": ("body", *error["loc"])} for error in wrong.errors()])
    except Problem as wrong_value:
        problem = wrong_value
    return refused(row, problem.code, str(problem.detail))
