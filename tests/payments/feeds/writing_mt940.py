"""MT940 of our own making: a small writer in three dialects, with all that may differ from bank to bank left open."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Literal

from shared import currency

Dialect = Literal["parts", "slashes", "plain"]
_SIGN = {"C": 1, "RD": 1, "D": -1, "RC": -1, "EC": 0, "ED": 0}  # what a mark does to the balance


@dataclass(frozen=True, slots=True)
class Line:
    """An entry, in minor units; `letter`: whether the currency's last letter stands behind the mark."""

    mark: str
    minor: int
    value_date: date
    entry_date: date | None = None
    bank_reference: str | None = None
    end_to_end_id: str | None = None
    text: str | None = None
    name: str | None = None
    letter: bool = False
    surplus: int = 0  # zeros behind the decimals


@dataclass(frozen=True, slots=True)
class Written:
    """A statement to be written; `cuts` are the numbers of the entries before which a new page begins."""

    lines: Sequence[Line]
    code: str = "EUR"
    opening: int = 0
    account: str = "10090000/0123456700"
    dialect: Dialect = "parts"
    end: str = "\r\n"
    envelope: bool = False
    cuts: Sequence[int] = field(default=())

    def text(self) -> str:
        edges = [0, *self.cuts, len(self.lines)]
        balance, pages = self.opening, []
        for number, (start, stop) in enumerate(pairwise(edges), 1):
            those = self.lines[start:stop]
            before, balance = balance, balance + sum(_SIGN[line.mark] * line.minor for line in those)
            first, last = number == 1, number == len(edges) - 1
            pages.append(self._page(number, those, (first, before), (last, balance)))
        return "".join(pages).replace("\n", self.end)

    def _page(self, number: int, lines: Sequence[Line], begins: tuple[bool, int], ends: tuple[bool, int]) -> str:
        head = "{1:F01ABCDDEFFAXXX0000000000}{2:O9401800260302ABCDDEFFAXXX00000000002603021800N}{4:\n"
        body = "".join(self._entry(line) for line in lines)
        return (
            f"{head if self.envelope else ''}:20:STARTUMS\n:25:{self.account}\n:28C:00041/{number:03}\n"
            f":60{'F' if begins[0] else 'M'}:{self._balance(begins[1])}\n{body}"
            f":62{'F' if ends[0] else 'M'}:{self._balance(ends[1])}\n{'-}' if self.envelope else '-'}\n"
        )

    def _balance(self, minor: int) -> str:
        return f"{'D' if minor < 0 else 'C'}260302{self.code}{self._amount(abs(minor))}"

    def _amount(self, minor: int, surplus: int = 0) -> str:
        whole, _, decimals = currency.text(minor, self.code).partition(".")
        return f"{whole},{decimals}{'0' * surplus}"

    def _entry(self, line: Line) -> str:
        entered = f"{line.entry_date:%m%d}" if line.entry_date else ""
        letter = self.code[2] if line.letter else ""
        bank = f"//{line.bank_reference}" if line.bank_reference else ""
        first = f"{line.value_date:%y%m%d}{entered}{line.mark}{letter}{self._amount(line.minor, line.surplus)}"
        details = {"parts": _parts, "slashes": _slashes, "plain": _plain}[self.dialect](line)
        return f":61:{first}NTRFNONREF{bank}\n" + (f":86:{details}\n" if details else "")


def cut(text: str, width: int) -> list[str]:
    return [text[start : start + width] for start in range(0, len(text), width)]


def _parts(line: Line) -> str:
    purpose = cut(f"EREF+{line.end_to_end_id}", 27) if line.end_to_end_id else []
    purpose += cut(f"SVWZ+{line.text}", 27) if line.text else []
    names = [f"?{32 + number}{part}" for number, part in enumerate(cut(line.name or "", 27))]
    numbered = [f"?{20 + number}{part}" for number, part in enumerate(purpose)]
    return "\n".join(cut("166?00GUTSCHRIFT" + "".join(numbered + names), 65))


def _slashes(line: Line) -> str:
    given = {"EREF": line.end_to_end_id, "NAME": line.name, "REMI": line.text}
    return "\n".join(cut("".join(f"/{code}/{text}" for code, text in given.items() if text), 65))


def _plain(line: Line) -> str:
    """Plain text tells no name and no id apart from the text."""
    return "\n".join(cut(line.text or "", 65))
