"""The command line of the notifier: `run`, `migrate`, `rules check FILE`, and the operator's commands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from notifier.cli import dead_messages, rules_check, webhooks
from notifier.cli import migrate as migrate_command
from notifier.processes import notifier

cli = typer.Typer(no_args_is_help=True, add_completion=False, help="Notifies officials of milestones.")
rules_cli = typer.Typer(no_args_is_help=True, help="The milestone rules.")
cli.add_typer(rules_cli, name="rules")
cli.add_typer(dead_messages.app, name="dead")
cli.add_typer(webhooks.app, name="webhooks")


@cli.command()
def run() -> None:
    """Evaluate every cut, deliver alerts and serve the HTTP interface until stopped."""
    notifier.run()


@cli.command()
def migrate(
    contract: Annotated[
        bool, typer.Option("--contract", help="Also remove what no running version uses.")
    ] = False,
) -> None:
    """Bring the database schema `notifier` up to date."""
    migrate_command.migrate(contract=contract)


@rules_cli.command()
def check(
    file: Annotated[Path, typer.Argument(help="The rules file.")],
    targets: Annotated[
        Path | None,
        typer.Option(help="The targets file; by default targets.yaml in the folder of the rules file."),
    ] = None,
) -> None:
    """Check a rules file and its targets file. Prints every error, and exits with 2 if there are any."""
    rules_check.check(file, targets or file.with_name("targets.yaml"))


if __name__ == "__main__":
    sys.exit(cli())
