"""Keeps programs running: what dies is started again, with backoff, and said so."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from drawdown.localstack.directory import Directory
from drawdown.localstack.processes import Child, Program, start

Say = Callable[[str], None]

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0
_STEADY_SECONDS: Final = 60.0  # who ran for so long starts again with the first pause


@dataclass(slots=True)
class Kept:
    """One program that should run, and how it has been doing."""

    program: Program
    child: Child
    started_at: float
    failures: int = 0
    start_again_at: float | None = None  # while it is down


class Supervisor:
    """Starts programs and keeps them. Use it from one thread, which lives as long as they."""

    def __init__(self, directory: Directory, say: Say) -> None:
        self._directory = directory
        self._say = say
        self._kept: dict[str, Kept] = {}

    def keep(self, program: Program) -> None:
        """Start the program and keep it running from now on."""
        self._kept[program.name] = Kept(program, start(self._directory, program), time.monotonic())

    def failures(self, name: str) -> int:
        """How often it ended in a row, without a steady while between."""
        return self._kept[name].failures

    def tend(self) -> None:
        """Look after everything once: to be called several times a second."""
        now = time.monotonic()
        for kept in self._kept.values():
            if kept.start_again_at is not None:
                if now >= kept.start_again_at:
                    kept.child = start(self._directory, kept.program)
                    kept.started_at, kept.start_again_at = now, None
            elif (code := kept.child.exit_code) is not None:
                self._note_end(kept, code, now)

    def stop(self, *names: str) -> None:
        """Ask all of these to end at once, then wait until each is gone. Names that are not kept are no matter."""
        stopping = [self._kept.pop(name) for name in names if name in self._kept]
        for kept in stopping:
            kept.child.signal(kept.program.stop_signal)
        for kept in stopping:
            kept.child.wait()

    def _note_end(self, kept: Kept, code: int, now: float) -> None:
        steady = now - kept.started_at > _STEADY_SECONDS
        kept.failures = 1 if steady else kept.failures + 1
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** (kept.failures - 1), _LONGEST_PAUSE_SECONDS)
        kept.start_again_at = now + pause
        kept.child.forget()
        self._say(f"{kept.program.name} {_how(code)}; starting it again in {pause:g} s (log: {kept.program.log})")


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
