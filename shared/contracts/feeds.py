"""What banking feeds say: the one event that other people's systems write."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from shared.contracts.base import (
    AMOUNT_PATTERN,
    GOOD_AMOUNT,
    BankReference,
    Contract,
    CurrencyCode,
    Day,
    Id,
    Moment,
    Otherwise,
    Part,
    Reference,
    Remittance,
    Source,
    Text,
)
from shared.currency import UnknownCurrency, exponent

_LARGEST_DIGITS = 18  # of minor units: what a PostgreSQL bigint always holds


class WholeUnitsToo:
    """Takes a JSON integer of whole major units beside the text, and makes text of it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], CoreSchema]) -> CoreSchema:
        whole_units = core_schema.int_schema(strict=True, ge=1, le=10**15 - 1)
        as_text = core_schema.no_info_after_validator_function(str, whole_units)
        return core_schema.union_schema([handler(source), as_text], mode="left_to_right")


GivenAmount = Annotated[
    str,
    Field(pattern=AMOUNT_PATTERN, examples=["400000.00", 400000]),
    WholeUnitsToo(),
    Otherwise("bad_amount", GOOD_AMOUNT),
]


class Remitter(Part):
    """Who sent the money, as the bank says."""

    name: Text | None = Field(None, description="The sender's name.")
    account: Text | None = Field(
        None,
        description="The sender's account. Cut to a keyed hash and its last four characters before it is stored.",
    )


class PaymentReceived(Contract):
    """A bank's entry: money in, or taken back. Its identity is (`source`, `payment_id`), for ever."""

    topic: ClassVar[str] = "payment.received"
    keyed_by: ClassVar[str] = "call id or reference where known, else source"

    source: Source = Field(
        description="Who says so, on which account: a configured alias.", examples=["bank/acme-usd-1"]
    )
    payment_id: BankReference = Field(
        description="The bank's own reference of this entry.", examples=["AcctSvcrRef-8812"]
    )
    kind: Literal["credit", "reversal"] = Field(description="Money in, or an earlier entry taken back.")
    reverses: BankReference | None = Field(
        None, description="The `payment_id` of the entry that a reversal takes back; given for reversals only."
    )
    amount: GivenAmount = Field(
        description="Above zero, with at most the currency's decimals: text, or a JSON integer of whole major units."
    )
    currency: CurrencyCode = Field(description="ISO 4217 code.")
    value_date: Day = Field(description="The bank's effective date of the entry.")
    call_id: Id | None = Field(None, description="The capital call this pays; where given, it decides.", examples=[17])
    reference: Reference | None = Field(
        None, description="End-to-end id or creditor reference.", examples=["RF97D0000000017"]
    )
    remittance: Remittance | None = Field(
        None, description="Free text that came with the money.", examples=["capital call 1 Balerion II"]
    )
    remitter: Remitter | None = None
    method: Literal["wire", "ach", "sepa", "check", "book", "other"] | None = Field(
        None, description="How the money travelled."
    )
    booked_at: Moment | None = Field(None, description="When the bank booked it.")

    @model_validator(mode="after")
    def _members_agree(self) -> Self:
        agree(self.__dict__)
        return self


def agree(members: Mapping[str, Any]) -> None:
    """What no member of an entry can know alone: the currency's decimals, and that a reversal names its original."""
    currency, amount = members["currency"], members["amount"]
    try:
        decimals = exponent(currency)
    except UnknownCurrency:
        raise PydanticCustomError(
            "bad_currency", "currency: ISO 4217 lists no currency {code}", {"code": currency}
        ) from None
    whole, _, fraction = amount.partition(".")
    if len(fraction) > decimals or len(whole) + decimals > _LARGEST_DIGITS or not amount.strip("0."):
        raise _bad_amount(amount, currency, decimals)
    if (members["kind"] == "reversal") != (members["reverses"] is not None):
        raise PydanticCustomError(
            "bad_value", "reverses: a reversal names the payment_id it takes back, a credit names none"
        )


def _bad_amount(amount: str, currency: str, decimals: int) -> PydanticCustomError:
    example = "400000" + "." * (decimals > 0) + "0" * decimals
    return PydanticCustomError(
        "bad_amount",
        'amount: write an amount above zero with at most {decimals} decimals for {currency}, such as "{example}" '
        "(got '{amount}')",
        {"decimals": decimals, "currency": currency, "example": example, "amount": amount},
    )
