"""Money as integers of minor units; the only place where text becomes an amount.

No float, no rounding: an amount that does not fit its currency is refused.
"""

import re
from collections.abc import Sequence
from typing import NewType

Minor = NewType("Minor", int)  # minor units: cents for USD, yen for JPY, fils for KWD

_PLAIN = re.compile(r"([0-9]{1,15})(?:\.([0-9]+))?", re.ASCII)


class NotAnAmount(ValueError):
    """The text is not a plain decimal amount of this currency."""


def parse(text: str, *, exponent: int) -> Minor:
    """Minor units of a decimal string such as ``"400000.00"``; `exponent` is the currency's number of decimals."""
    match = _PLAIN.fullmatch(text)
    decimals = (match[2] or "") if match else ""
    if match is None or len(decimals) > exponent:
        raise NotAnAmount(text)
    return Minor(int(match[1] + decimals.ljust(exponent, "0")))


def text(amount: int, *, exponent: int) -> str:
    """The decimal string of minor units, always with exactly `exponent` decimals: ``text(40000000, exponent=2)`` is
    ``"400000.00"``."""
    sign, digits = ("-", -amount) if amount < 0 else ("", amount)
    if exponent == 0:
        return f"{sign}{digits}"
    whole, decimals = divmod(digits, 10**exponent)
    return f"{sign}{whole}.{decimals:0{exponent}d}"


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
