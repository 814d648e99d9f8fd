"""Promises of what is read from a body: an amount is exactly what was written, or refused."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.http import Day, Id, MajorAmount, PathId, PositiveAmount, Problem, minor, naming
from shared.money import NotAnAmount

AMOUNT: TypeAdapter[str] = TypeAdapter(MajorAmount)
POSITIVE: TypeAdapter[str] = TypeAdapter(PositiveAmount)


@pytest.mark.parametrize(
    ("given", "read"),
    [("400000.00", "400000.00"), ("0", "0"), ("0.5", "0.5"), (400000, "400000"), (0, "0"), (10**15 - 1, "9" * 15)],
)
def test_an_amount_is_read_digit_for_digit(given: object, read: str) -> None:
    """A decimal string, or a JSON integer of whole major units."""
    assert AMOUNT.validate_python(given) == read


BAD_AMOUNTS: list[Any] = [
    *("", " 1", "1 ", "+1", "-1", "1e3", "1_000", "1,000", "1.", ".5", "1.23456", "NaN", "Infinity", "0x1", "1\n"),
    *("\uff11\uff12.50", "\u0661\u0662\u0663", "1" * 16, 1.0, 1.5, 1e3, -1, 10**15, True, None, [], {}),
]


@pytest.mark.parametrize("given", BAD_AMOUNTS)
def test_anything_else_is_refused_with_an_example(given: object) -> None:
    """Never a rounding, never a guess; the refusal shows how to write it."""
    with pytest.raises(ValidationError, match=r'"400000\.00"'):
        AMOUNT.validate_python(given)


@pytest.mark.parametrize("given", ["0", "0.00", "000.0", 0])
def test_a_positive_amount_is_not_zero(given: object) -> None:
    """Zero in any spelling is refused where money must move."""
    with pytest.raises(ValidationError, match="more than 0"):
        POSITIVE.validate_python(given)
    assert POSITIVE.validate_python("0.01") == "0.01"


def test_the_schema_of_an_amount_is_what_is_read() -> None:
    """A program that follows the document is never refused for the form of an amount."""
    schema = TypeAdapter(PositiveAmount).json_schema()
    assert [option["type"] for option in schema["anyOf"]] == ["string", "integer"]
    assert schema["anyOf"][0]["pattern"] == r"^(?=.*[1-9])[0-9]{1,15}(\.[0-9]{1,4})?$"


def test_an_amount_meets_its_currency() -> None:
    """Minor units of the currency, or a 422 that names the place."""
    assert minor("400000.00", "USD") == 400_000_00
    assert minor("1.500", "KWD") == 1_500
    with pytest.raises(Problem) as refused:
        minor("1.5", "JPY", "tranches", 0, "amount")
    assert refused.value.status_code == 422
    assert "'loc': ['body', 'tranches', 0, 'amount']" in str(refused.value.facts["errors"])
    with pytest.raises(Problem) as unknown:
        minor("1", "XXQ", "currency")
    assert unknown.value.code == "unknown_currency"


def test_an_amount_refused_further_in_is_named_too() -> None:
    """Whoever calls a rule that reads amounts says where the text stood."""
    with pytest.raises(Problem) as refused, naming("parts", 1, "amount"):
        raise NotAnAmount("1.234")
    assert refused.value.facts["errors"][0]["loc"] == ["body", "parts", 1, "amount"]  # type: ignore[index]  # a member of JSON


def test_an_integer_is_one_however_json_writes_it() -> None:
    """17.0 is an integer of JSON; text in a body is not, though it is in a path."""
    assert TypeAdapter(Id).validate_python(17.0) == 17
    assert TypeAdapter(PathId).validate_python("17") == 17
    for given in ("17", True, 17.5, None):
        with pytest.raises(ValidationError):
            TypeAdapter(Id).validate_python(given)


def test_a_day_is_written_one_way() -> None:
    """No clock times and no numbers of seconds pass for a day."""
    assert TypeAdapter(Day).validate_python("2024-02-29").isoformat() == "2024-02-29"
    for given in ("2026-02-29", "20260301", "2026-03-01 ", "\u0662\u0660\u0662\u0666-03-01", 0):
        with pytest.raises(ValidationError):
            TypeAdapter(Day).validate_python(given)
