"""Reports on the structure of a checkout: `python -m checks.structure [DIRECTORY]`.

The command `trace` records which modules a registration calls. The command `changes` counts the files of each
change. Each command has its own `--help`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from checks.structure.files_per_change import UnknownChangeError, changes_of
from checks.structure.files_per_change import as_markdown as changes_as_markdown
from checks.structure.report import as_json, as_markdown, measure
from checks.structure.source_tree import SourceTree
from checks.structure.trace import report as trace_report
from checks.structure.trace.traced_registration import TraceError, traced_registration

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)

Directory = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A checkout.")]
Json = Annotated[Path | None, typer.Option("--json", help="Write JSON to this file as well.")]


@app.command()
def report(directory: Directory = Path(), json_file: Json = None) -> None:
    """Print the structure of a checkout as Markdown. This is the default command."""
    structure = measure(SourceTree(directory.resolve()))
    if json_file is not None:
        json_file.write_text(as_json(structure), "utf-8")
    typer.echo(as_markdown(structure), nl=False)


@app.command()
def trace(
    directory: Directory = Path(),
    json_file: Json = None,
    python: Annotated[
        Path | None, typer.Option(help="The checkout's interpreter; by default its .venv/bin/python.")
    ] = None,
) -> None:
    """Start the checkout's local stack, register one person, and print which modules are called."""
    tree = SourceTree(directory.resolve())
    interpreter = python or tree.root / ".venv" / "bin" / "python"
    try:
        logs = traced_registration(tree.root, interpreter, lambda text: typer.echo(text, err=True))
        found = trace_report.trace_of(logs, tree)
    except TraceError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    if json_file is not None:
        json_file.write_text(as_json(found), "utf-8")
    typer.echo(trace_report.as_markdown(found), nl=False)


@app.command()
def changes(
    file: Annotated[
        Path, typer.Argument(exists=True, help="A list: each line has a commit or a range a..b, then a name.")
    ],
    directory: Annotated[Path, typer.Option("--in", exists=True, help="The repository.")] = Path(),
) -> None:
    """Print how many files each change of a list modifies."""
    try:
        found = changes_of(file.read_text("utf-8"), directory)
    except UnknownChangeError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    typer.echo(changes_as_markdown(found), nl=False)


def with_command(words: Sequence[str]) -> list[str]:
    """Return the arguments, with the command `report` added if they have no command."""
    commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
    return [*([] if words[:1] == ["--help"] or set(words[:1]) & commands else ["report"]), *words]


if __name__ == "__main__":
    app(args=with_command(sys.argv[1:]))
