"""Following a conversation: where its messages begin and end, and what each of them is.

Pieces come out as the bytes went in, all of them and in order; a piece that is worth aiming at carries its name.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol


class Piece(NamedTuple):
    """Bytes to pass on. `name` is what they are, or what they answer; None where nobody aims at it."""

    data: bytes
    name: str | None = None


class Follower(Protocol):
    """One connection's conversation; `who` is the name the client gave itself, empty until then."""

    who: str

    def up(self, data: bytes) -> Iterator[Piece]: ...
    def down(self, data: bytes) -> Iterator[Piece]: ...


_ASKS_TO_ENCRYPT: Final = frozenset({80877103, 80877104})
_STARTUP: Final = 196608


@dataclass(slots=True)
class PostgresFollower:
    """PostgreSQL's protocol, version 3: statements by their first word, on their way; command tags by theirs, back."""

    who: str = ""
    _to_server: bytearray = field(default_factory=bytearray)
    _to_client: bytearray = field(default_factory=bytearray)
    _started: bool = False
    _bytes_without_frame: int = 0  # one answers each question whether to encrypt
    _statements: dict[bytes, str] = field(default_factory=dict)
    _portals: dict[bytes, str] = field(default_factory=dict)

    def up(self, data: bytes) -> Iterator[Piece]:
        buffer = self._to_server
        buffer += data
        while not self._started and len(buffer) >= 8 and len(buffer) >= (size := int.from_bytes(buffer[:4])):
            self._start(bytes(buffer[4:size]))
            yield Piece(_take(buffer, size))
        at = 0
        while self._started and (end := _framed(buffer, at)):
            word = self._word(buffer[at], bytes(buffer[at + 5 : end]))
            if word is not None:
                if at:
                    yield Piece(_take(buffer, at))
                yield Piece(_take(buffer, end - at), word)
                at = 0
            else:
                at = end
        if at:
            yield Piece(_take(buffer, at))

    def down(self, data: bytes) -> Iterator[Piece]:
        buffer = self._to_client
        buffer += data
        if self._bytes_without_frame and buffer:
            self._bytes_without_frame -= 1
            yield Piece(_take(buffer, 1))
        at = 0
        while end := _framed(buffer, at):
            if buffer[at] == ord("C"):
                if at:
                    yield Piece(_take(buffer, at))
                tag = bytes(buffer[5 : end - at])
                yield Piece(_take(buffer, end - at), _first_word(tag))
                at = 0
            else:
                at = end
        if at:
            yield Piece(_take(buffer, at))

    def _start(self, body: bytes) -> None:
        code = int.from_bytes(body[:4])
        if code in _ASKS_TO_ENCRYPT:
            self._bytes_without_frame += 1
        if code == _STARTUP:
            words = body[4:].split(b"\0")
            said = dict(zip(words[::2], words[1::2], strict=False))
            self.who = said.get(b"application_name", b"").decode("utf-8", "replace")
        self._started = code not in _ASKS_TO_ENCRYPT

    def _word(self, kind: int, body: bytes) -> str | None:
        """The first word of the statement that a message has done; None for messages that do none."""
        match chr(kind):
            case "Q":
                return _first_word(body)
            case "P":
                name, _, sql = body.partition(b"\0")
                self._statements[name] = _first_word(sql)
            case "B":
                portal, name, *_ = body.split(b"\0", 2)
                self._portals[portal] = self._statements.get(name, "")
            case "E":
                return self._portals.get(body.partition(b"\0")[0])
            case _:
                pass
        return None


def _take(buffer: bytearray, size: int) -> bytes:
    taken = bytes(buffer[:size])
    del buffer[:size]
    return taken


def _framed(buffer: bytearray, at: int) -> int:
    """Where the message that begins at `at` ends; 0 while it is not whole."""
    if len(buffer) < at + 5:
        return 0
    end = at + 1 + int.from_bytes(buffer[at + 1 : at + 5])
    return end if len(buffer) >= end else 0


def _first_word(text: bytes) -> str:
    words = text[:200].split(b"\0")[0].replace(b";", b" ").split()
    return words[0].decode("ascii", "replace").upper() if words else ""


# Those worth aiming at; others go by their number.
_REQUESTS: Final[Mapping[int, str]] = {
    0: "produce",
    1: "fetch",
    2: "list_offsets",
    3: "metadata",
    8: "offset_commit",
    9: "offset_fetch",
    10: "find_coordinator",
    11: "join_group",
    12: "heartbeat",
    13: "leave_group",
    14: "sync_group",
    18: "api_versions",
    22: "init_producer_id",
}


@dataclass(slots=True)
class KafkaFollower:
    """Kafka's protocol: requests by their name, and each answer by the request that it belongs to."""

    who: str = ""
    _to_server: bytearray = field(default_factory=bytearray)
    _to_client: bytearray = field(default_factory=bytearray)
    _asked: dict[int, str] = field(default_factory=dict)

    def up(self, data: bytes) -> Iterator[Piece]:
        self._to_server += data
        for frame in _sized(self._to_server):
            key, correlation = int.from_bytes(frame[4:6]), int.from_bytes(frame[8:12])
            length = int.from_bytes(frame[12:14], signed=True)
            self.who = frame[14 : 14 + max(length, 0)].decode("utf-8", "replace")
            name = self._asked[correlation] = _REQUESTS.get(key, str(key))
            yield Piece(frame, name)

    def down(self, data: bytes) -> Iterator[Piece]:
        self._to_client += data
        for frame in _sized(self._to_client):
            yield Piece(frame, self._asked.pop(int.from_bytes(frame[4:8]), None))


def _sized(buffer: bytearray) -> Iterator[bytes]:
    while len(buffer) >= 4 and len(buffer) >= (size := 4 + int.from_bytes(buffer[:4])):
        yield _take(buffer, size)


FOLLOWERS: Final[Mapping[str, Callable[[], Follower]]] = {"postgres": PostgresFollower, "kafka": KafkaFollower}
