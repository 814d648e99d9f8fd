"""The second reading of the chains: hashes computed anew from what is stored, by this program's own arithmetic.

It shares nothing with the audit service but the description of the bytes:
a payload is stood for by SHA-256 of 02, its salt and its bytes; an entry's hash is SHA-256 of 00, the hash of the entry
before (zeros for the first), its sequence in 8 bytes, its metadata as a compact JSON array, and its payload's hash.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

ZEROS: Final = "00" * 32


class Name(NamedTuple):
    """A chain: a partition of a topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


class Mark(NamedTuple):
    """An entry's place and hash: the end of a chain, or a head that somebody kept."""

    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Row:
    """One stored entry. `told` are its facts as JSON shows them; hashes and bytes are hexadecimal."""

    sequence: int
    told: tuple[str | int | None, ...]
    payload_hash: str
    hash: str
    salt: str | None
    payload: str | None
    erased: bool


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong in a chain, and where."""

    chain: Name
    sequence: int
    problem: str
    detail: str


@dataclass(slots=True)
class Chain:
    """One chain, walked row by row from its first: `add` each in order of sequence, then `close`.

    `kept` is a head of it that somebody kept elsewhere.
    """

    name: Name
    kept: Mark | None = None
    end: Mark = field(default_factory=lambda: Mark(0, ZEROS))
    erased: int = 0
    flaws: list[Flaw] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """The row that comes next."""
        for problem, detail in _flaws_of(row, self.end, self.kept):
            self.flaws.append(Flaw(self.name, row.sequence, problem, detail))
        self.erased += row.payload is None and row.erased
        self.end = Mark(row.sequence, row.hash)

    def close(self, head: Mark | None) -> None:
        """No row is left; `head` is where the chain itself says that it ends."""
        for sequence, problem, detail in _flaws_of_the_end(self.end, head, self.kept):
            self.flaws.append(Flaw(self.name, sequence, problem, detail))


def _flaws_of(row: Row, before: Mark, kept: Mark | None) -> Iterator[tuple[str, str]]:
    if row.sequence != before.sequence + 1:
        yield "missing", f"nothing stands between {before.sequence} and {row.sequence}"
    elif chained(row, before.hash) != row.hash:
        yield "broken", "this entry, or the one before it, is not as it was written"
    if row.payload is None or row.salt is None:
        if not row.erased:
            yield "payload_missing", "the payload is gone, and no erasure says why"
    elif sealed(row.salt, row.payload) != row.payload_hash:
        yield "payload_changed", "the payload is not as it was written"
    if kept is not None and kept.sequence == row.sequence and kept.hash != row.hash:
        yield "rewritten", "the head that was kept is not this entry's hash"


def _flaws_of_the_end(end: Mark, head: Mark | None, kept: Mark | None) -> Iterator[tuple[int, str, str]]:
    if head is None:
        yield end.sequence, "head", "the chain's head is gone"
    elif end.sequence < head.sequence:
        yield head.sequence, "cut", f"the head says {head.sequence} entries, {end.sequence} are there"
    elif end != head:
        yield head.sequence, "head", f"the head is not entry {end.sequence}, the last one"
    if kept is not None and end.sequence < kept.sequence:
        yield kept.sequence, "cut", f"a kept head shows {kept.sequence} entries, {end.sequence} are there"


def sealed(salt: str, payload: str) -> str:
    """What stands for a payload in the chain."""
    return hashlib.sha256(bytes.fromhex(f"02{salt}{payload}")).hexdigest()


def chained(row: Row, before: str) -> str:
    """The hash that the row must have, after an entry with the hash `before`."""
    metadata = json.dumps(row.told, ensure_ascii=False, separators=(",", ":")).encode()
    place = f"{row.sequence:016x}"
    return hashlib.sha256(bytes.fromhex(f"00{before}{place}{metadata.hex()}{row.payload_hash}")).hexdigest()


def heads_of(document: object) -> dict[Name, Mark]:
    """The heads in a document as ``drawdown audit heads`` writes it; raises ValueError for anything else."""
    match document:
        case {"heads": [*listed]}:
            return dict(_head_of(one) for one in listed)
        case _:
            raise ValueError("a file of heads is a JSON object with the member heads")


def _head_of(one: object) -> tuple[Name, Mark]:
    match one:
        case {"topic": str(topic), "partition": int(partition), "sequence": int(sequence), "hash": str(digest)}:
            return Name(topic, partition), Mark(sequence, digest.lower())
        case _:
            raise ValueError("a head has a topic, a partition, a sequence and a hash")


def as_document(heads: Mapping[Name, Mark]) -> dict[str, object]:
    """The heads as a JSON document, to be kept elsewhere."""
    return {
        "heads": [
            {"topic": name.topic, "partition": name.partition, "sequence": mark.sequence, "hash": mark.hash}
            for name, mark in heads.items()
        ]
    }
