"""The commands `webhooks disabled` and `webhooks enable`."""

from __future__ import annotations

from typing import Annotated

import typer

from notifier.cli.database_command import refuse, run
from notifier.store.disabled_webhooks import DisabledWebhooks

app = typer.Typer(no_args_is_help=True, help="Webhooks that answered 410 Gone and are not called.")


@app.command()
def disabled() -> None:
    """List the disabled webhooks, with the time of the answer that disabled each."""
    for name, since in run(lambda pool: DisabledWebhooks(pool).list_all()):
        typer.echo(f"{name}  since {since}")


@app.command()
def enable(name: Annotated[str, typer.Argument(help="The webhook's name in NOTIFIER_WEBHOOKS.")]) -> None:
    """Call a webhook again. Messages that were given up meanwhile are sent by `dead replay`."""
    if not run(lambda pool: DisabledWebhooks(pool).enable(name)):
        refuse(f"{name} is not disabled")
    typer.echo(f"{name} is enabled")
