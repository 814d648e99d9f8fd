"""Where downloads are kept: once per user, or beside the data where the user has no home to keep them in."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drawdown.localstack.directory import Directory


def folder(directory: Directory) -> Path:
    """The user's cache of ours, made where it is missing."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 (never raises)
    for candidate in (Path(home) / "drawdown", directory.path / "cache"):
        try:
            candidate.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(candidate, os.W_OK | os.X_OK):
            return candidate
    raise PermissionError(f"neither {home} nor {directory.path} can be written to")


@contextmanager
def one_at_a_time(cache: Path, name: str) -> Iterator[None]:
    """Wait until nobody else downloads the same thing into this cache, and keep others waiting meanwhile."""
    with (cache / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
