"""The schema of a camt version, as pyiso20022's classes and xsdata know it: every element, its place, type and count.

xsdata is fed from our own guarded tree, so what was checked is what is read. It checks no patterns and takes any text
that Python takes for a number; amounts and dates are therefore read by us (`camt_entries`).
"""

import dataclasses
import importlib
import re
from functools import lru_cache
from typing import Any, Final, get_args, get_type_hints

from xsdata.formats.dataclass.context import XmlContext
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig
from xsdata.formats.dataclass.parsers.mixins import XmlHandler

from services.payments.feeds.model import BadFile
from services.payments.feeds.xml import Node

_STRICT: Final = ParserConfig(fail_on_unknown_properties=True, fail_on_converter_warnings=True)
_NAMESPACE: Final = re.compile(r"\{[^}]*\}")
_MISSING: Final = re.compile(r"missing \d+ required keyword-only arguments?: (.+)")


class _TreeHandler(XmlHandler):
    """Hands a tree of ours to xsdata, as its own handlers hand over a file; a refusal knows its line."""

    def parse(self, source: Any, ns_map: dict[str | None, str]) -> Any:
        self._walk(source)
        return self.objects[-1][1] if self.objects else ns_map

    def _walk(self, node: Node) -> None:
        try:
            self.parser.start(self.clazz, self.queue, self.objects, node.qname, node.attributes, {})
            for child in node.children:
                self._walk(child)
            self.parser.end(self.queue, self.objects, node.qname, node.text or None, None)
        except BadFile:
            raise
        except (ValueError, TypeError) as error:  # xsdata's own, and Python's for an element that is not there
            raise BadFile(node.line, f"{node.name} is not as the schema wants it: {_words(error)}") from None


class Schema:
    """One version of one message; `check` raises `BadFile` for what does not fit it."""

    def __init__(self, module: str) -> None:
        types = importlib.import_module(module)
        self._context = XmlContext()
        self._document: type = types.Document
        body = _type_of(self._document, _only_field(self._document))
        self._entry: type = _type_of(_type_of(body, "stmt"), "ntry")

    def check_document(self, root: Node) -> None:
        """Checks all but the entries, which were taken out of the tree."""
        self._check(root, self._document)

    def check_entry(self, entry: Node) -> None:
        """Checks one entry with its details."""
        self._check(entry, self._entry)

    def _check(self, node: Node, clazz: type) -> None:
        XmlParser(config=_STRICT, context=self._context, handler=_TreeHandler).parse(node, clazz)


@lru_cache(maxsize=16)
def camt053(version: str) -> Schema:
    """The schema of camt.053.001 in a version such as ``08``."""
    return Schema(f"pyiso20022.camt.camt_053_001_{version}")


def _only_field(clazz: type) -> str:
    (field,) = dataclasses.fields(clazz)
    return field.name


def _type_of(clazz: type, field: str) -> type:
    """The class behind a field such as ``list[ReportEntry10]`` or ``None | Thing``."""
    hint = get_type_hints(clazz)[field]
    while inner := [one for one in get_args(hint) if one is not type(None)]:
        hint = inner[0]
    return hint  # type: ignore[no-any-return]  # a class, by how these hints are written


def _words(error: Exception) -> str:
    """What xsdata says, without Python's names for things."""
    text = _NAMESPACE.sub("", str(error))
    if missing := _MISSING.search(text):
        fields = re.findall(r"'(\w+)'", missing[1])
        return "it lacks " + ", ".join("".join(part.capitalize() for part in field.split("_")) for field in fields)
    return " ".join(text.split())[:200]
