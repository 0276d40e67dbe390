"""The command line: `python -m checks.surface record` or `compare`; `--full` adds schemas and topics."""

from __future__ import annotations

from typing import Annotated

import typer

from checks.surface import recordings
from checks.surface.compatibility.interface_versions import REMEDY, breaking_changes
from checks.surface.current_surface import UnreadableSurfaceError, surface
from checks.surface.difference import differences, report
from checks.surface.recordings import Files

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Records the surface of the services and reports changes to it.",
)
Full = Annotated[
    bool,
    typer.Option(
        "--full", help="Also schemas and topics, with a real database and broker and all processes."
    ),
]


@app.command()
def record(full: Full = False) -> None:
    """Overwrite the recordings with the current surface; exit 1 if that breaks clients of a version."""
    files = _surface(full)
    if _report_breaking(files):
        raise typer.Exit(1)
    recordings.write(files)
    typer.echo(f"recorded {', '.join(files)}")


@app.command()
def compare(full: Full = False) -> None:
    """Compare the current surface with the recordings; exit 1 if it differs, 2 if it cannot be read."""
    files = _surface(full)
    found = {name: differences(name, recordings.read(name), text) for name, text in files.items()}
    for name, lines in found.items():
        if lines:
            typer.echo(report(name, lines))
    if _report_breaking(files):
        raise typer.Exit(1)
    if any(found.values()):
        typer.echo("if the change is intended: python -m checks.surface record [--full]")
        raise typer.Exit(1)
    typer.echo(f"as recorded: {', '.join(files)}")


def _report_breaking(files: Files) -> bool:
    lines = breaking_changes({name: recordings.read(name) for name in files}, files)
    if lines:
        typer.echo("\n".join(["clients break:", *(f"  {line}" for line in lines), REMEDY]))
    return bool(lines)


def _surface(full: bool) -> Files:
    try:
        return surface(full=full)
    except UnreadableSurfaceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


if __name__ == "__main__":
    app(prog_name="checks.surface")
