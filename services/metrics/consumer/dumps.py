"""Canonical dumps of the read model: the same state gives the same bytes, and two can be told apart row by row."""

import hashlib
import json
from collections.abc import Iterator
from typing import IO, Final, TypeAlias

from services.metrics import store
from shared.postgres import Connection

SHOWN_DIFFERENCES: Final = 5

Row: TypeAlias = tuple[tuple[int, int], str]  # (place of its table, id), JSON


async def write(db: Connection, file: IO[str], *, schema: str = "metrics") -> int:
    """All tables as lines of table name, tab, JSON, in id order; answers how many. Inside a transaction, in UTC."""
    rows = 0
    for table in store.TABLES:
        async for row in store.dump(db, table, schema=schema):
            file.write(f"{table}\t{row}\n")
            rows += 1
    return rows


def sha256(file: IO[str]) -> str:
    """The digest of a dump's bytes, in hexadecimal."""
    file.seek(0)
    digest = hashlib.sha256()
    for line in file:
        digest.update(line.encode())
    return digest.hexdigest()


def differences(live: IO[str], replayed: IO[str]) -> list[str]:
    """The first rows that differ, each with both sides; none where the dumps are equal, byte for byte."""
    if sha256(live) == sha256(replayed):
        return []
    found: list[str] = []
    ours, theirs = _rows(live), _rows(replayed)
    left, right = next(ours, None), next(theirs, None)
    while (left or right) and len(found) < SHOWN_DIFFERENCES:
        if left == right:
            left, right = next(ours, None), next(theirs, None)
            continue
        key = min(row[0] for row in (left, right) if row)
        found.append(_difference(key, left, right))
        if left and left[0] == key:
            left = next(ours, None)
        if right and right[0] == key:
            right = next(theirs, None)
    return found


def _difference(key: tuple[int, int], left: Row | None, right: Row | None) -> str:
    live = left[1] if left and left[0] == key else "(no row)"
    again = right[1] if right and right[0] == key else "(no row)"
    return f"{store.TABLES[key[0]]} {key[1]}\n  live     {live}\n  replayed {again}"


def _rows(file: IO[str]) -> Iterator[Row]:
    file.seek(0)
    for line in file:
        table, _, row = line.rstrip("\n").partition("\t")
        yield (store.TABLES.index(table), json.loads(row)["id"]), row
