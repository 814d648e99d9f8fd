"""``python -m services.allocations [serve|migrate|openapi|lifecycle]``."""

import sys
from collections.abc import Sequence
from pathlib import Path

from services.allocations.app import build
from services.allocations.domain import lifecycle
from shared.program import main


def show_lifecycle(_arguments: Sequence[str]) -> int:
    """Prints the page that draws the allocation's lifecycle."""
    sys.stdout.write(lifecycle.document())
    return 0


if __name__ == "__main__":
    main(
        "allocations",
        build,
        migrations=Path(__file__).parent / "migrations",
        commands={"lifecycle": show_lifecycle},
    )
