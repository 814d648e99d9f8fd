"""The examples of docs/reallocation.md, run as they stand, one after the other, on a house where nothing was before."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.house import House

PAGE: Final = Path(__file__).parents[3] / "docs" / "reallocation.md"
_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK: Final = "@@ end of example"


@dataclass(frozen=True)
class Example:
    """Commands, and what the page says that they print; nothing where it does not say."""

    commands: str
    kind: str = ""
    printed: str = ""


def examples(page: str) -> list[Example]:
    """Every block of commands, with the block of output behind it."""
    found: list[Example] = []
    open_ = False
    for kind, text in _BLOCK.findall(page):
        if kind == "sh":
            found.append(Example(text))
        elif kind in {"text", "json"} and open_:
            found[-1] = Example(found[-1].commands, kind, text)
        open_ = kind == "sh"
    return found


def run(house: House, folder: Path, found: list[Example]) -> list[str]:
    """What each example prints."""
    shim = folder / "bin" / "drawdown"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m drawdown "$@" --data "{house.directory.path}"\n')
    shim.chmod(0o755)
    root = str(PAGE.parents[1])
    environment = {**os.environ, "PATH": f"{shim.parent}:{os.environ['PATH']}", "COLUMNS": "100", "PYTHONPATH": root}
    commands = [example.commands.replace("http://localhost:8000", house.addresses.front) for example in found]
    script = "set -e\n" + "".join(f"{one}\nprintf '\\n{_MARK}\\n'\n" for one in commands)
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout.split(f"\n{_MARK}\n")[: len(found)]


def is_like(told: object, printed: object) -> bool:
    """The same, where … in what is told stands for anything."""
    match told, printed:
        case dict(), dict():
            return told.keys() == printed.keys() and all(is_like(told[name], printed[name]) for name in told)
        case list(), list():
            return len(told) == len(printed) and all(map(is_like, told, printed))
        case str(), str():
            return bool(re.fullmatch(".*".join(map(re.escape, told.split("…"))), printed, re.DOTALL))
        case _:
            return told == printed


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip(" ─")]


def missing(told: str, printed: str) -> list[str]:
    """Lines of the page that were not printed in that order."""
    left = iter(lines(printed))
    return [line for line in lines(told) if not any(is_like(line, one) for one in left)]


def test_every_example_works(house: House, tmp_path: Path) -> None:
    """Each prints what the page says, or at least is no refusal."""
    found = examples(PAGE.read_text(encoding="utf-8"))
    assert len(found) >= 15
    assert sum(bool(example.printed) for example in found) >= 10
    for example, printed in zip(found, run(house, tmp_path, found), strict=True):
        if example.kind == "json":
            told: Any = json.loads(example.printed)
            assert is_like(told, json.loads(printed)), f"{example.commands}\n{printed}"
        elif example.kind == "text":
            assert missing(example.printed, printed) == [], f"{example.commands}\n{printed}"
        else:
            assert "urn:drawdown:problem" not in printed, f"{example.commands}\n{printed}"


def test_a_wrong_example_is_found() -> None:
    """Another amount, another order, a member too many; what stands for anything is only what is left out."""
    assert is_like({"a": ["1…", 2]}, {"a": ["1 and more", 2]})
    assert not is_like({"a": 1}, {"a": 2})
    assert not is_like({"a": 1}, {"a": 1, "b": 1})
    assert not is_like("id …", "name 5")
    assert missing("a  b\nc", "a b\nx\nc\n") == []
    assert missing("c\na", "a\nc\n") == ["a"]
    assert examples("```sh\na\n```\n\n```text\nb\n```\n```json\n{}\n```\n") == [Example("a\n", "text", "b\n")]
