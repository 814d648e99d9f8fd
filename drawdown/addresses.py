"""Where a running stack is: for every command that talks to it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from drawdown.localstack.directory import Directory
from shared.migrate import role_of

SERVICES: Final = ("allocations", "payments", "metrics", "audit")
_FILE: Final = "stack.json"


class NotRunning(RuntimeError):
    """Nothing was ever started from that directory."""

    def __init__(self, data: Path) -> None:
        super().__init__(f"nothing runs from {data}; start it by `drawdown up --data {data}`")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Everything a client needs. `admin_url` and `database_urls` carry passwords: never print them."""

    front: str
    kafka: str
    topic_prefix: str
    services: Mapping[str, str]
    admin_url: str
    database_urls: Mapping[str, str]

    @property
    def postgres_url(self) -> str:
        """The database without its password, to show to people."""
        return without_password(self.admin_url)

    def save(self, directory: Directory) -> None:
        """Keep it for other processes of this user, for `look_up`."""
        directory.write(_FILE, asdict(self))


def look_up(data: Path) -> Addresses:
    """The addresses of the stack whose data directory this is; raises `NotRunning` where none was started."""
    content: dict[str, Any] = Directory(data.expanduser().resolve()).read(_FILE)
    if not content:
        raise NotRunning(data)
    return Addresses(**content)


def forget(directory: Directory) -> None:
    """What stood there no longer holds."""
    (directory.path / _FILE).unlink(missing_ok=True)


def role_url(admin_url: str, service: str, password: str) -> str:
    """The same database as the service's own role."""
    parts = urlsplit(admin_url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role_of(service)}:{quote(password, safe='')}@{host}"))


def without_password(url: str) -> str:
    """The URL as one may show it."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{name}@{host}" if name else host, query=""))
