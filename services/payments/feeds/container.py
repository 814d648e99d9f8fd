"""Zip and gzip around bank files: unpacked with care, and taken whole or refused whole like any file.

Sizes that an archive declares are never trusted: what comes out is counted while it comes out.
"""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from services.payments.feeds.fields import clean
from services.payments.feeds.identity import identify, name_originals
from services.payments.feeds.model import BadFile, BankFile, Limits, NotTaken, Problem
from services.payments.feeds.raw import CHUNK_BYTES, InMemory, Raw, head_of, whole

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP: Final = b"\x1f\x8b"
_MOST_MEMBERS: Final = 100
_MOST_RATIO: Final = 100
_MOST_STREAMS: Final = 10_000  # one gzip file may be many, one behind the other
_DIRECTORY_ENTRY: Final = b"PK\x01\x02"
_MOST_DIRECTORY_ENTRIES: Final = 1_000  # with those of folders and of what an operating system leaves
_NESTED: Final = (*_ZIP, _GZIP, b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"(\xb5/\xfd")
_TAR: Final = slice(257, 262)
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000
_LABEL_CHARACTERS: Final = 100
_ESCAPES: Final = re.compile(r"^[/\\]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)")


class BadArchive(BadFile):
    """The archive, or a file in it, cannot be unpacked as it should; `where` says which."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(1, what)
        self.where = where


def claims(head: bytes) -> bool:
    """Whether a file is a zip or a gzip archive."""
    return head.startswith((*_ZIP, _GZIP))


def kind_of(head: bytes) -> str:
    """``zip`` or ``gzip``."""
    return "gzip" if head.startswith(_GZIP) else "zip"


def read(raw: Raw, limits: Limits, read_one: Callable[[Raw], BankFile | NotTaken]) -> BankFile | NotTaken:
    """The statements of all files in an archive, each read by `read_one`, or everything that is wrong with any of them.

    One file that is not taken refuses the whole. Where something is wrong is said with the file's name before it.
    """
    kind = kind_of(head_of(raw))
    try:
        members = unpack(raw, limits)
    except BadFile as bad:
        return NotTaken(kind, (Problem(bad.where if isinstance(bad, BadArchive) else "file", bad.what),))
    found = [(name, read_one(member)) for name, member in members]
    name_of_format = f"{kind}: {', '.join(dict.fromkeys(one.format for _, one in found))}"
    problems = [
        Problem(f"{name}, {problem.where}" if name else problem.where, problem.what)
        for name, one in found
        if isinstance(one, NotTaken)
        for problem in one.problems
    ]
    if problems:
        return NotTaken(name_of_format, tuple(problems[: limits.problems + 1]))
    statements = [statement for _, one in found if isinstance(one, BankFile) for statement in one.statements]
    if sum(len(statement.entries) for statement in statements) > limits.entries:
        what = f"the files have more than {limits.entries} entries together: send them in parts"
        return NotTaken(name_of_format, (Problem("file", what),))
    if len(found) > 1:  # pages of one statement may be files of their own, and so may a reversal and its original
        statements = name_originals(identify(statements))
    return BankFile(name_of_format, tuple(statements))


def unpack(raw: Raw, limits: Limits) -> list[tuple[str, Raw]]:
    """The files in an archive, each with a name that is only a label (empty in gzip); raises `BadFile`.

    Each is unpacked once to be counted and checked, and again whenever it is read: nothing is kept but the archive.
    """
    data = whole(raw)
    if data.startswith(_GZIP):
        members: list[tuple[str, Raw]] = [("", _checked("file", _Gzipped(data), len(data), limits.size_bytes))]
    else:
        members = list(_zipped(data, limits))
    return members


@dataclass(frozen=True, slots=True)
class _Packed:
    """A file in an archive that was unpacked once, and came out right; `size_bytes` were counted then."""

    packed: "_Gzipped | _Zipped"
    size_bytes: int

    def chunks(self) -> Iterator[bytes]:
        return self.packed.chunks()


def _checked(where: str, packed: "_Gzipped | _Zipped", packed_bytes: int, most_bytes: int) -> Raw:
    """Unpacks a file as far as the limits allow, and refuses what is beyond them, or an archive itself."""
    size_bytes = 0
    head = b""
    for chunk in packed.chunks():
        size_bytes += len(chunk)
        head = head if len(head) >= 512 else (head + chunk)[:512]
        if size_bytes > _MOST_RATIO * packed_bytes:
            raise BadArchive(
                where, f"unpacked it is more than {_MOST_RATIO} times as large as packed: it may be a trap"
            )
        if size_bytes > most_bytes:
            raise BadArchive(where, f"unpacked it is more than the {most_bytes} bytes that are left for it")
    if head.startswith(_NESTED) or head[_TAR] == b"ustar":
        raise BadArchive(where, "it is an archive itself: only files that are packed once are taken")
    return _Packed(packed, size_bytes) if size_bytes else InMemory(b"")


# ---- gzip


@dataclass(frozen=True, slots=True)
class _Gzipped:
    """A gzip file, which may be several streams one behind the other."""

    data: bytes

    def chunks(self) -> Iterator[bytes]:
        """What comes out, a piece at a time; raises `BadArchive` where the file is cut off, damaged, or goes on."""
        at = 0
        for _ in range(_MOST_STREAMS):
            stream = zlib.decompressobj(wbits=31)
            while not stream.eof:
                piece = stream.unconsumed_tail
                if not piece:
                    piece = self.data[at : at + CHUNK_BYTES]
                    at += len(piece)
                try:
                    chunk = stream.decompress(piece, CHUNK_BYTES)
                except zlib.error:
                    what = "the gzip file is damaged: its checksum or its content is wrong"
                    raise BadArchive("file", what) from None
                if not chunk and not piece and not stream.eof:
                    raise BadArchive("file", "the gzip file is cut off")
                if chunk:
                    yield chunk
            at -= len(stream.unused_data)
            if not self.data.startswith(_GZIP, at):
                if self.data[at:].strip(b"\0"):  # tapes and some programs fill up with zeros
                    raise BadArchive("file", "behind the gzip file stands something else")
                return
        raise BadArchive("file", f"the gzip file has more than {_MOST_STREAMS} streams")


# ---- zip

# What the library raises for archives that are not as they should be.
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, OverflowError)


@dataclass(frozen=True, slots=True)
class _Zipped:
    """One file of a zip."""

    archive: zipfile.ZipFile
    info: zipfile.ZipInfo
    label: str

    def chunks(self) -> Iterator[bytes]:
        """What comes out, a piece at a time; raises `BadArchive` where it is not what the archive promises."""
        size_bytes = 0
        try:
            with self.archive.open(self.info) as file:
                while chunk := file.read(CHUNK_BYTES):
                    size_bytes += len(chunk)
                    yield chunk
        except _BROKEN:
            raise BadArchive(self.label, "it is damaged: its checksum, its size or its content is wrong") from None
        if size_bytes != self.info.file_size:
            raise BadArchive(self.label, "it is damaged: it has another size than the archive says")


def _zipped(data: bytes, limits: Limits) -> Iterator[tuple[str, Raw]]:
    """The files of a zip, checked one by one against what is left of the limit for all of them."""
    if data.count(_DIRECTORY_ENTRY) > _MOST_DIRECTORY_ENTRIES:
        raise BadArchive("file", f"the zip has more than {_MOST_MEMBERS} files")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except _BROKEN:
        raise BadArchive("file", "the zip file is damaged or cut off") from None
    infos = [info for info in archive.infolist() if not _is_ignored(info)]
    if not infos:
        raise BadArchive("file", "the zip file has no file in it")
    if len(infos) > _MOST_MEMBERS:
        raise BadArchive("file", f"the zip has {len(infos)} files; at most {_MOST_MEMBERS} are taken")
    names = [info.filename for info in infos]
    left_bytes = min(limits.size_bytes, _MOST_RATIO * len(data))  # the second against files that lie over each other
    for place, info in enumerate(infos):
        label = _label(info.orig_filename)
        if info.filename in names[:place]:
            raise BadArchive(label, "the zip has two files of this name")
        _check_member(info, label)
        member = _checked(label, _Zipped(archive, info, label), min(info.compress_size, len(data)), left_bytes)
        left_bytes -= member.size_bytes
        yield label, member


def _is_ignored(info: zipfile.ZipInfo) -> bool:
    """Folders, and what operating systems put beside people's files."""
    parts = info.filename.split("/")
    hidden = any(part.startswith(".") and part not in {".", ".."} for part in parts)
    return info.is_dir() or parts[0] == "__MACOSX" or hidden


def _check_member(info: zipfile.ZipInfo, label: str) -> None:
    if _ESCAPES.search(info.orig_filename):
        raise BadArchive(label, "its name leads out of the archive: no bank names a file so")
    if info.flag_bits & _ENCRYPTED:
        raise BadArchive(label, "it is encrypted: send it unpacked, or packed without a password")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise BadArchive(label, "it is packed in an unusual way: only stored and deflated files are taken")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise BadArchive(label, "it is a link to another file, not a file")


def _label(name: str) -> str:
    return clean(name, _LABEL_CHARACTERS) or "a file without a name"
