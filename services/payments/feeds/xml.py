"""XML as banks may send it to us: a stream of small trees with line numbers, and nothing of XML that is dangerous.

A DOCTYPE is refused as soon as it shows, so no entity of a file's own is ever defined; depth, size and text are capped.
"""

from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

from services.payments.feeds.model import BadFile, Limits
from services.payments.feeds.raw import Raw

_BLANK: Final = " \t\r\n"


class Node:
    """An element: its namespace and name, text without surrounding blanks, attributes, children, and its line."""

    __slots__ = ("attributes", "children", "line", "name", "namespace", "text")

    def __init__(self, qualified: str, attributes: dict[str, str], line: int) -> None:
        self.namespace, _, self.name = qualified.rpartition("}")
        self.attributes = attributes
        self.children: list[Node] = []
        self.line = line
        self.text = ""

    @property
    def qname(self) -> str:
        """The name in Clark notation: ``{namespace}name``."""
        return f"{{{self.namespace}}}{self.name}" if self.namespace else self.name

    def all(self, path: str) -> list["Node"]:
        """Every element at a path of names below this one, such as ``NtryDtls/TxDtls``, in document order."""
        found = [self]
        for name in path.split("/"):
            found = [child for node in found for child in node.children if child.name == name]
        return found

    def first(self, *paths: str) -> "Node | None":
        """The first element at the first of these paths that leads anywhere."""
        return next((node for path in paths for node in self.all(path)), None)

    def value(self, *paths: str) -> str | None:
        """The text at the first of these paths that has any."""
        return next((node.text for path in paths for node in self.all(path) if node.text), None)


class Reader:
    """Reads one document. `pieces` yields each element named `piece` as it ends, with the element it stood in, and
    takes it out of the tree; what is left of that, from the element named `root` downwards, is `self.root` afterwards.

    The root may stand inside an envelope, whose other content is not kept. Raises `BadFile`.
    """

    def __init__(self, *, root: str, piece: str, limits: Limits) -> None:
        self.root: Node | None = None
        self._root_name = root
        self._piece_name = piece
        self._limits = limits
        self._depth = 0
        self._open: list[Node] = []  # from the root down to where we are
        self._texts: list[list[str]] = []
        self._text_characters = 0
        self._ready: list[tuple[Node, Node]] = []
        self._parser = self._new_parser()

    def pieces(self, raw: Raw) -> Iterator[tuple[Node, Node]]:
        """Pairs of parent and piece, in document order."""
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
        return parser

    def _feed(self, chunk: bytes, *, last: bool = False) -> list[tuple[Node, Node]]:
        try:
            self._parser.Parse(chunk, last)
        except BadFile:
            raise
        except expat.ExpatError as error:
            raise BadFile(error.lineno, f"this is not well-formed XML: {expat.ErrorString(error.code)}") from None
        except (LookupError, ValueError):
            raise BadFile(1, "the encoding that the file declares is not known") from None
        ready, self._ready = self._ready, []
        return ready

    def _line(self) -> int:
        return self._parser.CurrentLineNumber

    def _doctype(self, *_: object) -> None:
        raise BadFile(self._line(), "a DOCTYPE is never taken: bank statements need none, and attacks do")

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > self._limits.depth:
            raise BadFile(self._line(), f"elements are nested more than {self._limits.depth} deep")
        node = Node(qualified, attributes, self._line())
        if self._open:
            self._open[-1].children.append(node)
        elif node.name != self._root_name:
            return
        elif self.root is not None:
            raise BadFile(self._line(), f"the file has a second {self._root_name}: send each in a file of its own")
        else:
            self.root = node
        self._open.append(node)
        self._texts.append([])
        self._text_characters = 0

    def _characters(self, text: str) -> None:
        if not self._open:
            return
        self._text_characters += len(text)
        if self._text_characters > self._limits.text_characters:
            raise BadFile(self._line(), f"a text is longer than {self._limits.text_characters} characters")
        self._texts[-1].append(text)

    def _end(self, _: str) -> None:
        self._depth -= 1
        if not self._open:
            return
        node = self._open.pop()
        node.text = "".join(self._texts.pop()).strip(_BLANK)
        if node.text and node.children:
            raise BadFile(self._line(), f"{node.name} has text between its elements")
        if node.name == self._piece_name and self._open:
            parent = self._open[-1]
            parent.children.pop()
            self._ready.append((parent, node))
