"""``drawdown <command>``: each command is a module of its own, imported when it is asked for."""

import importlib
import sys
from collections.abc import Sequence
from typing import Final

import typer

# command → where it is: a function, or a Typer app with commands below it
COMMANDS: Final = {
    "up": "drawdown.up:up",
    "down": "drawdown.down:down",
    "status": "drawdown.status:status",
    "demo": "drawdown.demo:demo",
    "feed": "drawdown.feed:feed",
    "import": "drawdown.import_history:import_history",
    "holds": "drawdown.holds:app",
    "lag": "drawdown.lag:lag",
    "check": "drawdown.check.command:check",
    "dead-letters": "drawdown.dead_letters:app",
    "profiles": "drawdown.profiles:app",
    "reserves": "drawdown.reserves:app",
    "rebuild": "drawdown.rebuild:rebuild",
    "audit": "drawdown.audit:app",
}


def build(arguments: Sequence[str]) -> typer.Typer:
    """The command line for these arguments: with the command they name, or, to show what there is, with all."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(root)
    named = next((argument for argument in arguments if not argument.startswith("-")), "")
    for name in [named] if named in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def root() -> None:
    """Drawdown: an event-driven capital-call ledger for private-market funds.

    Commands talk to a running stack (`drawdown up`) over HTTP and Kafka; each takes --data DIR.
    """


def main() -> None:
    """The entry point of the installed command."""
    build(sys.argv[1:])(prog_name="drawdown")


if __name__ == "__main__":
    main()
