"""The data directory: everything that one stack keeps between two runs, and who may use it now.

secrets.json   passwords, mode 0600          ports.json   ports, kept from run to run
lock           held by whoever runs it       run/         one record per process: pid, start time, address
logs/          one file per process          postgres/, kafka/   their data
"""

import fcntl
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEFAULT = Path(".drawdown")
_LOG_LIMIT_BYTES = 20 * 1024 * 1024


class InUse(RuntimeError):
    """Another process already runs the stack of this directory."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is in use by another `drawdown up`{f' (pid {holder})' if holder else ''}")
        self.holder = holder


@dataclass(frozen=True, slots=True)
class Directory:
    """One data directory. Files are replaced whole, so that a crash in the middle of a write leaves the old one."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> "Directory":
        """The directory at `path`, made where it is missing, for its owner alone. Only root's may be walked through:
        PostgreSQL, which then runs as another user, has its data in it."""
        directory = cls(path.expanduser().resolve())
        if not directory.path.exists():
            directory.path.mkdir(parents=True)
            directory.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        for name in ("run", "logs", "kafka"):
            (directory.path / name).mkdir(mode=0o700, exist_ok=True)
        return directory

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory; raises InUse at once where somebody else does. It is let go when the holder dies."""
        with (self.path / "lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                raise InUse(self.path, file.read().strip()) from None
            file.seek(0)
            file.truncate()
            file.write(str(os.getpid()))
            file.flush()
            yield

    def remove(self) -> None:
        """Remove everything, also what lies elsewhere because the server's own user could not come here."""
        for link in self.path.iterdir():
            if link.is_symlink():
                shutil.rmtree(link.resolve().parent, ignore_errors=True)
        shutil.rmtree(self.path)

    def secret(self, name: str) -> str:
        """The secret of that name; a new random one the first time."""
        known = self.read("secrets.json")
        if name not in known:
            self.write("secrets.json", {**known, name: secrets.token_urlsafe(24)})
        return str(self.read("secrets.json")[name])

    def log(self, name: str) -> Path:
        """Where that process writes; a file that has grown large makes room first, keeping one older one."""
        path = self.path / "logs" / f"{name}.log"
        if path.exists() and path.stat().st_size > _LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path

    def read(self, name: str) -> dict[str, Any]:
        """The JSON object in that file; empty where there is none, or where it cannot be read as one."""
        try:
            content = json.loads((self.path / name).read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Put `content` there, for this user's eyes alone."""
        target = self.path / name
        handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # mode 0600 from the start
        with os.fdopen(handle, "w") as file:
            json.dump(content, file, indent=2)
        Path(draft).replace(target)
