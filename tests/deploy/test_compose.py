"""docker-compose.yml says the same as the code, for no engine runs it here."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

from drawdown.addresses import SERVICES
from drawdown.topics import TopicSettings
from shared.settings import Settings
from web.settings import WebSettings

ROOT = Path(__file__).parents[2]
SERVERS = {"postgres", "kafka"}
JOBS = {"migrate", "topics"}
OF_MIGRATIONS = {"DRAWDOWN_ADMIN_URL", "DRAWDOWN_ROLE_PASSWORD"}  # read by `python -m services.X migrate`


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    found: dict[str, Any] = parsed["services"]
    return found


def names(settings: type[Settings | WebSettings | TopicSettings]) -> set[str]:
    return {f"DRAWDOWN_{field.upper()}" for field in settings.model_fields}


def test_every_program_of_the_house_is_there(services: dict[str, Any]) -> None:
    """The same services run in containers as on one machine, and no other."""
    assert services.keys() == {*SERVICES, "web", *SERVERS, *JOBS}
    for name in SERVICES:
        assert services[name]["command"] == ["python", "-m", f"services.{name}", "serve"]
        assert (ROOT / "services" / name / "__main__.py").exists()
    assert all(name in services["migrate"]["command"][-1] for name in SERVICES)


def test_every_setting_exists(services: dict[str, Any]) -> None:
    """A misspelled variable would be ignored in silence; a missing one would stop the program."""
    known = {
        **{name: names(Settings) for name in SERVICES},
        "web": names(WebSettings),
        "topics": names(TopicSettings),
        "migrate": OF_MIGRATIONS,
    }
    for name, allowed in known.items():
        assert set(services[name]["environment"]) <= allowed, name
    for name in SERVICES:
        needed = {f"DRAWDOWN_{field.upper()}" for field, info in Settings.model_fields.items() if info.is_required()}
        assert needed <= set(services[name]["environment"]), name
        assert f"//drawdown_{name}:" in services[name]["environment"]["DRAWDOWN_DATABASE_URL"]


def test_addresses_inside_are_allowed_and_meet(services: dict[str, Any]) -> None:
    """The front calls each service by a name that the service answers to, at the port where it listens."""
    for name in SERVICES:
        environment = services[name]["environment"]
        assert services["web"]["environment"][f"DRAWDOWN_{name.upper()}_URL"] == (
            f"http://{environment['DRAWDOWN_ALLOWED_HOSTS']}:{environment['DRAWDOWN_HTTP_PORT']}"
        )


def test_nothing_is_published_beyond_loopback(services: dict[str, Any]) -> None:
    """Until login exists, no other machine reaches any port."""
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_no_password_is_written_down(services: dict[str, Any]) -> None:
    """Secrets come from the person who runs it; without them nothing starts."""
    for name, service in services.items():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable:
                assert re.fullmatch(r"\$\{\w+:\?.*\}", value), name
            if "postgresql://" in value:
                assert re.search(r":\$\{\w+:\?\}@", value), name


def test_containers_may_do_little(services: dict[str, Any]) -> None:
    """Our own images run as nobody in particular, on a file system that they cannot write to."""
    for name in (*SERVICES, "web", *JOBS):
        assert services[name]["read_only"] is True
        assert services[name]["cap_drop"] == ["ALL"]
    assert re.search(r"^USER \d+", (ROOT / "deploy" / "Dockerfile").read_text(), re.MULTILINE)


def test_order_of_the_start(services: dict[str, Any]) -> None:
    """Services start on schemas and topics that are there; jobs on servers that answer."""
    for name in SERVICES:
        conditions = {job: on["condition"] for job, on in services[name]["depends_on"].items()}
        assert conditions == dict.fromkeys(JOBS, "service_completed_successfully")
    assert all("healthcheck" in services[name] for name in (*SERVERS, *SERVICES, "web"))
