"""A disk that is full now, and has room again later.

`Mounted` is a small file system in memory with a ballast file; mounting needs root. `Limited` needs nothing: it forbids
a running process, and whatever that starts, to write behind a size in any file, which is refused in the same place.
"""

import contextlib
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import psutil

MEBIBYTE: Final = 1024 * 1024
_STEP_BYTES: Final = MEBIBYTE


class Disk(Protocol):
    """Where one server writes."""

    def fill(self) -> None:
        """From now on there is no room."""
        ...

    def free(self) -> None:
        """There is room again."""
        ...


@dataclass(frozen=True, slots=True)
class Mounted:
    """A file system of its own below `path`."""

    path: Path

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"

    def fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(_STEP_BYTES))
        with self._ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(512))

    def free(self) -> None:
        self._ballast.unlink()


@dataclass(frozen=True, slots=True)
class Limited:
    """A process (by `pid`, asked each time) and its children, which may not write behind `size_bytes` in a file."""

    pid: Callable[[], int]
    size_bytes: int

    def fill(self) -> None:
        self._limit(self.size_bytes)

    def free(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size_bytes: int) -> None:
        """Twice, for children that are started meanwhile have the old limit; nothing to do where all have ended."""
        for _ in range(2):
            with contextlib.suppress(psutil.NoSuchProcess):
                server = psutil.Process(self.pid())
                pids = [str(process.pid) for process in (server, *server.children(recursive=True))]
                arguments = [str(server.uids().real), str(server.gids().real), str(size_bytes), *pids]
                # As the server's own user: root itself may lack the right to do this to others.
                subprocess.run([sys.executable, "-I", "-S", "-c", _SET_LIMIT, *arguments], check=True)


_SET_LIMIT: Final = """
import os, resource, sys
uid, gid, size_bytes, *pids = map(int, sys.argv[1:])
if os.geteuid() != uid:
    os.setgid(gid)
    os.setuid(uid)
for pid in pids:
    try:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, hard))
    except ProcessLookupError:
        pass
"""


@contextlib.contextmanager
def mounted(path: Path, *, size_bytes: int) -> Iterator[Mounted]:
    """An empty small disk at `path`, which must exist; gone afterwards, with what lay on it. Raises `CannotMount`."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0755", "drawdown-small-disk", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CannotMount(str(error)) from error
    if done.returncode:
        raise CannotMount(done.stderr.strip())
    try:
        yield Mounted(path)
    finally:
        # Lazily: whoever still has a file open there does not keep the others waiting.
        subprocess.run(["umount", "--lazy", str(path)], check=True)


class CannotMount(OSError):
    """Not allowed to, or not possible here."""


def can_mount(folder: Path) -> bool:
    """Whether a small disk can be mounted here: tried, since being root is neither needed nor enough everywhere."""
    probe = folder / "probe"
    probe.mkdir()
    try:
        with mounted(probe, size_bytes=MEBIBYTE):
            return True
    except CannotMount:
        return False
    finally:
        probe.rmdir()


@contextlib.contextmanager
def moved_to_small_disk(folder: Path, *, room_bytes: int) -> Iterator[Mounted]:
    """What lies in `folder` lies on a small disk in its place, with so much room besides; the owner stays the same."""
    was = folder.with_name(f"{folder.name}.was")
    folder.rename(was)
    folder.mkdir()
    used_bytes = sum(file.lstat().st_blocks * 512 for file in was.rglob("*") if file.is_file())
    with mounted(folder, size_bytes=used_bytes + room_bytes) as disk:
        shutil.copytree(was, folder, dirs_exist_ok=True, symlinks=True)
        for copied in (folder, *folder.rglob("*")):
            of = (was / copied.relative_to(folder)).lstat()
            os.chown(copied, of.st_uid, of.st_gid)
            copied.chmod(of.st_mode & 0o7777)
        shutil.rmtree(was)
        yield disk
