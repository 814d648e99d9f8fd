"""`up`, `status`, `down` on real servers and services: killed, stopped, started again, side by side."""

import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from drawdown import exits
from drawdown.addresses import SERVICES, look_up
from drawdown.localstack import cache, ports
from drawdown.localstack.directory import Directory
from drawdown.localstack.processes import known
from drawdown.localstack.waiting import until
from drawdown.stack import is_ready
from tests.support import servers

pytestmark = pytest.mark.timeout(400)  # several starts of a broker, on a machine that may be busy


FUND = {"name": "Balerion I", "currency": "USD", "time_zone": "America/New_York", "size": "1000000.00"}
_PATIENCE_SECONDS = 150
_SOMEBODY = pwd.getpwnam("daemon")  # an account that every system has, and that is not PostgreSQL's under root


@dataclass(frozen=True, slots=True)
class Home:
    """A data directory, and the command line on it."""

    directory: Directory
    port: int
    python: str = sys.executable
    uid: int | None = None
    environment: Mapping[str, str] | None = None

    def drawdown(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [self.python, "-m", "drawdown", *arguments, "--data", str(self.directory.path)],
            env=dict(self.environment or _environment()),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            user=self.uid,
            group=self.uid,
            extra_groups=None if self.uid is None else [],
        )

    def up(self) -> "subprocess.CompletedProcess[str]":
        done = self.drawdown("up", "--detach", "--port", str(self.port))
        assert done.returncode == exits.OK, done.stderr + done.stdout
        return done

    def down(self) -> None:
        done = self.drawdown("down")
        assert done.returncode == exits.OK, done.stderr

    def status(self) -> dict[str, Any]:
        done = self.drawdown("status", "--json")
        status: dict[str, Any] = json.loads(done.stdout)
        return status

    def pid(self, name: str) -> int:
        return next((each.pid for each in known(self.directory) if each.name == name and each.process), 0)

    def is_ready(self) -> bool:
        """Whether every part says so itself; `drawdown status` asks the same, but is slow to ask often."""
        found = look_up(self.directory.path)
        with httpx.Client(timeout=5, trust_env=False) as http:
            return all(is_ready(http, url) for url in (found.front, *found.services.values()))

    def front(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        with httpx.Client(base_url=self.status()["front"], timeout=30, trust_env=False) as http:
            answer: dict[str, Any] = http.request(method, path, **arguments).raise_for_status().json()
            return answer

    @contextlib.contextmanager
    def in_foreground(self, until_it_says: str) -> Iterator[Path]:
        """`up` as a person runs it, its words in the file, interrupted by Ctrl-C at the end of the block."""
        told = self.directory.path / "told"
        command = [self.python, "-m", "drawdown", "up", "--port", str(self.port), "--data", str(self.directory.path)]
        with told.open("w") as output:
            process = subprocess.Popen(command, env=_environment(), stdout=output, stderr=output)
        try:
            assert until(lambda: until_it_says in told.read_text(), seconds=_PATIENCE_SECONDS), told.read_text()
            yield told
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(_PATIENCE_SECONDS) == exits.OK
        assert self.processes() == []

    def processes(self) -> list[psutil.Process]:
        """Everything on the machine that was started for this directory."""
        return [process for process in psutil.process_iter() if _mentions(process, str(self.directory.path))]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("DRAWDOWN_")}


def _mentions(process: psutil.Process, path: str) -> bool:
    with contextlib.suppress(psutil.Error):
        words = [*process.cmdline(), process.environ().get("DRAWDOWN_DATA", "")]
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and any(word == path or f"{path}/" in word for word in words)
    return False


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    """One stack that runs, for the tests of this module one after the other."""
    with servers.directory() as directory:
        home = Home(directory, ports.free())
        try:
            home.up()
            yield home
        finally:
            home.down()


def test_status_says_what_runs_and_no_secret(home: Home) -> None:
    """Programs find every address and pid; nobody finds a password."""
    status = home.status()
    assert status["front"] == f"http://127.0.0.1:{home.port}"
    assert {service["name"] for service in status["services"]} == {*SERVICES, "web"}
    assert all(service["ready"] and psutil.pid_exists(service["pid"]) for service in status["services"])
    assert {server["name"] for server in status["servers"]} == {"postgres", "kafka"}
    assert httpx.get(f"{status['front']}/readyz", trust_env=False).is_success
    shown = json.dumps(status) + home.drawdown("status").stdout
    secrets = home.directory.read("secrets.json").values()
    assert len(secrets) >= 5
    assert not [secret for secret in secrets if secret in shown]


def test_a_second_up_is_told_so(home: Home) -> None:
    """Two supervisors never fight over one directory."""
    done = home.drawdown("up", "--port", str(home.port))
    assert done.returncode == exits.IN_USE
    assert "in use by another `drawdown up`" in done.stderr
    assert home.is_ready()


