"""What `make` offers to somebody with a fresh clone."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def make(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    # As if nobody had called make yet: these tests run under one themselves.
    outside = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    return subprocess.run(["make", *arguments], cwd=folder, env=outside, capture_output=True, text=True, check=False)


def test_help_names_every_target() -> None:
    """`make` alone shows what there is, and everything it shows exists."""
    shown = set(re.findall(r"^  make (\w+)", make(ROOT).stdout, re.MULTILINE))
    assert {"setup", "demo", "test", "faults", "bench", "fmt", "check", "schemas", "lock", "clean"} <= shown
    for target in shown:
        assert make(ROOT, "--dry-run", target).returncode == 0, target


def test_no_python_is_told_in_words(tmp_path: Path) -> None:
    """Somebody without a new enough Python learns what is missing and how to name one."""
    for name in ("Makefile", "pyproject.toml", "requirements/dev.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    refused = make(tmp_path, "setup", "PYTHON=")
    assert refused.returncode != 0
    assert "needs Python 3.11 or newer" in refused.stderr
    assert not (tmp_path / ".venv").exists()


def test_what_ci_runs_is_what_a_person_runs() -> None:
    """There is one way to know that a change is good."""
    script = ROOT / ".ci" / "run"
    assert script.read_text().rstrip().endswith("make test")
    assert script.stat().st_mode & 0o111
