"""Category L: zip and gzip files that are wrong, or only look wrong, each with its verdict.

What is inside is never the fault here: two good statements, packed in every way that a person or a program may pack.
"""

import gzip
import io
import lzma
import random
import struct
import tarfile
import zipfile
from datetime import date
from typing import Final, NamedTuple

from drawdown.samples import Line, camt053

DAY: Final = date(2026, 3, 2)
ONE: Final = camt053("S-1", "4000123456", "USD", "0.00", [Line("400000.00", DAY, bank_reference="B-1")])
TWO: Final = camt053("S-2", "4000123456", "USD", "400000.00", [Line("100.00", DAY, bank_reference="B-2")])
SIZE_LIMIT: Final = 400_000  # of the reader of these cases


class Refused(NamedTuple):
    """The file is not taken: its first problem stands at `where` and says `what`."""

    where: str
    what: str


class Taken(NamedTuple):
    """The file is taken as this format, with these statements in this order."""

    format: str
    statements: tuple[str, ...]


class Case(NamedTuple):
    """A name, the file's bytes, and what must become of it."""

    name: str
    data: bytes
    verdict: Refused | Taken


def zipped(
    *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, mode: int = 0, comment: bytes = b""
) -> bytes:
    """A zip of these files, in this order."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = comment
        for name, data in members:
            info = zipfile.ZipInfo(name, (2026, 3, 3, 6, 0, 0))
            info.compress_type = method
            info.external_attr = mode << 16
            archive.writestr(info, data)
    return file.getvalue()


def named(name: str) -> bytes:
    """A zip whose only file has a name that the library itself would not write."""
    placeholder = "n" * len(name)
    return zipped((placeholder, ONE)).replace(placeholder.encode(), name.encode())


def patched(data: bytes, central: int, local: int | None, value: bytes) -> bytes:
    """A zip whose first file has other bytes in its central header, and at another place in its local one."""
    at = data.index(b"PK\x01\x02") + central
    data = data[:at] + value + data[at + len(value) :]
    return data if local is None else data[:local] + value + data[local + len(value) :]


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("a.xml")
        info.size = len(ONE)
        archive.addfile(info, io.BytesIO(ONE))
    return file.getvalue()


GOOD: Final = zipped(("a.xml", ONE), ("b.xml", TWO))
BOTH: Final = Taken("zip: camt.053.001.08", ("S-1", "S-2"))
FIRST: Final = Taken("zip: camt.053.001.08", ("S-1",))
PACKED: Final = gzip.compress(ONE, mtime=0)
UNPACKED: Final = Taken("gzip: camt.053.001.08", ("S-1",))
NOISE: Final = random.Random(20260302).randbytes(220_000).hex().encode()  # packs to a half
_CRC, _PACKED, _PLAIN = 16, 20, 24  # where a central header has checksum and sizes

ZIPS: Final = [
    Case("good", GOOD, BOTH),
    Case("stored", zipped(("a.xml", ONE), method=zipfile.ZIP_STORED), FIRST),
    Case("with-a-comment", zipped(("a.xml", ONE), comment=b"from the bank"), FIRST),
    Case(
        "with-a-comment-that-looks-like-an-end",
        zipped(("a.xml", ONE), comment=b"PK\x05\x06 is no end here"),
        Refused("file", "the zip file is damaged or cut off"),
    ),
    Case("with-folders", zipped(("x/", b""), ("x/y/", b""), ("x/y/a.xml", ONE)), FIRST),
    Case("with-mac-leftovers", zipped(("a.xml", ONE), ("__MACOSX/._a.xml", b"\0\5\x16\7"), (".DS_Store", b"x")), FIRST),
    Case("named-like-another-format", zipped(("a.sta", ONE)), FIRST),
    Case("empty-zip", zipped(), Refused("file", "the zip file has no file in it")),
    Case("only-leftovers", zipped((".DS_Store", b"x"), ("x/", b"")), Refused("file", "the zip file has no file in it")),
    Case("empty-member", zipped(("a.xml", ONE), ("b.xml", b"")), Refused("b.xml, line 1", "the file is empty")),
    Case(
        "member-of-no-known-format",
        zipped(("a.xml", ONE), ("readme.txt", b"hello")),
        Refused("readme.txt, line 1", "no bank statement that is known here"),
    ),
    Case(
        "second-member-wrong", zipped(("a.xml", ONE), ("b.xml", TWO[:-20])), Refused("b.xml, line", "not well-formed")
    ),
    Case("cut-off", GOOD[:-30], Refused("file", "the zip file is damaged or cut off")),
    Case("cut-off-in-a-member", GOOD[:200], Refused("file", "the zip file is damaged or cut off")),
    Case("byte-of-a-member-changed", GOOD[:80] + bytes([GOOD[80] ^ 1]) + GOOD[81:], Refused("a.xml", "it is damaged")),
    Case("wrong-checksum", patched(GOOD, _CRC, None, b"\1\2\3\4"), Refused("a.xml", "it is damaged")),
    Case(
        "declares-less-than-there-is",
        patched(GOOD, _PLAIN, None, struct.pack("<I", 10)),
        Refused("a.xml", "it is damaged"),
    ),
    Case(
        "declares-more-than-there-is",
        patched(GOOD, _PLAIN, None, struct.pack("<I", 10**6)),
        Refused("a.xml", "it is damaged"),
    ),
    Case("bomb", zipped(("a.xml", b" " * 300_000)), Refused("a.xml", "more than 100 times as large")),
    Case(
        "bomb-behind-a-good-file",
        zipped(("a.xml", ONE), ("b.xml", b"0" * 300_000)),
        Refused("b.xml", "more than 100 times as large"),
    ),
    Case(
        "bomb-that-declares-little",
        patched(zipped(("a.xml", b" " * 300_000)), _PLAIN, 22, struct.pack("<I", 10)),
        Refused("a.xml", "it is damaged"),
    ),
    Case(
        "too-large-as-a-whole", zipped(("a.xml", NOISE), method=zipfile.ZIP_STORED), Refused("file", "at most 400000")
    ),
    Case(
        "too-large-together",
        zipped(*[(f"{n}.xml", ONE + NOISE[n::5]) for n in range(5)]),
        Refused("4.xml", "bytes that are left for it"),
    ),
    Case(
        "one-hundred-members",
        zipped(*[(f"{n}.xml", ONE) for n in range(100)]),
        Taken("zip: camt.053.001.08", ("S-1",) * 100),
    ),
    Case(
        "one-hundred-and-one-members",
        zipped(*[(f"{n}.xml", ONE) for n in range(101)]),
        Refused("file", "the zip has 101 files; at most 100"),
    ),
    Case(
        "thousands-of-folders",
        zipped(("a.xml", ONE), *[(f"{n}/", b"") for n in range(1_001)]),
        Refused("file", "more than 100 files"),
    ),
    Case("zip-in-a-zip", zipped(("a.xml", ONE), ("b.zip", GOOD)), Refused("b.zip", "it is an archive itself")),
    Case("gzip-in-a-zip", zipped(("a.xml.gz", PACKED)), Refused("a.xml.gz", "it is an archive itself")),
    Case(
        "seven-zip-in-a-zip", zipped(("a.7z", b"7z\xbc\xaf\x27\x1c" + ONE)), Refused("a.7z", "it is an archive itself")
    ),
    Case("encrypted", patched(GOOD, 8, 6, b"\1\0"), Refused("a.xml", "it is encrypted")),
    Case("strongly-encrypted", patched(GOOD, 8, 6, b"\x41\0"), Refused("a.xml", "it is encrypted")),
    Case("packed-with-lzma", zipped(("a.xml", ONE), method=zipfile.ZIP_LZMA), Refused("a.xml", "an unusual way")),
    Case("packed-with-bzip2", zipped(("a.xml", ONE), method=zipfile.ZIP_BZIP2), Refused("a.xml", "an unusual way")),
    Case("name-that-climbs", named("../../etc/cron.d/a.xml"), Refused("../../etc/cron.d/a.xml", "leads out")),
    Case("name-from-the-root", named("/etc/passwd"), Refused("/etc/passwd", "leads out")),
    Case("name-with-a-drive", named("C:\\a.xml"), Refused("C:\\a.xml", "leads out")),
    Case("name-that-climbs-backwards", named("x\\..\\..\\a.xml"), Refused("x\\..\\..\\a.xml", "leads out")),
    Case("link", zipped(("a.xml", b"/etc/passwd"), mode=0o120777), Refused("a.xml", "it is a link")),
    Case(
        "two-of-one-name",
        patched(zipped(("a.xml", ONE), ("b.xml", TWO)), 0, None, b"PK").replace(b"b.xml", b"a.xml"),
        Refused("a.xml", "two files of this name"),
    ),
    Case(
        "name-with-controls", zipped(("a\x1b[31m\n.txt", b"hello")), Refused("a [31m .txt, line 1", "no bank statement")
    ),
]

GZIPS: Final = [
    Case("gzip", PACKED, UNPACKED),
    Case("gzip-of-two-streams", gzip.compress(ONE[:500], mtime=0) + gzip.compress(ONE[500:], mtime=0), UNPACKED),
    Case("gzip-filled-up-with-zeros", PACKED + b"\0" * 512, UNPACKED),
    Case("gzip-cut-off", PACKED[:-40], Refused("file", "the gzip file is cut off")),
    Case("gzip-cut-off-in-its-checksum", PACKED[:-3], Refused("file", "the gzip file is cut off")),
    Case("gzip-head-only", PACKED[:5], Refused("file", "the gzip file is cut off")),
    Case("gzip-wrong-checksum", PACKED[:-8] + b"\1\2\3\4" + PACKED[-4:], Refused("file", "the gzip file is damaged")),
    Case("gzip-wrong-length", PACKED[:-4] + b"\1\2\3\4", Refused("file", "the gzip file is damaged")),
    Case("gzip-second-stream-cut-off", PACKED + PACKED[:60], Refused("file", "the gzip file is cut off")),
    Case("gzip-and-something-else", PACKED + b"hello", Refused("file", "behind the gzip file stands something else")),
    Case("gzip-bomb", gzip.compress(b" " * 300_000, mtime=0), Refused("file", "more than 100 times as large")),
    Case(
        "gzip-bomb-in-streams",
        b"".join(gzip.compress(b" " * 50_000, mtime=0) for _ in range(6)),
        Refused("file", "more than 100 times as large"),
    ),
    Case(
        "gzip-too-large",
        gzip.compress(ONE + NOISE, mtime=0),
        Refused("file", "more than the 400000 bytes"),
    ),
    Case("gzip-of-a-gzip", gzip.compress(PACKED, mtime=0), Refused("file", "it is an archive itself")),
    Case("gzip-of-a-tar", gzip.compress(tarred(), mtime=0), Refused("file", "it is an archive itself")),
    Case("gzip-of-nothing", gzip.compress(b"", mtime=0), Refused("line 1", "the file is empty")),
    Case("xz", lzma.compress(ONE), Refused("line 1", "no bank statement that is known here")),
]

CASES: Final = [*ZIPS, *GZIPS]
