"""Promises of the corpus about itself: how large it is, and that its table of contents is true."""

import re
from collections.abc import Mapping, Sized
from pathlib import Path
from typing import Final

from tests.corpus import (
    files_bai2,
    files_camt,
    files_container,
    files_csv,
    files_mt940,
    files_ofx,
    test_events,
    test_framing,
    test_many,
    test_rest,
    topics,
)

README: Final = Path(__file__).with_name("README.md")
LEAST: Final = 300

WIRE: Final = (*test_framing.BOOKED, *test_framing.REFUSED, *test_framing.CODECS, "null-key-and-value", "aborted")
PARALLEL: Final = ("one-key", "one-reference", "one-fund", "slow-body")
COUNTED: Final[Mapping[str, Sized]] = {
    **{f"{name}.py": cases for name, cases in test_events.TABLES.items()},
    **{f"{name}.py": asks for name, asks in test_rest.TABLES.items()},
    "topics.py": topics.CASES,
    "files_bai2.py": files_bai2.CASES,
    "files_camt.py": files_camt.CASES,
    "files_container.py": files_container.CASES,
    "files_csv.py": files_csv.CASES,
    "files_mt940.py": files_mt940.CASES,
    "files_ofx.py": files_ofx.CASES,
    "test_framing.py": WIRE,
    "test_many.py": (*test_many.SMUGGLED, *PARALLEL),
}


def test_the_table_of_contents_is_true() -> None:
    """Each table is named with as many cases as it has, and the sum is their sum."""
    text = README.read_text(encoding="utf-8")
    told = {name: int(count) for name, count in re.findall(r"^\| .* \| `(\S+)` \| (\d+) \|$", text, re.MULTILINE)}
    assert told == {name: len(cases) for name, cases in COUNTED.items()}
    (total,) = re.findall(r"^\| \*\*all\*\* \| \| \*\*(\d+)\*\* \|$", text, re.MULTILINE)
    assert int(total) == sum(told.values())


def test_the_corpus_is_large_enough() -> None:
    """Three hundred cases at the least, each under a name of its own."""
    assert sum(map(len, COUNTED.values())) >= LEAST
    for cases in (*test_events.TABLES.values(), topics.CASES):
        names = [str(case) for case in cases]
        assert len(names) == len(set(names))
    asked = [str(ask) for asks in test_rest.TABLES.values() for ask in asks]
    assert len(asked) == len(set(asked))
