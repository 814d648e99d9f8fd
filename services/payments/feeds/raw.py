"""A bank's file as bytes, however they are kept: in memory, or spooled by whoever took them in."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from services.payments.feeds.model import BadFile

CHUNK_BYTES: Final = 64 * 1024


class Raw(Protocol):
    """Bytes that can be read from the beginning as often as one likes."""

    @property
    def size_bytes(self) -> int: ...

    def chunks(self) -> Iterator[bytes]:
        """All bytes, a piece at a time, from the beginning."""
        ...


@dataclass(frozen=True, slots=True)
class InMemory:
    """Bytes that are all here."""

    data: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def chunks(self) -> Iterator[bytes]:
        """All bytes, a piece at a time; one empty piece where there are none."""
        for start in range(0, max(len(self.data), 1), CHUNK_BYTES):
            yield self.data[start : start + CHUNK_BYTES]


def head_of(raw: Raw) -> bytes:
    """The first bytes, up to a chunk: enough to know a format by."""
    return next(raw.chunks(), b"")[:CHUNK_BYTES]


def whole(raw: Raw, most_bytes: int | None = None) -> bytes:
    """All bytes at once, for formats that are small by nature; raises `BadFile` for more than `most_bytes`."""
    if most_bytes is not None and raw.size_bytes > most_bytes:
        raise BadFile(1, f"the file has {raw.size_bytes} bytes; of this format at most {most_bytes} are taken")
    return raw.data if isinstance(raw, InMemory) else b"".join(raw.chunks())
