"""Every room has its tests, and every service's README names what it touches."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

import services
import shared
from shared import topics
from shared.contracts import BY_TOPIC
from tests.tidy import tree

ROOMS = ("domain", "store", "handlers", "consumer", "api", "app")


def rooms_of(service: str, names: Iterable[str]) -> list[str]:
    """The rooms among the paths of a service's files: `services/audit/store/rows.py` is the room `store`."""
    prefix = f"services/{service}/"
    tops = {name.removeprefix(prefix).split("/")[0].removesuffix(".py") for name in names if name.startswith(prefix)}
    return [room for room in (*ROOMS, "feeds") if room in tops]


def untested(service: str, names: Iterable[str]) -> list[str]:
    """Rooms that have neither `test_<room>.py`, nor `test_<room>_….py`, nor a folder of tests named for them."""
    names = list(names)
    tests = [name for name in names if name.startswith(f"tests/{service}/")]
    return [
        room
        for room in rooms_of(service, names)
        if not any(
            re.match(rf"tests/{service}/(?:test_{room}(?:_\w+)?\.py|{room}/test_\w+\.py)$", name) for name in tests
        )
    ]


def topics_of(source: str) -> set[str]:
    """Logical names of the topics that a source text speaks of: by constant, by contract, or all at once."""
    if re.search(r"\btopics\.ALL\b", source):
        return set(topics.ALL)
    constants = {name.lower().replace("_", ".", 1) for name in re.findall(r"\btopics\.([A-Z_]+)\b", source)}
    contracts = {topic for topic, contract in BY_TOPIC.items() if re.search(rf"\b{contract.__name__}\b", source)}
    return (constants & set(topics.ALL)) | contracts


def tables_of(migration: str) -> set[str]:
    """Tables that a migration leaves behind."""
    up = migration.split("-- migrate:down", maxsplit=1)[0]
    made = re.findall(r"create\s+(?:unlogged\s+)?table\s+(?:if not exists\s+)?(?:\w+\.)?(\w+)", up, re.IGNORECASE)
    return set(made)


def _names() -> list[str]:
    return [tree.name(path) for path in tree.files()]


@pytest.mark.parametrize("service", tree.SERVICES)
def test_every_room_has_its_test_file(service: str) -> None:
    """A rule, a statement, a use case or a route without a test file is not finished."""
    assert untested(service, _names()) == []


def test_a_room_without_tests_is_found() -> None:
    """A room whose test file is missing is named, whether it is a file or a package."""
    names = ["services/audit/store.py", "services/audit/domain/__init__.py", "tests/audit/test_store.py"]
    assert untested("audit", names) == ["domain"]
    assert untested("audit", [*names, "tests/audit/domain/test_chain.py"]) == []


@pytest.mark.parametrize("service", tree.SERVICES)
def test_readme_names_every_topic(service: str) -> None:
    """Who opens a service's README sees each topic that its code reads or writes."""
    source = "\n".join(path.read_text() for path in tree.python(f"services/{service}"))
    readme = _readme(service)
    spoken = topics_of(source)
    assert spoken
    assert [topic for topic in sorted(spoken) if topic not in readme] == []


@pytest.mark.parametrize("service", tree.SERVICES)
def test_readme_names_every_table(service: str) -> None:
    """Who opens a service's README sees each table that its migrations make."""
    folder = tree.ROOT / "services" / service / "migrations"
    tables = {table for path in sorted(folder.glob("*.sql")) for table in tables_of(path.read_text())}
    assert tables
    assert [table for table in sorted(tables) if not re.search(rf"\b{table}\b", _readme(service))] == []


def test_topics_and_tables_are_recognised() -> None:
    """The readers of source texts find a topic's constant and a table's name."""
    assert topics_of("reads=[topics.FUND_CHANGED, topics.PAYMENT_HELD]") == {"fund.changed", "payment.held"}
    assert topics_of("Event(DealChanged.topic, key)") == {"deal.changed"}
    assert "audit.recorded" in topics_of("reads=topics.ALL")
    assert tables_of("-- migrate:up\ncreate table audit.entry (\n);\n-- migrate:down\ncreate table x ();") == {"entry"}


def test_services_and_shared_are_this_tree() -> None:
    """The packages that run are the ones in this checkout, not a copy elsewhere."""
    found = [Path(package.__file__ or "").parent for package in (services, shared)]
    assert found == [tree.ROOT / "services", tree.ROOT / "shared"]


def _readme(service: str) -> str:
    return (tree.ROOT / "services" / service / "README.md").read_text()
