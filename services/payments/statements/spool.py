"""An upload on its way in: on disk, unnamed, gone when it is closed; hashed while it comes."""

import hashlib
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import IO, Final, Self

PIECE_BYTES: Final = 1024 * 1024
_CHUNK_BYTES: Final = 64 * 1024


class Spool:
    """A file's bytes as they came; as `Raw`, formats read it a chunk at a time, from the beginning each time."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(prefix="drawdown-upload-")  # noqa: SIM115 (closed by `__exit__`)
        self._digest = hashlib.sha256()
        self._size_bytes = 0

    @classmethod
    def of(cls, data: bytes) -> Self:
        """A spool that holds `data`."""
        made = cls()
        made.add(data)
        return made

    def add(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._digest.update(chunk)
        self._size_bytes += len(chunk)

    @property
    def sha256(self) -> bytes:
        return self._digest.digest()

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def chunks(self) -> Iterator[bytes]:
        """All bytes, 64 KiB at a time."""
        return self._read(_CHUNK_BYTES)

    def pieces(self) -> Iterator[bytes]:
        """All bytes, as they are stored: a megabyte at a time."""
        return self._read(PIECE_BYTES)

    def _read(self, length: int) -> Iterator[bytes]:
        self._file.flush()
        position = 0
        while True:  # readers may take turns: each keeps its own place
            self._file.seek(position)
            piece = self._file.read(length)
            if not piece:
                return
            position += len(piece)
            yield piece

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
