"""The project's own files, and what kind each is."""

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("allocations", "payments", "metrics", "audit")
PACKAGES = ("services", "shared", "drawdown", "web")

_NOT_OURS = {".git", ".venv", ".drawdown", "__pycache__", "node_modules", "build", "dist"}


@cache
def files() -> Sequence[Path]:
    """Every file that is committed or would be; without git (an unpacked archive), every file that is not a cache."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        paths = [p for p in ROOT.rglob("*") if not any(part in _NOT_OURS or part.startswith(".") for part in p.parts)]
    return sorted(path for path in set(paths) if path.is_file())


def python(*under: str) -> list[Path]:
    """Our Python files, below the given folders or anywhere."""
    return [path for path in files() if path.suffix == ".py" and _below(path, under)]


def texts() -> list[Path]:
    """Every committed file that is text."""
    return [path for path in files() if b"\0" not in path.read_bytes()[:4096]]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _below(path: Path, folders: Sequence[str]) -> bool:
    return not folders or any(path.is_relative_to(ROOT / folder) for folder in folders)
