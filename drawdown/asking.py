"""Asking the running stack over its front, for every command that does: a client, an answer, and all pages of a list.

What goes wrong is said in a line on stderr, and ends the command with its exit code.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import typer
from rich.console import Console

from drawdown import exits
from drawdown.addresses import NotRunning, look_up

_PAGE_ITEMS: Final = 200


@contextmanager
def front(data: Path, *, timeout: httpx.Timeout | float = 10) -> Iterator[httpx.Client]:
    """A client of the stack's front; that nothing runs, or does not answer, is said in a line."""
    try:
        with httpx.Client(base_url=look_up(data).front, timeout=timeout, trust_env=False) as http:
            yield http
    except (NotRunning, httpx.TransportError) as problem:
        _say(str(problem))
        raise typer.Exit(exits.NOT_RUNNING) from None


def answer(response: httpx.Response) -> Any:
    """The answer's JSON; a problem is shown as it was told, and ends the command."""
    if response.is_success:
        return response.json()
    try:
        problem = response.json()
        told = " ".join(filter(None, [problem.get("detail"), problem.get("recommendation")]))
    except ValueError:
        told = f"the front answered {response.status_code}"
    _say(told)
    raise typer.Exit(exits.USAGE if response.status_code < 500 else exits.FAILED)


def pages(
    http: httpx.Client, path: str, parameters: Mapping[str, str], *, most: int | None = None
) -> Iterator[dict[str, Any]]:
    """The items of all pages of a list, or the first `most` of them."""
    left = most
    asked = dict(parameters)
    while left is None or left > 0:
        asked["limit"] = str(_PAGE_ITEMS if left is None else min(left, _PAGE_ITEMS))
        page = answer(http.get(path, params=asked))
        yield from page["items"]
        left = None if left is None else left - len(page["items"])
        if page["next"] is None:
            return
        asked["cursor"] = page["next"]


def _say(line: str) -> None:
    Console(stderr=True).print(line, highlight=False, markup=False, soft_wrap=True)
