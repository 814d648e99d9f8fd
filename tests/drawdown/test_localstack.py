"""The pieces below the stack: the directory, its lock, ports, processes and their records, downloads."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from drawdown.localstack import jars, java, ports, processes
from drawdown.localstack.directory import Directory, InUse
from drawdown.localstack.processes import Account, Program
from drawdown.localstack.waiting import until
from drawdown.stack import sweep
from tests.support import servers

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


@pytest.fixture
def directory() -> Iterator[Directory]:
    with servers.directory() as fresh:
        yield fresh


def program(directory: Directory, name: str, argv: list[str], *, patience_seconds: float = 10) -> Program:
    return Program(name, argv, dict(os.environ), directory.log(name), patience_seconds=patience_seconds)


def said(directory: Directory, name: str) -> str:
    log = directory.log(name)
    assert until(lambda: log.stat().st_size > 0, seconds=10)
    return log.read_text()


# ---- the directory


def test_one_holder_at_a_time(directory: Directory) -> None:
    """Two stacks never share a directory, and the second is told who holds it."""
    with directory.locked(), pytest.raises(InUse, match=str(os.getpid())), directory.locked():
        pass
    with directory.locked():
        pass


def test_a_dead_holder_lets_go(directory: Directory) -> None:
    """No lock file has to be removed by hand, whatever became of its holder."""
    holder = "import sys, time; from pathlib import Path; from drawdown.localstack.directory import Directory\n"
    holder += "with Directory.at(Path(sys.argv[1])).locked(): print('up', flush=True); time.sleep(600)"
    child = processes.start(
        directory, program(directory, "holder", [sys.executable, "-c", holder, str(directory.path)])
    )
    said(directory, "holder")
    with pytest.raises(InUse, match=str(child.pid)), directory.locked():
        pass
    child.signal(signal.SIGKILL)
    child.wait()
    with directory.locked():
        pass


def test_secrets_are_kept_and_for_nobody_else(directory: Directory) -> None:
    """A password is random, the same next time, and readable by its owner alone."""
    first = directory.secret("postgres")
    assert len(first) >= 24
    assert directory.secret("audit") != first
    assert Directory.at(directory.path).secret("postgres") == first
    assert stat.S_IMODE((directory.path / "secrets.json").stat().st_mode) == 0o600
    for name in ("run", "logs", "kafka"):
        assert stat.S_IMODE((directory.path / name).stat().st_mode) == 0o700


def test_a_damaged_file_is_no_obstacle(directory: Directory) -> None:
    """A record that a full disk cut short is read as nothing, and written anew."""
    (directory.path / "ports.json").write_text('{"kafka": 1')
    assert directory.read("ports.json") == {}
    assert ports.remembered(directory, "kafka") == directory.read("ports.json")["kafka"]


# ---- ports


def test_ports_are_remembered_while_they_are_free(directory: Directory) -> None:
    """An address stays from run to run; a port that somebody else took meanwhile is given up."""
    port = ports.remembered(directory, "kafka")
    assert ports.remembered(directory, "kafka") == port
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, port))
        other.listen()
        assert ports.remembered(directory, "kafka") != port


def test_no_client_is_lent_our_ports() -> None:
    """A client that keeps calling a dead server never takes the server's own port by accident."""
    lent = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(lent.read_text().split()[0]) if lent.exists() else 49_152
    assert all(ports.free() < first for _ in range(100))


def test_a_wanted_port_that_is_taken_is_replaced(directory: Directory) -> None:
    """Somebody's server on the wanted port never stops a start."""
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        wanted = other.getsockname()[1]
        assert ports.remembered(directory, "web", wanted=wanted) != wanted
    assert ports.remembered(directory, "web", wanted=wanted) == wanted


# ---- processes


def test_a_record_names_the_process_and_its_start(directory: Directory) -> None:
    """What runs is known to the next run, and forgotten once it is stopped."""
    child = processes.start(directory, program(directory, "sleeper", SLEEPER))
    (known,) = processes.known(directory)
    assert (known.name, known.pid) == ("sleeper", child.pid)
    assert known.process is not None
    said(directory, "sleeper")
    child.stop()
    assert known.process is None
    assert processes.known(directory) == []


