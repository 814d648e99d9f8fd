"""What a fetch brings, read in our way: one bare tuple per record, and any bytes in the names of its headers.

aiokafka makes a second object of each record, which costs more than parsing it. And it decodes header names inside its
parser, where a name that is not UTF-8 ends the reader's loop; a new reader meets the same record again.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import _MemoryRecordsPy

from shared.value import new_tuple


class Fetched(NamedTuple):
    """One record: the members of aiokafka's own that anybody here reads, under the same names."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


def take_over() -> None:
    """From now on every consumer of this process reads records so; odd bytes of a header's name show as escapes."""
    fetcher.MemoryRecords = _Records
    fetcher.PartitionRecords = _PartitionRecords


class _PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka has no types
    """The records of one partition in one fetch."""

    def _consumer_record(self, tp: TopicPartition, record: Any) -> Fetched:
        return new_tuple(
            Fetched,
            (tp.topic, tp.partition, record.offset, record.timestamp, record.key, record.value, record.headers),
        )


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
