"""A profile as JSON, there and back. What JSON holds is checked member by member, and each problem told in words."""

import types
import typing
import unicodedata
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from typing import Any, Final

from services.payments.feeds.csv_profile import Profile, check
from services.payments.feeds.model import Problem

_MOST_CHARACTERS: Final = 200
_MOST_ITEMS: Final = 50
_GIVEN_BESIDE: Final = frozenset({"name", "version"})  # of the row, not of the definition


def from_json(name: str, version: int, definition: object) -> Profile | tuple[Problem, ...]:
    """The profile that a definition describes, or everything that is wrong with it."""
    problems: list[Problem] = []
    members = _members(Profile, definition, "", problems)
    if problems:
        return tuple(problems)
    profile = Profile(name=name, version=version, **members)
    return check(profile) or profile


def to_json(profile: Profile) -> dict[str, Any]:
    """The definition, without what is as usual: equal profiles have equal definitions."""
    return {name: one for name, one in _json(profile).items() if name not in _GIVEN_BESIDE}


def _json(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, tuple):
        return [_json(one) for one in value]
    if not is_dataclass(value):
        return value
    return {
        one.name: _json(getattr(value, one.name))
        for one in fields(value)
        if getattr(value, one.name) != (one.default_factory() if one.default_factory is not MISSING else one.default)
    }


def _members(kind: type[Any], given: object, where: str, problems: list[Problem]) -> dict[str, Any]:
    """The members of a dataclass, as far as they are right."""
    if not isinstance(given, Mapping):
        problems.append(Problem(where or "definition", "must be an object"))
        return {}
    known = {one.name: one for one in fields(kind) if where or one.name not in _GIVEN_BESIDE}
    hints = typing.get_type_hints(kind)
    inside = f"{where}." if where else ""
    problems += [
        Problem(f"{inside}{str(name)[:40]}", f"is not known: there are {', '.join(known)}")
        for name in given
        if name not in known
    ]
    found = {}
    for name, one in known.items():
        if name in given:
            found[name] = _value(hints[name], given[name], inside + name, problems)
        elif one.default is MISSING and one.default_factory is MISSING:
            problems.append(Problem(inside + name, "is missing"))
    return found


def _value(kind: Any, given: object, where: str, problems: list[Problem]) -> Any:
    """A value of a type: text, number, flag, one of several words, a list, an object, or null where that is allowed."""
    kinds = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    if given is None and types.NoneType in kinds:
        return None
    for one in kinds:
        if typing.get_origin(one) is tuple:
            return _items(typing.get_args(one)[0], given, where, problems)
        if is_dataclass(one) and isinstance(one, type):
            before = len(problems)
            members = _members(one, given, where, problems)
            return one(**members) if len(problems) == before else None
        if issubclass(one, StrEnum) and given in list(one):
            return one(str(given))
        if type(given) is one:
            return _short(given, where, problems) if isinstance(given, str) else given
    problems.append(Problem(where, f"must be {_wanted(kinds)}"))
    return None


def _items(kind: Any, given: object, where: str, problems: list[Problem]) -> tuple[Any, ...]:
    if not isinstance(given, list) or len(given) > _MOST_ITEMS:
        problems.append(Problem(where, f"must be a list of at most {_MOST_ITEMS}"))
        return ()
    return tuple(_value(kind, one, where, problems) for one in given)


def _short(given: str, where: str, problems: list[Problem]) -> str:
    if len(given) > _MOST_CHARACTERS:
        problems.append(Problem(where, f"must have at most {_MOST_CHARACTERS} characters"))
    if any(unicodedata.category(one) in {"Cc", "Cs"} for one in given) and given != "\t":
        problems.append(Problem(where, "must have no control characters"))
    return given


def _wanted(kinds: tuple[Any, ...]) -> str:
    names = {str: "a text", int: "a whole number", bool: "true or false", types.NoneType: "null"}
    told = [
        f"one of {', '.join(one)}" if issubclass(one, StrEnum) else names[one] for one in kinds if not is_dataclass(one)
    ]
    return " or ".join(told)