def test_a_reused_pid_is_never_signalled(directory: Directory) -> None:
    """A stale record whose pid is another's by now harms nobody."""
    with subprocess.Popen(SLEEPER, stdout=subprocess.DEVNULL) as stranger:
        started = psutil.Process(stranger.pid).create_time() - 3600
        directory.write("run/kafka.json", {"name": "kafka", "pid": stranger.pid, "started": started})
        sweep(directory, say=pytest.fail)
        assert stranger.poll() is None
        assert processes.known(directory) == []
        stranger.kill()


def test_orphans_are_found_and_stopped(directory: Directory) -> None:
    """What a killed run left behind is stopped by its record before anything starts."""
    with subprocess.Popen(SLEEPER, stdout=subprocess.DEVNULL, start_new_session=True) as orphan:
        started = psutil.Process(orphan.pid).create_time()
        directory.write("run/audit.json", {"name": "audit", "pid": orphan.pid, "started": started})
        told: list[str] = []
        sweep(directory, told.append)
        assert not psutil.pid_exists(orphan.pid)
    assert "audit" in told[0]


def test_who_does_not_end_is_killed(directory: Directory) -> None:
    """Stopping ends in bounded time, whatever the process makes of the request."""
    child = processes.start(directory, program(directory, "stubborn", STUBBORN, patience_seconds=0.5))
    said(directory, "stubborn")
    before = time.monotonic()
    child.stop()
    assert time.monotonic() - before < 5
    assert child.exit_code == -signal.SIGKILL


def test_children_end_with_whoever_started_them(directory: Directory) -> None:
    """kill -9 of the supervisor leaves no service behind."""
    parent = "import json, sys, time; from pathlib import Path; from drawdown.localstack import processes\n"
    parent += "from drawdown.localstack.directory import Directory; from drawdown.localstack.processes import Program\n"
    parent += "d = Directory(Path(sys.argv[1]))\n"
    parent += "processes.start(d, Program('grandchild', json.loads(sys.argv[2]), {}, d.log('grandchild')))\n"
    parent += "time.sleep(600)"
    argv = [sys.executable, "-c", parent, str(directory.path), json.dumps(SLEEPER)]
    child = processes.start(directory, program(directory, "parent", argv))
    assert until(lambda: directory.log("grandchild").exists(), seconds=10)
    said(directory, "grandchild")
    grandchild = next(known for known in processes.known(directory) if known.name == "grandchild")
    child.signal(signal.SIGKILL)
    child.wait()
    assert until(lambda: grandchild.process is None, seconds=5)


def test_a_program_runs_as_the_account_it_names(directory: Directory) -> None:
    """PostgreSQL, which refuses root, gets another user and none of root's groups."""
    account = Account(uid=65_534, gid=65_534) if os.geteuid() == 0 else None
    whoami = Program("whoami", ["id"], {"PATH": os.environ["PATH"]}, directory.log("whoami"), account=account)
    processes.start(directory, whoami).popen.wait()
    assert f"uid={account.uid if account else os.geteuid()}" in said(directory, "whoami")
    assert "(root)" not in said(directory, "whoami")


# ---- downloads


def test_only_the_jars_we_know_are_run(tmp_path: Path) -> None:
    """A jar that was cut short, changed, or never asked for is named, not started."""
    cut, stranger = tmp_path / "slf4j-simple-1.7.36.jar", tmp_path / "stranger.jar"
    cut.write_bytes(b"cut short")
    stranger.write_bytes(b"")
    assert cut.name in jars.expected()
    assert jars._wrong([cut, stranger]) == sorted({*jars.expected(), stranger.name})


def test_the_version_of_a_java_is_read_from_itself(tmp_path: Path) -> None:
    """Old numbering, new numbering, and something that is no Java at all."""
    for said_by_java, major in (('java version "1.8.0_392"', 8), ('openjdk version "17.0.15" 2025-04-15', 17), ("", 0)):
        fake = tmp_path / f"java{major}"
        fake.write_text(f"#!/bin/sh\necho '{said_by_java}' >&2\n")
        fake.chmod(0o755)
        assert java.version_of(str(fake)) == major
    assert java.version_of(str(tmp_path / "missing")) == 0
