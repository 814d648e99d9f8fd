"""Promises to whoever sends anything at all: every route of every OpenAPI document, fuzzed through the front.

Schemathesis makes the requests from the committed documents: each boundary of each value once (its coverage phase),
then seeded random ones, right and wrong by the schema. The house has real entities, and ids are bent to theirs.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.config import HealthCheck
from schemathesis.generation import GenerationMode
from schemathesis.schemas import BaseSchema

from shared.http import encode_cursor
from shared.ids import LARGEST
from tests.support.desk import DUE, Desk
from tests.support.house import House

SEED: Final = 20260302
RANDOM_CASES: Final = 20  # of each operation, besides the boundaries
DOCUMENTS: Final = Path(__file__).parents[2] / "docs" / "openapi"
SERVICES: Final = ("allocations", "payments", "metrics", "audit")

# A request that is right by the schema may still be refused as wrong, for what no schema can say. Each code, and why:
BEYOND_SCHEMA: Final = {
    "cursor_unreadable": "a cursor is opaque, and belongs to one list",
    "idempotency_key_reused": "whether a key came before with another body is history",
}
PROBLEM: Final = ("type", "title", "detail", "code", "recommendation")

schemathesis.openapi.format(
    "cursor",
    st.one_of(
        st.builds(encode_cursor, st.integers(1, LARGEST)),
        st.builds(encode_cursor, st.dates(date(2020, 1, 1)), st.integers(1, LARGEST)),
        st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=40),
    ),
)


@dataclass(frozen=True, slots=True)
class Corner:
    """Entities that one operation may use up, by the names that ids of their kind have in paths and bodies."""

    ids: Mapping[str, tuple[int, ...]]

    def bend(self, name: str, value: object) -> object:
        """An id of an entity in place of an invented one; what is no id stays."""
        known = self.ids.get(name)
        if not known or type(value) is not int or not 0 < value < LARGEST:
            return value
        return known[value % len(known)]

    def bend_all(self, value: object) -> object:
        """A body with every id in it bent."""
        if isinstance(value, list):
            return [self.bend_all(each) for each in value]
        if isinstance(value, dict):
            return {name: self.bend(name, self.bend_all(each)) for name, each in value.items()}
        return value


def operations() -> list[tuple[str, str, str]]:
    found = []
    for service in SERVICES:
        document = json.loads((DOCUMENTS / f"{service}.json").read_text())
        found += [(service, method, path) for path, item in document["paths"].items() for method in item]
    return found
