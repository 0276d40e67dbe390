"""The command line of the board: `python -m board serve`."""

from __future__ import annotations

import typer

from board.processes import board

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Shows the published counts.")


@cli.callback()
def commands() -> None:
    """Shows the published counts."""


@cli.command()
def serve() -> None:
    """Serve the page, the JSON and the event stream until stopped."""
    board.run()


if __name__ == "__main__":
    cli()
