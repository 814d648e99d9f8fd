"""The file of events: frames of two lengths (4 bytes each, big-endian), the key and the value, back to back.

Every contender reads the same file, in whatever language; Java's `DataInputStream.readInt` reads the lengths.
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

Frame = tuple[bytes, bytes]  # key, value

_LENGTHS: Final = struct.Struct(">II")
_CHUNK_BYTES: Final = 4 * 1024 * 1024


def write(path: Path, frames: Iterable[Frame]) -> int:
    """Writes all frames and says how many; the file is there whole or not at all."""
    draft = path.with_suffix(".new")
    count = 0
    with draft.open("wb", buffering=_CHUNK_BYTES) as file:
        for key, value in frames:
            file.write(_LENGTHS.pack(len(key), len(value)) + key + value)
            count += 1
    draft.replace(path)
    return count


def read(path: Path, limit: int | None = None) -> Iterator[Frame]:
    """The frames in their order, the first `limit` of them where it is given."""
    left = -1 if limit is None else limit
    with path.open("rb", buffering=_CHUNK_BYTES) as file:
        while left and (lengths := file.read(_LENGTHS.size)):
            key_bytes, value_bytes = _LENGTHS.unpack(lengths)
            yield file.read(key_bytes), file.read(value_bytes)
            left -= 1
