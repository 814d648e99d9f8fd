"""What the stack runs besides its servers: the four services and the front, each with its own environment."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from drawdown.addresses import Addresses
from drawdown.localstack.directory import Directory
from drawdown.localstack.processes import Program

# What must not reach a service: the administrator's password, and settings meant for one process only.
_OURS_ALONE: Final = (
    "DRAWDOWN_POSTGRES_URL",
    "DRAWDOWN_ADMIN_URL",
    "DRAWDOWN_TEST_",
    "DRAWDOWN_DATABASE_URL",
    "PYTEST_",
)


@dataclass(frozen=True, slots=True)
class Programs:
    """Makes the programs of one stack; `extra` is environment for all of them."""

    directory: Directory
    addresses: Addresses
    extra: Mapping[str, str]

    def service(self, name: str) -> Program:
        """One service, as its own database role. It is the only copy here, and says so to the broker: one that was
        killed gets its partitions back as soon as it is there again."""
        only_copy = {"DRAWDOWN_GROUP_INSTANCE_ID": f"{name}-1"}
        environment = {**self.service_environment(name), **only_copy}
        return self._program(name, "all", self.addresses.services[name], environment)

    def front(self) -> Program:
        """The pages, and the one address that forwards to every service."""
        services = {f"DRAWDOWN_{name.upper()}_URL": url for name, url in self.addresses.services.items()}
        return self._program("web", "front", self.addresses.front, services)

    def migration(self, name: str) -> Program:
        """Brings one service's schema to the newest version and sets its password; ends by itself."""
        secret = {
            "DRAWDOWN_ADMIN_URL": self.addresses.admin_url,
            "DRAWDOWN_ROLE_PASSWORD": self.directory.secret(name),
        }
        return Program(
            name=f"migrate-{name}",
            argv=[sys.executable, "-m", f"services.{name}", "migrate"],
            env={**self._environment(), **secret},
            log=self.directory.log("migrate"),
        )

    def service_environment(self, name: str) -> dict[str, str]:
        """What `python -m services.NAME <command>` needs to work on this stack."""
        return {
            "DRAWDOWN_DATABASE_URL": self.addresses.database_urls[name],
            "DRAWDOWN_KAFKA": self.addresses.kafka,
            "DRAWDOWN_TOPIC_PREFIX": self.addresses.topic_prefix,
            "DRAWDOWN_ACCOUNT_KEY": self.directory.secret("account_key"),
        }

    def _program(self, name: str, role: str, url: str, env: Mapping[str, str]) -> Program:
        module = "web" if name == "web" else f"services.{name}"
        return Program(
            name=name,
            argv=[sys.executable, "-m", module, "serve"],
            env={**self._environment(), "DRAWDOWN_HTTP_PORT": url.rpartition(":")[2], **env},
            log=self.directory.log(name),
            role=role,
            url=url,
            patience_seconds=25,  # a little more than a service gives itself
        )

    def _environment(self) -> dict[str, str]:
        outside = {name: value for name, value in os.environ.items() if not name.startswith(_OURS_ALONE)}
        return {**outside, "PYTHONUNBUFFERED": "1", "DRAWDOWN_DATA": str(self.directory.path), **self.extra}
