"""Processes that we start, know again after a crash, and stop.

A record of a process holds its pid and the time it started: a pid alone may be another's by now, and is never
signalled.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from drawdown.localstack.directory import Directory

_SAME_START_SECONDS: Final = 2.0  # the start time is told by the wall clock, which may be set a little meanwhile
_LAUNCH: Final = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class Account:
    """The user and group that a process runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: everything that is needed to start it, and to start it again."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    role: str = ""
    url: str = ""
    stop_signal: int = signal.SIGTERM
    patience_seconds: float = 15.0  # how long it may take to end on its own
    account: Account | None = None  # None: as ourselves


@dataclass(frozen=True, slots=True)
class Known:
    """A process as its record tells."""

    name: str
    pid: int
    started: float
    role: str = ""
    url: str = ""
    stop_signal: int = signal.SIGTERM

    @property
    def process(self) -> psutil.Process | None:
        """The live process, if it is still the one we started."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _SAME_START_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.NoSuchProcess:
            return None


@dataclass(slots=True)
class Child:
    """A program that runs as our child."""

    program: Program
    popen: "subprocess.Popen[bytes]"
    forget: Callable[[], None] = field(repr=False)

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.popen.poll()

    def signal(self, number: int) -> None:
        """Send a signal; nothing happens where it has ended."""
        self.popen.send_signal(number)

    def stop(self) -> None:
        """Ask it to end, wait, and kill it where it does not; returns when it is gone."""
        self.signal(self.program.stop_signal)
        self.wait()

    def wait(self) -> None:
        try:
            self.popen.wait(self.program.patience_seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        self.forget()


def start(directory: Directory, program: Program) -> Child:
    """Run the program in the background, its output in its log, its record in the directory.

    On Linux it is told to stop when the thread that called this ends, so call it from one that lives as long.
    """
    owner = (str(program.account.uid), str(program.account.gid)) if program.account else ("-", "-")
    launch = (sys.executable, "-I", "-S", "-B", str(_LAUNCH), str(int(program.stop_signal)), str(os.getpid()), *owner)
    with program.log.open("ab") as log:
        popen = subprocess.Popen(
            [*launch, shutil.which(program.argv[0]) or program.argv[0], *program.argv[1:]],
            env=dict(program.env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us: we stop the others in the right order
        )
    with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended already
        extra = {"role": program.role, "url": program.url, "stop_signal": int(program.stop_signal)}
        _record(directory, program.name, popen.pid, extra)
    return Child(program, popen, forget=partial(_forget, directory, program.name))


def run_to_end(program: Program) -> "subprocess.Popen[bytes]":
    """Start a program that ends by itself; its output goes to its log."""
    with program.log.open("ab") as log:
        return subprocess.Popen(
            program.argv, env=dict(program.env), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )


@contextlib.contextmanager
def recorded(directory: Directory, name: str) -> Iterator[None]:
    """Keep a record of this very process during the block."""
    _record(directory, name, os.getpid(), {})
    try:
        yield
    finally:
        _forget(directory, name)


def known(directory: Directory) -> list[Known]:
    """What the records tell, dead or alive, by name."""
    records = (directory.read(f"run/{path.name}") for path in sorted((directory.path / "run").glob("*.json")))
    return [Known(**record) for record in records if {"name", "pid", "started"} <= record.keys()]


def stop_orphan(directory: Directory, orphan: Known, *, patience_seconds: float = 30.0) -> bool:
    """End what an earlier run left behind and forget it; False where it was gone already."""
    process = orphan.process
    if process is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(orphan.stop_signal)
            try:
                process.wait(patience_seconds)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(patience_seconds)
    _forget(directory, orphan.name)
    return process is not None


def _record(directory: Directory, name: str, pid: int, extra: Mapping[str, object]) -> None:
    started = psutil.Process(pid).create_time()
    directory.write(f"run/{name}.json", {"name": name, "pid": pid, "started": started, **extra})


def _forget(directory: Directory, name: str) -> None:
    (directory.path / "run" / f"{name}.json").unlink(missing_ok=True)
