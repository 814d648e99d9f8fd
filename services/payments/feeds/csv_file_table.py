"""A bank's CSV as a table: its lines, its row of headers and its rows of cells, by the profile and strictly."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.payments.feeds import fields
from services.payments.feeds.csv_profile import Column, Header, Layout, Place, Profile
from services.payments.feeds.model import BadFile, Limits

_SHOWN_HEADERS: Final = 30
_FIRST_CONTROL, _LAST_CONTROL = "\x80", "\x9f"


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row, and the line of the file in which it begins."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What the file holds: rows between the lines around it, and where each column is."""

    rows: Iterator[Row | BadFile]
    around: tuple[Row, ...]
    first_line: int
    _places: dict[str, int]

    def cell(self, row: Row, column: Column) -> str:
        """The text of a row in a column, without blanks around it."""
        return row.cells[column - 1 if isinstance(column, int) else self._places[column]]


def decode(data: bytes, encoding: str) -> str:
    """The text in the profile's encoding and no other; raises `BadFile` with the line that does not fit."""
    if encoding == "utf-16" and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadFile(1, "the file does not begin with a byte order mark, so it is not in utf-16")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = len(fields.lines_of(data[: error.start].decode(encoding, "ignore") + "x"))
        shown = data[error.start : error.start + 1].hex()
        raise BadFile(line, f"the byte {shown} is no character in the profile's encoding, {encoding}") from None
    if text.startswith("\ufeff"):
        raise BadFile(1, "the file begins with a byte order mark: its profile must say utf-8-sig or utf-16")
    return text


def table_of(text: str, profile: Profile, limits: Limits) -> Table:
    """The table in a text; raises `BadFile` where its headers are not what the profile says."""
    lines = fields.lines_of(text)
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise BadFile(1, "the file is empty")
    _check_characters(lines, profile.layout.encoding)
    layout = profile.layout
    first, header = _header(lines, profile)
    last = len(lines) - layout.skip_bottom
    around = [
        Row(number, tuple(cell.strip() for cell in cells))
        for number in (*range(1, first), *range(max(last, first) + 1, len(lines) + 1))
        if (cells := _cells(lines[number - 1], layout)) is not None
    ]
    body = first + (header is not None)
    width = layout.width if header is None else len(header)
    assert width is not None  # `check` saw to it
    places = {} if header is None else _places(header, profile, first)
    for name, column in _columns_of_table(profile):
        if isinstance(column, int) and column > width:
            raise BadFile(first, f"the profile has {name} in column {column}, but there are only {width}")
    return Table(_rows(lines[body - 1 : max(last, body - 1)], body, width, layout, limits), tuple(around), body, places)


def _check_characters(lines: Sequence[str], encoding: str) -> None:
    for number, line in enumerate(lines, 1):
        if "\0" in line:
            raise BadFile(number, "the line has a NUL character in it: the file is damaged, or in another encoding")
        if encoding in {"latin-1", "iso8859-15"} and any(_FIRST_CONTROL <= one <= _LAST_CONTROL for one in line):
            raise BadFile(number, f"the line has characters that {encoding} does not have: the file may be in cp1252")


def _header(lines: Sequence[str], profile: Profile) -> tuple[int, tuple[str, ...] | None]:
    """The line of the headers and what they are; or the first line of the rows, and None."""
    layout = profile.layout
    top = layout.skip_top + 1
    if layout.header is not Header.SEARCH and top + layout.skip_bottom > len(lines):
        skipped = f"{layout.skip_top} at the top and {layout.skip_bottom} at the bottom"
        raise BadFile(len(lines), f"the file has {len(lines)} lines; the profile skips {skipped}")
    if layout.header is Header.NONE:
        return top, None
    if layout.header is Header.FIRST:
        cells = _cells(lines[top - 1], layout)
        if cells is None:
            raise BadFile(top, "the row of headers has a quote that is not closed, or is followed by more text")
        return top, _trimmed(cells, layout)
    wanted = _wanted(profile)
    best, fewest = 1, tuple(wanted)
    for number, line in enumerate(lines, 1):
        headers = _trimmed(_cells(line, layout) or (), layout)
        missing = tuple(one for one in wanted if one not in headers)
        if not missing:
            return number, headers
        if len(missing) < len(fewest):
            best, fewest = number, missing
    raise BadFile(best, f"no line has all headers of the profile; this one, the nearest, lacks {', '.join(fewest)}")


