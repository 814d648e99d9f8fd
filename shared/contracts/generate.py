"""``python -m shared.contracts.generate [--check]``: writes the contracts' documents, or says which are not current."""

import sys
from pathlib import Path
from typing import Final

from shared.contracts import CONTRACTS
from shared.contracts.documents import asyncapi_text, schema_text

_ROOT: Final = Path(__file__).resolve().parents[2]
SCHEMAS: Final = _ROOT / "shared" / "contracts" / "schemas"
ASYNCAPI: Final = _ROOT / "docs" / "asyncapi" / "drawdown.json"


def documents() -> dict[Path, str]:
    """Every generated file and what it should say."""
    return {SCHEMAS / f"{contract.type()}.json": schema_text(contract) for contract in CONTRACTS} | {
        ASYNCAPI: asyncapi_text()
    }


def stale() -> list[Path]:
    """The generated files that are missing, differ, or belong to no contract."""
    wanted = documents()
    differ = [path for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text]
    return differ + sorted(set(SCHEMAS.glob("*.json")) - set(wanted))


def write() -> None:
    """Brings every generated file up to date, and removes those of no contract."""
    for path in stale():
        path.unlink(missing_ok=True)
    for path, text in documents().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def main(arguments: list[str]) -> int:
    """Writes the documents; with ``--check`` only names the stale ones, and fails when there are any."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write("usage: python -m shared.contracts.generate [--check]\n")
        return 2
    if not arguments:
        write()
        return 0
    behind = stale()
    for path in behind:
        sys.stderr.write(f"{path.relative_to(_ROOT)} is not what the contracts say; run `make schemas`\n")
    return 1 if behind else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
