"""What became of each row: a sheet beside the sheet, written while it goes on, and the counts of it."""

import csv
import mmap
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

COLUMNS: Final = ("row", "type", "key", "outcome", "id", "code", "reason")


class RowResult(NamedTuple):
    """One line of the sheet of results. `status` is a payment's: where its money is."""

    number: int
    kind: str
    key: str
    outcome: str  # created | already_there | refused
    id: int | None = None
    code: str | None = None
    reason: str | None = None
    status: str | None = None


@dataclass(slots=True)
class Counts:
    """How many rows came to what; `held` are payments among them whose money is on hold."""

    created: int = 0
    already_there: int = 0
    refused: int = 0
    held: int = 0
    codes: Counter[str] = field(default_factory=Counter)  # of refusals

    def add(self, one: RowResult) -> None:
        setattr(self, one.outcome, getattr(self, one.outcome) + 1)
        if one.outcome == "refused":
            self.codes[one.code or ""] += 1
        elif one.status in {"held", "partly_held"}:
            self.held += 1


def results_beside(path: Path) -> Path:
    """Where the results of a sheet are written."""
    return path.with_name(f"{path.name}.result.csv")


class Results:
    """The sheet of results of one file, open for writing; what was written is there whatever happens next.

    It grows in the order in which rows are done; once all are, it is put into the order of the rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = results_beside(path)
        self.counts = Counts()
        self._numbers = array("q")
        self._begins = array("q")
        self._written = 0  # bytes
        self._lines: Any = csv.writer(_Echo(), lineterminator="\n")

    def __enter__(self) -> Self:
        self._file = self.path.open("wb")
        self._write(COLUMNS)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        if error is None and self._numbers:
            self._put_in_order()

    def _put_in_order(self) -> None:
        draft = self.path.with_name(f"{self.path.name}.new")
        ends = [*self._begins[1:], self.path.stat().st_size]
        with (
            self.path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
            draft.open("wb") as ordered,
        ):
            ordered.write(data[: self._begins[0]])
            for place in sorted(range(len(ends)), key=self._numbers.__getitem__):
                ordered.write(data[self._begins[place] : ends[place]])
        draft.replace(self.path)

    def add(self, some: Iterable[RowResult]) -> None:
        """Writes what became of some rows, and counts it."""
        for one in some:
            self.counts.add(one)
            self._numbers.append(one.number)
            self._begins.append(self._written)
            outcome = "already there" if one.outcome == "already_there" else one.outcome
            self._write((one.number, one.kind, _shown(one.key), outcome, one.id, one.code, one.reason))
        self._file.flush()

    def _write(self, cells: Iterable[object]) -> None:
        line: bytes = self._lines.writerow(cells)  # which gives what its echo gives
        self._file.write(line)
        self._written += len(line)


class _Echo:
    """A file that gives back what is written to it, as bytes."""

    def write(self, text: str) -> bytes:
        return text.encode()


def _shown(text: str) -> str:
    """A cell that a spreadsheet takes for a formula is shown as the text that it is."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
