"""The records of a BAI2 file: physical lines joined into logical records, and these into accounts, groups and a file.

All of it with line numbers. Which record may follow which is settled here, so that a file which was cut off is known
before anything of it is believed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from services.payments.feeds.fields import lines_of
from services.payments.feeds.model import BadFile, Limits

_NAMES: Final = {
    "01": "file header", "02": "group header", "03": "account", "16": "transaction", "49": "account trailer",
    "88": "continuation", "98": "group trailer", "99": "file trailer",
}  # fmt: skip
_FOLLOWERS: Final = {
    "": {"01"}, "01": {"02"}, "02": {"03"}, "03": {"16", "49"}, "16": {"16", "49"}, "49": {"03", "98"},
    "98": {"02", "99"}, "99": set(),
}  # fmt: skip
_FILE_HEADER_LENGTH_FIELD: Final = 6
_SHORTEST_PADDED: Final = 40
_ROWS_PER_ENTRY: Final = 4  # on the whole; each row is kept
_RECORD: Final = re.compile(r"([0-9]{2}),(.*)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """One physical record: what stands behind its code, up to its slash; `ended` says that there was one."""

    line: int
    content: str
    ended: bool


@dataclass(frozen=True, slots=True)
class Record:
    """One logical record with its continuations."""

    code: str
    rows: tuple[Row, ...]

    @property
    def line(self) -> int:
        return self.rows[0].line


@dataclass(frozen=True, slots=True)
class Account:
    header: Record
    details: tuple[Record, ...]
    trailer: Record

    @property
    def rows(self) -> int:
        """How many physical records it has, as its trailer counts them."""
        return sum(len(record.rows) for record in (self.header, *self.details, self.trailer))


@dataclass(frozen=True, slots=True)
class Group:
    header: Record
    accounts: tuple[Account, ...]
    trailer: Record

    @property
    def rows(self) -> int:
        return len(self.header.rows) + sum(account.rows for account in self.accounts) + len(self.trailer.rows)


@dataclass(frozen=True, slots=True)
class File:
    header: Record
    groups: tuple[Group, ...]
    trailer: Record

    @property
    def rows(self) -> int:
        return len(self.header.rows) + sum(group.rows for group in self.groups) + len(self.trailer.rows)


class Fields:
    """The fields of a record, one after the other across its rows; what was left out at its end is empty."""

    def __init__(self, record: Record) -> None:
        self._rows = record.rows
        self._split = [row.content.split(",") for row in record.rows]
        self._row = 0
        self._at = 0

    @property
    def line(self) -> int:
        """Where the next field stands."""
        return self._rows[min(self._row, len(self._rows) - 1)].line

    def take(self) -> str:
        """The next field. One never goes over the end of its row, so a row that does not say where it ends is not
        taken."""
        if not self._find():
            return ""
        field = self._split[self._row][self._at].strip()
        self._at += 1
        return field

    def more(self) -> bool:
        """Whether anything follows that says something; what is only commas at the end of a row is passed over."""
        while self._find():
            if any(field.strip() for field in self._split[self._row][self._at :]):
                return True
            self._at = len(self._split[self._row])
        return False

    def text(self) -> str:
        """All that is left, as one text: it may hold commas and slashes, and goes on over rows."""
        pieces = [",".join(self._split[self._row][self._at :])] if self._row < len(self._rows) else []
        pieces += [row.content for row in self._rows[self._row + 1 :]]
        self._row = len(self._rows)
        return " ".join(piece for piece in pieces if piece.strip())

    def _find(self) -> bool:
        while self._row < len(self._rows) and self._at >= len(self._split[self._row]):
            row = self._rows[self._row]
            if not row.ended and self._row + 1 < len(self._rows):
                raise BadFile(row.line, "the record goes on in the next line, but lacks the / that ends its last field")
            self._row, self._at = self._row + 1, 0
        return self._row < len(self._rows)


def file_of(text: str, limits: Limits) -> File:
    """The file that a text is; raises `BadFile` where its records are not in order, or something is missing."""
    most = limits.entries * _ROWS_PER_ENTRY
    if text.count("\n") + text.count("\r") > most * 2:  # which may be pairs
        raise BadFile(1, f"the file has more than {most} records: send it in parts")
    records = _in_order(list(_records(_physical(text), limits)))
    groups: list[Group] = []
    accounts: list[Account] = []
    open_group: Record | None = None
    for code, those in groupby(records[1:-1], key=_level):
        run = list(those)
        if code == "group header":
            open_group = run[0]
        elif code == "group trailer":
            assert open_group is not None  # by the order of records
            groups.append(Group(open_group, tuple(accounts), run[0]))
            accounts = []
        else:
            accounts.extend(_accounts(run))
    return File(records[0], tuple(groups), records[-1])


def _level(record: Record) -> str:
    return _NAMES[record.code] if record.code in {"02", "98"} else "accounts"


def _accounts(records: Sequence[Record]) -> Iterator[Account]:
    start = 0
    for at, record in enumerate(records):
        if record.code == "49":
            yield Account(records[start], tuple(records[start + 1 : at]), record)
            start = at + 1


def _in_order(records: Sequence[Record]) -> Sequence[Record]:
    before = ""
    for record in records:
        if record.code not in _FOLLOWERS[before]:
            raise BadFile(record.line, _out_of_order(before, record.code))
        before = record.code
    if before != "99":
        last = records[-1].rows[-1].line if records else 1
        raise BadFile(last, f"the file ends here, without its file trailer (99): {_missing(before)}")
    return records


def _out_of_order(before: str, code: str) -> str:
    found = f"{code} ({_NAMES[code]})"
    if before == "99":
        return f"record {found} stands behind the end of the file (99): send each file by itself"
    if before == "":
        return f"the file begins with record {found}, not with its file header (01)"
    expected = " or ".join(sorted(_FOLLOWERS[before]))
    return f"record {found} cannot follow {before} ({_NAMES[before]}): {expected} must"


def _missing(last: str) -> str:
    return "it was cut off" if last else "it has no records"


def _physical(text: str) -> list[str]:
    """The lines; a file without any line ends is cut at the record length that its header states."""
    lines = lines_of(text.removeprefix("\ufeff").rstrip("\x1a"))
    stated = lines[0].split(",", _FILE_HEADER_LENGTH_FIELD + 1)[_FILE_HEADER_LENGTH_FIELD:] if len(lines) == 1 else []
    if (
        stated
        and stated[0].isascii()
        and stated[0].isdigit()
        and len(stated[0]) < 6
        and int(stated[0]) >= _SHORTEST_PADDED
    ):
        length = int(stated[0])
        return [lines[0][start : start + length] for start in range(0, len(lines[0]), length)]
    return lines


def _records(lines: Sequence[str], limits: Limits) -> Iterator[Record]:
    code, rows = "", list[Row]()
    for number, whole in enumerate(lines, start=1):
        line = whole.strip()
        if not line:
            continue
        if len(line) > limits.text_characters:
            raise BadFile(number, f"the record is longer than {limits.text_characters} characters")
        match = _RECORD.fullmatch(line)
        if match is None or match[1] not in _NAMES:
            raise BadFile(number, f"{line[:12]!r} begins no record that BAI2 knows")
        row = Row(number, match[2].removesuffix("/"), match[2].endswith("/"))
        if match[1] == "88":
            if not rows:
                raise BadFile(number, "the file begins with a continuation (88)")
            rows.append(row)
            continue
        if rows:
            yield Record(code, tuple(rows))
        code, rows = match[1], [row]
    if rows:
        yield Record(code, tuple(rows))
