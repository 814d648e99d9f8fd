"""The history of a campaign: what was to be sent, on disk before it was sent, and what came of it.

One JSON object a line. `Journal` writes it in the load's process; `read` makes of it what the judge needs.
"""

import base64
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

Identity = tuple[str, str]  # source, payment_id


@dataclass(frozen=True, slots=True)
class Entry:
    """A payment as its sender knows it; two entries of one identity and other content are a conflict."""

    source: str
    payment_id: str
    kind: str
    amount_minor: int
    currency: str
    value_date: str
    call_id: int | None
    reverses: str | None = None

    @property
    def identity(self) -> Identity:
        return self.source, self.payment_id


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was made over HTTP, and what the load means to do with it."""

    id: int
    allocation_id: int
    fund_id: int
    amount_minor: int
    currency: str
    reference: str
    role: str


@dataclass(slots=True)
class Asked:
    """One command over HTTP: repeated with the same key until it was answered, or never answered."""

    what: str
    path: str
    body: Mapping[str, Any]
    facts: Mapping[str, Any]
    status: int | None = None
    answer: Any = None
    repeats: int = 0
    differing: int = 0  # repeats that were answered otherwise


class Journal:
    """Writes lines, and puts them on disk before it returns where the caller is about to act on them."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._batch = 0

    def close(self) -> None:
        self._file.close()

    def _write(self, line: Mapping[str, Any], *, sync: bool = False) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        if sync:
            os.fsync(self._file.fileno())

    def call(self, call: Call) -> None:
        self._write({"t": "call", **asdict(call)})

    def send(self, records: Sequence[Entry | bytes]) -> int:
        """A batch that is sent right after; its number."""
        self._batch += 1
        shown = [r.decode("latin-1") if isinstance(r, bytes) else asdict(r) for r in records]
        self._write({"t": "send", "batch": self._batch, "records": shown}, sync=True)
        return self._batch

    def sent(self, batch: int, places: Sequence[tuple[int, int] | None]) -> None:
        """Where each record of a batch was acknowledged, as (partition, offset); None where nobody knows."""
        self._write({"t": "sent", "batch": batch, "places": places})

    def ask(self, key: str, what: str, path: str, body: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        self._write({"t": "ask", "key": key, "what": what, "path": path, "body": body, "facts": facts}, sync=True)

    def answer(self, key: str, status: int, answer: Any) -> None:
        self._write({"t": "answer", "key": key, "status": status, "answer": answer})

    def again(self, key: str, *, same: bool) -> None:
        """The same request was sent once more, after its answer."""
        self._write({"t": "again", "key": key, "same": same})


@dataclass(slots=True)
class History:
    """A whole journal: entries and unreadable records by how their sending ended, calls, and commands."""

    calls: dict[int, Call] = field(default_factory=dict)
    acked: dict[Identity, set[Entry]] = field(default_factory=dict)
    unsure: dict[Identity, set[Entry]] = field(default_factory=dict)
    bad_acked: set[bytes] = field(default_factory=set)
    bad_unsure: set[bytes] = field(default_factory=set)
    places: set[tuple[int, int]] = field(default_factory=set)
    asked: dict[str, Asked] = field(default_factory=dict)
    records: int = 0

    def contents(self, identity: Identity) -> set[Entry]:
        """Everything that was sent under an identity, acknowledged or not."""
        return self.acked.get(identity, set()) | self.unsure.get(identity, set())

    def of(self, what: str) -> Iterable[Asked]:
        return (asked for asked in self.asked.values() if asked.what == what)


def read(path: Path) -> History:
    """The history so far; a last line that was cut is what a killed writer leaves."""
    history = History()
    batches: dict[int, list[Entry | bytes]] = {}
    with path.open(encoding="utf-8") as lines:
        for text in lines:
            if not text.endswith("\n"):
                break
            _take(history, batches, json.loads(text))
    for records in batches.values():
        for record in records:
            _file_under(history, record, acked=False)
    return history


def _take(history: History, batches: dict[int, list[Entry | bytes]], line: dict[str, Any]) -> None:
    match line.pop("t"):
        case "call":
            history.calls[line["id"]] = Call(**line)
        case "send":
            shown = line["records"]
            batches[line["batch"]] = [r.encode("latin-1") if isinstance(r, str) else Entry(**r) for r in shown]
        case "sent":
            for record, place in zip(batches.pop(line["batch"]), line["places"], strict=True):
                _file_under(history, record, acked=place is not None)
                if place is not None:
                    history.places.add((place[0], place[1]))
        case "ask":
            key = line.pop("key")
            history.asked[key] = Asked(**line)
        case "answer":
            asked = history.asked[line["key"]]
            asked.status, asked.answer = line["status"], line["answer"]
        case "again":
            history.asked[line["key"]].repeats += 1
            history.asked[line["key"]].differing += not line["same"]
        case other:
            raise ValueError(f"no line of a journal: {other}")


def _file_under(history: History, record: Entry | bytes, *, acked: bool) -> None:
    history.records += 1
    if isinstance(record, bytes):
        (history.bad_acked if acked else history.bad_unsure).add(record)
    else:
        by_identity = history.acked if acked else history.unsure
        by_identity.setdefault(record.identity, set()).add(record)


def fingerprint(raw: bytes) -> str:
    """A short name of an unreadable record, for messages."""
    return base64.b64encode(raw[:24]).decode()