def test_what_is_killed_comes_back(home: Home) -> None:
    """A service, the broker and the database, all killed at once, are started again, and it is said."""
    victims = {name: home.pid(name) for name in ("payments", "kafka", "postgres")}
    for pid in victims.values():
        os.kill(pid, signal.SIGKILL)
    assert until(
        lambda: all(home.pid(name) not in {0, pid} for name, pid in victims.items()), seconds=_PATIENCE_SECONDS
    )
    assert until(home.is_ready, seconds=_PATIENCE_SECONDS, pause_seconds=0.5)
    told = home.directory.log("supervisor").read_text()
    for name in victims:
        assert f"{name} was ended by SIGKILL; starting it again" in told


def test_another_stack_beside_it_by_an_ordinary_user(home: Home) -> None:
    """No privilege is needed, nor a home directory (where the tests run as root, somebody else runs it). A wanted port
    that is taken costs nothing but the port, and two stacks share nothing."""
    with servers.directory() as directory:
        other = _of_somebody_else(directory, home.port) if os.geteuid() == 0 else Home(directory, home.port)
        try:
            assert f"port {home.port} is taken: using" in other.up().stderr
            first, second = home.status(), other.status()
            assert first["front"] != second["front"]
            assert first["kafka"] != second["kafka"]
            assert first["postgres_url"] != second["postgres_url"]
            owners = {psutil.Process(other.pid(name)).uids().real for name in ("postgres", "kafka", "payments")}
            assert owners == {os.geteuid() if other.uid is None else other.uid}
        finally:
            other.down()
    assert home.is_ready()


def test_kill_of_the_supervisor(home: Home) -> None:
    """kill -9 of the supervisor leaves a directory that the next `up` takes over as it is."""
    made = home.front("POST", "/api/funds", json=FUND)
    os.kill(home.pid("supervisor"), signal.SIGKILL)
    home.up()
    assert home.front("GET", f"/api/funds/{made['id']}")["name"] == FUND["name"]
    assert len([process for process in home.processes() if process.cmdline()[-2:-1] == ["--port"]]) == 1


def test_every_way_to_stop_leaves_nothing_but_the_data(home: Home) -> None:
    """`down`, Ctrl-C in the middle of a start, and Ctrl-C later all end every process; the next `up` serves the same
    data at the same addresses."""
    made = home.front("POST", "/api/funds", json=FUND)
    before = home.status()
    assert home.processes()
    home.down()
    assert home.processes() == []
    assert home.drawdown("status").returncode == exits.NOT_RUNNING

    with home.in_foreground("PostgreSQL is ready") as told:
        pass
    assert "Drawdown is ready" not in told.read_text()

    with home.in_foreground("everything is ready") as told:
        after = home.status()
        assert home.front("GET", f"/api/funds/{made['id']}")["name"] == FUND["name"]
    assert "Drawdown is ready" in told.read_text()
    assert {**after, "services": 0, "servers": 0} == {**before, "services": 0, "servers": 0}


# ---- as an ordinary user


def _of_somebody_else(directory: Directory, port: int) -> Home:
    """A home of a user who has none, with an interpreter that this user may run."""
    uid = _SOMEBODY.pw_uid
    folder = directory.path / "theirs"
    folder.mkdir()
    subprocess.run(["cp", "-r", str(cache.folder(directory)), str(folder / "drawdown")], check=True)
    python = _interpreter(folder)
    home = Home(
        Directory.at(folder / "data"),
        port,
        python=str(python),
        uid=uid,
        environment={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "XDG_CACHE_HOME": str(folder)},
    )
    subprocess.run(["chown", "-R", f"{uid}:{_SOMEBODY.pw_gid}", str(folder)], check=True)
    return home


def _interpreter(folder: Path) -> Path:
    """An environment like ours for somebody who may not read ours: root's Python often lies in root's home."""
    candidates = (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}", "/usr/bin/python3")
    readable = next(path for path in candidates if _may_run(path))
    subprocess.run([readable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    ours = Path(sys.executable).parent.parent
    (site / "ours.pth").write_text(f"{next(ours.glob('lib/python*/site-packages'))}\n{Path(__file__).parents[2]}\n")
    (folder / "venv" / "bin" / "dbmate").symlink_to(ours / "bin" / "dbmate")
    return folder / "venv" / "bin" / "python"


def _may_run(path: str) -> bool:
    same = f"import sys; sys.exit(sys.version_info[:2] != ({sys.version_info.major}, {sys.version_info.minor}))"
    with contextlib.suppress(OSError):
        return not subprocess.run(
            [path, "-c", same],
            user=_SOMEBODY.pw_uid,
            group=_SOMEBODY.pw_gid,
            extra_groups=[],
            cwd="/",
            check=False,
            capture_output=True,
        ).returncode
    return False
