"""What a payment's texts say about calls: references that are right, that are nearly right, and bare numbers."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from shared.ids import CallId
from shared.reference import find, normalise, reference_of

_LARGEST: Final = 9_999_999_999
_DIGITS: Final = "0123456789"
_MOST_LOOKED_AT: Final = 4  # of what begins like a reference in one text

# Letters that eyes and scanners take for digits.
_LOOKALIKES: Final = str.maketrans("OQILSB", "001158")
_NEARLY_OURS: Final = re.compile(r"RF([0-9OQILSB]{2})D?([0-9OQILSB]{9,})")
_BARE: Final = re.compile(r"\bD?([0-9]{10})\b", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mentions:
    """The calls that texts speak of; `nearly` and `bare` by what was written."""

    named: frozenset[CallId] = frozenset()
    nearly: Mapping[CallId, str] = field(default_factory=dict)
    bare: Mapping[CallId, str] = field(default_factory=dict)

    @property
    def calls(self) -> frozenset[CallId]:
        """All of them."""
        return self.named.union(self.nearly, self.bare)


def mentions(*texts: str | None) -> Mentions:
    """What is said of calls in free texts: by a valid reference, by one with a typing error, by its digits alone."""
    told = [text for text in texts if text]
    named = frozenset(CallId(n) for n in find(*told) if n > 0)
    nearly: dict[CallId, str] = {}
    bare: dict[CallId, str] = {}
    for text in told:
        for match in islice(_NEARLY_OURS.finditer(normalise(text)), _MOST_LOOKED_AT):
            for call_id in _meant(match[1], match[2]):
                nearly.setdefault(call_id, match[0][:16])
        for match in _BARE.finditer(text):
            bare.setdefault(CallId(int(match[1])), match[0])
    nearly = {call_id: typed for call_id, typed in nearly.items() if call_id not in named}
    said = {call_id: typed for call_id, typed in bare.items() if call_id > 0 and call_id not in named | nearly.keys()}
    return Mentions(named, nearly, said)


def _meant(check: str, body: str) -> set[CallId]:
    """The calls whose reference differs from what was typed by one slip: a digit wrong, missing, doubled or swapped
    with its neighbour, a letter for a digit, or other check digits."""
    typed_right = f"{check}{body[:10]}".isdigit()
    check, digits = check.translate(_LOOKALIKES), body[:11].translate(_LOOKALIKES)
    ten = digits[:10]
    if len(ten) == 10 and typed_right and _fits(check, ten):
        return set()
    meant = {typed for typed in _slips(digits) if _fits(check, typed)}
    if len(ten) == 10 and int(ten) > 0:
        meant.add(ten)
    return {CallId(int(typed)) for typed in meant}


def _slips(digits: str) -> Iterator[str]:
    """Ten digits that were meant where these were typed."""
    ten = digits[:10]
    if len(ten) == 10:
        yield ten
        for place in range(10):
            yield from (ten[:place] + digit + ten[place + 1 :] for digit in _DIGITS)
        for place in range(9):
            yield ten[:place] + ten[place + 1] + ten[place] + ten[place + 2 :]
    nine = digits[:9]
    for place in range(10):
        yield from (nine[:place] + digit + nine[place:] for digit in _DIGITS)
    if len(digits) == 11:
        yield from (digits[:place] + digits[place + 1 :] for place in range(11))


def _fits(check: str, ten: str) -> bool:
    number = int(ten)
    return 0 < number <= _LARGEST and reference_of(number)[2:4] == check
