"""``python -m services.payments [serve|migrate|openapi]``."""

from pathlib import Path

from services.payments.app import build
from shared.program import main

if __name__ == "__main__":
    main("payments", build, migrations=Path(__file__).parent / "migrations")
