"""Types of what comes in over HTTP: ids, days, texts and amounts, each refusing what it cannot read exactly."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasGenerator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from shared import currency
from shared.currency import UnknownCurrency
from shared.http.problems import Problem, wrong_value
from shared.ids import LARGEST
from shared.money import Minor, NotAnAmount

_DIGITS: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_AMOUNT: Final = r"[0-9]{1,15}(\.[0-9]{1,4})?"
_LARGEST_WHOLE: Final = 10**15 - 1
_AMOUNT_HELP: Final = 'must be a decimal string such as "400000.00", or a whole number such as 400000'


def _from_text(value: object) -> object:
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise PydanticCustomError("not_an_id", "must be a whole number such as 17")
    return value


def _from_json(value: object) -> object:
    """JSON knows one kind of number, so 17.0 is the integer 17; text and booleans are not numbers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise PydanticCustomError("not_an_integer", "must be a whole number such as 17")
    return value


# Bounds stand before validators, else they are missing in the document.
PathId = Annotated[int, Field(ge=1, le=LARGEST), BeforeValidator(_from_text)]
"""An id in a path: plain digits, 1 to 2^63 - 1."""

QueryId = PathId
"""An id in a query, likewise."""

FROM_JSON: Final = BeforeValidator(_from_json)
"""For other whole numbers of a JSON body: ``Annotated[int, Field(ge=1, le=600), FROM_JSON]``."""

Id = Annotated[int, Field(ge=1, le=LARGEST), FROM_JSON]
"""An id in a JSON body."""


def _a_day(value: object) -> object:
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise PydanticCustomError("not_a_day", "must be a date such as 2026-03-15")


Day = Annotated[date, BeforeValidator(_a_day)]
"""A calendar day, written YYYY-MM-DD and no other way."""


def _a_moment(value: object) -> object:
    """Pydantic alone would read a bare number as seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _MOMENT.fullmatch(value)):
        return value
    raise PydanticCustomError("not_a_moment", "must be a time with its offset such as 2026-03-02T09:31:04Z")


Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC)),
    BeforeValidator(_a_moment),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="validation"),
]
"""A moment with its offset, written as RFC 3339 has it, in a year that calendars and databases share."""


def _no_controls(value: str) -> str:
    if any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in value):
        raise PydanticCustomError("control_character", "must not contain control characters")
    return value


_NO_CONTROLS: Final = Field(json_schema_extra={"pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"})

Text = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_no_controls), _NO_CONTROLS]
"""A short text of one line: 1 to 200 characters, none of them a control character."""

Reference = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_no_controls), _NO_CONTROLS]
"""A reference that a bank carries: 1 to 64 characters."""


def _major(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_WHOLE:
        return str(value)
    if isinstance(value, str) and re.fullmatch(_AMOUNT, value, re.ASCII):
        return value
    raise PydanticCustomError("not_an_amount", _AMOUNT_HELP)


def _more_than_zero(value: str) -> str:
    if not value.strip("0."):
        raise PydanticCustomError("amount_not_positive", "must be more than 0")
    return value


def _amount_schema(*, pattern: str, minimum: int) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": pattern},
                {"type": "integer", "minimum": minimum, "maximum": _LARGEST_WHOLE},
            ],
            "description": "major units: a decimal string, or a whole number",
            "examples": ["400000.00"],
        },
        mode="validation",
    )


MajorAmount = Annotated[str, BeforeValidator(_major), _amount_schema(pattern=f"^{_AMOUNT}$", minimum=0)]
"""An amount in major units, kept as a decimal string until its currency is known (see `minor`)."""

PositiveAmount = Annotated[
    str,
    BeforeValidator(_major),
    AfterValidator(_more_than_zero),
    _amount_schema(pattern=f"^(?=.*[1-9]){_AMOUNT}$", minimum=1),
]
"""The same, and more than 0."""


def minor(amount: str, code: str, *loc: str | int) -> Minor:
    """Minor units of an amount of the body in the currency `code`; ends the request with 422 when it has more decimals
    than the currency. `loc` is where it stands, such as ``"schedule", "tranches", 0, "amount"``."""
    with naming(*(loc or ("amount",))):
        return currency.parse(amount, code)


@contextmanager
def naming(*loc: str | int) -> Iterator[None]:
    """Turns an amount or currency that cannot be read into the 422 that names its place in the body."""
    try:
        yield
    except (NotAnAmount, UnknownCurrency) as error:
        raise unreadable(error, *loc) from error


def unreadable(error: NotAnAmount | UnknownCurrency, *loc: str | int) -> Problem:
    """The 422 of an amount that does not fit its currency, or of a currency nobody knows."""
    if isinstance(error, UnknownCurrency):
        return wrong_value(("body", *loc), "must be an ISO 4217 code such as USD", code="unknown_currency")
    msg = f"{_AMOUNT_HELP}, with no more decimals than its currency has"
    return wrong_value(("body", *loc), msg, code="invalid_amount")


_CAMEL: Final = {"fund_id": "fundId", "deal_id": "dealId", "due_date": "dueDate", "tx_ref": "txRef"}


def _names(field: str) -> str | AliasChoices:
    return AliasChoices(field, _CAMEL[field]) if field in _CAMEL else field


class Body(BaseModel):
    """Base of JSON bodies: frozen, nothing unknown taken, four camelCase names read besides their own."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=AliasGenerator(validation_alias=_names),
        populate_by_name=True,
    )

    def given(self) -> dict[str, Any]:
        """Only what the caller wrote, by its own name."""
        return self.model_dump(exclude_unset=True)
