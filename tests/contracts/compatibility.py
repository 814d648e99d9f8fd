"""The rule by which a version may grow: an optional member may be added; anything else is the next version."""

from typing import Any

_WORDS = {"title", "description", "examples", "$id", "$schema"}


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What the new schema of a version does that its readers or writers were not promised; empty where nothing."""
    found = _breaks("", old, new)
    for name, inner in old.get("$defs", {}).items():
        found += _breaks(f"{name}.", inner, new.get("$defs", {}).get(name, {}))
    return found


def _breaks(where: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    found = [f"{where}{name} is gone" for name in before if name not in after]
    found += [
        f"{where}{name} is not what it was"
        for name, was in before.items()
        if name in after and _bare(was) != _bare(after[name])
    ]
    for name in sorted(set(old.get("required", ())) ^ set(new.get("required", ()))):
        found.append(f"{where}{name} is {'no longer' if name in old.get('required', ()) else 'now'} required")
    return found


def _bare(schema: Any) -> Any:
    """A schema without what only people read."""
    if isinstance(schema, dict):
        return {name: _bare(value) for name, value in schema.items() if name not in _WORDS}
    if isinstance(schema, list):
        return [_bare(value) for value in schema]
    return schema
