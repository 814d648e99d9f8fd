"""XML as banks may send it to us: a stream of small trees with line numbers, and nothing of XML that is dangerous.

A DOCTYPE is refused as soon as it shows, so no entity of a file's own is ever defined; depth, text and whatever has to
be kept at one time are capped.
"""

from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Final
from xml.parsers import expat

from services.payments.feeds.model import BadFile, Limits
from services.payments.feeds.raw import Raw

_BLANK: Final = " \t\r\n"
_TAG_BYTES_MAX: Final = 1024 * 1024  # of one tag or comment, which expat keeps until it ends
_NAME_MAX: Final = 512
_NAMES_MAX: Final = 10_000  # different ones in a file: expat keeps each
_KEPT_BYTES_MAX: Final = 48 * 1024 * 1024  # of what is in the tree at one time, by this estimate:
_ELEMENT_BYTES: Final = 400
_CHARACTER_BYTES: Final = 4


class Node:
    """An element: its namespace and name, text without surrounding blanks, attributes, children, and its line."""

    __slots__ = ("attributes", "children", "line", "name", "namespace", "text")

    def __init__(self, namespace: str, name: str, attributes: dict[str, str], line: int) -> None:
        self.namespace = namespace
        self.name = name
        self.attributes = attributes
        self.children: list[Node] = []
        self.line = line
        self.text = ""

    def all(self, path: str) -> list["Node"]:
        """Every element at a path of names below this one, such as ``NtryDtls/TxDtls``, in document order."""
        found = [self]
        for name in _steps(path):
            found = [child for node in found for child in node.children if child.name == name]
        return found

    def first(self, *paths: str) -> "Node | None":
        """The first element at the first of these paths that leads anywhere."""
        for path in paths:
            if found := _first(self, _steps(path), 0):
                return found
        return None

    def value(self, *paths: str) -> str | None:
        """The text at the first of these paths that has any."""
        for path in paths:
            found = _first(self, _steps(path), 0)
            if found and found.text:
                return found.text
            if found and (text := next((node.text for node in self.all(path) if node.text), None)):
                return text
        return None


