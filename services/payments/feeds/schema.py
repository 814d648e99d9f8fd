"""The schema of a camt version, as pyiso20022's classes have it: every element, its place, its type and how often.

Neither order nor patterns are held against a file, since banks are careless with both. Amounts and days that we use are
read by us, more strictly (`camt_entries`).
"""

import dataclasses
import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, get_args, get_origin, get_type_hints

from xsdata.models.datatype import XmlDate, XmlDateTime, XmlPeriod

from services.payments.feeds.model import BadFile
from services.payments.feeds.xml import Node

_Fits = Callable[[str], bool]

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", re.ASCII)
_TIME_MAX: Final = 64
_FLAGS: Final = frozenset({"true", "false", "1", "0"})


@dataclass(frozen=True, slots=True)
class _Child:
    """What may stand inside of an element: a class with elements or attributes of its own, or a text that `fits`."""

    clazz: type | None
    fits: _Fits
    many: bool


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a class of pyiso20022 says of an element; `fits` is for its own text, which most have none of."""

    children: Mapping[str, _Child]
    required: frozenset[str]
    attributes: tuple[str, ...]
    fits: _Fits
    anything: bool


class Schema:
    """One version of one message; every `check` raises `BadFile` for what does not fit it.

    `statement` is the name of its statements, as it was asked for.
    """

    def __init__(self, message: str, statement: str) -> None:
        types = importlib.import_module(f"pyiso20022.camt.{message.replace('.', '_')}")
        self._namespace = f"urn:iso:std:iso:20022:tech:xsd:{message}"
        self._document: type = types.Document
        (body,) = dataclasses.fields(types.Document)
        self._statement = _class_of(_class_of(self._document, body.metadata["name"]), statement)
        self._entry = _class_of(self._statement, "Ntry")
        has_batches = "NtryDtls" in _shape(self._entry).children  # not yet in version .01
        self._detail = _class_of(_class_of(self._entry, "NtryDtls") if has_batches else self._entry, "TxDtls")

    def check_document(self, root: Node) -> None:
        """Checks what is left of the document, once its statements were taken out."""
        self._check(root, self._document)

    def check_statement(self, statement: Node) -> None:
        """Checks all of a statement but its entries."""
        self._check(statement, self._statement)

    def check_entry(self, entry: Node) -> None:
        """Checks all of an entry but its details."""
        self._check(entry, self._entry)

    def check_detail(self, detail: Node) -> None:
        """Checks a detail of an entry."""
        self._check(detail, self._detail)

    def _check(self, node: Node, clazz: type) -> None:
        shape = _shape(clazz)
        if shape.anything:
            return
        if not shape.fits(node.text):
            raise _misfit(node, f"{node.text[:40]!r} is no value for it")
        for name in shape.attributes:
            if name not in node.attributes:
                raise _misfit(node, f"it lacks {name}")
        seen = set()
        for child in node.children:
            name = child.name
            known = shape.children.get(name)
            if known is None or child.namespace != self._namespace:
                raise _misfit(node, f"there is no {name[:80]} in it", child.line)
            if name in seen and not known.many:
                raise _misfit(node, f"it has a second {name}", child.line)
            seen.add(name)
            if known.clazz is not None:
                self._check(child, known.clazz)
            elif child.children:
                raise _misfit(child, "it holds elements, where only a text is expected")
            elif not known.fits(child.text):
                raise _misfit(child, f"{child.text[:40]!r} is no value for it")
        if missing := shape.required - seen:
            raise _misfit(node, "it lacks " + ", ".join(sorted(missing)))


@lru_cache(maxsize=64)
def schema(message: str, statement: str) -> Schema:
    """The schema of a message such as ``camt.053.001.08``, whose statements are called ``Stmt``."""
    return Schema(message, statement)


def _misfit(node: Node, what: str, line: int | None = None) -> BadFile:
    return BadFile(line or node.line, f"{node.name} is not as the schema wants it: {what}")


@lru_cache(maxsize=4096)
def _shape(clazz: type) -> _Shape:
    """What a class says, looked up once."""
    hints = get_type_hints(clazz)
    children: dict[str, _Child] = {}
    required, attributes = set(), []
    fits: _Fits = _nothing
    anything = False
    for field in dataclasses.fields(clazz):
        name = field.metadata.get("name", field.name)
        match field.metadata.get("type"):
            case "Element":
                children[name] = _child(hints[field.name])
                if field.metadata.get("required"):
                    required.add(name)
            case "Attribute":
                attributes.append(name)  # all of camt's are required
            case "Wildcard":
                anything = True
            case _:
                fits = _child(hints[field.name]).fits
    return _Shape(MappingProxyType(children), frozenset(required), tuple(attributes), fits, anything)


def _child(hint: Any) -> _Child:
    many = get_origin(hint) is list
    while inner := [one for one in get_args(hint) if one is not type(None)]:
        hint = inner[0]
    clazz: type = hint
    return _Child(clazz, _nothing, many) if dataclasses.is_dataclass(clazz) else _Child(None, _fits(clazz), many)


def _class_of(clazz: type, name: str) -> type:
    """The class of the elements with a name in those of another class."""
    found = _shape(clazz).children[name].clazz
    assert found is not None  # statements, entries and details have elements of their own
    return found


def _fits(kind: type) -> _Fits:
    """The test that a text is a value of a simple type."""
    if issubclass(kind, Enum):
        return frozenset(str(member.value) for member in kind).__contains__
    if kind is bool:
        return _FLAGS.__contains__
    if kind is Decimal:
        return lambda text: _NUMBER.fullmatch(text) is not None
    if kind in {XmlDate, XmlDateTime, XmlPeriod}:
        return lambda text: len(text) <= _TIME_MAX and _is_time(kind, text)
    return _anything


def _anything(_: str) -> bool:
    return True


def _nothing(text: str) -> bool:
    return not text


@lru_cache(maxsize=4096)
def _is_time(kind: Any, text: str) -> bool:
    try:
        kind(text) if kind is XmlPeriod else kind.from_string(text)
    except ValueError:
        return False
    return True
