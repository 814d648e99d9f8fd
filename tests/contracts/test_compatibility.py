"""Promises of the rule that guards published versions."""

import copy
from typing import Any

import pytest

from tests.contracts.compatibility import breaks

OLD: dict[str, Any] = {
    "properties": {"id": {"type": "integer"}, "state": {"enum": ["open", "resolved"]}, "note": {"type": "string"}},
    "required": ["id", "state"],
    "$defs": {"Part": {"properties": {"amount": {"type": "string"}}, "required": ["amount"]}},
}


def changed(path: str, value: object) -> dict[str, Any]:
    """A copy in which one place holds something else; None takes it out."""
    new = copy.deepcopy(OLD)
    *steps, last = path.split("/")
    place = new
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return new


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        changed("properties/colour", {"type": "string"}),
        changed("properties/id/description", "who it is"),
        changed("$defs/Part/properties/why", {"type": "string"}),
    ],
)
def test_optional_members_and_words_may_come(new: dict[str, Any]) -> None:
    """Readers ignore what they do not know, and words change nothing."""
    assert breaks(OLD, new) == []


@pytest.mark.parametrize(
    "new",
    [
        changed("properties/note", None),
        changed("properties/id/type", "string"),
        changed("properties/state/enum", ["open", "resolved", "lost"]),
        changed("properties/note/maxLength", 3),
        changed("required", ["id", "state", "note"]),
        changed("required", ["id"]),
        changed("$defs/Part/properties/amount/type", "integer"),
        changed("$defs/Part", None),
    ],
)
def test_everything_else_is_the_next_version(new: dict[str, Any]) -> None:
    """A member that goes, changes, or becomes needed breaks somebody."""
    assert breaks(OLD, new) != []
