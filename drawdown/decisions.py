"""Decisions about held money in a file: CSV with a head, one payment a row, read whole before anything is sent."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

HEAD: Final = ("payment_id", "action", "parts", "reason")
ACTIONS: Final = ("apply", "return", "dismiss")
LARGEST: Final = 2**63 - 1

_ID: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_PART: Final = re.compile(r"([0-9]{1,19}):([0-9]{1,15}(?:\.[0-9]{1,4})?)", re.ASCII)


class BadDecisions(ValueError):
    """The file is refused; each problem names its line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one payment's money on hold; `parts` are calls and amounts in major units."""

    line: int
    payment_id: int
    action: str
    parts: tuple[tuple[int, str], ...]
    reason: str

    @classmethod
    def read(cls, line: int, payment_id: str, action: str, parts: str, reason: str) -> "Decision":
        """The decision that a row says; raises ValueError in words for who wrote it."""
        if not _ID.fullmatch(payment_id) or not 0 < int(payment_id) <= LARGEST:
            raise ValueError(f"{payment_id!r} is no payment's id")
        if action not in ACTIONS:
            raise ValueError(f"the action is one of {', '.join(ACTIONS)}, not {action!r}")
        if (action == "apply") != bool(parts.strip()):
            raise ValueError("parts such as 17:400000.00 18:2.50 belong to apply, and to it alone")
        if not reason.strip():
            raise ValueError("a decision needs a reason")
        read = []
        for told in parts.split():
            match = _PART.fullmatch(told)
            if match is None or not 0 < int(match[1]) <= LARGEST:
                raise ValueError(f"{told!r} is no call and amount such as 17:400000.00")
            read.append((int(match[1]), match[2]))
        return cls(line, int(payment_id), action, tuple(read), reason.strip())

    def as_json(self) -> dict[str, Any]:
        """As the API takes it."""
        parts = [{"call_id": call_id, "amount": amount} for call_id, amount in self.parts]
        told: dict[str, Any] = {"payment_id": self.payment_id, "action": self.action, "reason": self.reason}
        return {**told, "parts": parts} if parts else told


def read_decisions(content: bytes) -> list[Decision]:
    """All decisions of a file; raises `BadDecisions` with every line that is wrong, and takes nothing then."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise BadDecisions([f"line {line}: not UTF-8 text"]) from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    decisions: dict[int, Decision] = {}
    problems: list[str] = []
    try:
        head = next(rows, [])
        if [name.strip() for name in head] != list(HEAD):
            raise BadDecisions([f"line 1: the head must be {','.join(HEAD)}"])
        for row in rows:
            if row:
                _take(rows.line_num, row, decisions, problems)
    except csv.Error as error:
        problems.append(f"line {rows.line_num}: {error}")
    if not decisions and not problems:
        problems.append("line 2: there is no decision in this file")
    if problems:
        raise BadDecisions(problems)
    return list(decisions.values())


def _take(line: int, row: Sequence[str], decisions: dict[int, Decision], problems: list[str]) -> None:
    if len(row) != len(HEAD):
        problems.append(f"line {line}: {len(row)} columns in place of {len(HEAD)}")
        return
    payment_id, action, parts, reason = row
    try:
        decision = Decision.read(line, payment_id.strip(), action.strip(), parts, reason)
    except ValueError as error:
        problems.append(f"line {line}: {error}")
        return
    first = decisions.setdefault(decision.payment_id, decision)
    if first is not decision:
        problems.append(f"line {line}: payment {decision.payment_id} stands in line {first.line} already")
