"""Currencies and their decimals, as ISO 4217 lists them (not as CLDR shows them to people: see decision 0003)."""

from functools import lru_cache

import iso4217

from shared import money
from shared.money import Minor


class UnknownCurrency(ValueError):
    """The code is not an active ISO 4217 currency with minor units."""


@lru_cache(maxsize=512)
def exponent(code: str) -> int:
    """Number of decimals of a currency: 2 for ``USD``, 0 for ``JPY``, 3 for ``KWD``.

    Raises `UnknownCurrency` for anything that ISO 4217 does not list, and for codes such as ``XXX`` or ``XAU`` that
    have no minor units.
    """
    try:
        decimals = iso4217.Currency(code).exponent
    except ValueError:
        decimals = None
    if decimals is None:
        raise UnknownCurrency(code)
    return int(decimals)


def parse(text: str, code: str) -> Minor:
    """Minor units of a decimal string in the currency `code`; raises `NotAnAmount` or `UnknownCurrency`."""
    return money.parse(text, exponent=exponent(code))


def text(amount: int, code: str) -> str:
    """The decimal string of minor units, with exactly the currency's decimals."""
    return money.text(amount, exponent=exponent(code))
