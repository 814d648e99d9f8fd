"""Options that every command shares."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from drawdown.localstack.directory import DEFAULT

Data: TypeAlias = Annotated[Path, typer.Option("--data", metavar="DIR", help="Where this stack keeps everything.")]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="JSON on stdout, for programs.")]
DEFAULT_DATA = DEFAULT
