"""What is written for people stays true: links lead somewhere, and the glossary has the words that the code uses."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from shared.contracts import allocations, payments
from tests.tidy import tree

GLOSSARY = tree.ROOT / "docs" / "glossary.md"
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s#]+)(?:#[\w-]+)?\)")


def dead_links(path: Path, text: str) -> list[str]:
    """Relative links that lead to no file."""
    targets = [link for link in _LINK.findall(text) if "://" not in link and not link.startswith("mailto:")]
    return [link for link in targets if not (path.parent / link).exists()]


def refused_words(glossary: str) -> list[str]:
    """The words of the glossary's last section."""
    return re.findall(r"`(\w+)`", glossary.split("## Words that code does not use")[1])


def names(source: str) -> Iterator[tuple[int, str]]:
    """Every name that a module gives to something."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name(ctx=ast.Store()):
                yield node.lineno, node.id
            case _:
                pass


def misnamed(source: str, words: list[str]) -> list[str]:
    """Names that carry one of the refused words."""
    return [
        f"{line}: {name}" for line, name in names(source) for word in words if word.replace("_", "") in _plain(name)
    ]


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def test_links_lead_somewhere() -> None:
    """A reader who follows a relative link in any document finds a file."""
    documents = [path for path in tree.files() if path.suffix == ".md"]
    assert {tree.name(path) for path in documents} >= {"README.md", "CONTRIBUTING.md", "docs/architecture.md"}
    dead = {tree.name(path): dead_links(path, path.read_text()) for path in documents}
    assert {name: links for name, links in dead.items() if links} == {}


def test_a_dead_link_is_found() -> None:
    """The rule sees a link to a file that is not there, and leaves addresses and anchors alone."""
    text = "[a](no-such.md) [b](glossary.md#cash) [c](https://example.org/x) [d](#here)"
    assert dead_links(GLOSSARY, text) == ["no-such.md"]


@pytest.mark.parametrize(
    "words",
    [
        allocations.Stage,
        allocations.DealStage,
        allocations.AllocationStatus,
        allocations.FundingStatus,
        allocations.Cause,
        payments.CallStatus,
        payments.HoldReason,
    ],
)
def test_the_glossary_has_every_status(words: object) -> None:
    """Whatever word an event may carry as a status, stage, cause or reason is explained."""
    text = GLOSSARY.read_text()
    assert get_args(words)
    assert [word for word in get_args(words) if f"`{word}`" not in text] == []


def test_no_name_uses_a_refused_word() -> None:
    """The words that the glossary refuses name nothing in the code."""
    words = refused_words(GLOSSARY.read_text())
    assert words
    found = [
        f"{tree.name(path)}:{line}"
        for path in tree.python(*tree.PACKAGES)
        for line in misnamed(path.read_text(), words)
    ]
    assert found == []


def test_a_refused_word_is_found() -> None:
    """The rule sees a refused word in a class, a function, an argument and a variable."""
    source = "class Investment: ...\ndef invoice_of(chargeback): write_off = 1"
    assert len(misnamed(source, refused_words(GLOSSARY.read_text()))) == 4


def test_decisions_are_listed() -> None:
    """Every decision is in the list that people read first, under the next number."""
    folder = tree.ROOT / "docs" / "decisions"
    numbered = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [int(name[:4]) for name in numbered] == list(range(1, len(numbered) + 1))
    listed = (folder / "README.md").read_text()
    assert [name for name in numbered if name not in listed] == []
