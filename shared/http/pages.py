"""Lists: pages by an opaque keyset cursor, never by offset, so rows that come in between neither repeat nor hide."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Final, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from shared.http.problems import Problem
from shared.ids import LARGEST

Item = TypeVar("Item")
Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=200, description="most items of one page")]
"""Use as ``limit: Limit = DEFAULT_LIMIT``."""
DEFAULT_LIMIT: Final = 50

Cursor = Annotated[
    str | None,
    Query(max_length=1_000, description="`next` of the page before", json_schema_extra={"format": "cursor"}),
]
"""Use as ``cursor: Cursor = None``."""

Key = int | str | date | datetime | None


class Page(BaseModel, Generic[Item]):
    """One page of a list; `next` is the cursor of the page after it, null on the last."""

    items: list[Item]
    next: str | None = None


def page(items: Sequence[object], next_cursor: str | None = None) -> dict[str, object]:
    """The answer of a list route."""
    return {"items": list(items), "next": next_cursor}


def page_of(
    rows: Sequence[Row], limit: int, *, key: Callable[[Row], tuple[Key, ...]], show: Callable[[Row], object]
) -> dict[str, object]:
    """The page of rows that were read with ``limit + 1``: the one too many says that there is a page after this."""
    shown = rows[:limit]
    more = len(rows) > limit
    return page([show(row) for row in shown], encode_cursor(*key(shown[-1])) if more else None)


def encode_cursor(*values: Key) -> str:
    """An opaque cursor that holds the sort key of the last row shown."""
    text = json.dumps([v.isoformat() if isinstance(v, date) else v for v in values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(text: str | None, *kinds: type) -> tuple[Key, ...] | None:
    """The values of a cursor, each of the kind named (``int``, ``str``, ``date``, ``datetime``); None for no cursor.

    Ends the request with 400 when it is not a cursor of this list.
    """
    if text is None:
        return None
    try:
        values = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        return tuple(_read(value, kind) for value, kind in zip(values, kinds, strict=True))
    except (ValueError, TypeError, RecursionError) as error:
        detail, advice = "cursor is not one of this list", "Begin again without a cursor."
        raise Problem(400, "cursor_unreadable", detail, advice) from error


def _read(value: object, kind: type) -> Key:
    if kind is int and type(value) is int and -LARGEST <= value <= LARGEST:
        return value
    if isinstance(value, str):
        if kind is str and "\0" not in value and value.isprintable():
            return value
        if kind is datetime:
            return _aware(datetime.fromisoformat(value))
        if kind is date:
            return date.fromisoformat(value)
    raise ValueError(value)


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError(value)
    return value
