"""Signals that mean "end": while work goes on they interrupt it, while it is being ended they wait."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

_THAT_MEAN_END: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_Handler = Callable[[int, FrameType | None], Any]


@contextlib.contextmanager
def interrupting() -> Iterator[None]:
    """SIGTERM and a closed terminal interrupt the block as Ctrl-C does."""
    with _handled_by(signal.default_int_handler):
        yield


@contextlib.contextmanager
def held_back(note: Callable[[], None]) -> Iterator[None]:
    """Let the block finish: a signal only calls `note`."""
    with _handled_by(lambda _number, _frame: note()):
        yield


@contextlib.contextmanager
def _handled_by(handler: _Handler) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # only there may handlers be set
        yield
        return
    before = {number: signal.signal(number, handler) for number in _THAT_MEAN_END}
    try:
        yield
    finally:
        for number, handler_before in before.items():
            signal.signal(number, handler_before)
