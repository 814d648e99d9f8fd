"""Reserves in a file: CSV as spreadsheets write it, one company a row, read whole before anything is sent.

Amounts are decimals in major units of the fund's currency, and become integers without ever being anything between.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shared import currency
from shared.ids import LARGEST
from shared.money import Minor, NotAnAmount

COMPANY, PLANNED, CAP = "company_id", "planned_reserves", "allocation_cap"
NOTES: Final = ("company_name", "note")  # whoever writes the sheet may say so; nobody reads them
NO_CAP: Final = "none"  # in a cell of a set-up's cap: takes the cap away
LARGEST_MINOR: Final = 10**15 - 1  # of a reserve, a cap, and a fund's total, as the service takes them

_ID: Final = re.compile(r"[0-9]{1,19}", re.ASCII)


class BadSheet(ValueError):
    """The sheet is refused whole; each problem names its line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Row:
    """What one line says of a company. `planned` and `cap` are None where the cell is empty; `uncapped` says that the
    cap is to be taken away."""

    line: int
    company_id: int
    planned: Minor | None
    cap: Minor | None = None
    uncapped: bool = False

    def proposed(self) -> dict[str, Any]:
        """As a preview or commit takes it."""
        told: dict[str, Any] = {"company_id": self.company_id, "planned_reserves_cents": self.planned}
        return told if self.cap is None else {**told, "allocation_cap_cents": self.cap}

    def company(self) -> dict[str, Any]:
        """As a set-up takes it: what is left out stays as it is."""
        told: dict[str, Any] = {"company_id": self.company_id}
        if self.planned is not None:
            told["planned_reserves_cents"] = self.planned
        if self.cap is not None or self.uncapped:
            told["allocation_cap_cents"] = self.cap
        return told

    def changes(self, now: Mapping[str, Any] | None) -> bool:
        """Whether a set-up by this line would change what the company has now; None where it has nothing yet."""
        wanted = self.company()
        return now is None or any(wanted[name] != now[name] for name in wanted)


def amount_of(text: str, code: str) -> Minor:
    """Minor units of a decimal in the currency `code`; raises ValueError in words for who wrote it."""
    try:
        amount = currency.parse(text, code)
    except NotAnAmount:
        example = currency.text(400_000 * 10 ** currency.exponent(code), code)
        raise ValueError(f"{text!r} is no amount in {code} such as {example}") from None
    if amount > LARGEST_MINOR:
        raise ValueError(f"{text} is more than {currency.text(LARGEST_MINOR, code)} {code}, the most there can be")
    return amount


def read_sheet(content: bytes, code: str, *, setting_up: bool = False) -> list[Row]:
    """All rows of a sheet with amounts in the currency `code`; raises `BadSheet` with every line that is wrong.

    A set-up may leave a reserve out and take a cap away; a proposal says what each of its companies is to have.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadSheet([f"line {line}: not UTF-8 text; save the sheet as CSV UTF-8"]) from None
    head, _, _ = text.partition("\n")
    delimiter = max(",;\t", key=head.count)
    cells = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: dict[int, Row] = {}
    problems: list[str] = []
    line = 1
    try:
        columns = _columns(next(cells, []))
        line = cells.line_num + 1
        for record in cells:
            if any(record):
                _take(_Line(line, columns, record), code, setting_up, rows, problems)
            line = cells.line_num + 1
    except csv.Error as error:
        problems.append(f"line {line}: {error}")
    if not rows and not problems:
        problems.append("line 2: there is no company in this file")
    if problems:
        raise BadSheet(problems)
    return list(rows.values())


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    columns: Sequence[str]
    record: Sequence[str]

    def cell(self, name: str) -> str:
        """What stands in a column; nothing where the sheet does not have it."""
        return self.record[self.columns.index(name)].strip() if name in self.columns else ""


def _columns(head: Sequence[str]) -> list[str]:
    names = [name.strip().lower() for name in head]
    while names and not names[-1]:
        names.pop()
    known = (COMPANY, PLANNED, CAP, *NOTES)
    if missing := [name for name in (COMPANY, PLANNED) if name not in names]:
        raise BadSheet([f"line 1: the head must name {COMPANY},{PLANNED} and may name {CAP}: {missing[0]} is missing"])
    if strange := [name for name in names if name not in known]:
        raise BadSheet([f"line 1: no column is called {strange[0] or 'nothing'!r}; there are {', '.join(known)}"])
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadSheet([f"line 1: the column {twice[0]} stands there twice"])
    return names


def _take(line: _Line, code: str, setting_up: bool, rows: dict[int, Row], problems: list[str]) -> None:
    if len(line.record) < len(line.columns) or any(line.record[len(line.columns) :]):
        problems.append(f"line {line.number}: {len(line.record)} columns in place of {len(line.columns)}")
        return
    try:
        row = _row(line, code, setting_up)
    except ValueError as error:
        problems.append(f"line {line.number}: {error}")
        return
    first = rows.setdefault(row.company_id, row)
    if first is not row:
        problems.append(f"line {line.number}: company {row.company_id} stands in line {first.line} already")


def _row(line: _Line, code: str, setting_up: bool) -> Row:
    company, planned, cap = line.cell(COMPANY), line.cell(PLANNED), line.cell(CAP)
    if not _ID.fullmatch(company) or not 0 < int(company) <= LARGEST:
        raise ValueError(f"{company!r} is no company's id")
    if not planned and not setting_up:
        raise ValueError(f"{PLANNED} is empty; write 0 to plan nothing")
    uncapped = cap.lower() == NO_CAP
    if uncapped and not setting_up:
        raise ValueError("a proposal cannot take a cap away; `drawdown reserves set` does")
    return Row(
        line.number,
        int(company),
        amount_of(planned, code) if planned else None,
        amount_of(cap, code) if cap and not uncapped else None,
        uncapped,
    )


def write_sheet(path: Path, rows: Iterable[tuple[int, str, int]], code: str) -> None:
    """A sheet that `preview` and `commit` read, of ids, names and reserves in minor units of the currency `code`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((COMPANY, NOTES[0], PLANNED))
        writer.writerows((company, _plain(name), currency.text(planned, code)) for company, name, planned in rows)


def _plain(name: str) -> str:
    """A cell that a spreadsheet takes for a formula is shown as the text that it is."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name
