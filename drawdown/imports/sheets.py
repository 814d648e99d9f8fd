"""Sheets: CSV files as spreadsheets write them, read as streams of rows by what they tell of."""

import csv
import hashlib
import mmap
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

Cells = Mapping[str, str]  # by column; empty cells are not there

KINDS: Final = ("fund", "deal", "allocation", "call", "payment")  # in the order in which rows refer to each other

# What every row of its kind needs, and what it may say besides.
NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "fund": ("fund_key", "name", "currency", "time_zone", "size"),
    "deal": ("deal_key", "name"),
    "allocation": ("allocation_key", "fund_key", "deal_key", "committed"),
    "call": ("call_key", "allocation_key", "amount", "due_date"),
    "payment": ("payment_id", "amount", "currency", "value_date"),
}
OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    "fund": (),
    "deal": (),
    "allocation": ("created_on",),
    "call": ("notice_date", "issued_on", "stage", "grace_days", "cure_days"),
    "payment": (
        *("source", "kind", "reverses", "call_key", "reference", "remittance", "remitter_name", "remitter_account"),
        *("method", "booked_at"),
    ),
}
OWN_KEY: Final[Mapping[str, str]] = {kind: columns[0] for kind, columns in NEEDED.items()}
NOTES: Final = ("type", "note")
_COLUMNS: Final = {
    *NOTES,
    *(name for columns in (NEEDED, OPTIONAL) for names in columns.values() for name in names),
}
# A sheet without a column `type` tells of one kind: that of the first of these columns that it has.
_TELLING: Final = (
    ("payment_id", "payment"),
    ("call_key", "call"),
    ("committed", "allocation"),
    ("deal_key", "deal"),
    ("fund_key", "fund"),
)


class BadSheet(ValueError):
    """The file cannot be taken as a sheet at all; the message says where and why."""


class Numbered(NamedTuple):
    """A row as it stands in the sheet; the header is row 1, as spreadsheets count."""

    number: int
    cells: Cells


@dataclass(slots=True)
class Places:
    """Where the rows of one kind stand: their numbers, the bytes from which to which they go, and the group of each.

    Rows of a group are sent together, in their order: payments of one call make one version of it instead of many.
    """

    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    begins: "array[int]" = field(default_factory=lambda: array("q"))
    ends: "array[int]" = field(default_factory=lambda: array("q"))
    groups: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, number: int, begins: int, ends: int, group: int) -> None:
        self.numbers.append(number)
        self.begins.append(begins)
        self.ends.append(ends)
        self.groups.append(group)


@dataclass(slots=True)
class Sheet:
    """A file that was looked over once."""

    path: Path
    sha256: str
    delimiter: str
    columns: Sequence[str]
    kind: str | None  # None where each row says its own
    places: dict[str, Places] = field(default_factory=dict)
    misfits: list[tuple[int, str, str]] = field(default_factory=list)  # number, type, why it is no row of ours

    @property
    def rows(self) -> int:
        return sum(len(places.numbers) for places in self.places.values()) + len(self.misfits)


