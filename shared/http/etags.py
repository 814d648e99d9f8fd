"""Strong ETags that are versions, and the conditions that name them (RFC 9110)."""

import re
from collections.abc import Collection
from typing import Final

_TAG: Final = re.compile(r'(W/)?"([^"]*)"')
_VERSION: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


def etag(version: int) -> str:
    """The strong tag of a version."""
    return f'"{version}"'


def versions_of(if_match: str, current: int) -> Collection[int]:
    """The versions that an If-Match is true for: those of its strong tags, or the current one where any will do."""
    if if_match.strip() == "*":
        return {current}
    return {int(tag) for weak, tag in _TAG.findall(if_match) if not weak and _VERSION.fullmatch(tag)}
