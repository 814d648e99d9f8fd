"""The chain: what an entry says, the hash that ties it to all entries before it, and the walk that proves it.

Byte for byte, so that anybody can check it without this code:
payload hash = SHA-256(0x02, salt, payload)
metadata     = the JSON array of the entry's facts, in the order of `Facts`, compact, UTF-8; the key as hexadecimal
               digits, times as ``2026-03-02T09:31:00.123456Z`` (no fraction where it is zero), nothing as null
hash         = SHA-256(0x00, hash before, sequence as 8 bytes, metadata, payload hash)
The hash before the first entry is 32 zero bytes. (0x01 is left to the nodes of a Merkle tree.)
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

import orjson

from shared import accounts
from shared.accounts import CutAccount
from shared.value import new_tuple

GENESIS: Final = bytes(32)
SALT_BYTES: Final = 16

_ENTRY: Final = b"\x00"
_PAYLOAD: Final = b"\x02"


class ChainId(NamedTuple):
    """There is one chain per partition of each topic."""

    topic: str
    partition: int


class Facts(NamedTuple):
    """What an entry says of an event besides its payload. The order is part of the hash."""

    topic: str
    partition: int
    incarnation: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    identity: str  # of two events with one identity in a topic, one is entered
    claimed_id: str | None  # an id that others gave, or that of the event a dead letter was
    type: str | None
    actor: str | None  # as claimed
    action: str | None
    resource_type: str | None
    resource_id: str | None
    outcome: str | None
    causation_id: str | None
    correlation_id: str | None
    occurred_at: datetime | None  # UTC
    recorded_at: datetime  # UTC

    @property
    def chain(self) -> ChainId:
        """The chain that the event belongs to."""
        return new_tuple(ChainId, self[:2])


class Item(NamedTuple):
    """An event to enter: its facts, and its payload as it may be stored."""

    facts: Facts
    payload: bytes


class Head(NamedTuple):
    """Where a chain ends: its last sequence (0 while it is empty) and that entry's hash."""

    sequence: int
    hash: bytes


BEGINNING: Final = Head(0, GENESIS)


class Link(NamedTuple):
    """An entry with its place in the chain."""

    sequence: int
    facts: Facts
    payload_hash: bytes
    hash: bytes
    salt: bytes | None  # None, with the payload, where it was erased
    payload: bytes | None


def metadata(facts: Facts) -> bytes:
    """The canonical bytes of the facts."""
    told: list[object] = list(facts)
    if facts.key is not None:
        told[5] = facts.key.hex()
    return orjson.dumps(told, option=orjson.OPT_UTC_Z)


def payload_hash(salt: bytes, payload: bytes) -> bytes:
    """What stands for the payload in the chain; without the salt nobody can guess what it was."""
    return sha256(_PAYLOAD + salt + payload).digest()


def entry_hash(before: bytes, sequence: int, facts: Facts, of_payload: bytes) -> bytes:
    """The hash of an entry that stands at `sequence`, after the entry whose hash is `before`."""
    return sha256(_ENTRY + before + sequence.to_bytes(8, "big") + metadata(facts) + of_payload).digest()


def append(head: Head, items: Iterable[Item], salts: bytes) -> list[Link]:
    """The items as the chain's next links; `salts` holds 16 random bytes for each."""
    sequence, before = head
    links = []
    for number, (facts, payload) in enumerate(items):
        sequence += 1
        salt = salts[number * SALT_BYTES : (number + 1) * SALT_BYTES]
        of_payload = payload_hash(salt, payload)
        before = entry_hash(before, sequence, facts, of_payload)
        links.append(new_tuple(Link, (sequence, facts, of_payload, before, salt, payload)))
    return links


