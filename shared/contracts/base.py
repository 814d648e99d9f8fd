"""What every contract is made of: frozen models, the types their fields have, and the way to bytes and back.

Everything a field may hold is checked inside pydantic-core; Python runs only to phrase a refusal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema, from_json

RECORD_LIMIT_BYTES: Final = 256 * 1024
LARGEST_ID: Final = 2**63 - 1

AMOUNT_PATTERN: Final = r"^[0-9]{1,15}(\.[0-9]{1,4})?$"
CURRENCY_PATTERN: Final = r"^[A-Z]{3}$"
NO_CONTROLS_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
_DATE_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_TIME_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)

GOOD_AMOUNT: Final = 'write plain digits with at most the currency\'s decimals, such as "400000.00"'


@dataclass(frozen=True, slots=True)
class Otherwise:
    """Names the refusal of a type: whatever is wrong with the value, the reader learns `reason` and `message`."""

    reason: str
    message: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], CoreSchema]) -> CoreSchema:
        return core_schema.custom_error_schema(
            handler(source), custom_error_type=self.reason, custom_error_message=self.message
        )


@dataclass(frozen=True, slots=True)
class Written:
    """Dates and times in JSON are text of one shape; the bare parser would also take a number of seconds as one."""

    pattern: str
    format: str

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], CoreSchema]) -> CoreSchema:
        from_python = handler(source)
        while from_python["type"] == "custom-error":
            from_python = from_python["schema"]
        from_text = {**from_python, "strict": False}
        return core_schema.json_or_python_schema(
            json_schema=core_schema.chain_schema([core_schema.str_schema(pattern=self.pattern), from_text]),
            python_schema=from_python,
        )

    def __get_pydantic_json_schema__(self, _: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": self.format}


def text(limit: int, *, least: int = 0) -> Any:
    """The constraint of a text field: at most `limit` characters, none of them a control character."""
    return Field(min_length=least or None, max_length=limit, pattern=NO_CONTROLS_PATTERN)


Id = Annotated[int, Field(ge=1, le=LARGEST_ID), Otherwise("bad_id", "write an integer from 1 to 9223372036854775807")]
Version = Annotated[int, Field(ge=1, le=LARGEST_ID), Otherwise("bad_value", "write an integer from 1")]
Count = Annotated[int, Field(ge=0, le=LARGEST_ID), Otherwise("bad_value", "write an integer from 0")]
AmountText = Annotated[str, Field(pattern=AMOUNT_PATTERN, examples=["400000.00"]), Otherwise("bad_amount", GOOD_AMOUNT)]
CurrencyCode = Annotated[
    str,
    Field(pattern=CURRENCY_PATTERN, examples=["USD"]),
    Otherwise("bad_currency", 'write the three capital letters of ISO 4217, such as "USD"'),
]
Day = Annotated[
    date, Written(_DATE_PATTERN, "date"), Otherwise("bad_date", 'write a date of the calendar, such as "2026-03-02"')
]
Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(1900, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC)),
    Written(_TIME_PATTERN, "date-time"),
    Otherwise("bad_time", 'write a time with its offset, such as "2026-03-02T09:31:00Z"'),
]
Source = Annotated[str, text(100, least=1)]
BankReference = Annotated[str, text(200, least=1)]  # a payment_id: the bank's own reference of an entry
Reference = Annotated[str, text(64)]
Remittance = Annotated[str, text(2_000)]
Text = Annotated[str, text(200)]
Name = Annotated[str, text(200, least=1)]


class Part(BaseModel):
    """A frozen object inside a contract."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, validate_default=False)


class Contract(Part):
    """One version of one event's data. Readers ignore members they do not know, so optional ones may be added.

    `topic` is where it travels, `keyed_by` says what its Kafka key is, in words; `limit_bytes` the most it may have.
    """

    topic: ClassVar[str]
    keyed_by: ClassVar[str]
    version_number: ClassVar[int] = 1
    limit_bytes: ClassVar[int] = RECORD_LIMIT_BYTES

    @classmethod
    def type(cls) -> str:
        """The CloudEvents type: the topic's name and the version, such as ``payment.received.v1``."""
        return f"{cls.topic}.v{cls.version_number}"


C = TypeVar("C", bound=Contract)


class Unreadable(ValueError):
    """These bytes can never be understood as this contract.

    `reason` is short and stable (it is counted, and filtered by); `detail` names the member and says how to write it.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def encode(contract: Contract) -> bytes:
    """The compact JSON of an event's data, members in the contract's order."""
    return contract.__pydantic_serializer__.to_json(contract)


def decode(contract: type[C], data: bytes) -> C:
    """The event that the bytes say; raises `Unreadable`.

    Where a member stands twice in the JSON the last one counts, as in PostgreSQL and most parsers; every reader of ours
    comes through here, so all of them see the same.
    """
    if len(data) > contract.limit_bytes:
        raise Unreadable("too_large", f"the record has {len(data)} bytes; at most {contract.limit_bytes} are taken")
    if b"NaN" in data or b"Infinity" in data:
        _refuse_what_is_no_number(data)
    try:
        event: C = contract.__pydantic_validator__.validate_json(data)
    except ValidationError as failure:
        raise _unreadable(failure) from None
    return event


def _refuse_what_is_no_number(data: bytes) -> None:
    """pydantic's parser takes NaN and Infinity for JSON, even in members nobody asks for; our other readers do not."""
    try:
        from_json(data, allow_inf_nan=False)
    except ValueError as problem:
        raise Unreadable("bad_json", f"Invalid JSON: {problem}") from None


_REASONS: Final = {
    "json_invalid": "bad_json",
    "model_type": "bad_json",
    "missing": "missing_field",
    "string_too_long": "too_long",
    "too_long": "too_long",
    "string_too_short": "bad_text",
    "string_pattern_mismatch": "bad_text",
    "string_unicode": "bad_json",
}
_OWN: Final = frozenset({"bad_amount", "bad_currency", "bad_date", "bad_time", "bad_id", "bad_value"})
_SHOWN: Final = frozenset({"bad_amount", "bad_currency", "bad_date", "bad_time", "bad_id"})


def _unreadable(failure: ValidationError) -> Unreadable:
    """The first thing that is wrong, in the contract's order, and how many more there are."""
    errors = failure.errors(include_url=False)
    first = errors[0]
    reason = first["type"] if first["type"] in _OWN else _REASONS.get(first["type"], "bad_value")
    where = ".".join(str(step) for step in first["loc"])
    if where and reason == "bad_json":
        reason = "bad_value"  # the record is JSON, this member is not what it should be
    message = "control characters are not taken" if first["type"] == "string_pattern_mismatch" else first["msg"]
    detail = f"{where}: {message}" if where else message
    # Only values of closed kinds are shown again: free text and accounts stay in the record itself.
    if reason in _SHOWN and where and not isinstance(first["input"], dict | list):
        detail += f" (got {_excerpt(first['input'])})"
    if len(errors) > 1:
        detail += f"; {len(errors) - 1} more"
    return Unreadable(reason, detail)


def _excerpt(value: object) -> str:
    shown = ascii(value)
    return shown if len(shown) <= 40 else shown[:37] + "..."
