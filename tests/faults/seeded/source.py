"""Copies of the product's source, as it is or with one mistake put in. The checkout itself is never touched."""

import compileall
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
PACKAGES: Final = ("services", "shared", "drawdown", "web")


@dataclass(frozen=True, slots=True)
class Edit:
    """A piece of one file, word for word, and what stands there instead."""

    file: str
    old: str
    new: str


class NoLongerApplies(LookupError):
    """The source has changed: the piece is not there, or not once."""


def edited(edits: Iterable[Edit], root: Path = ROOT) -> dict[str, str]:
    """The new text of each edited file; raises `NoLongerApplies` unless every piece stands there exactly once."""
    texts: dict[str, str] = {}
    for edit in edits:
        text = texts.get(edit.file)
        if text is None:
            text = (root / edit.file).read_text(encoding="utf-8")
        if (times := text.count(edit.old)) != 1:
            raise NoLongerApplies(f"{edit.file}: stands there {times} times: {edit.old.strip().splitlines()[0]}")
        texts[edit.file] = text.replace(edit.old, edit.new)
    return texts


def snapshot(target: Path) -> Path:
    """The product's packages as they are now, compiled, below `target`, which it answers."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(str(target), quiet=2)
    return target


def suspect(source: Path, target: Path, edits: Iterable[Edit]) -> Path:
    """A copy of a snapshot with edits put in, below `target`, which it answers. What is compiled stays valid."""
    for package in PACKAGES:
        shutil.copytree(source / package, target / package)
    for file, text in edited(edits, source).items():
        (target / file).write_text(text, encoding="utf-8")
    return target


def environment(source: Path) -> Mapping[str, str]:
    """What makes a Python process import the packages from there, whatever is installed and wherever it is started."""
    return {"PYTHONPATH": str(source), "PYTHONSAFEPATH": "1"}