# ---- the walk


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a chain, and at which sequence."""

    sequence: int
    problem: str
    detail: str


@dataclass(slots=True)
class Walk:
    """One chain, walked from its first entry in slices: feed `links` in order of sequence, then `finish`."""

    kept: Head | None = None  # a head of this chain that was stored elsewhere
    at: Head = BEGINNING
    erased: int = 0
    problems: list[Problem] = field(default_factory=list)

    def take(self, links: Sequence[Link], erasures: frozenset[int] = frozenset()) -> None:
        """The next slice; `erasures` are the sequences whose payload was erased by the rules."""
        for link in links:
            self._check(link, link.sequence in erasures)
            self.at = Head(link.sequence, link.hash)

    def _check(self, link: Link, erased: bool) -> None:
        expected = self.at.sequence + 1
        if link.sequence != expected:
            self._find(expected, "missing", f"the entry after {self.at.sequence} is {link.sequence}")
        elif entry_hash(self.at.hash, link.sequence, link.facts, link.payload_hash) != link.hash:
            self._find(link.sequence, "broken", "the entry, or the one before it, is not as it was written")
        if link.payload is not None and link.salt is not None:
            if payload_hash(link.salt, link.payload) != link.payload_hash:
                self._find(link.sequence, "payload_changed", "the payload is not as it was written")
        elif erased:
            self.erased += 1
        else:
            self._find(link.sequence, "payload_missing", "the payload is gone, and no erasure says why")
        if self.kept is not None and link.sequence == self.kept.sequence and link.hash != self.kept.hash:
            self._find(link.sequence, "rewritten", "the kept head is not this entry's hash")

    def finish(self, head: Head | None) -> None:
        """Compares the end with the head that the chain has of itself; None where that is gone."""
        if head is None:
            self._find(self.at.sequence, "head", "the chain's head is gone")
        elif self.at.sequence < head.sequence:
            self._find(head.sequence, "cut", f"entries {self.at.sequence + 1} to {head.sequence} are gone")
        elif self.at != head:
            self._find(head.sequence, "head", "the chain's head is not its last entry")
        if self.kept is not None and self.at.sequence < self.kept.sequence:
            self._find(self.kept.sequence, "cut", f"a kept head shows {self.kept.sequence} entries or more")

    def _find(self, sequence: int, problem: str, detail: str) -> None:
        self.problems.append(Problem(sequence, problem, detail))


# ---- account numbers

_ACCOUNT: Final = re.compile(rb'"account"\s*:\s*(null|"[^"\\]*")')


def cut_accounts(payload: bytes, key: bytes) -> bytes:
    """The payload with every member called ``account`` cut to a keyed hash and the account's last four characters.

    The usual shape is cut in the bytes, and everything else stays as it came. Other JSON is read and written anew; of
    what nobody can read, nothing is kept from that member on.
    """
    named = payload.count(b'"account"')
    escaped = b"\\" in payload and b"\\u" in payload  # one byte is found, or missed, much faster than two
    if not named and not escaped:
        return payload
    parts = _ACCOUNT.split(payload)  # what is around the members, and between every two parts a member's value
    if len(parts) == 2 * named + 1 and not escaped:
        parts[1::2] = [_cut_member(value, key) for value in parts[1::2]]
        return b"".join(parts)
    try:
        return json.dumps(_without_accounts(json.loads(payload), key), separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return payload.partition(b'"account"')[0]


@lru_cache(maxsize=10_000)  # the same investors pay again and again
def _cut_member(value: bytes, key: bytes) -> bytes:
    cut = value if value == b"null" else orjson.dumps(_cut(value[1:-1].decode("utf-8", "replace"), key))
    return b'"account":' + cut


def _without_accounts(value: object, key: bytes) -> object:
    match value:
        case dict():
            return {
                name: _cut(told if isinstance(told, str) else json.dumps(told), key)
                if name == "account" and told is not None
                else _without_accounts(told, key)
                for name, told in value.items()
            }
        case list():
            return [_without_accounts(each, key) for each in value]
        case _:
            return value


def _cut(account: str, key: bytes) -> str:
    return str(accounts.cut(account, key) or CutAccount(None, None))
