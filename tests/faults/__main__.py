"""``python -m tests.faults`` runs a campaign of faults and writes what came of it; it ends with 0 only if all is right.

The seed is printed; ``--seed S --first-chapter N --chapters 1`` runs one chapter of it again.
"""

import argparse
import asyncio
import secrets
import signal
import sys
from pathlib import Path

from tests.faults.campaign import Asked, Campaign
from tests.faults.report import write


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument("--kills", type=int, default=1_000, help="SIGKILLs at random")
    parser.add_argument("--hits", type=int, default=20, help="of each crash point")
    parser.add_argument("--round-kills", type=int, default=25, help="faults between two checks at rest")
    parser.add_argument("--chapter-rounds", type=int, default=8, help="rounds on one ledger")
    parser.add_argument("--first-chapter", type=int, default=1)
    parser.add_argument("--chapters", type=int, default=0, help="0: as many as it takes")
    parser.add_argument("--patience-seconds", type=int, default=60, help="from the last fault to rest")
    parser.add_argument("--most-minutes", type=int, default=120)
    parser.add_argument("--keep-going", action="store_true", help="do not stop where something is wrong")
    parser.add_argument("--report", type=Path, help="where to write the report (Markdown; JSON beside it)")
    told = parser.parse_args()
    asked = Asked(
        seed=told.seed,
        kills=told.kills,
        hits=told.hits,
        round_kills=told.round_kills,
        chapter_rounds=told.chapter_rounds,
        first_chapter=told.first_chapter,
        chapters=told.chapters,
        patience_seconds=told.patience_seconds,
        most_seconds=60 * told.most_minutes,
        keep_going=told.keep_going,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended first, as on Ctrl-C
    _say(f"seed {asked.seed}")
    outcome = asyncio.run(Campaign(asked, _say).run())
    text, right = write(outcome, told.report)
    _say(text)
    for path in outcome.kept:
        _say(f"kept: {path}")
    if not right and outcome.chapters:
        last = outcome.chapters[-1]
        _say(f"again: python -m tests.faults --seed {asked.seed} --first-chapter {last} --chapters 1")
    return 0 if right else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
