"""Options that several operator commands share, and `refuse`, which ends a command with an error."""

from typing import Annotated, NoReturn

import typer

Partition = Annotated[int, typer.Option(min=0, max=11, help="Partition of participant-events.")]
Sequence = Annotated[int, typer.Option(min=1, help="Sequence of the event in its partition.")]
Reason = Annotated[str, typer.Option(help="The reason, stored with the event; no personal data.")]


def refuse(text: str) -> NoReturn:
    """Print the text to stderr and exit with code 1."""
    typer.echo(text, err=True)
    raise typer.Exit(1)
