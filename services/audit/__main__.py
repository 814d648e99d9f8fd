"""``python -m services.audit [serve|migrate|openapi|verify [--json] [--heads FILE]]``."""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.audit import handlers
from services.audit.app import build
from services.audit.domain import ChainId, Head, Walk
from shared.postgres import connect
from shared.program import main
from shared.settings import Settings


def run_verify(arguments: Sequence[str]) -> int:
    """0 when every chain is as it was written, 1 when one is not."""
    parser = argparse.ArgumentParser(prog="verify")
    parser.add_argument("--json", action="store_true", help="the verdict as JSON")
    parser.add_argument("--heads", type=Path, help="heads kept elsewhere, as GET /api/audit/heads gave them")
    options = parser.parse_args(arguments)
    walks = asyncio.run(_verify(Settings(), _kept(options.heads)))
    sys.stdout.write(_as_json(walks) if options.json else _as_text(walks))
    return 1 if any(walk.problems for walk in walks.values()) else 0


async def _verify(settings: Settings, kept: Mapping[ChainId, Head]) -> dict[ChainId, Walk]:
    db = await connect(settings.database_url.get_secret_value(), application="drawdown-audit-verify")
    try:
        return await handlers.verify(db, kept=kept)
    finally:
        await db.close()


def _kept(file: Path | None) -> dict[ChainId, Head]:
    heads = json.loads(file.read_text())["heads"] if file else []
    return {ChainId(h["topic"], h["partition"]): Head(h["sequence"], bytes.fromhex(h["hash"])) for h in heads}


def _as_json(walks: Mapping[ChainId, Walk]) -> str:
    chains = [
        {
            "topic": chain.topic,
            "partition": chain.partition,
            "sequence": walk.at.sequence,
            "hash": walk.at.hash.hex(),
            "erased": walk.erased,
            "problems": [{"sequence": p.sequence, "problem": p.problem, "detail": p.detail} for p in walk.problems],
        }
        for chain, walk in walks.items()
    ]
    return json.dumps({"verified": not any(c["problems"] for c in chains), "chains": chains}, indent=2) + "\n"


def _as_text(walks: Mapping[ChainId, Walk]) -> str:
    flaws = [
        f"{chain.topic}/{chain.partition}/{p.sequence}: {p.problem}: {p.detail}"
        for chain, walk in walks.items()
        for p in walk.problems
    ]
    entries = sum(walk.at.sequence for walk in walks.values())
    verdict = f"{len(flaws)} problems" if flaws else "all as written"
    return "\n".join([*flaws, f"audit: {entries:,} entries in {len(walks)} chains: {verdict}"]) + "\n"


if __name__ == "__main__":
    main("audit", build, migrations=Path(__file__).parent / "migrations", commands={"verify": run_verify})
