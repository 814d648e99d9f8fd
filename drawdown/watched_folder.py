"""A folder that is watched: each bank file that is put into it is fed once it lies still, and moved out of the way.

What was taken goes to `done/`, what was refused to `failed/`, each with the answer beside it. A file is moved in one
step, and only after its answer stands there; a crash in between feeds it again, which doubles nothing.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

DONE: Final = "done"
FAILED: Final = "failed"
_LOCK: Final = ".drawdown-feed.lock"
_UNFINISHED: Final = frozenset({".part", ".partial", ".tmp", ".crdownload", ".filepart", ".download", ".swp"})
_LOOK_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0


class InUse(RuntimeError):
    """Another process watches this folder."""


class TryAgain(RuntimeError):
    """There is no answer that decides; the file stays where it is."""


class Fed(Protocol):
    """What became of one file."""

    @property
    def taken(self) -> bool: ...
    @property
    def document(self) -> dict[str, Any]: ...


@dataclass(slots=True)
class WatchedFolder:
    """One folder; `feed` sends a file and raises `TryAgain` where nothing was decided."""

    path: Path
    feed: Callable[[Path], Fed]
    tell: Callable[[str], None]
    _seen: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def run(self) -> None:
        """Watches until it is interrupted. Raises `InUse`."""
        with self.alone():
            pause_seconds = _LOOK_SECONDS
            while True:
                try:
                    self.look()
                    pause_seconds = _LOOK_SECONDS
                except TryAgain as why:
                    self.tell(f"{why}; trying again in {pause_seconds:.0f} s")
                    pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)
                time.sleep(pause_seconds)

    def look(self) -> list[Path]:
        """Feeds every file that has not changed since the look before, oldest first, and answers where each went."""
        went = []
        for path in self._still():
            answer = self.feed(path)
            went.append(self._settle(path, answer))
            self.tell(f"{path.name}: {'taken' if answer.taken else 'refused'}, moved to {went[-1].parent.name}/")
        return went

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else watches meanwhile; raises `InUse` where somebody does."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InUse(f"{self.path} is watched by another process already") from None
            yield

    def _still(self) -> list[Path]:
        """Files that lie still: whoever writes one in place is given a look's time between two writes."""
        now = {}
        for path in self.path.iterdir():
            if path.name.startswith(".") or path.suffix.lower() in _UNFINISHED or not path.is_file():
                continue
            stat = path.stat()
            now[path] = (stat.st_mtime_ns, stat.st_size)
        still = [path for path, state in now.items() if self._seen.get(path) == state]
        self._seen = now
        return sorted(still, key=lambda path: (now[path][0], path.name))

    def _settle(self, path: Path, answer: Fed) -> Path:
        folder = self.path / (DONE if answer.taken else FAILED)
        folder.mkdir(exist_ok=True)
        target = _free(folder, path.name)
        beside = target.with_name(f"{target.name}.answer.json")
        unfinished = beside.with_name(f".{beside.name}.tmp")
        with unfinished.open("w", encoding="utf-8") as file:
            json.dump(answer.document, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(beside)
        path.replace(target)
        _keep(folder)
        _keep(self.path)
        self._seen.pop(path, None)
        return target


def _free(folder: Path, name: str) -> Path:
    """A name in the folder that is not taken: banks give every day's file the same one."""
    target, number = folder / name, 1
    while target.exists():
        number += 1
        target = folder / f"{Path(name).stem}.{number}{Path(name).suffix}"
    return target


def _keep(folder: Path) -> None:
    """Makes sure that the names in a folder outlive a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