def _trimmed(cells: Sequence[str], layout: Layout) -> tuple[str, ...]:
    """Headers without blanks around and inside of them; without empty ones at the end where the profile allows them."""
    headers = [" ".join(cell.split()) for cell in cells]
    while layout.trailing_empty and headers and not headers[-1]:
        headers.pop()
    return tuple(headers)


def _columns_of_table(profile: Profile) -> list[tuple[str, Column]]:
    """All columns that the profile names, with what is in them."""
    stated = profile.balances
    named = list(profile.columns.all())
    if stated is not None and stated.place is Place.TABLE:
        named += [("balances.label", stated.label), ("balances.amount", stated.amount)]
    return named


def _wanted(profile: Profile) -> list[str]:
    """The headers that must be there."""
    return list(dict.fromkeys(column for _, column in _columns_of_table(profile) if isinstance(column, str)))


def _places(header: tuple[str, ...], profile: Profile, line: int) -> dict[str, int]:
    """Where each header that the profile names stands; it must stand there once."""
    wanted = _wanted(profile)
    if missing := [one for one in wanted if one not in header]:
        there = ", ".join(one[:40] for one in header[:_SHOWN_HEADERS])
        is_or_are = "header is" if len(missing) == 1 else "headers are"
        raise BadFile(line, f"the {is_or_are} missing: {', '.join(missing)}; there are: {there}")
    for one in wanted:
        if header.count(one) > 1:
            raise BadFile(line, f"the header {one} stands there twice: the profile must name the column by its number")
    return {one: header.index(one) for one in wanted}


def _rows(lines: Sequence[str], first: int, width: int, layout: Layout, limits: Limits) -> Iterator[Row | BadFile]:
    """The rows, and in the place of one that cannot be used, why; empty lines may only stand at the end."""
    empty: int | None = None
    for number, cells in _parsed(lines, first, layout):
        if isinstance(cells, BadFile):
            yield cells
            continue
        if not any(cell.strip() for cell in cells):
            empty = empty or number
            continue
        if empty is not None:
            yield BadFile(empty, f"the line is empty, but there are rows behind it, from line {number} on")
            empty = None
        if layout.trailing_empty and not any(cells[width:]):
            cells = cells[:width]  # noqa: PLW2901 - the same row without what says nothing
        if len(cells) != width:
            yield BadFile(number, f"the row has {len(cells)} columns; it must have {width}")
        elif longest := max((len(cell) for cell in cells if len(cell) > limits.text_characters), default=0):
            yield BadFile(number, f"a cell has {longest} characters; at most {limits.text_characters} are taken")
        else:
            yield Row(number, tuple(cell.strip() for cell in cells))


def _parsed(lines: Sequence[str], first: int, layout: Layout) -> Iterator[tuple[int, list[str] | BadFile]]:
    """Each row's line and cells. Where texts may not break, a line is read by itself: one that opens a quote and does
    not close it spoils no other."""
    if not layout.line_breaks:
        for number, line in enumerate(lines, first):
            cells = _cells(line, layout)
            yield number, BadFile(number, _why_no_cells(line)) if cells is None else cells
        return
    counted = _Counted(lines)
    reader = _reader(counted, layout)
    begins = first
    try:
        for cells in reader:
            yield begins, cells
            begins = first + counted.seen
    except csv.Error:
        yield begins, BadFile(begins, "a quote that is opened in this row is never closed, or text follows it")


class _Counted:
    """Lines with their ends, and how many of them were taken."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self.seen = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.seen += 1
            yield f"{line}\n"


def _cells(line: str, layout: Layout) -> list[str] | None:
    """The cells of one line; None where its quotes are wrong, or a cell is beyond all measure."""
    try:
        return next(_reader([line], layout), [])
    except csv.Error:
        return None


def _why_no_cells(line: str) -> str:
    most = csv.field_size_limit()
    if len(line) > most:
        return f"a cell has more than {most} characters, or a quote is not closed on this very long line"
    return "a quote is not closed on this line, or text follows where it is closed"


def _reader(lines: Iterable[str], layout: Layout) -> Iterator[list[str]]:
    if layout.quote is None:
        return csv.reader(lines, delimiter=layout.delimiter, quotechar=None, quoting=csv.QUOTE_NONE, strict=True)
    return csv.reader(lines, delimiter=layout.delimiter, quotechar=layout.quote, strict=True)
