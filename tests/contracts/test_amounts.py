"""Promises of amounts in events: plain digits or nothing, never a guess."""

import json
import re
from typing import Any

import pytest

from shared import currency
from shared.contracts import PaymentReceived, Unreadable, decode
from shared.contracts.examples import EXAMPLES

# What stands in the JSON (as Python value, or as raw JSON where it cannot be one), and the minor units, or None.
USD: list[tuple[object, int | None]] = [
    ("400000.00", 40_000_000),
    ("400000.0", 40_000_000),
    ("400000", 40_000_000),
    ("0.01", 1),
    ("00042.50", 4_250),
    ("999999999999999.99", 99_999_999_999_999_999),
    (400_000, 40_000_000),
    (1, 100),
    (999_999_999_999_999, 99_999_999_999_999_900),
    # nothing to pay
    ("0", None),
    ("0.00", None),
    ("000.0", None),
    (0, None),
    # signs
    ("-1.00", None),
    ("+1.00", None),
    ("−1.00", None),
    ("(1.00)", None),
    ("1.00-", None),
    (-1, None),
    # separators, spaces and signs of currencies
    ("1_000.50", None),
    ("1,000.50", None),
    ("1.000,50", None),
    ("1'000.50", None),
    ("1 000.50", None),
    ("1\u00a0000.50", None),
    ("1\u202f000.50", None),
    (" 1.00", None),
    ("1.00 ", None),
    ("1.00\n", None),
    ("\t1.00", None),
    ("1.00\0", None),
    ("$1.00", None),
    ("1.00 USD", None),
    ("USD 1.00", None),
    # decimals
    ("1.", None),
    (".5", None),
    (".", None),
    ("1.234", None),
    ("1.000", None),
    ("1.00000", None),
    ("1.0.0", None),
    ("1,5", None),
    # other ways to write numbers
    ("1e3", None),
    ("1E3", None),
    ("1.5e2", None),
    ("0x10", None),
    ("0b1", None),
    ("0o7", None),
    ("1/2", None),
    ("½", None),
    ("\uff11\uff12\uff13.\uff10\uff10", None),
    ("١٢٣", None),
    ("१२३", None),
    ("²", None),
    ("Ⅻ", None),
    ("一百", None),
    ("1\u200b0", None),
    ("\u202e001", None),
    ("NaN", None),
    ("Infinity", None),
    ("-Infinity", None),
    ("inf", None),
    ("null", None),
    ("true", None),
    ("", None),
    ("=1+1", None),
    # too large
    ("1000000000000000", None),
    ("1234567890123456789", None),
    ("1234567890123456789.00", None),
    ("9" * 1_000, None),
    (1_000_000_000_000_000, None),
    (1_234_567_890_123_456_789, None),
    (2**63, None),
    (10**30, None),
    # other JSON
    (1.5, None),
    (400_000.0, None),
    (1e3, None),
    (True, None),
    (False, None),
    (None, None),
    ([], None),
    (["1.00"], None),
    ({}, None),
    ({"value": "1.00"}, None),
    (b"1e3", None),
    (b"1E+3", None),
    (b"1.0", None),
    (b"-0", None),
]

OTHERS: list[tuple[str, object, int | None]] = [
    ("JPY", "400000", 400_000),
    ("JPY", 400_000, 400_000),
    ("JPY", "400000.00", None),
    ("JPY", "400000.5", None),
    ("JPY", "400000.", None),
    ("KWD", "1.234", 1_234),
    ("KWD", "1.2345", None),
    ("KWD", 1, 1_000),
    ("CLF", "1.2345", 12_345),
    ("CLF", "99999999999999.9999", 999_999_999_999_999_999),
    ("CLF", "100000000000000", None),  # more minor units than every 64-bit integer holds
    ("EUR", "1.00", 100),
    ("CHF", "0.05", 5),
]

NO_CURRENCIES: list[object] = [
    "usd",
    "Usd",
    "US",
    "USDT",
    "US$",
    "$",
    "",
    "XXX",
    "XAU",
    "ZZZ",
    "\uff35\uff33\uff24",
    "USD ",
    840,
    None,
    True,
]


def bytes_of(amount: object, code: object = "USD") -> bytes:
    """A good payment, but for its amount and currency; an amount given in bytes stands in the JSON as it is."""
    text = json.dumps({**EXAMPLES["payment.received.v1"], "amount": "AMOUNT", "currency": code})
    told = amount.decode() if isinstance(amount, bytes) else json.dumps(amount)
    return text.replace('"AMOUNT"', told).encode()


def read(amount: object, code: str = "USD") -> int | None:
    """Minor units as a payment's reader would book them; None where it is refused as an amount."""
    try:
        event = decode(PaymentReceived, bytes_of(amount, code))
    except Unreadable as refusal:
        return None if _is_clear(refusal) else -1
    return currency.parse(event.amount, event.currency)


def _is_clear(refusal: Unreadable) -> bool:
    """Whether it names the amount, and shows how to write one."""
    example = re.search(r'such as "400000(\.0+)?"', refusal.detail)
    return refusal.reason == "bad_amount" and refusal.detail.startswith("amount: ") and example is not None


@pytest.mark.parametrize(("amount", "minor"), USD, ids=lambda value: ascii(value)[:40])
def test_amounts_in_dollars(amount: Any, minor: int | None) -> None:
    """Plain digits with at most two decimals, or a whole JSON number, and more than nothing."""
    assert read(amount) == minor


@pytest.mark.parametrize("word", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_is_no_json_is_refused_as_such(word: bytes) -> None:
    """Some parsers take these words for numbers; a record that holds one is no JSON, wherever it stands."""
    with pytest.raises(Unreadable) as refusal:
        decode(PaymentReceived, bytes_of(word))
    assert refusal.value.reason == "bad_json"


@pytest.mark.parametrize(("code", "amount", "minor"), OTHERS)
def test_amounts_in_other_currencies(code: str, amount: Any, minor: int | None) -> None:
    """The currency decides how many decimals there may be."""
    assert read(amount, code) == minor


@pytest.mark.parametrize("code", NO_CURRENCIES, ids=ascii)
def test_what_is_no_currency(code: Any) -> None:
    """Three capital letters that ISO 4217 lists, with minor units; nothing is guessed."""
    with pytest.raises(Unreadable, match="currency") as refusal:
        decode(PaymentReceived, bytes_of("1.00", code))
    assert refusal.value.reason == "bad_currency"


def test_a_whole_number_becomes_text() -> None:
    """Inside there is one way to hold an amount, whichever way it came."""
    event = decode(PaymentReceived, bytes_of(400_000))
    assert event.amount == "400000"
