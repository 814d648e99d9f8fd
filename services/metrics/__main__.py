"""``python -m services.metrics [serve|migrate|openapi|rebuild [--verify]]``."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from services.metrics.app import build
from services.metrics.consumer import rebuild
from shared.kafka.replay import LogIsGone
from shared.program import main
from shared.settings import Settings


def run_rebuild(arguments: Sequence[str]) -> int:
    """0 when done, or when live tables and replay are equal; 1 when they differ, or cannot be compared."""
    parser = argparse.ArgumentParser(prog="rebuild")
    parser.add_argument("--verify", action="store_true", help="replay beside the live tables, compare, touch nothing")
    verify = parser.parse_args(arguments).verify
    settings = Settings()
    try:
        return asyncio.run(_verify(settings) if verify else _rebuild(settings))
    except LogIsGone as gone:
        _say(f"metrics: cannot be replayed: {gone}")
        return 1


async def _verify(settings: Settings) -> int:
    verdict = await rebuild.verify(settings)
    replayed = f"{verdict.rows:,} rows live, {verdict.records:,} records replayed beside them"
    if not verdict.differences:
        _say(f"metrics: equal, byte for byte: {replayed} (sha256 {verdict.sha256})")
        return 0
    _say(f"metrics: live tables and replay differ: {replayed}; the first rows that differ:")
    for difference in verdict.differences:
        _say(difference)
    _say("Make them anew from the topics with: drawdown rebuild metrics")
    return 1


async def _rebuild(settings: Settings) -> int:
    records = await rebuild.rebuild(settings)
    _say(f"metrics: rebuilt from {records:,} records; prove it with: drawdown rebuild metrics --verify")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    main("metrics", build, migrations=Path(__file__).parent / "migrations", commands={"rebuild": run_rebuild})
