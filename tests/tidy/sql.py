"""Finds the SQL constants of the tree: module-level text whose first word is a statement's."""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.tidy import tree

STATEMENT = re.compile(
    r"\s*(?:--[^\n]*\n\s*)*(?:select|insert|update|delete|with|merge|truncate|values|table|lock)\s", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL constant: where it stands, and its text as it will be run."""

    module: str
    name: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.module}.{self.name}"


def statements(paths: list[Path]) -> list[Statement]:
    """Every SQL constant of these modules, with its final text, however it was put together."""
    return [
        Statement(module, name, value)
        for path in paths
        for module in [_module(path)]
        for name, value in _constants(path, module)
        if STATEMENT.match(value)
    ]


def loose(source: str) -> list[str]:
    """Statements that stand inside a function, where no test would find them."""
    return [
        f"{node.lineno}: {node.value.strip().splitlines()[0][:60]}"
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_sql(node.value, function)
    ]


def _is_sql(text: str, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return bool(STATEMENT.match(text)) and text != ast.get_docstring(function, clean=False) and text == text.lower()


def _constants(path: Path, module: str) -> Iterator[tuple[str, str]]:
    names = [
        target.id
        for node in ast.parse(path.read_text()).body
        for target in ([node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", []))
        if isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(target, ast.Name)
    ]
    loaded = importlib.import_module(module)
    for name in names:
        value = getattr(loaded, name)
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, dict | tuple | list):
            texts = list(value.values()) if isinstance(value, dict) else list(value)
            yield from ((f"{name}[{n}]", text) for n, text in enumerate(texts) if isinstance(text, str))


def _module(path: Path) -> str:
    return ".".join(path.relative_to(tree.ROOT).with_suffix("").parts).removesuffix(".__init__")
