"""Promises of currencies: the decimals that banks use."""

import pytest

from shared.currency import UnknownCurrency, exponent, parse, text


@pytest.mark.parametrize(("code", "decimals"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("IQD", 3), ("PKR", 2), ("CLF", 4)])
def test_decimals_are_those_of_iso_4217(code: str, decimals: int) -> None:
    """Bank files carry ISO's decimals, also where people are shown fewer (IQD, PKR)."""
    assert exponent(code) == decimals


@pytest.mark.parametrize("code", ["", "usd", "US", "USDD", "ABC", "XXX", "XAU", "ＵＳＤ"])
def test_what_is_no_currency_of_payments_is_refused(code: str) -> None:
    """Lower case, unknown codes and metals are refused, not guessed."""
    with pytest.raises(UnknownCurrency):
        exponent(code)


def test_amounts_in_their_currency() -> None:
    """The same digits are another amount in another currency."""
    assert parse("12", "JPY") == 12
    assert parse("12", "KWD") == 12_000
    assert text(12_000, "KWD") == "12.000"
