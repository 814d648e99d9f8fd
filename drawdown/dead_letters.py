"""``drawdown dead-letters``: records that no service could understand: look at them, send them again, close them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from drawdown.addresses import SERVICES
from drawdown.asking import answer, front, pages
from drawdown.options import DEFAULT_DATA, Data, Json

app = typer.Typer(no_args_is_help=True, help="Look at dead letters: records that could never be understood.")

Service = Annotated[str, typer.Argument(help=f"The reader that failed: {', '.join(SERVICES)}.")]
Number = Annotated[int, typer.Argument(metavar="ID", min=1)]
Reason = Annotated[str, typer.Option(help="Why; it goes on record.")]

_SHOWN_BYTES: Final = 2_000


@app.command("list")
def list_(
    data: Data = DEFAULT_DATA,
    service: Annotated[str | None, typer.Option(help="Of this reader only.")] = None,
    state: Annotated[str | None, typer.Option(help="Only open, replayed or discarded ones.")] = None,
    json_output: Json = False,
) -> None:
    """Every dead letter, newest first."""
    with front(data) as http:
        letters = [
            {"service": name, **letter}
            for name in ([service] if service else SERVICES)
            for letter in pages(http, f"/api/{name}/dead-letters", {"state": state} if state else {})
        ]
    if json_output:
        print(json.dumps(letters, indent=2, ensure_ascii=False))
    else:
        Console().print(as_table(letters) if letters else "no dead letters")


@app.command()
def show(service: Service, letter_id: Number, data: Data = DEFAULT_DATA, json_output: Json = False) -> None:
    """One of them, with what it says."""
    with front(data) as http:
        letter = answer(http.get(f"/api/{service}/dead-letters/{letter_id}"))
    if json_output:
        print(json.dumps(letter, indent=2, ensure_ascii=False))
        return
    console = Console()
    for name in ("topic", "partition", "offset", "incarnation", "reason", "detail", "recorded_at", "state", "bytes"):
        console.print(f"{name:<12} {letter[name]}", highlight=False, markup=False, soft_wrap=True)
    text = letter["payload_text"]
    console.print()
    console.print(
        text[:_SHOWN_BYTES] if text is not None else f"(not text; base64) {letter['payload_base64'][:_SHOWN_BYTES]}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


@app.command()
def replay(service: Service, letter_id: Number, reason: Reason, data: Data = DEFAULT_DATA) -> None:
    """Send its bytes to its topic again, for instance after the reader was mended."""
    _decide(data, service, letter_id, "replay", reason)


@app.command()
def discard(service: Service, letter_id: Number, reason: Reason, data: Data = DEFAULT_DATA) -> None:
    """Close it; its bytes stay."""
    _decide(data, service, letter_id, "discard", reason)


def as_table(letters: Sequence[dict[str, Any]]) -> Table:
    """One line per letter: whose it is, where it stood, and why it is here."""
    table = Table(box=None, pad_edge=False)
    for name in ("service", "id", "place", "state", "reason"):
        table.add_column(name, no_wrap=True)
    table.add_column("detail")
    for letter in letters:
        table.add_row(
            letter["service"],
            str(letter["id"]),
            f"{letter['topic']}/{letter['partition']}@{letter['offset']}",
            letter["state"],
            letter["reason"],
            letter["detail"][:120],
        )
    return table


def _decide(data: Path, service: str, letter_id: int, action: str, reason: str) -> None:
    with front(data) as http:
        letter = answer(http.post(f"/api/{service}/dead-letters/{letter_id}/{action}", json={"reason": reason}))
    Console().print(f"dead letter {letter_id} of {service} is {letter['state']}", highlight=False)
