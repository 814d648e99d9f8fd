"""Promises of lists: every row once, in order, whatever comes in between; and no cursor of anyone else's."""

import base64
from datetime import UTC, date, datetime

import httpx
import pytest

from shared.http import Problem, decode_cursor, encode_cursor
from tests.shared.http.notes import StubRuntime


async def test_pages_show_every_row_once(http: httpx.AsyncClient, runtime: StubRuntime) -> None:
    """Rows that come in while somebody pages neither repeat nor hide another."""
    await runtime.pool.execute("insert into note (fund_id, text) select 1, 'x' from generate_series(1, 25)")
    seen: list[int] = []
    query: dict[str, str] = {"limit": "10"}
    while True:
        page = (await http.get("/api/notes", params=query)).json()
        seen += [item["id"] for item in page["items"]]
        await runtime.pool.execute("insert into note (fund_id, text) values (1, 'late')")
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == list(range(25, 0, -1))


async def test_an_empty_list_is_a_page(http: httpx.AsyncClient) -> None:
    """Nothing is an answer too."""
    assert (await http.get("/api/notes")).json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    "values", [(17,), ("2026", 3), (date(2026, 3, 15), 2**63 - 1), (datetime(2026, 3, 2, 9, 31, tzinfo=UTC),)]
)
def test_a_cursor_comes_back_as_it_went(values: tuple[int | str | date, ...]) -> None:
    """Every kind of sort key survives, in characters that need no escape in an address."""
    text = encode_cursor(*values)
    assert text.replace("-", "").replace("_", "").isalnum()
    assert decode_cursor(text, *map(type, values)) == values


def test_no_cursor_is_the_first_page() -> None:
    """Absent is not wrong."""
    assert decode_cursor(None, int) is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "!", "17", "====", "é", "W10", "bnVsbA"),
        encode_cursor("17"),
        encode_cursor(17, 17),
        encode_cursor(None),
        encode_cursor(2**63),
        base64.urlsafe_b64encode(b"[true]").decode(),
        base64.urlsafe_b64encode(b"[1.0]").decode(),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    ],
)
def test_a_cursor_of_something_else_is_400(text: str) -> None:
    """Whatever it is, it never reaches the database."""
    with pytest.raises(Problem) as refused:
        decode_cursor(text, int)
    assert (refused.value.status_code, refused.value.code) == (400, "cursor_unreadable")


@pytest.mark.parametrize(("value", "kind"), [("a\0b", str), ("2026-02-30", date), ("2026-03-02T09:31:00", datetime)])
def test_a_value_of_the_wrong_kind_is_400(value: str, kind: type) -> None:
    """Text that the database could not take, days that do not exist, times without an offset."""
    with pytest.raises(Problem):
        decode_cursor(encode_cursor(value), kind)
