"""Record headers whose names are not UTF-8: other people's clients may send them, and aiokafka cannot read on past one.

It decodes names inside its parser, where the error ends the reader's loop; a new reader meets the same record again.
"""

from collections.abc import Iterator
from typing import Any, Final

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy


def read_any() -> None:
    """From now on every consumer of this process reads such records; odd bytes of a name show as their escapes."""
    fetcher.MemoryRecords = _Records


class _Records(_MemoryRecordsPy):  # type: ignore[misc]  # aiokafka has no types
    """The batches of one fetch."""

    def next_batch(self) -> Any:
        raw = self._next_slice
        return _Batch(super().next_batch(), raw)


class _Batch:
    """A batch by aiokafka's own quick parser, or record by record by its slow one where that fails."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch: Final = batch
        self._raw: Final = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except UnicodeDecodeError:
            slowly = _DefaultRecordBatchPy(self._raw)
            iter(slowly)  # uncompresses
            slowly._buffer = _Lenient(slowly._buffer)  # noqa: SLF001  (so that names are cut from lenient bytes)
            return iter(list(slowly))

    def __next__(self) -> Any:
        return next(self._batch)


class _Lenient(bytearray):
    """Bytes whose slices are text whatever they hold."""

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _Lenient(found) if isinstance(at, slice) else found

    def decode(self, encoding: str = "utf-8", _errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")
