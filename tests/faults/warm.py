"""A parent that has every module loaded, and forks services from it: a start then costs a tenth of what it costs cold.

``python -m tests.faults.warm`` takes one JSON object a line, ``{"start": name, "argv": [service, command, …], "env": …,
"log": …}`` or ``{"signal": pid, "number": …}``, and says ``{"started": name, "pid": …}`` and ``{"ended": pid, "code":
…}``. What it forks becomes ``python -m services.X`` in every respect but that; all of them end when its input does.
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from drawdown.addresses import SERVICES
from drawdown.localstack.launch import PR_SET_PDEATHSIG
from shared import crashpoint

_LIVE: Final[set[int]] = set()


def _become(argv: Sequence[str], env: Mapping[str, str], log: str) -> NoReturn:
    """This very process is the service from now on."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))  # whatever ends us ends it
        os.setsid()
        written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        silent = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, silent), (1, written), (2, written)):
            os.dup2(source, target)
        os.environ.clear()
        os.environ.update(env)
        _bind()
        module = f"services.{argv[0]}"
        sys.argv = [module, *argv[1:]]
        gc.unfreeze()
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001  (whatever it is: said, and then the end, for this is no place to return from)
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(code)


def _bind() -> None:
    """Crash points as a fresh import would bind them: each module has the function under its own name."""
    text = os.environ.get(crashpoint.VARIABLE)
    if not text:
        return
    unarmed, armed = crashpoint.crashpoint, crashpoint.armed(text)
    for module in list(sys.modules.values()):
        if getattr(module, "crashpoint", None) is unarmed:
            module.crashpoint = armed  # type: ignore[attr-defined]  # found there one line above


def _say(said: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def _do(asked: Mapping[str, Any]) -> None:
    if "start" in asked:
        pid = os.fork()
        if pid == 0:
            _become(asked["argv"], asked["env"], asked["log"])
        _LIVE.add(pid)
        _say({"started": asked["start"], "pid": pid})
    elif asked["signal"] in _LIVE:  # not reaped yet, so the pid is still theirs
        os.kill(asked["signal"], asked["number"])


def _reap() -> None:
    for pid in list(_LIVE):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            _LIVE.discard(pid)
            _say({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def main() -> None:
    for service in SERVICES:
        importlib.import_module(f"services.{service}.app")
    gc.collect()
    gc.freeze()
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGINT):  # our input ends when the campaign does, and so do we then
        signal.signal(number, signal.SIG_IGN)
    signal.set_wakeup_fd(wake)
    _say({"ready": os.getpid()})
    waiting, asked = b"", True
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(awake, selectors.EVENT_READ)
        while asked:
            for key, _ in selector.select():
                data = os.read(key.fd, 65_536)
                if key.fd == 0:
                    asked = bool(data)
                    *lines, waiting = (waiting + data).split(b"\n")
                    for line in lines:
                        _do(json.loads(line))
            _reap()
    for pid in _LIVE:
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
