"""How far a download is: a bar on stderr where a person looks, one plain line where nobody does."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

CONSOLE: Final = Console(stderr=True, highlight=False)


@contextmanager
def downloading(what: str, *, total_bytes: int) -> Iterator[Callable[[int], None]]:
    """Yields what to call with the size of each piece that came; nothing is shown until it is called."""
    columns = (
        TextColumn("downloading {task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=CONSOLE)
    task = bar.add_task(what, total=total_bytes)

    told = False

    def advance(count_bytes: int) -> None:
        nonlocal told
        if not told:
            told = True
            if CONSOLE.is_terminal:
                bar.start()
            else:
                CONSOLE.print(f"downloading {what}, {total_bytes / 1e6:.0f} MB, once …")
        bar.advance(task, count_bytes)

    try:
        yield advance
    finally:
        if bar.live.is_started:
            bar.stop()
