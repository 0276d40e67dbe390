"""Checks the rules, for `rules check` and at startup. Invalid rules end the process with code 2."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import typer

from localization.region_names import load_region_names
from notifier.rules_file.reader import InvalidRulesError, Rules, check_webhooks, load_rules
from settings.contract_files import contract_path


def check(file: Path, targets: Path) -> None:
    """Print the numbers of rules, recipients and targets. If there are errors, print all and exit with 2."""
    rules = load_or_exit(file, targets)
    numbers = f"{len(rules.rules)} rules, {len(rules.recipients)} recipients, {len(rules.targets)} targets"
    typer.echo(f"{file}: {numbers}: valid")


def load_or_exit(file: Path, targets: Path, webhooks: Collection[str] | None = None) -> Rules:
    """Return the rules and targets, checked against the regions and the names of the configured webhooks.

    If `webhooks` is None, the names of webhooks are not checked. If there are errors, print all of them and
    exit with 2.
    """
    try:
        rules = load_rules(file, targets, load_region_names(contract_path("regions.csv")))
        if webhooks is not None:
            check_webhooks(rules, webhooks)
    except InvalidRulesError as error:
        typer.echo(f"{file} with {targets}: {len(error.errors)} errors:", err=True)
        for line in error.errors:
            typer.echo(f"  {line}", err=True)
        raise SystemExit(2) from None
    return rules
