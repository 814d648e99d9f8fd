"""What the three digits of a BAI2 type code say: money in, money out, a sum of other records, or nothing that we know.

The list of codes is that of the library `bai2`; what each is to us, such as which debits take a credit back, is ours.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from bai2.constants import TypeCodes  # type: ignore[import-untyped]  # the library ships no types

from services.payments.feeds.model import Mark

# Debits that take an earlier credit back, and credits in which a payment of our own comes back. Fees for a return (567)
# and overdrafts (563, 564) are debits like others.
_TAKEN_BACK: Final = {
    "423", "468", "552", "554", "555", "557", "558", "561", "566", "568", "694", "695",
    "123", "252", "254", "255", "257", "258", "261", "266", "268", "395", "398",
}  # fmt: skip
# Debits that may take a part of a credit back: a person has to look.
_ADJUSTMENTS: Final = {"489", "496", "631", "634"}

# Items of a deposit that the bank may report as a whole too, with the codes of the whole.
_ITEM_OF: Final = {
    "116": {"115"}, "136": {"135"}, "143": {"142", "145", "166"}, "156": {"155"}, "345": {"342"},
    "452": {"447", "451", "466"},
}  # fmt: skip

_METHODS: Final = {
    "check": {"115", "116", "172", "173", "174", "175", "176", "184", "187", "221", "222", "301", "475"},
    "ach": {"142", "143", "145", "155", "156", "164", "165", "166", "451", "455"},
    "wire": {"195", "208", "495", "508"},
    "book": {"191", "201", "206", "275", "277", "491", "506", "575", "577"},
}  # fmt: skip
_METHOD_OF: Final = {code: method for method, codes in _METHODS.items() for code in codes}


class Sort(StrEnum):
    """What a transaction record with such a code is."""

    BOOKING = "booking"
    SUM = "sum"  # of bookings that other records show
    FOREIGN = "foreign"  # a booking of which we do not know what it is to us
    NOTE = "note"  # no money at all
    UNKNOWN = "unknown"  # not even which way money went


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says; `mark` is None where it tells no direction."""

    code: str
    name: str
    sort: Sort
    mark: Mark | None
    taken_back: bool = False
    adjusts: bool = False
    method: str | None = None

    @property
    def whole(self) -> frozenset[str]:
        """Codes of the deposits that this is an item of."""
        return frozenset(_ITEM_OF.get(self.code, ()))


@lru_cache(maxsize=1000)
def meaning(code: str) -> Meaning:
    """What a type code of three digits says, be it in the list or not."""
    listed = TypeCodes.get(code)
    name = str(listed.description) if listed else "a code of the bank's own"
    mark = _mark(code)
    if code == "890":
        return Meaning(code, name, Sort.NOTE, None)
    if mark is None:
        return Meaning(code, name, Sort.UNKNOWN, None)
    if listed is None or not "100" <= code <= "699":
        return Meaning(code, name, Sort.FOREIGN, mark)
    if listed.level.value != "detail" or name.startswith("Cumulative"):
        return Meaning(code, name, Sort.SUM, mark)
    taken_back, adjusts = code in _TAKEN_BACK, code in _ADJUSTMENTS
    return Meaning(code, name, Sort.BOOKING, mark, taken_back, adjusts, _METHOD_OF.get(code))


def _mark(code: str) -> Mark | None:
    """The direction, by the ranges that the standard sets, and by the list for loans and the like."""
    if "100" <= code <= "399" or "920" <= code <= "959":
        return Mark.CREDIT
    if "400" <= code <= "699" or "960" <= code <= "999":
        return Mark.DEBIT
    listed = TypeCodes.get(code)
    direction = listed.transaction.value if listed and listed.transaction else ""
    return Mark(direction) if direction in {"credit", "debit"} else None
