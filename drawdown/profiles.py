"""``drawdown profiles``: how each bank writes its CSV: see what is saved, save what is new."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from drawdown import exits
from drawdown.asking import answer, front, pages
from drawdown.options import DEFAULT_DATA, Data, Json

app = typer.Typer(no_args_is_help=True, help="Profiles: how each bank writes its CSV files.")

Name = Annotated[str, typer.Argument(help="The profile's name, such as bank-of-example-usd.")]


@app.command("list")
def list_(data: Data = DEFAULT_DATA, json_output: Json = False) -> None:
    """The newest version of every profile, by name."""
    with front(data) as http:
        profiles = list(pages(http, "/api/bank-profiles", {}))
    if json_output:
        print(json.dumps(profiles, indent=2, ensure_ascii=False))
    else:
        Console().print(as_table(profiles) if profiles else "no profiles")


@app.command()
def show(
    name: Name,
    data: Data = DEFAULT_DATA,
    version: Annotated[int | None, typer.Option(min=1, help="This version instead of the newest.")] = None,
    json_output: Json = False,
) -> None:
    """One profile as it was saved; its JSON is what `save` takes."""
    with front(data) as http:
        versions = pages(http, f"/api/bank-profiles/{name}", {})
        found = next((one for one in versions if version in {None, one["version"]}), None)
    if found is None:
        Console(stderr=True).print(f"the profile {name} has no version {version}", highlight=False)
        raise typer.Exit(exits.USAGE)
    if json_output:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    console = Console()
    for member in ("name", "version", "created_by", "created_at"):
        console.print(f"{member:<12} {found[member]}", highlight=False, markup=False, soft_wrap=True)
    console.print()
    text = json.dumps(found["definition"], indent=2, ensure_ascii=False)
    console.print(text, highlight=False, markup=False, soft_wrap=True)


@app.command()
def save(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A profile as JSON.")],
    data: Data = DEFAULT_DATA,
) -> None:
    """Save a profile, with its name and its definition, as the next version of its name."""
    profile = _read(file)
    with front(data) as http:
        response = http.post("/api/bank-profiles", json=profile)
        if response.status_code == 422:
            for error in response.json().get("errors", ()):
                where = ".".join(str(part) for part in error["loc"][1:])
                Console(stderr=True).print(f"{where}: {error['msg']}", highlight=False, markup=False, soft_wrap=True)
        saved = answer(response)
    what = "is the newest already" if response.status_code == 200 else "is saved"
    Console().print(f"version {saved['version']} of {saved['name']} {what}", highlight=False)


def as_table(profiles: Sequence[dict[str, Any]]) -> Table:
    """One line per profile: its newest version, and who saved that when."""
    table = Table(box=None, pad_edge=False)
    for name in ("name", "version", "created_by", "created_at"):
        table.add_column(name, no_wrap=True)
    for one in profiles:
        table.add_row(one["name"], str(one["version"]), one["created_by"], one["created_at"])
    return table


def _read(file: Path) -> dict[str, Any]:
    """The name and the definition of a file; what `show --json` adds to them is left out."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        told, why = None, str(problem)
    else:
        why = 'it must be an object with "name" and "definition"'
    if not isinstance(told, dict) or not {"name", "definition"} <= set(told):
        Console(stderr=True).print(f"{file} is no profile: {why}", highlight=False, markup=False, soft_wrap=True)
        raise typer.Exit(exits.USAGE)
    return {"name": told["name"], "definition": told["definition"]}
