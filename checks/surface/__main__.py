"""The command line: `python -m checks.surface record | compare`, with `--full` also database and topics."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from checks.surface import declarations, recording
from checks.surface.difference import differences, report
from checks.surface.modules import ForeignCode, folder
from checks.surface.recording import Files, as_json

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Records the surface that others rely on and reports where it has changed.",
)
Full = Annotated[
    bool,
    typer.Option("--full", help="Also schemas and topics, from a real database, broker and all processes."),
]


@app.command()
def record(full: Full = False) -> None:
    """Write the present surface over the recordings."""
    files = _surface(full)
    recording.write(files)
    typer.echo(f"recorded {', '.join(files)}")


@app.command()
def compare(full: Full = False) -> None:
    """Compare the present surface with the recordings; exit 1 where it differs."""
    files = _surface(full)
    found = {name: differences(name, recording.read(name), text) for name, text in files.items()}
    for name, lines in found.items():
        if lines:
            typer.echo(report(name, lines))
    if any(found.values()):
        typer.echo("where this is intended: python -m checks.surface record [--full]")
        raise typer.Exit(1)
    typer.echo(f"as recorded: {', '.join(files)}")


def _surface(full: bool) -> Files:
    try:
        files = declarations.surface()
        return _with_running(files) if full else files
    except (declarations.ProbeFailed, ForeignCode) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _with_running(files: Files) -> Files:
    """Add schemas and topics; the OpenAPI documents become those that the processes serve."""
    for service in declarations.SERVICES:
        folder(service)  # the harness migrates in this process: not another checkout's schema
    from checks.surface import live  # it imports the harness, which the fast comparison does without
    from checks.surface.system import SystemFailed

    try:
        more, served = live.surface()
    except SystemFailed as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    openapi = json.loads(files["openapi.json"])
    for service, document in served.items():
        openapi[service]["document"] = document
    return {**files, **more, "openapi.json": as_json(openapi)}


if __name__ == "__main__":
    app(prog_name="checks.surface")
