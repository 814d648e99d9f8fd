"""Who may import whom: the contracts of pyproject.toml are kept, and each of them can be broken."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.tidy import tree

# Contract id → a module that breaks it, and what it would say.
SEEDS = {
    "rooms": ("services/audit/helpers.py", '"""No room."""\n'),
    "rooms-of-payments": (
        "services/payments/consumer/extra.py",
        '"""Sees api."""\nfrom services.payments import api\n',
    ),
    "rooms-of-statements": ("services/payments/statements/helpers.py", '"""No room."""\n'),
    "rooms-of-imports": ("services/payments/imports/helpers.py", '"""No room."""\n'),
    "rooms-of-reallocation": ("services/allocations/reallocation/helpers.py", '"""No room."""\n'),
    "independence": ("services/metrics/store/extra.py", '"""Sees another."""\nimport services.audit.domain\n'),
    "downwards": ("drawdown/extra.py", '"""Sees a service."""\nimport services.audit.store\n'),
    "pure-rules": ("services/audit/domain/extra.py", '"""Waits."""\nimport asyncio\n'),
    "pure-feeds": ("services/payments/feeds/extra.py", '"""Reads the clock."""\nimport time\n'),
    "sql": ("services/audit/api/extra.py", '"""Speaks to the driver."""\nimport asyncpg\n'),
    "broker": ("services/audit/handlers/extra.py", '"""Speaks to the broker."""\nimport aiokafka\n'),
}


def lint_imports(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_rooms_import_downwards_only() -> None:
    """Every import contract is kept by the tree as it is."""
    done = lint_imports(tree.ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python files and pyproject.toml, elsewhere, with one module planted for each contract."""
    folder = tmp_path_factory.mktemp("house")
    for path in [*tree.python(*tree.PACKAGES), tree.ROOT / "pyproject.toml"]:
        target = folder / tree.name(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    for name, text in SEEDS.values():
        _plant(folder / name, text)
    return folder


def _plant(path: Path, text: str) -> None:
    """Write the module; a room that is a file becomes a package of the same name first."""
    room = path.parent
    if not room.is_dir():
        room.mkdir()
        room.with_suffix(".py").rename(room / "__init__.py")
    path.write_text(text)


@pytest.fixture(scope="module")
def verdicts(copy: Path) -> str:
    return lint_imports(copy).stdout


@pytest.mark.parametrize("contract", SEEDS)
def test_each_contract_can_be_broken(contract: str, verdicts: str) -> None:
    """The planted module is named by the report of a broken contract."""
    path, _ = SEEDS[contract]
    assert path.removesuffix(".py").replace("/", ".") in verdicts
    assert f"{_names()[contract]} BROKEN" in verdicts


def _names() -> dict[str, str]:
    contracts = tomllib.loads((tree.ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return {contract["id"]: contract["name"] for contract in contracts}


def test_every_contract_has_its_bad_example() -> None:
    """A new import contract comes with a module that breaks it."""
    assert set(_names()) == set(SEEDS)