class Reader:
    """Reads one document. `pieces` yields each element that stands at one of the paths `pieces`, as it ends, and takes
    it out of the tree; what is left of that, from the element named `root` downwards, is `self.root` afterwards.

    A path is one of names below the root's only child, such as ``Stmt/Ntry``, and of the root's namespace. Pieces may
    stand in each other: the inner one comes first. The root may stand inside an envelope, whose other content is not
    kept. Raises `BadFile`.
    """

    def __init__(self, *, root: str, pieces: Collection[str], limits: Limits) -> None:
        self.root: Node | None = None
        self._root_name = root
        self._pieces = {tuple(path.split("/")) for path in pieces}
        self._piece_names = {path[-1] for path in self._pieces}
        self._limits = limits
        self._depth = 0
        self._open: list[Node] = []  # from the root down to where we are
        self._kept: list[int] = []  # bytes in the tree before each of those that may be pieces
        self._kept_bytes = 0
        self._names: dict[str, tuple[str, str]] = {}  # namespace and name of each that was met
        self._ready: list[Node] = []
        self._fed_bytes = 0
        self._parser = self._new_parser()

    def pieces(self, raw: Raw) -> Iterator[Node]:
        """Every piece, in the order in which they end."""
        for chunk in raw.chunks():
            yield from self._feed(chunk)
        yield from self._feed(b"", last=True)

    def _new_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate(namespace_separator="}")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.CommentHandler = self._aside
        parser.ProcessingInstructionHandler = self._aside
        return parser

    def _feed(self, chunk: bytes, *, last: bool = False) -> list[Node]:
        try:
            self._parser.Parse(chunk, last)
        except BadFile:
            raise
        except expat.ExpatError as error:
            raise BadFile(error.lineno, f"this is not well-formed XML: {expat.ErrorString(error.code)}") from None
        except (LookupError, ValueError):
            raise BadFile(1, "the encoding that the file declares is not known") from None
        self._fed_bytes += len(chunk)
        if self._fed_bytes - self._parser.CurrentByteIndex > _TAG_BYTES_MAX:
            raise BadFile(self._line(), f"a tag or a comment is longer than {_TAG_BYTES_MAX} bytes")
        ready, self._ready = self._ready, []
        return ready

    def _line(self) -> int:
        return self._parser.CurrentLineNumber

    def _doctype(self, *_: object) -> None:
        raise BadFile(self._line(), "a DOCTYPE is never taken: bank statements need none, and attacks do")

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        namespace, name = self._names.get(qualified) or self._name(qualified)
        self._depth += 1
        if self._depth > self._limits.depth:
            raise BadFile(self._line(), f"elements are nested more than {self._limits.depth} deep")
        for attribute in attributes:
            self._name(attribute)
        node = Node(namespace, name, attributes, self._parser.CurrentLineNumber)
        if self._open:
            self._open[-1].children.append(node)
        elif name != self._root_name:
            return
        elif self.root is not None:
            raise BadFile(node.line, f"the file has a second {self._root_name}: send each in a file of its own")
        else:
            self.root = node
        self._open.append(node)
        if name in self._piece_names:
            self._kept.append(self._kept_bytes)
        self._keep(_ELEMENT_BYTES)
        if attributes:
            self._keep(_CHARACTER_BYTES * sum(map(len, attributes.values())))

    def _name(self, qualified: str) -> tuple[str, str]:
        """Namespace and name of an element or attribute."""
        if known := self._names.get(qualified):
            return known
        if len(qualified) > _NAME_MAX or len(self._names) == _NAMES_MAX:
            raise BadFile(self._line(), "the file has names of elements that are too long, or too many different ones")
        namespace, _, name = qualified.rpartition("}")
        self._names[qualified] = namespace, name
        return namespace, name

    def _keep(self, more_bytes: int) -> None:
        self._kept_bytes += more_bytes
        if self._kept_bytes > _KEPT_BYTES_MAX:
            raise BadFile(self._line(), "one part of the file holds too much: an entry, or what stands around entries")

    def _characters(self, text: str) -> None:
        if not self._open:
            return
        node = self._open[-1]
        if not node.text:
            text = text.lstrip(_BLANK)
            if not text:
                return
        node.text += text
        if len(node.text) > self._limits.text_characters:
            raise BadFile(self._line(), f"a text is longer than {self._limits.text_characters} characters")
        self._keep(_CHARACTER_BYTES * len(text))

    def _aside(self, *_: object) -> None:
        """A comment or an instruction: free to stand between elements, but programs disagree on a text around one."""
        if self._open and self._open[-1].text:
            raise BadFile(self._line(), f"{self._open[-1].name} has a comment or an instruction inside its text")

    def _end(self, _: str) -> None:
        self._depth -= 1
        if not self._open:
            return
        node = self._open.pop()
        if node.text:
            node.text = node.text.rstrip(_BLANK)
            if node.children:
                raise BadFile(self._line(), f"{node.name} has text between its elements")
        if node.name in self._piece_names:
            kept_before = self._kept.pop()
            if self._is_piece(node):
                self._open[-1].children.pop()
                self._kept_bytes = kept_before
                self._ready.append(node)

    def _is_piece(self, node: Node) -> bool:
        names = (*(one.name for one in self._open[2:]), node.name)
        return names in self._pieces and self.root is not None and node.namespace == self.root.namespace


@lru_cache(maxsize=512)
def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split("/"))


def _first(node: Node, names: tuple[str, ...], at: int) -> Node | None:
    name, last = names[at], at == len(names) - 1
    for child in node.children:
        if child.name == name and (found := child if last else _first(child, names, at + 1)):
            return found
    return None
