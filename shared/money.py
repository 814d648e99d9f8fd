"""Money as integers of minor units; the only place where text becomes an amount.

No float, no rounding: an amount that does not fit its currency is refused.
"""

from collections.abc import Sequence
from typing import NewType

Minor = NewType("Minor", int)  # minor units: cents for USD, yen for JPY, fils for KWD

_MOST_WHOLE_DIGITS = 15


class NotAnAmount(ValueError):
    """The text is not a plain decimal amount of this currency."""


def parse(text: str, *, exponent: int) -> Minor:
    """Minor units of a decimal string such as ``"400000.00"``; `exponent` is the currency's number of decimals."""
    whole, point, decimals = text.partition(".")
    digits = whole + decimals
    if (
        not (digits.isdigit() and digits.isascii())
        or not 0 < len(whole) <= _MOST_WHOLE_DIGITS
        or len(decimals) > exponent
        or (point and not decimals)
    ):
        raise NotAnAmount(text)
    return Minor(int(digits if len(decimals) == exponent else digits.ljust(len(whole) + exponent, "0")))


def checked(text: str, exponent: int) -> Minor:
    """The same of text whose shape a contract has checked: only the number of its decimals is still open."""
    whole, _, decimals = text.partition(".")
    return Minor(int(whole + decimals)) if len(decimals) == exponent else parse(text, exponent=exponent)


def text(amount: int, *, exponent: int) -> str:
    """The decimal string of minor units, always with exactly `exponent` decimals: ``text(40000000, exponent=2)`` is
    ``"400000.00"``."""
    if amount < 0:
        return "-" + text(-amount, exponent=exponent)
    if exponent == 0:
        return str(amount)
    digits = str(amount).zfill(exponent + 1)
    return f"{digits[:-exponent]}.{digits[-exponent:]}"


def split(total: Minor, weights: Sequence[int]) -> list[Minor]:
    """Parts of `total` in proportion to `weights`, by largest remainder, ties by position; they sum to `total`
    (all-zero weights give zeros)."""
    whole = sum(weights)
    if whole == 0:
        return [Minor(0)] * len(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return [Minor(part) for part in parts]