def look_over(path: Path) -> Sheet:
    """Reads a sheet from end to end without keeping it; raises `BadSheet`, or OSError where it cannot be read."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
        head = _Lines(file, path)
        columns, delimiter = _header(head, path)
        kind = None if "type" in columns else _kind_of(columns, path)
        sheet = Sheet(path, digest, delimiter, columns, kind)
        _Index(sheet).build(head)
    for told in sheet.places:
        if missing := [name for name in NEEDED[told] if name not in columns]:
            raise BadSheet(f"{path}: row 1: a {told} needs the column{'s' * (len(missing) > 1)} {', '.join(missing)}")
    return sheet


def rows_of(sheet: Sheet, kind: str) -> Iterator[Numbered]:
    """The rows of one kind, group by group, each group in its order."""
    places = sheet.places.get(kind)
    if places is None:
        return
    order = sorted(range(len(places.groups)), key=places.groups.__getitem__)
    for place, row in zip(order, _read(sheet, places, order), strict=True):
        cells = {name: cell for name, cell in zip(sheet.columns, row, strict=False) if cell}
        for name in NOTES:
            cells.pop(name, None)
        yield Numbered(places.numbers[place], cells)


def _read(sheet: Sheet, places: Places, order: Iterable[int]) -> Iterator[list[str]]:
    """The rows at these places, cell by cell."""
    with sheet.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        # A record is one line to the reader, whatever line feeds stand between its quotes.
        records = (data[places.begins[place] : places.ends[place]].decode() for place in order)
        yield from csv.reader(records, delimiter=sheet.delimiter, strict=True)


class _Lines:
    """Lines of a file as text, and how far into the file they go."""

    def __init__(self, file: BinaryIO, path: Path, offset: int = 0) -> None:
        self._file = file
        self._path = path
        self.offset = offset

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            begins, self.offset = self.offset, self.offset + len(line)
            try:
                yield line.decode()
            except UnicodeDecodeError as wrong:
                at = begins + wrong.start
                raise BadSheet(f"{self._path}: byte {at + 1} is not UTF-8; save the sheet as CSV UTF-8") from None


def _header(lines: _Lines, path: Path) -> tuple[list[str], str]:
    line = next(iter(lines), "").removeprefix("\ufeff")
    delimiter = max(",;\t", key=line.count)
    names = [name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter), [])]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise BadSheet(f"{path}: row 1 must name the columns, and is empty")
    if strange := [name for name in names if name not in _COLUMNS]:
        known = ", ".join(sorted(_COLUMNS))
        raise BadSheet(f"{path}: row 1: no column is called {strange[0] or 'nothing'!r}; there are {known}")
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadSheet(f"{path}: row 1: the column {twice[0]} stands there twice")
    return names, delimiter


def _kind_of(columns: Sequence[str], path: Path) -> str:
    for column, kind in _TELLING:
        if column in columns and not (kind == "call" and "payment_id" in columns):
            return kind
    raise BadSheet(f"{path}: row 1: no column says what the rows tell of; add a column type with {', '.join(KINDS)}")


class _Index:
    """Notes where each row stands, as a sheet is read once; where something is taken back, its payments twice."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._taken_back: dict[str, list[int]] = {}  # a payment_id → the places of payments that take it back
        self._groups: dict[str, int] = {}
        self._place_of = {name: place for place, name in enumerate(sheet.columns)}

    def build(self, lines: "_Lines") -> None:
        """Reads all rows; empty ones are nothing."""
        sheet, number = self._sheet, 1
        reader = csv.reader(lines, delimiter=sheet.delimiter, strict=True)
        begins = lines.offset
        try:
            for number, row in enumerate(reader, start=2):
                if any(row):
                    self._note(row, number, begins, lines.offset)
                begins = lines.offset
        except csv.Error as wrong:
            raise BadSheet(f"{sheet.path}: row {number + 1}: {wrong}") from None
        if self._taken_back:
            self._join_originals(sheet.places["payment"])

    def _join_originals(self, places: Places) -> None:
        """What takes back a payment belongs to that payment's call: what it makes free, a later one may pay again."""
        payments = zip(range(len(places.numbers)), _read(self._sheet, places, range(len(places.numbers))), strict=True)
        for place, row in payments:
            for taking_back in self._taken_back.get(self._cell(row, "payment_id"), ()):
                places.groups[taking_back] = places.groups[place]

    def _note(self, row: list[str], number: int, begins: int, ends: int) -> None:
        sheet = self._sheet
        kind = sheet.kind or self._cell(row, "type")
        if kind not in NEEDED:
            sheet.misfits.append((number, kind, f"type: must be one of {', '.join(KINDS)}"))
        elif len(row) > len(sheet.columns) and any(row[len(sheet.columns) :]):
            why = f"the row has {len(row)} cells, and the sheet {len(sheet.columns)} columns"
            sheet.misfits.append((number, kind, why))
        else:
            places = sheet.places.setdefault(kind, Places())
            if kind == "payment" and (original := self._cell(row, "reverses")):
                self._taken_back.setdefault(original, []).append(len(places.numbers))
            places.add(number, begins, ends, self._group(kind, row))

    def _group(self, kind: str, row: list[str]) -> int:
        """A number for what the row belongs to; what takes back comes last, until its original is found."""
        match kind:
            case "payment" if not self._cell(row, "reverses"):
                belongs_to = self._cell(row, "call_key") or self._cell(row, "reference")
            case "call":
                belongs_to = self._cell(row, "allocation_key")
            case "payment":
                return _LAST
            case _:
                return 0
        return self._groups.setdefault(belongs_to, len(self._groups))

    def _cell(self, row: list[str], column: str) -> str:
        place = self._place_of.get(column, len(row))
        return row[place] if place < len(row) else ""


_LAST: Final = 2**62
