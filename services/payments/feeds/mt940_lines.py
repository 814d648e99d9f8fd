"""An MT940 file as messages of fields: its character set, envelopes, lines that banks put before, ends of messages.

Nothing here knows what a field means; every field keeps the number of its line.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from mt940.tags import TAG_BY_ID

from services.payments.feeds.fields import lines_of
from services.payments.feeds.model import BadFile

# The library names its fields by number, with the letter only where that matters to it.
TAGS: Final = frozenset({*map(str, TAG_BY_ID), "13D", "25P", "28C", "34F"})

_TAG: Final = re.compile(r":([0-9]{2}[A-Z]?|NS):(.*)")
_TYPE: Final = re.compile(r"\{2:[IO]([0-9]{3})")
_KIND_OF_PREAMBLE: Final = re.compile(r":?(?:MT ?)?(94[0-9])(?::| [0-9]{2})?")
_OTHER_FORMAT: Final = re.compile(r"[<{\[]|[0-9]{2},|.*[;\t|]|.*,.*,")  # markup, records of BAI2, tables
_END: Final = re.compile(r"-(?:X{3})?|-\}.*")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_FRAME: Final = "\x01\x03\x1a"  # how SWIFT interfaces and old systems begin and end a message or a file
_PREAMBLE_LINES: Final = 12
_PREAMBLE_CHARACTERS: Final = 80


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its tag without colons, and its text, line by line."""

    tag: str
    line: int
    lines: tuple[str, ...]

    @property
    def only(self) -> str:
        """The text of a field that has one line; raises `BadFile` where there are more."""
        first, *others = (text.rstrip() for text in self.lines)
        for number, text in enumerate(others, self.line + 1):
            if text:
                raise BadFile(number, f"{text[:40]!r} belongs to no field: :{self.tag}: has one line")
        return first


@dataclass(slots=True)
class Message:
    """From one ``:20:`` to the end of its message; `kind` is 940, 942 or whatever its envelope says, if it has one."""

    line: int
    kind: str | None
    fields: list[Field] = field(default_factory=list)


def text_of(data: bytes) -> tuple[str, str | None]:
    """The text of a file, and what a person should know about how it was read.

    UTF-8 if it is that, else Windows-1252, which is Latin-1 and the characters that banks' systems add to it. Money and
    references are plain ASCII in both; names may be of a third character set, so this is said.
    """
    try:
        text, said = data.decode("utf-8-sig"), None
    except UnicodeDecodeError:
        said = "the file is not UTF-8: letters other than A to Z are read as Windows-1252, and names may look wrong"
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError as bad:
            what = f"byte {data[bad.start]:02X} is no character of UTF-8 or Windows-1252: convert the file to UTF-8"
            raise BadFile(len(lines_of(data[: bad.start].decode("latin-1") + "x")), what) from None
    text = text.translate(dict.fromkeys(map(ord, _FRAME)))
    if control := _CONTROL.search(text):
        line = len(lines_of(text[: control.start()] + "x"))
        raise BadFile(line, f"there is a control character (U+{ord(control[0]):04X}): the file is damaged")
    return text, said


def begins_so(head: str) -> bool:
    """Whether a text begins like messages of MT940: with the blocks of an envelope, or ``:20:``, perhaps after a few
    short lines of the bank's own."""
    lines = [line.strip(_FRAME + " \t") for line in lines_of(head)]
    for line in [line for line in lines if line][: _PREAMBLE_LINES + 1]:
        if line.startswith("{1:") or _TAG.match(line) or re.match(r":94[02]:", line):
            return True
        if len(line) > _PREAMBLE_CHARACTERS or _OTHER_FORMAT.match(line):
            return False
    return False


def messages_of(text: str) -> list[Message]:
    """The messages of a text; raises `BadFile` for a line that belongs to none, and for one that is not closed."""
    reading = _Reading()
    number = 0
    for number, line in enumerate(lines_of(text), 1):
        reading.take(number, line)
    reading.finish(number)
    return reading.messages


class _Reading:
    """What has been read so far, line by line."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._open: Message | None = None
        self._lines: list[str] = []  # of the field that is being read
        self._field: tuple[str, int] = ("", 0)
        self._block: int | None = None  # the line where block 4 of an envelope was opened
        self._kind: str | None = None
        self._preamble: list[int] = []

    def take(self, number: int, line: str) -> None:
        if self._open is None:
            self._outside(number, line)
        else:
            self._inside(number, line)

    def finish(self, number: int) -> None:
        self._must_be_closed(number)
        self._close()
        if self._preamble:
            raise BadFile(self._preamble[0], "this line belongs to no statement, which begins with :20:")
        if not self.messages:
            raise BadFile(1, "there is no statement, which begins with :20:")

    def _outside(self, number: int, line: str) -> None:
        bare = line.strip()
        tag = _TAG.fullmatch(line)
        if bare.startswith(("{", "$", "}")):
            self._envelope(number, bare)
        elif tag and tag[1] == "20":
            self._begin(number, tag[2])
        elif _END.fullmatch(bare):
            self._block = None
        elif tag and tag[1] in TAGS:
            raise BadFile(number, f":{tag[1]}: stands outside of a statement, which begins with :20:")
        elif bare:
            if kind := _KIND_OF_PREAMBLE.fullmatch(bare):
                self._kind = kind[1]
            self._preamble.append(number)
            if len(self._preamble) > _PREAMBLE_LINES or len(bare) > _PREAMBLE_CHARACTERS:
                raise BadFile(number, "this line belongs to no statement, which begins with :20:")

    def _inside(self, number: int, line: str) -> None:
        tag = _TAG.fullmatch(line)
        if _END.fullmatch(line.rstrip()):
            self._block = None
            self._close()
            self._outside(number, line.rstrip()[2:] if line.startswith("-}") else "")
        elif line.startswith("{1:"):
            self._must_be_closed(number)
            self._close()
            self._envelope(number, line.strip())
        elif tag and tag[1] == "20":
            self._must_be_closed(number)
            kind = self._kind
            self._close()
            self._kind = kind
            self._begin(number, tag[2])
        elif tag and (tag[1] in TAGS or self._field[0] not in {"86", "NS"}):
            if tag[1] not in TAGS:
                raise BadFile(number, f":{tag[1]}: is no field of an MT940 or MT942")
            self._end_field()
            self._field, self._lines = (tag[1], number), [tag[2]]
        else:  # in free text a line may look like a field that there is not
            self._lines.append(line)

    def _envelope(self, number: int, blocks: str) -> None:
        if kind := _TYPE.search(blocks):
            self._kind = kind[1]
        _, opened, text = blocks.partition("{4:")
        if opened:
            self._must_be_closed(number)
            self._block = number
            self._outside(number, text)

    def _begin(self, number: int, text: str) -> None:
        self._open = Message(number, self._kind)
        self._field, self._lines = ("20", number), [text]
        self._preamble = []

    def _end_field(self) -> None:
        if self._open is not None:
            tag, line = self._field
            self._open.fields.append(Field(tag, line, tuple(self._lines)))

    def _close(self) -> None:
        if self._open is not None:
            self._end_field()
            self.messages.append(self._open)
        self._open, self._kind = None, None

    def _must_be_closed(self, number: int) -> None:
        if self._block is not None:
            raise BadFile(number, f"the block {{4: of line {self._block} is not closed by -}}: the file is cut off")
