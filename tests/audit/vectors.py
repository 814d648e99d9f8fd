"""Test vectors of the chain's hashes, made by neither of the two programs that compute them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Final

from services.audit.domain import Facts

VECTORS: Final[list[dict[str, str]]] = json.loads((Path(__file__).parent / "vectors.json").read_text())


def facts_of(metadata: str) -> Facts:
    """The facts that a vector's metadata say."""
    told = json.loads(metadata)
    told[5] = None if told[5] is None else bytes.fromhex(told[5])
    told[16:] = [None if t is None else datetime.fromisoformat(t) for t in told[16:]]
    return Facts(*told)
